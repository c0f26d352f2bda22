"""Products, product categories and stock of one tenant."""

from collections.abc import Iterable
from typing import Final

from attrs import frozen
from sqlalchemy import delete, func, select

from cityos_adapters.sql.growth import growth, replacing
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import ID, OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.catalog import categories, products, skus, stock
from cityos_adapters.sql.tables.vendors import vendors
from cityos_core.catalog.model import Category, Product, ProductStatus, Stock
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import ProductId, VendorId
from cityos_core.kernel.paging import Page, PageRequest

_PRODUCTS: Final = select(products).where(products.c.tenant_id == OWNER)
_BY_ID: Final = _PRODUCTS.where(products.c.id == ID)
_BY_SKU: Final = (
    select(products, skus.c.sku.label("wanted"))
    .join(skus, (skus.c.tenant_id == products.c.tenant_id) & (skus.c.product_id == products.c.id))
    .where(skus.c.tenant_id == OWNER, among(skus.c.sku, "skus"))
)
_NEW: Final = growth(products)
_NEW_SKUS: Final = growth(skus)
_SKUS_OF: Final = select(skus.c.sku).where(skus.c.tenant_id == OWNER, skus.c.product_id == ID)
_DROP_SKUS: Final = delete(skus).where(skus.c.tenant_id == OWNER, among(skus.c.sku, "dropped"))
_COUNT: Final = (
    select(products.c.status, func.count().label("products"))
    .where(products.c.tenant_id == OWNER, products.c.vendor_id == ID)
    .group_by(products.c.status)
)
_VENDOR_IDS: Final = select(vendors.c.id).where(vendors.c.tenant_id == OWNER)


@frozen
class SqlProducts:
    """Products by id and by every sku they answer to."""

    session: Session

    def add(self, product: Product) -> None:
        self.session.require_own(product.tenant_id)
        with self.session.whole():
            self.session.grow((_NEW, [_product_row(product)]), (_NEW_SKUS, _sku_rows(product, _skus(product))))

    def save(self, product: Product) -> None:
        self.session.require_own(product.tenant_id)
        with self.session.whole():
            self.session.save(products, [_product_row(product)])
            before = {row.sku for row in self.session.all(_SKUS_OF, id_=product.id)}
            after = _skus(product)
            if dropped := before - after:
                self.session.run(_DROP_SKUS, dropped=sorted(dropped))
            self.session.grow((_NEW_SKUS, _sku_rows(product, after - before)))

    def get(self, product_id: ProductId) -> Product:
        row = self.session.first(_BY_ID, id_=product_id)
        if row is None:
            raise NotFound("product_not_found", f"there is no product {product_id}")
        return _product(row)

    def by_sku(self, wanted: Iterable[str]) -> dict[str, Product]:
        return {row.wanted: _product(row) for row in self.session.all(_BY_SKU, skus=sorted(set(wanted)))}

    def page(
        self, request: PageRequest, *, status: ProductStatus | None = None, vendor: str | None = None
    ) -> Page[Product]:
        statement = _PRODUCTS
        if status is not None:
            statement = statement.where(products.c.status == status)
        if vendor is not None:
            named = _VENDOR_IDS.where(vendors.c.handle == vendor)
            statement = statement.where(products.c.vendor_id.in_(named))
        return page(self.session, statement, (products.c.sku,), request, lambda rows: [_product(row) for row in rows])

    def count(self, vendor_id: VendorId) -> dict[ProductStatus, int]:
        return {row.status: int(row.products) for row in self.session.all(_COUNT, id_=vendor_id)}


def _skus(product: Product) -> set[str]:
    return {product.sku, *(variant.sku for variant in product.variants)}


def _sku_rows(product: Product, names: Iterable[str]) -> list[Values]:
    return [{"tenant_id": product.tenant_id, "sku": name, "product_id": product.id} for name in sorted(names)]


def _product_row(product: Product) -> Values:
    return {
        "tenant_id": product.tenant_id,
        "id": product.id,
        "version": product.version,
        "vendor_id": product.vendor_id,
        "sku": product.sku,
        "title": product.title,
        "category": product.category,
        "status": product.status,
        "tax_class": product.tax_class,
        "tags": product.tags,
        "stores": product.stores,
        "variants": product.variants,
    }


def _product(row: AnyRow) -> Product:
    return Product(
        id=row.id,
        tenant_id=row.tenant_id,
        vendor_id=row.vendor_id,
        sku=row.sku,
        title=row.title,
        category=row.category,
        status=row.status,
        tax_class=row.tax_class,
        tags=row.tags,
        stores=row.stores,
        variants=row.variants,
        version=row.version,
    )


_CATEGORIES: Final = select(categories).where(categories.c.tenant_id == OWNER).order_by(categories.c.path)
_ADD_CATEGORIES: Final = growth(
    categories, lambda new: new.on_conflict_do_nothing(index_elements=["tenant_id", "path"])
)


@frozen
class SqlCategories:
    """Product categories by path."""

    session: Session

    def add(self, added: Iterable[Category]) -> None:
        new = sorted(added, key=lambda item: item.path)
        for item in new:
            self.session.require_own(item.tenant_id)
        rows = [{"tenant_id": item.tenant_id, "path": item.path, "name": item.name} for item in new]
        self.session.grow((_ADD_CATEGORIES, rows))

    def all(self) -> list[Category]:
        return [
            Category(tenant_id=row.tenant_id, path=row.path, name=row.name) for row in self.session.all(_CATEGORIES)
        ]


_STOCK: Final = select(stock).where(stock.c.tenant_id == OWNER).order_by(stock.c.sku)
_LOCK: Final = _STOCK.where(among(stock.c.sku, "skus")).with_for_update(key_share=True)
_PUT: Final = replacing(stock)
_LOW: Final = _STOCK.where(stock.c.on_hand - stock.c.reserved <= stock.c.low_at)


@frozen
class SqlInventory:
    """Stock by sku."""

    session: Session

    def lock(self, wanted: Iterable[str]) -> dict[str, Stock]:
        return {row.sku: _stock(row) for row in self.session.lock(_LOCK, skus=sorted(set(wanted)))}

    def save(self, changed: Iterable[Stock]) -> None:
        items = sorted(changed, key=lambda item: item.sku)
        for item in items:
            self.session.require_own(item.tenant_id)
        self.session.grow((_PUT, [_stock_row(item) for item in items]))

    def low(self) -> list[Stock]:
        return [_stock(row) for row in self.session.all(_LOW)]


def _stock_row(item: Stock) -> Values:
    return {
        "tenant_id": item.tenant_id,
        "sku": item.sku,
        "vendor_id": item.vendor_id,
        "on_hand": item.on_hand,
        "reserved": item.reserved,
        "low_at": item.low_at,
        "backorders": item.backorders,
    }


def _stock(row: AnyRow) -> Stock:
    return Stock(
        tenant_id=row.tenant_id,
        vendor_id=row.vendor_id,
        sku=row.sku,
        on_hand=row.on_hand,
        reserved=row.reserved,
        low_at=row.low_at,
        backorders=row.backorders,
    )
