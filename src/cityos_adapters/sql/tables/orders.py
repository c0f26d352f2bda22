"""Orders: what was sold, and all that happened to it later."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Named,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from cityos_adapters.sql.columns import KEY, METADATA, Choice, Document, Instant, one_of
from cityos_adapters.sql.tables.owned import Identified, Versioned
from cityos_core.orders.draft import ShippingRecipient, TaxRemitter
from cityos_core.orders.model import (
    AppliedDiscount,
    DisputeStatus,
    Held,
    Payment,
    RefundPart,
    Shipped,
    ShippingCharge,
    VendorOrderStatus,
)


class OrderColumns(Versioned):
    """An order."""

    store_id: Named[UUID | None] = Column(Uuid)
    reference: Named[str] = Column(KEY)
    digest: Named[str] = Column(Text)
    placed_at: Named[datetime] = Column(Instant)
    customer: Named[str | None] = Column(Text)
    currency: Named[str] = Column(Text)
    channel: Named[str | None] = Column(Text)
    customer_group: Named[str | None] = Column(Text)
    prices_include_tax: Named[bool] = Column(Boolean)
    shipping_recipient: Named[ShippingRecipient] = Column(Choice(ShippingRecipient))
    tax_remitter: Named[TaxRemitter] = Column(Choice(TaxRemitter))
    tax_jurisdiction: Named[str] = Column(Text)
    shipping: Named[tuple[ShippingCharge, ...]] = Column(Document(tuple[ShippingCharge, ...]))
    payments: Named[tuple[Payment, ...]] = Column(Document(tuple[Payment, ...]))


orders: Final = Table(
    "orders",
    METADATA,
    OrderColumns,
    UniqueConstraint("tenant_id", "reference"),
    one_of("shipping_recipient", ShippingRecipient),
    one_of("tax_remitter", TaxRemitter),
)
Index(None, orders.c.tenant_id, orders.c.placed_at, orders.c.id)


class PartColumns(Identified):
    """Something that belongs to an order, at a position in its list."""

    order_id: Named[UUID] = Column(Uuid)
    position: Named[int] = Column(Integer)


def _of_order() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"])


class LineColumns(PartColumns):
    """A sold line; the legs are those of ``LegName``."""

    reference: Named[str] = Column(Text)
    sku: Named[str] = Column(KEY)
    vendor_id: Named[UUID] = Column(Uuid)
    vendor: Named[str] = Column(KEY)
    quantity: Named[int] = Column(BigInteger)
    unit_price_micro: Named[int] = Column(BigInteger)
    gross: Named[int] = Column(BigInteger)
    discounts: Named[tuple[AppliedDiscount, ...]] = Column(Document(tuple[AppliedDiscount, ...]))
    tax: Named[int] = Column(BigInteger)
    shipping: Named[int] = Column(BigInteger)
    shipping_tax: Named[int] = Column(BigInteger)
    paid: Named[int] = Column(BigInteger)
    leg_vendor: Named[int] = Column(BigInteger)
    leg_commission: Named[int] = Column(BigInteger)
    leg_commission_fixed: Named[int] = Column(BigInteger)
    leg_commission_tax: Named[int] = Column(BigInteger)
    leg_tax: Named[int] = Column(BigInteger)
    leg_shipping: Named[int] = Column(BigInteger)
    leg_funding_platform: Named[int] = Column(BigInteger)
    leg_funding_tenant: Named[int] = Column(BigInteger)
    category: Named[str | None] = Column(KEY)
    tags: Named[tuple[str, ...]] = Column(Document(tuple[str, ...]))


order_lines: Final = Table(
    "order_lines",
    METADATA,
    LineColumns,
    UniqueConstraint("tenant_id", "order_id", "position"),
    _of_order(),
    CheckConstraint(
        "paid = leg_vendor + leg_commission + leg_commission_fixed + leg_commission_tax + leg_tax + leg_shipping"
        " + leg_funding_platform + leg_funding_tenant",
        name="legs",
    ),
)


class VendorOrderColumns(PartColumns):
    """One vendor's part of an order."""

    vendor_id: Named[UUID] = Column(Uuid)
    vendor: Named[str] = Column(KEY)
    status: Named[VendorOrderStatus] = Column(Choice(VendorOrderStatus))
    fulfilled_at: Named[datetime | None] = Column(Instant)
    release_due_at: Named[datetime | None] = Column(Instant)
    released_at: Named[datetime | None] = Column(Instant)
    reserved: Named[int] = Column(BigInteger)
    reserve_due_at: Named[datetime | None] = Column(Instant)
    drawn: Named[int] = Column(BigInteger)


vendor_orders: Final = Table(
    "vendor_orders",
    METADATA,
    VendorOrderColumns,
    UniqueConstraint("tenant_id", "order_id", "position"),
    _of_order(),
    one_of("status", VendorOrderStatus),
)
Index(None, vendor_orders.c.tenant_id, vendor_orders.c.vendor, vendor_orders.c.order_id)
AWAITS_RELEASE: Final = (vendor_orders.c.release_due_at.is_not(None) & vendor_orders.c.released_at.is_(None)) | (
    vendor_orders.c.reserve_due_at.is_not(None) & (vendor_orders.c.reserved > 0)
)
"""True while a vendor order has money or a reserve that time will let go."""

Index(
    "ix_vendor_orders_awaiting",
    vendor_orders.c.tenant_id,
    vendor_orders.c.release_due_at,
    postgresql_where=AWAITS_RELEASE,
    sqlite_where=AWAITS_RELEASE,
)


class FulfilmentColumns(PartColumns):
    """Goods on their way."""

    vendor_order_id: Named[UUID] = Column(Uuid)
    shipped: Named[tuple[Shipped, ...]] = Column(Document(tuple[Shipped, ...]))
    shipped_at: Named[datetime] = Column(Instant)
    carrier: Named[str | None] = Column(Text)
    tracking: Named[str | None] = Column(Text)
    delivered_at: Named[datetime | None] = Column(Instant)


fulfilments: Final = Table(
    "fulfilments", METADATA, FulfilmentColumns, UniqueConstraint("tenant_id", "order_id", "position"), _of_order()
)


class RefundColumns(PartColumns):
    """Money that went back, and what it took from each line."""

    key: Named[str] = Column(Text)
    digest: Named[str] = Column(Text)
    reason: Named[str] = Column(Text)
    note: Named[str] = Column(Text)
    amount: Named[int] = Column(BigInteger)
    parts: Named[tuple[RefundPart, ...]] = Column(Document(tuple[RefundPart, ...]))
    refunded_at: Named[datetime] = Column(Instant)
    journal_key: Named[str] = Column(Text)


refunds: Final = Table(
    "refunds", METADATA, RefundColumns, UniqueConstraint("tenant_id", "order_id", "position"), _of_order()
)


class DisputeColumns(PartColumns):
    """A buyer's claim."""

    reference: Named[str] = Column(Text)
    reason: Named[str] = Column(Text)
    amount: Named[int] = Column(BigInteger)
    status: Named[DisputeStatus] = Column(Choice(DisputeStatus))
    held: Named[tuple[Held, ...]] = Column(Document(tuple[Held, ...]))
    opened_at: Named[datetime] = Column(Instant)
    closed_at: Named[datetime | None] = Column(Instant)


disputes: Final = Table(
    "disputes",
    METADATA,
    DisputeColumns,
    UniqueConstraint("tenant_id", "order_id", "position"),
    _of_order(),
    one_of("status", DisputeStatus),
)
