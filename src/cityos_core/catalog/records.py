"""Reading what a product stands on: itself, by sku or by id, its vendor, its category."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from cityos_core.catalog.events import ProductChanged
from cityos_core.catalog.model import Category, Product, Variant, ancestry
from cityos_core.kernel.errors import NotFound, Refused
from cityos_core.kernel.ids import ProductId, TenantId
from cityos_core.unit_of_work import UnitOfWork
from cityos_core.vendors.model import Vendor, VendorStatus

ProductName = str | ProductId
"""What tells a tenant's product from its others: its sku, that of one of its variants, or its id."""


def product_with(uow: UnitOfWork, name: ProductName) -> Product:
    """Give the product with an id, or to which a sku belongs, or ``NotFound("product_not_found")``."""
    if isinstance(name, UUID):
        return uow.products.get(name)
    try:
        return uow.products.by_sku([name])[name]
    except KeyError:
        raise NotFound(
            "product_not_found", f"there is no product with sku {name!r}; list the products to see what there is"
        ) from None


def sku_of(product: Product, name: ProductName) -> str:
    """Give the sku that a product was named by, or its own if it was named by its id."""
    return product.sku if isinstance(name, UUID) else name


def offer(products: Mapping[str, Product], sku: str) -> tuple[Product, Variant]:
    """Give the product and the variant that are sold under a sku, or say why nothing is."""
    product = products.get(sku)
    if product is None:
        raise Refused("unknown_sku", f"there is no product with sku {sku}; create or import it first")
    for variant in product.variants:
        if variant.sku == sku:
            return product, variant
    raise Refused("sold_in_variants", f"{sku} is sold in variants; name one of them")


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
