"""Products, product categories and stock of one tenant."""

from collections import Counter
from collections.abc import Iterable

from attrs import frozen

from cityos_adapters.memory.paging import page
from cityos_adapters.memory.rows import require_own, save
from cityos_adapters.memory.tables import View
from cityos_core.catalog.model import Category, Product, ProductStatus, Stock
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import ProductId, TenantId, VendorId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.vendors.model import Vendor


@frozen
class MemoryProducts:
    """Products by id and by every sku they answer to."""

    tenant: TenantId
    products: View[ProductId, Product]
    vendors: View[VendorId, Vendor]

    def add(self, product: Product) -> None:
        require_own(self.tenant, product.tenant_id)
        self.products.put(product.id, product)

    def save(self, product: Product) -> None:
        require_own(self.tenant, product.tenant_id)
        save(self.products, product.id, product)

    def get(self, product_id: ProductId) -> Product:
        product = self.products.get(product_id)
        if product is None:
            raise NotFound("product_not_found", f"there is no product {product_id}")
        return product

    def by_sku(self, skus: Iterable[str]) -> dict[str, Product]:
        return {sku: product for sku in set(skus) for product in self.products.find("sku", sku)}

    def page(
        self, request: PageRequest, *, status: ProductStatus | None = None, vendor: str | None = None
    ) -> Page[Product]:
        rows = (product for product in self._of(vendor) if status in (None, product.status))
        return page(rows, lambda product: (product.sku,), request)

    def count(self, vendor_id: VendorId) -> dict[ProductStatus, int]:
        return dict(Counter(product.status for product in self.products.find("vendor", vendor_id)))

    def _of(self, vendor: str | None) -> list[Product]:
        if vendor is None:
            return self.products.all()
        sellers = self.vendors.find("handle", vendor)
        return [product for seller in sellers for product in self.products.find("vendor", seller.id)]


@frozen
class MemoryCategories:
    """Product categories by path."""

    tenant: TenantId
    categories: View[str, Category]

    def add(self, categories: Iterable[Category]) -> None:
        for category in categories:
            require_own(self.tenant, category.tenant_id)
            if self.categories.get(category.path) is None:
                self.categories.put(category.path, category)

    def all(self) -> list[Category]:
        return sorted(self.categories.all(), key=lambda category: category.path)


@frozen
class MemoryInventory:
    """Stock by sku; the whole database is held while a unit of work is open, so a row needs no lock of its own."""

    tenant: TenantId
    stock: View[str, Stock]

    def lock(self, skus: Iterable[str]) -> dict[str, Stock]:
        rows = ((sku, self.stock.get(sku)) for sku in sorted(set(skus)))
        return {sku: row for sku, row in rows if row is not None}

    def save(self, stock: Iterable[Stock]) -> None:
        for row in stock:
            require_own(self.tenant, row.tenant_id)
            self.stock.put(row.sku, row)

    def low(self) -> list[Stock]:
        return sorted((row for row in self.stock.all() if row.is_low), key=lambda row: row.sku)
