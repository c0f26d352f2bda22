"""What the catalogue needs from storage."""

from collections.abc import Iterable
from typing import Protocol

from cityos_core.catalog.model import Category, Product, ProductStatus, Stock
from cityos_core.kernel.ids import ProductId, VendorId
from cityos_core.kernel.paging import Page, PageRequest


class Products(Protocol):
    """The products of one tenant. Lists are by sku."""

    def add(self, product: Product) -> None:
        """Store a new product; ``Conflict("sku_taken")`` if one of its skus is in use."""
        ...

    def save(self, product: Product) -> None:
        """Store a changed product, one version up; ``Conflict("stale")`` if someone was first."""
        ...

    def get(self, product_id: ProductId) -> Product:
        """Give a product, or ``NotFound("product_not_found")``."""
        ...

    def by_sku(self, skus: Iterable[str]) -> dict[str, Product]:
        """Give the products that these product or variant skus belong to, in one query; unknown ones are absent."""
        ...

    def page(
        self, request: PageRequest, *, status: ProductStatus | None = None, vendor: str | None = None
    ) -> Page[Product]:
        """List products, those of one vendor (by handle) if asked."""
        ...

    def count(self, vendor_id: VendorId) -> dict[ProductStatus, int]:
        """Count a vendor's products by status, in one query; a status that none has is absent."""
        ...


class Categories(Protocol):
    """The category tree of one tenant, by path."""

    def add(self, categories: Iterable[Category]) -> None:
        """Store those that are not there yet; the others stay as they are."""
        ...

    def all(self) -> list[Category]:
        """List the tree."""
        ...


class Inventory(Protocol):
    """Stock rows of one tenant."""

    def lock(self, skus: Iterable[str]) -> dict[str, Stock]:
        """Hold the rows of these skus until the unit of work ends, in sorted order; uncounted skus are absent."""
        ...

    def save(self, stock: Iterable[Stock]) -> None:
        """Store new or changed rows."""
        ...

    def low(self) -> list[Stock]:
        """List the rows at or below their threshold, by sku."""
        ...
