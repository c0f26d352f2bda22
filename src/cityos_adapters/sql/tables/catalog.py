"""Products with the skus they answer to, product categories, and stock."""

from typing import Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Named,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from cityos_adapters.sql.columns import KEY, METADATA, Choice, Document, one_of
from cityos_adapters.sql.tables.owned import Owned, Versioned
from cityos_core.catalog.model import ProductStatus, Variant


class ProductColumns(Versioned):
    """A product with its variants."""

    vendor_id: Named[UUID] = Column(Uuid)
    sku: Named[str] = Column(KEY)
    title: Named[str] = Column(Text)
    category: Named[str | None] = Column(KEY)
    status: Named[ProductStatus] = Column(Choice(ProductStatus))
    tax_class: Named[str] = Column(Text)
    tags: Named[tuple[str, ...]] = Column(Document(tuple[str, ...]))
    stores: Named[tuple[str, ...]] = Column(Document(tuple[str, ...]))
    variants: Named[tuple[Variant, ...]] = Column(Document(tuple[Variant, ...]))


products: Final = Table(
    "products", METADATA, ProductColumns, UniqueConstraint("tenant_id", "sku"), one_of("status", ProductStatus)
)
Index(None, products.c.tenant_id, products.c.vendor_id, products.c.sku)


class SkuColumns(Owned):
    """A sku, of a product or of a variant, and the product that answers to it."""

    sku: Named[str] = Column(KEY, primary_key=True)
    product_id: Named[UUID] = Column(Uuid)


skus: Final = Table(
    "skus",
    METADATA,
    SkuColumns,
    ForeignKeyConstraint(["tenant_id", "product_id"], ["products.tenant_id", "products.id"]),
)
Index(None, skus.c.tenant_id, skus.c.product_id)


class CategoryColumns(Owned):
    """A product category."""

    path: Named[str] = Column(KEY, primary_key=True)
    name: Named[str] = Column(Text)


categories: Final = Table("categories", METADATA, CategoryColumns)


class StockColumns(Owned):
    """The inventory of a sku."""

    sku: Named[str] = Column(KEY, primary_key=True)
    vendor_id: Named[UUID] = Column(Uuid)
    on_hand: Named[int] = Column(BigInteger)
    reserved: Named[int] = Column(BigInteger)
    low_at: Named[int] = Column(BigInteger)
    backorders: Named[bool] = Column(Boolean)


stock: Final = Table("stock", METADATA, StockColumns)
