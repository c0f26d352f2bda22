"""Products as the API shows and takes them."""

from collections.abc import Mapping
from typing import Self

from attrs import field, frozen

from cityos_core.catalog.model import PRODUCT_LIFE, Product, ProductStatus, Stock, Variant
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import ProductId, VendorId
from cityos_core.kernel.money import LIMIT, UnitPrice
from cityos_http.asking import Paged
from cityos_http.schema import about

SKU = about("What it is ordered by; unique in the tenant.", example="chair", least=1, most=100)


@frozen(kw_only=True)
class VariantView:
    """What is actually bought."""

    sku: str = field(metadata=SKU)
    title: str
    unit_price: UnitPrice
    weight_g: int | None = field(default=None, metadata=about("Weight in grams.", example=1200, least=0))

    @classmethod
    def of(cls, variant: Variant) -> Self:
        """Show a variant."""
        return cls(sku=variant.sku, title=variant.title, unit_price=variant.unit_price, weight_g=variant.weight_g)

    def variant(self) -> Variant:
        """Give what the core knows."""
        if self.weight_g is not None and self.weight_g < 0:
            raise Invalid.at("#/variants", "negative_weight", "a weight is zero grams or more")
        return Variant(sku=self.sku, title=self.title, unit_price=self.unit_price, weight_g=self.weight_g)


@frozen(kw_only=True)
class OfferView:
    """A product as a visitor sees it."""

    id: ProductId
    sku: str
    title: str
    vendor: VendorId
    category: str | None
    tags: tuple[str, ...]
    variants: tuple[VariantView, ...]
    version: int

    @classmethod
    def of(cls, product: Product) -> Self:
        """Show an offer."""
        return cls(
            id=product.id,
            sku=product.sku,
            title=product.title,
            vendor=product.vendor_id,
            category=product.category,
            tags=product.tags,
            variants=tuple(map(VariantView.of, product.variants)),
            version=product.version,
        )


@frozen(kw_only=True)
class ProductView:
    """A product as its vendor sees it."""

    id: ProductId
    sku: str
    title: str
    vendor: VendorId
    status: ProductStatus
    category: str | None
    tax_class: str
    tags: tuple[str, ...]
    stores: tuple[str, ...] = field(metadata=about("The stores it is sold in, by handle; none means all of them."))
    variants: tuple[VariantView, ...]
    allowed_actions: tuple[str, ...]
    version: int

    @classmethod
    def of(cls, product: Product) -> Self:
        """Show a product."""
        return cls(
            id=product.id,
            sku=product.sku,
            title=product.title,
            vendor=product.vendor_id,
            status=product.status,
            category=product.category,
            tax_class=product.tax_class,
            tags=product.tags,
            stores=product.stores,
            variants=tuple(map(VariantView.of, product.variants)),
            allowed_actions=PRODUCT_LIFE.allowed(product.status),
            version=product.version,
        )


@frozen(kw_only=True)
class ProductRequest:
    """A product to offer: with a price of its own, or with variants that have theirs."""

    sku: str = field(metadata=SKU)
    title: str = field(metadata=about("What it is called.", example="Oak chair", least=1))
    unit_price: UnitPrice | None = None
    variants: tuple[VariantView, ...] = ()
    category: str | None = field(default=None, metadata=about("A path of handles.", example="furniture/chairs"))
    tax_class: str = "standard"
    tags: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    weight_g: int | None = field(default=None, metadata=about("Weight in grams.", example=1200, least=0))

    @weight_g.validator
    def _check(self, _attribute: object, value: int | None) -> None:
        if value is not None and value < 0:
            raise Invalid.at("$.weight_g", "negative_weight", "a weight is zero grams or more")


@frozen(kw_only=True)
class ProductChange:
    """What changes about a product; what is absent or null stays."""

    title: str | None = field(default=None, metadata=about("What it is called.", example="Oak chair", least=1))
    unit_price: UnitPrice | None = None
    variants: tuple[VariantView, ...] | None = None
    category: str | None = field(default=None, metadata=about("A path of handles.", example="furniture/chairs"))
    tax_class: str | None = None
    tags: tuple[str, ...] | None = None
    stores: tuple[str, ...] | None = None

    def given(self) -> Mapping[str, object]:
        """Give what the use case takes."""
        return {
            "title": self.title,
            "unit_price": self.unit_price,
            "variants": None if self.variants is None else [variant.variant() for variant in self.variants],
            "category": self.category,
            "tax_class": self.tax_class,
            "tags": self.tags,
            "stores": self.stores,
        }


@frozen(kw_only=True)
class OfferQuery(Paged):
    """Which offers."""

    vendor: str | None = field(default=None, metadata=about("Those of one vendor, by handle."))


@frozen(kw_only=True)
class ProductQuery(Paged):
    """Which products."""

    status: ProductStatus | None = None


@frozen(kw_only=True)
class StockRequest:
    """How much of a variant there is."""

    on_hand: int = field(metadata=about("Units in the house.", example=40, least=0))
    low_at: int | None = field(default=None, metadata=about("Tell when this few are left.", example=5, least=0))
    backorders: bool | None = None

    @on_hand.validator
    def _check_on_hand(self, _attribute: object, value: int) -> None:
        if not 0 <= value < LIMIT:
            raise Invalid.at("$.on_hand", "negative_quantity", "units are zero or more")

    @low_at.validator
    def _check_low_at(self, _attribute: object, value: int | None) -> None:
        if value is not None and value < 0:
            raise Invalid.at("$.low_at", "negative_quantity", "units are zero or more")


@frozen(kw_only=True)
class StockView:
    """Inventory of one variant."""

    sku: str
    on_hand: int
    reserved: int
    free: int
    low_at: int
    backorders: bool

    @classmethod
    def of(cls, stock: Stock) -> Self:
        """Show stock."""
        return cls(
            sku=stock.sku,
            on_hand=stock.on_hand,
            reserved=stock.reserved,
            free=stock.free,
            low_at=stock.low_at,
            backorders=stock.backorders,
        )
