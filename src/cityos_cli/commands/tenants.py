"""The register of tenants."""

from typing import Annotated

import typer

from cityos_cli.confirmation import confirm
from cityos_cli.parameters import Reason, Yes
from cityos_cli.session import Session
from cityos_core.kernel.rendering import Record
from cityos_core.tenancy.model import Tenant

app = typer.Typer(help="The isolated operators of stores.")

COLUMNS = ("handle", "name", "path", "currency", "time_zone", "status")

Handle = Annotated[str, typer.Argument(help="The tenant's handle.")]
Name = Annotated[str, typer.Option(help="What people call it.")]
Currency = Annotated[str | None, typer.Option(help="ISO 4217, such as EUR.")]
TimeZone = Annotated[str | None, typer.Option(help="IANA, such as Europe/Berlin.")]
Locale = Annotated[str | None, typer.Option(help="Such as de.")]


def _record(tenant: Tenant) -> Record:
    return {
        "handle": tenant.handle,
        "name": tenant.name,
        "path": tenant.path,
        "kind": tenant.kind,
        "tier": tenant.tier,
        "currency": tenant.currency,
        "time_zone": tenant.time_zone,
        "locale": tenant.locale,
        "status": tenant.status,
        "reason": tenant.reason,
    }


@app.command()
def create(
    ctx: typer.Context,
    handle: Handle,
    *,
    parent: Annotated[str, typer.Option(help="The subcategory it hangs under, such as de/green-city/food/wholesale.")],
    name: Name,
    currency: Currency = None,
    time_zone: TimeZone = None,
    locale: Locale = None,
    kind: Annotated[str, typer.Option(help="What kind of operator.")] = "marketplace",
    tier: Annotated[str, typer.Option(help="Its subscription tier.")] = "standard",
    parent_tenant: Annotated[str | None, typer.Option(help="The tenant above it, by handle.")] = None,
) -> None:
    """Create a tenant; currency, time zone and locale default to the settings of its place in the tree."""
    session = Session.of(ctx)
    tenant = session.city.tenants.create(
        handle,
        parent=parent,
        name=name,
        currency=currency,
        time_zone=time_zone,
        locale=locale,
        kind=kind,
        tier=tier,
        parent_tenant=parent_tenant,
    )
    session.output.record(_record(tenant))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List all tenants by handle."""
    session = Session.of(ctx)
    session.output.rows(COLUMNS, map(_record, session.city.tenants.list()))


@app.command()
def show(ctx: typer.Context, handle: Handle) -> None:
    """Show one tenant."""
    session = Session.of(ctx)
    session.output.record(_record(session.city.tenants.get(handle)))


@app.command()
def change(
    ctx: typer.Context,
    handle: Handle,
    *,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    currency: Currency = None,
    time_zone: TimeZone = None,
    locale: Locale = None,
    kind: Annotated[str | None, typer.Option(help="What kind of operator.")] = None,
    tier: Annotated[str | None, typer.Option(help="Its subscription tier.")] = None,
) -> None:
    """Change what is given, for what comes after."""
    session = Session.of(ctx)
    tenant = session.city.tenants.change(
        handle, name=name, currency=currency, time_zone=time_zone, locale=locale, kind=kind, tier=tier
    )
    session.output.record(_record(tenant))


@app.command()
def activate(ctx: typer.Context, handle: Handle) -> None:
    """Put a tenant to work, or back to work."""
    session = Session.of(ctx)
    session.output.record(_record(session.city.tenants.activate(handle)))


@app.command()
def suspend(ctx: typer.Context, handle: Handle, *, reason: Reason, yes: Yes = False) -> None:
    """Stop a tenant's business for a stated reason."""
    session = Session.of(ctx)
    confirm(f"Suspend {handle}?", yes=yes)
    session.output.record(_record(session.city.tenants.suspend(handle, reason=reason)))


@app.command()
def offboard(ctx: typer.Context, handle: Handle, *, reason: Reason, yes: Yes = False) -> None:
    """Begin to part with a tenant for a stated reason."""
    session = Session.of(ctx)
    confirm(f"Offboard {handle}?", yes=yes)
    session.output.record(_record(session.city.tenants.offboard(handle, reason=reason)))


@app.command()
def archive(ctx: typer.Context, handle: Handle, *, yes: Yes = False) -> None:
    """Close a tenant for good; its books stay readable."""
    session = Session.of(ctx)
    confirm(f"Archive {handle} for good?", yes=yes)
    session.output.record(_record(session.city.tenants.archive(handle)))
