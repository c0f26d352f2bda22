"""The catalogue of a tenant."""

from itertools import islice
from typing import Annotated

import typer

from cityos_cli.importing import Errors, File, import_file
from cityos_cli.parameters import Limit
from cityos_cli.session import Session
from cityos_core.catalog.model import Category, Product, ProductStatus, Stock
from cityos_core.exports.products import record
from cityos_core.kernel.money import UnitPrice
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record

app = typer.Typer(help="What is sold.")
stock = typer.Typer(help="How much of it there is.")
categories = typer.Typer(help="The tree of product categories.")
app.add_typer(stock, name="stock")
app.add_typer(categories, name="categories")

COLUMNS = ("sku", "title", "vendor", "category", "unit_price", "currency", "status")
STOCK_COLUMNS = ("sku", "on_hand", "reserved", "free", "low_at", "backorders")

Sku = Annotated[str, typer.Argument(help="The product's sku.")]
Price = Annotated[str | None, typer.Option(help="Up to six decimals, such as 0.5292.")]
Currency = Annotated[str | None, typer.Option(help="ISO 4217; the tenant's own by default.")]
CategoryPath = Annotated[str | None, typer.Option("--category", help="Such as beverages/wine.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Repeat it for more.")]
Stores = Annotated[list[str] | None, typer.Option("--store", help="Sold there; repeat it for more, all if absent.")]


def _record(session: Session, product: Product) -> Record:
    return record(product, vendor=session.vendor_handles[product.vendor_id])


def _price(session: Session, text: str | None, currency: str | None) -> UnitPrice | None:
    if text is None:
        return None
    return UnitPrice.of(text, currency or session.tenant.currency)


@app.command("import")
def import_(ctx: typer.Context, file: File, *, errors: Errors = None) -> None:
    """Import a CSV of sku,title,vendor,category,unit_price,currency,status; importing it again changes nothing."""
    from cityos_adapters.files import read_products

    session = Session.of(ctx)
    import_file(session, file, read_products, session.city.products.import_rows, errors=errors)


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    status: Annotated[ProductStatus | None, typer.Option(help="Those of this status.")] = None,
    vendor: Annotated[str | None, typer.Option(help="Those of one vendor, by handle.")] = None,
    limit: Limit = None,
) -> None:
    """List products by sku."""
    session = Session.of(ctx)
    products = session.city.products
    found = islice(every(lambda request: products.list(session.scope, request, status=status, vendor=vendor)), limit)
    session.output.rows(COLUMNS, (_record(session, product) for product in found))


@app.command()
def show(ctx: typer.Context, sku: Sku) -> None:
    """Show one product with its variants."""
    session = Session.of(ctx)
    session.output.record(_record(session, session.city.products.get(session.scope, sku)))


@app.command()
def create(
    ctx: typer.Context,
    sku: Sku,
    *,
    title: Annotated[str, typer.Option(help="What it is called.")],
    vendor: Annotated[str, typer.Option(help="Whose it is, by handle.")],
    unit_price: Price = None,
    currency: Currency = None,
    category: CategoryPath = None,
    tax_class: Annotated[str, typer.Option(help="How it is taxed.")] = "standard",
    tag: Tags = None,
    store: Stores = None,
    weight_g: Annotated[int | None, typer.Option(help="Of one, in grams.")] = None,
) -> None:
    """Create a product, as a draft."""
    session = Session.of(ctx)
    product = session.city.products.create(
        session.scope,
        sku,
        title=title,
        vendor=vendor,
        unit_price=_price(session, unit_price, currency),
        category=category,
        tax_class=tax_class,
        tags=tag or (),
        stores=store or (),
        weight_g=weight_g,
    )
    session.output.record(_record(session, product))


@app.command()
def change(
    ctx: typer.Context,
    sku: Sku,
    *,
    title: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    unit_price: Price = None,
    currency: Currency = None,
    category: CategoryPath = None,
    tax_class: Annotated[str | None, typer.Option(help="How it is taxed.")] = None,
    tag: Tags = None,
    store: Stores = None,
) -> None:
    """Change what is given; orders that were placed keep what they were placed with."""
    session = Session.of(ctx)
    product = session.city.products.change(
        session.scope,
        sku,
        title=title,
        unit_price=_price(session, unit_price, currency),
        category=category,
        tax_class=tax_class,
        tags=tag,
        stores=store,
    )
    session.output.record(_record(session, product))


@app.command()
def publish(ctx: typer.Context, sku: Sku) -> None:
    """Put a product on sale."""
    session = Session.of(ctx)
    session.output.record(_record(session, session.city.products.publish(session.scope, sku)))


@app.command()
def withdraw(ctx: typer.Context, sku: Sku) -> None:
    """Take a product off sale; it is a draft again."""
    session = Session.of(ctx)
    session.output.record(_record(session, session.city.products.withdraw(session.scope, sku)))


@app.command()
def archive(ctx: typer.Context, sku: Sku) -> None:
    """Put a product away; it can be published again."""
    session = Session.of(ctx)
    session.output.record(_record(session, session.city.products.archive(session.scope, sku)))


def _category(category: Category) -> Record:
    return {"path": category.path, "name": category.name}


@categories.command("list")
def list_categories(ctx: typer.Context) -> None:
    """List the tree by path."""
    session = Session.of(ctx)
    session.output.rows(("path", "name"), map(_category, session.city.products.categories(session.scope)))


@categories.command()
def add(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(help="Such as beverages/wine.")],
    *,
    name: Annotated[str | None, typer.Option(help="Of the last one.")] = None,
) -> None:
    """Grow the tree down to a path."""
    session = Session.of(ctx)
    session.output.record(_category(session.city.products.add_category(session.scope, path, name=name)))


def _stock(row: Stock) -> Record:
    return {
        "sku": row.sku,
        "on_hand": row.on_hand,
        "reserved": row.reserved,
        "free": row.free,
        "low_at": row.low_at,
        "backorders": row.backorders,
    }


@stock.command("set")
def set_stock(
    ctx: typer.Context,
    sku: Annotated[str, typer.Argument(help="The variant's sku.")],
    on_hand: Annotated[int, typer.Argument(help="Units in the house.")],
    *,
    low_at: Annotated[int | None, typer.Option(help="Tell when there are no more than this.")] = None,
    backorders: Annotated[bool | None, typer.Option(help="Sell what is not there.")] = None,
) -> None:
    """Say how much of a variant there is; from then on it is counted."""
    session = Session.of(ctx)
    row = session.city.products.set_stock(session.scope, sku, on_hand, low_at=low_at, backorders=backorders)
    session.output.record(_stock(row))


@stock.command()
def low(ctx: typer.Context) -> None:
    """List what is running out."""
    session = Session.of(ctx)
    session.output.rows(STOCK_COLUMNS, map(_stock, session.city.products.low_stock(session.scope)))
