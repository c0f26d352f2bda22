"""The vendors of a tenant."""

from datetime import datetime
from itertools import islice
from typing import Annotated

import typer
from attrs import evolve

from cityos_cli.confirmation import confirm
from cityos_cli.importing import Errors, File, import_file
from cityos_cli.parameters import Limit, Reason, Yes
from cityos_cli.session import Session
from cityos_core.exports.vendors import summary, whole
from cityos_core.kernel.clock import moment
from cityos_core.kernel.paging import every
from cityos_core.vendors.model import Profile, TeamRole, VendorStatus

app = typer.Typer(help="Who sells.")
team = typer.Typer(help="Who works for a vendor.")
account = typer.Typer(help="Where a vendor's payouts go.")
app.add_typer(team, name="team")
app.add_typer(account, name="account")

COLUMNS = ("handle", "name", "status", "country", "email", "open_requirements", "payout_account")

Handle = Annotated[str, typer.Argument(help="The vendor's handle.")]
Email = Annotated[str, typer.Argument(help="The member's address.")]
Role = Annotated[TeamRole, typer.Argument(help="What the member is.")]
Stores = Annotated[list[str] | None, typer.Option("--store", help="Sells there; repeat it for more, all if absent.")]
Schedule = Annotated[str | None, typer.Option(help="daily, weekly:5, monthly:31, manual or inherited.")]
Text = Annotated[str | None, typer.Option()]


@app.command("import")
def import_(ctx: typer.Context, file: File, *, errors: Errors = None) -> None:
    """Import a CSV of handle,name,email,country,tax_id,status; importing it again changes nothing."""
    from cityos_adapters.files import read_vendors

    session = Session.of(ctx)
    import_file(session, file, read_vendors, session.city.vendors.import_rows, errors=errors)


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    status: Annotated[VendorStatus | None, typer.Option(help="Those of this status.")] = None,
    limit: Limit = None,
) -> None:
    """List vendors by handle."""
    session = Session.of(ctx)
    found = islice(every(lambda request: session.city.vendors.list(session.scope, request, status=status)), limit)
    session.output.rows(COLUMNS, map(summary, found))


@app.command()
def show(ctx: typer.Context, handle: Handle) -> None:
    """Show one vendor with its requirements and its team."""
    session = Session.of(ctx)
    session.output.record(whole(session.city.vendors.get(session.scope, handle)))


@app.command()
def register(
    ctx: typer.Context,
    handle: Handle,
    *,
    name: Annotated[str, typer.Option(help="What people call it.")],
    legal_name: Text = None,
    kind: Annotated[str, typer.Option()] = "company",
    email: Text = None,
    phone: Text = None,
    website: Text = None,
    country: Text = None,
    address: Text = None,
    tax_id: Text = None,
    store: Stores = None,
    payout_schedule: Annotated[str, typer.Option(help="daily, weekly:5, monthly:31, manual.")] = "inherited",
) -> None:
    """Register a vendor, who then has to meet the tenant's requirements."""
    session = Session.of(ctx)
    profile = Profile(
        name=name,
        legal_name=legal_name,
        kind=kind,
        email=email,
        phone=phone,
        website=website,
        country=country,
        address=address,
        tax_id=tax_id,
    )
    vendor = session.city.vendors.register(
        session.scope, handle, profile, stores=store or (), payout_schedule=payout_schedule
    )
    session.output.record(whole(vendor))


@app.command()
def change(
    ctx: typer.Context,
    handle: Handle,
    *,
    name: Text = None,
    legal_name: Text = None,
    kind: Text = None,
    email: Text = None,
    phone: Text = None,
    website: Text = None,
    country: Text = None,
    address: Text = None,
    tax_id: Text = None,
    store: Stores = None,
    payout_schedule: Schedule = None,
) -> None:
    """Change what is given."""
    session = Session.of(ctx)
    given = {
        "name": name,
        "legal_name": legal_name,
        "kind": kind,
        "email": email,
        "phone": phone,
        "website": website,
        "country": country,
        "address": address,
        "tax_id": tax_id,
    }
    known = session.city.vendors.get(session.scope, handle).profile
    profile = evolve(known, **{field: text for field, text in given.items() if text is not None})
    vendor = session.city.vendors.change(
        session.scope, handle, profile=profile, stores=store, payout_schedule=payout_schedule
    )
    session.output.record(whole(vendor))


@app.command()
def submit(ctx: typer.Context, handle: Handle) -> None:
    """Hand a vendor in for review."""
    session = Session.of(ctx)
    session.output.record(summary(session.city.vendors.submit(session.scope, handle)))


@app.command()
def approve(ctx: typer.Context, handle: Handle) -> None:
    """Let a vendor sell, once its requirements are met."""
    session = Session.of(ctx)
    session.output.record(summary(session.city.vendors.approve(session.scope, handle)))


@app.command()
def reject(ctx: typer.Context, handle: Handle, *, reason: Reason) -> None:
    """Turn a vendor down, for a reason that it reads."""
    session = Session.of(ctx)
    session.output.record(summary(session.city.vendors.reject(session.scope, handle, reason=reason)))


@app.command()
def suspend(ctx: typer.Context, handle: Handle, *, reason: Reason, yes: Yes = False) -> None:
    """Stop a vendor from selling and being paid, for a reason that it reads."""
    session = Session.of(ctx)
    confirm(f"Suspend {handle}?", yes=yes)
    session.output.record(summary(session.city.vendors.suspend(session.scope, handle, reason=reason)))


@app.command()
def reinstate(ctx: typer.Context, handle: Handle) -> None:
    """Let a suspended vendor sell again."""
    session = Session.of(ctx)
    session.output.record(summary(session.city.vendors.reinstate(session.scope, handle)))


@app.command()
def terminate(ctx: typer.Context, handle: Handle, *, reason: Reason, yes: Yes = False) -> None:
    """Part with a vendor for good; nothing may be owed or open."""
    session = Session.of(ctx)
    confirm(f"Terminate {handle} for good?", yes=yes)
    session.output.record(summary(session.city.vendors.terminate(session.scope, handle, reason=reason)))


@app.command()
def requirement(
    ctx: typer.Context,
    handle: Handle,
    key: Annotated[str, typer.Argument(help="The item, such as identity.")],
    action: Annotated[str, typer.Argument(help="submit, accept, reject, waive or expire.")],
    *,
    reference: Annotated[str | None, typer.Option(help="Where the document is.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, to reject or waive.")] = None,
    expires_at: Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME")] = None,
) -> None:
    """Take one step with one item that is asked of a vendor."""
    session = Session.of(ctx)
    vendor = session.city.vendors.requirement(
        session.scope, handle, key, action, reference=reference, reason=reason, expires_at=expires_at
    )
    session.output.record(whole(vendor))


@team.command()
def invite(ctx: typer.Context, handle: Handle, email: Email, role: Role) -> None:
    """Invite someone to a vendor's team."""
    session = Session.of(ctx)
    session.output.record(whole(session.city.vendors.invite(session.scope, handle, email, role)))


@team.command()
def join(ctx: typer.Context, handle: Handle, email: Email) -> None:
    """Let someone in who was invited."""
    session = Session.of(ctx)
    session.output.record(whole(session.city.vendors.join(session.scope, handle, email)))


@team.command()
def role(ctx: typer.Context, handle: Handle, email: Email, role: Role) -> None:
    """Give a member another role; the last owner stays one."""
    session = Session.of(ctx)
    session.output.record(whole(session.city.vendors.change_role(session.scope, handle, email, role)))


@team.command()
def remove(ctx: typer.Context, handle: Handle, email: Email) -> None:
    """Take someone off the team; the last owner cannot leave."""
    session = Session.of(ctx)
    session.output.record(whole(session.city.vendors.remove_member(session.scope, handle, email)))


@account.command("set")
def set_(
    ctx: typer.Context,
    handle: Handle,
    *,
    method: Annotated[str, typer.Option(help="A payout method, such as manual or bank.")],
    reference: Annotated[str, typer.Option(help="The method's word for the account, such as an IBAN.")],
    holder: Annotated[str, typer.Option(help="Whose account it is.")],
) -> None:
    """Say where a vendor's payouts go; the account has to be verified before anything is paid to it."""
    session = Session.of(ctx)
    vendor = session.city.vendors.set_payout_account(
        session.scope, handle, method=method, reference=reference, holder=holder
    )
    session.output.record(summary(vendor))


@account.command()
def verify(
    ctx: typer.Context,
    handle: Handle,
    *,
    reference: Annotated[str | None, typer.Option(help="The account you looked at, in case it changed.")] = None,
) -> None:
    """Say that a vendor's payout account is right."""
    session = Session.of(ctx)
    vendor = session.city.vendors.verify_payout_account(session.scope, handle, reference=reference)
    session.output.record(summary(vendor))
