"""The stores of a tenant."""

from typing import Annotated

import typer

from cityos_cli.session import Session
from cityos_core.kernel.rendering import Record
from cityos_core.tenancy.model import Store

app = typer.Typer(help="The brands and storefronts of a tenant.")

COLUMNS = ("handle", "name", "kind", "channel", "countries", "currencies")

Handle = Annotated[str, typer.Argument(help="The store's handle.")]
Countries = Annotated[list[str] | None, typer.Option("--country", help="Sells there; repeat it for more.")]
Currencies = Annotated[list[str] | None, typer.Option("--currency", help="Sells in it; repeat it for more.")]


def _record(store: Store) -> Record:
    return {
        "handle": store.handle,
        "name": store.name,
        "kind": store.kind,
        "channel": store.channel,
        "countries": store.countries,
        "currencies": store.currencies,
        "portals": {portal.audience.value: list(portal.roles) for portal in store.portals},
    }


@app.command()
def create(
    ctx: typer.Context,
    handle: Handle,
    *,
    name: Annotated[str, typer.Option(help="What people call it.")],
    kind: Annotated[str, typer.Option(help="What kind of store.")] = "storefront",
    channel: Annotated[str, typer.Option(help="The sales channel.")] = "web",
    country: Countries = None,
    currency: Currencies = None,
) -> None:
    """Open a store."""
    session = Session.of(ctx)
    store = session.city.stores.create(
        session.scope,
        handle,
        name=name,
        kind=kind,
        channel=channel,
        countries=country or (),
        currencies=currency or (),
    )
    session.output.record(_record(store))


@app.command()
def change(
    ctx: typer.Context,
    handle: Handle,
    *,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    kind: Annotated[str | None, typer.Option(help="What kind of store.")] = None,
    channel: Annotated[str | None, typer.Option(help="The sales channel.")] = None,
    country: Countries = None,
    currency: Currencies = None,
) -> None:
    """Change what is given."""
    session = Session.of(ctx)
    store = session.city.stores.change(
        session.scope, handle, name=name, kind=kind, channel=channel, countries=country, currencies=currency
    )
    session.output.record(_record(store))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the tenant's stores by handle."""
    session = Session.of(ctx)
    session.output.rows(COLUMNS, map(_record, session.city.stores.list(session.scope)))


@app.command()
def show(ctx: typer.Context, handle: Handle) -> None:
    """Show one store."""
    session = Session.of(ctx)
    session.output.record(_record(session.city.stores.get(session.scope, handle)))
