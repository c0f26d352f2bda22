"""A tenant that is open for business."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

from cityos_core.app import CityOS
from cityos_core.catalog.draft import ProductDraft
from cityos_core.catalog.model import ProductStatus
from cityos_core.kernel.imports import Row, RowResult
from cityos_core.kernel.money import UnitPrice
from cityos_core.tenancy.model import Tenant
from cityos_core.vendors.draft import VendorDraft
from cityos_core.vendors.model import VendorStatus

D = TypeVar("D")

WARES: Final[Mapping[str, Mapping[str, str]]] = {
    "acme": {"chair": "100.00", "lamp": "19.99"},
    "birch": {"table": "250.00", "mug": "0.5292"},
}
"""What the vendors of a market sell unless told otherwise: unit prices by sku."""


def market(
    app: CityOS,
    handle: str = "north",
    *,
    parent: str = "de/north-city/food/retail",
    currency: str = "EUR",
    time_zone: str = "UTC",
    wares: Mapping[str, Mapping[str, str]] = WARES,
) -> Tenant:
    """Create a tenant with approved vendors, each with a verified payout account, and their published products."""
    app.tree.add(parent)
    tenant = app.tenants.create(
        handle, parent=parent, name=handle.title(), currency=currency, time_zone=time_zone, locale="en"
    )
    require_all(app.vendors.import_rows(tenant.scope, numbered(_vendors(wares))))
    require_all(app.products.import_rows(tenant.scope, numbered(_products(wares, currency))))
    return tenant


def _vendors(wares: Mapping[str, Mapping[str, str]]) -> Iterator[VendorDraft]:
    for vendor in wares:
        yield VendorDraft(handle=vendor, name=vendor.title(), status=VendorStatus.APPROVED)


def _products(wares: Mapping[str, Mapping[str, str]], currency: str) -> Iterator[ProductDraft]:
    for vendor, prices in wares.items():
        for sku, price in prices.items():
            yield ProductDraft(
                sku=sku,
                title=sku.title(),
                vendor=vendor,
                unit_price=UnitPrice.of(price, currency),
                currency=currency,
                status=ProductStatus.PUBLISHED,
            )


def numbered(drafts: Iterable[D]) -> Iterator[Row[D]]:
    """Give drafts as the rows of a file."""
    return (Row(number=number, draft=draft) for number, draft in enumerate(drafts, 1))


def require_all(results: Iterable[RowResult]) -> None:
    """Raise what the first rejected row was rejected for."""
    for result in results:
        if result.error is not None:
            raise result.error
