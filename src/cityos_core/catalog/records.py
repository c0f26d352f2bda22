"""Reading what a product stands on: itself, its vendor, its category."""

from collections.abc import Iterable
from datetime import datetime

from cityos_core.catalog.events import ProductChanged
from cityos_core.catalog.model import Category, Product, ancestry
from cityos_core.kernel.errors import NotFound, Refused
from cityos_core.kernel.ids import TenantId
from cityos_core.unit_of_work import UnitOfWork
from cityos_core.vendors.model import Vendor, VendorStatus


def product_with(uow: UnitOfWork, sku: str) -> Product:
    """Give the product that a product or variant sku belongs to, or ``NotFound("product_not_found")``."""
    try:
        return uow.products.by_sku([sku])[sku]
    except KeyError:
        raise NotFound(
            "product_not_found", f"there is no product with sku {sku!r}; list the products to see what there is"
        ) from None


def seller(vendors: dict[str, Vendor], handle: str) -> Vendor:
    """Give a vendor that products may be listed for, or say why there is none."""
    vendor = vendors.get(handle)
    if vendor is None:
        raise NotFound("unknown_vendor", f"there is no vendor {handle!r}; register or import it first")
    if vendor.status is VendorStatus.TERMINATED:
        raise Refused("vendor_terminated", f"vendor {handle} is terminated and offers nothing any more")
    return vendor


def branch(tenant_id: TenantId, paths: Iterable[str]) -> list[Category]:
    """List the categories at these paths and above them, widest first, named after their handles."""
    every = {above for path in paths for above in ancestry(path)}
    return [Category(tenant_id=tenant_id, path=path, name=_name(path)) for path in sorted(every)]


def _name(path: str) -> str:
    return path.rpartition("/")[2].replace("-", " ").capitalize()


def changed(product: Product, action: str, at: datetime) -> ProductChanged:
    """Tell what happened to a product."""
    return ProductChanged(
        subject=product.id, occurred_at=at, sku=product.sku, action=action, status=product.status.value
    )
