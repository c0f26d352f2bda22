"""The names that tenants and their stores answer to."""

from typing import Annotated

import typer

from cityos_cli.confirmation import confirm
from cityos_cli.failures import UsageError
from cityos_cli.parameters import Yes
from cityos_cli.session import Session
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record
from cityos_core.tenancy.domains import Domain, DomainStatus

app = typer.Typer(help="Domains of tenants and stores, proven by a record in the DNS.")

COLUMNS = ("name", "store", "status", "record_name", "record_value", "reason")

Name = Annotated[str, typer.Argument(help="The domain, such as shop.example.com.")]


def _record(domain: Domain) -> Record:
    return {
        "name": domain.name,
        "store": domain.store,
        "status": domain.status,
        "reason": domain.reason,
        "record_type": "TXT",
        "record_name": domain.challenge,
        "record_value": domain.token,
        "proven_at": domain.proven_at,
        "check_at": domain.check_at,
    }


@app.command()
def add(
    ctx: typer.Context,
    name: Name,
    *,
    store: Annotated[str | None, typer.Option(help="For one store, by handle, in place of the whole tenant.")] = None,
) -> None:
    """Ask for a domain, and show the TXT record that proves it is yours."""
    session = Session.of(ctx)
    session.output.record(_record(session.city.domains.add(session.scope, name, store=store)))


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    removed: Annotated[bool, typer.Option("--removed", help="Those that were removed, too.")] = False,
) -> None:
    """List the tenant's domains by name."""
    session = Session.of(ctx)
    found = every(lambda request: session.city.domains.list(session.scope, request))
    shown = (domain for domain in found if removed or domain.status is not DomainStatus.REMOVED)
    session.output.rows(COLUMNS, map(_record, shown))


@app.command()
def verify(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The domain; or --due.")] = None,
    *,
    due: Annotated[bool, typer.Option("--due", help="Those of all tenants whose time has come.")] = False,
) -> None:
    """Look for a domain's record in the DNS now, and show what it is now; or look after all that are due."""
    session = Session.of(ctx)
    if due == (name is not None):
        raise UsageError("name a domain, or say --due")
    if name is not None:
        session.output.record(_record(session.city.domains.verify(session.scope, name)))
        return
    found = session.city.domains.verify_due()
    session.output.record({"active": found.active, "waiting": found.waiting, "failed": found.failed})


@app.command()
def remove(ctx: typer.Context, name: Name, *, yes: Yes = False) -> None:
    """Give a domain back; the tenant does not answer to it any more."""
    session = Session.of(ctx)
    confirm(f"Remove {name}?", yes=yes)
    session.output.record(_record(session.city.domains.remove(session.scope, name)))
