"""The catalogue: products with variants, and the tree of product categories."""

from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.ids import ProductId, TenantId, VendorId
from cityos_core.kernel.money import UnitPrice
from cityos_core.kernel.states import Machine
from cityos_core.tenancy.model import handle


class ProductStatus(StrEnum):
    """The life of a product."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


PRODUCT_LIFE: Final = Machine(
    "product",
    {
        (ProductStatus.DRAFT, "publish"): ProductStatus.PUBLISHED,
        (ProductStatus.DRAFT, "archive"): ProductStatus.ARCHIVED,
        (ProductStatus.PUBLISHED, "archive"): ProductStatus.ARCHIVED,
        (ProductStatus.PUBLISHED, "withdraw"): ProductStatus.DRAFT,
        (ProductStatus.ARCHIVED, "publish"): ProductStatus.PUBLISHED,
    },
)


def category_path(value: str) -> str:
    """Check a category path: handles joined by ``/``."""
    for part in value.split("/"):
        handle(part, what="category handle")
    return value


def ancestry(path: str) -> tuple[str, ...]:
    """List a category path and its ancestors, nearest first: ``a/b/c``, ``a/b``, ``a``."""
    parts = path.split("/")
    return tuple("/".join(parts[:count]) for count in range(len(parts), 0, -1))


@frozen(kw_only=True)
class Category:
    """A node of the product category tree, known by its path."""

    tenant_id: TenantId
    path: str = field(validator=lambda _i, _a, value: category_path(value))
    name: str


def check_sku(_instance: object, _attribute: object, value: str) -> None:
    """Refuse what cannot be a sku."""
    if not value or len(value) > 100 or value != value.strip():
        raise Invalid("invalid_sku", f"{value!r} is not a sku: one to a hundred characters without outer spaces")


@frozen(kw_only=True)
class Variant:
    """What is actually bought. A product without choices has one, with the product's own sku."""

    sku: str = field(validator=check_sku)
    title: str
    unit_price: UnitPrice
    weight_g: int | None = None


@frozen(kw_only=True)
class Product:
    """Something a vendor offers. Its sku and its variants' skus are unique within the tenant."""

    id: ProductId
    tenant_id: TenantId
    vendor_id: VendorId
    sku: str = field(validator=check_sku)
    title: str
    category: str | None = None
    status: ProductStatus = ProductStatus.DRAFT
    tax_class: str = "standard"
    tags: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    variants: tuple[Variant, ...]
    version: int = 1

    def step(self, action: str) -> "Product":
        """Take a step of the product's life."""
        return evolve(self, status=PRODUCT_LIFE.next(self.status, action))


@frozen(kw_only=True)
class Stock:
    """Inventory of one variant. Only variants that have a row are counted; the others are always available."""

    tenant_id: TenantId
    vendor_id: VendorId
    sku: str
    on_hand: int
    reserved: int = 0
    low_at: int = 0
    backorders: bool = False

    @property
    def free(self) -> int:
        """Units that may still be sold; below zero only with back-orders."""
        return self.on_hand - self.reserved

    def reserve(self, quantity: int) -> "Stock":
        """Set units aside for an order."""
        if quantity > self.free and not self.backorders:
            raise Refused("out_of_stock", f"sku {self.sku} has {max(self.free, 0)} left, {quantity} are wanted")
        return evolve(self, reserved=self.reserved + quantity)

    def release(self, quantity: int) -> "Stock":
        """Give back units set aside for an order that is not coming."""
        return evolve(self, reserved=max(self.reserved - quantity, 0))

    def ship(self, quantity: int) -> "Stock":
        """Take units set aside out of the house."""
        return evolve(self, reserved=max(self.reserved - quantity, 0), on_hand=self.on_hand - quantity)

    @property
    def is_low(self) -> bool:
        """True at or below the threshold."""
        return self.free <= self.low_at
