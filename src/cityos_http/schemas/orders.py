"""Orders as the API shows them: to buyers what they bought, to vendors their part, to administrators everything."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import OrderId, OrderLineId, StoreId, VendorOrderId
from cityos_core.kernel.money import Money, UnitPrice
from cityos_core.orders.model import (
    VENDOR_ORDER_LIFE,
    Fulfilment,
    Order,
    OrderLine,
    OrderStatus,
    VendorOrder,
    VendorOrderStatus,
)
from cityos_http.asking import Paged
from cityos_http.schema import about
from cityos_http.schemas.refunds import DisputeView, RefundView, legs_of

LEGS = about("Who gets what of it, by party; who funds a discount is negative. They sum to what the buyer paid.")


@frozen(kw_only=True)
class LineView:
    """A line as the buyer sees it."""

    id: OrderLineId
    reference: str
    sku: str
    vendor: str
    quantity: int
    unit_price: UnitPrice
    discount: Money = field(metadata=about("All discounts on the line."))
    tax: Money
    shipping: Money
    shipping_tax: Money
    paid: Money = field(metadata=about("What the buyer pays for the line in all."))
    refunded_quantity: int

    @classmethod
    def of(cls, order: Order, line: OrderLine) -> Self:
        """Show a line."""
        currency = order.currency
        return cls(
            id=line.id,
            reference=line.reference,
            sku=line.sku,
            vendor=line.vendor,
            quantity=line.quantity,
            unit_price=line.unit_price,
            discount=Money(sum(discount.amount for discount in line.discounts), currency),
            tax=Money(line.tax, currency),
            shipping=Money(line.shipping, currency),
            shipping_tax=Money(line.shipping_tax, currency),
            paid=Money(line.paid, currency),
            refunded_quantity=order.refunded_quantity(line),
        )


@frozen(kw_only=True)
class SettledLineView:
    """A line with everyone's part in it."""

    line: LineView
    legs: Mapping[str, Money] = field(metadata=LEGS)
    remaining: Mapping[str, Money] = field(metadata=about("What of the legs is left after all refunds."))

    @classmethod
    def of(cls, order: Order, line: OrderLine) -> Self:
        """Show a line."""
        return cls(
            line=LineView.of(order, line),
            legs=legs_of(line.legs, order.currency),
            remaining=legs_of(order.remaining(line), order.currency),
        )


@frozen(kw_only=True)
class VendorOrderView:
    """One vendor's part of an order."""

    id: VendorOrderId
    vendor: str
    status: VendorOrderStatus
    fulfilled_at: datetime | None
    release_due_at: datetime | None = field(metadata=about("When the vendor's money becomes available."))
    released_at: datetime | None
    reserved: Money
    reserve_due_at: datetime | None
    allowed_actions: tuple[str, ...]

    @classmethod
    def of(cls, part: VendorOrder, currency: str) -> Self:
        """Show a part."""
        return cls(
            id=part.id,
            vendor=part.vendor,
            status=part.status,
            fulfilled_at=part.fulfilled_at,
            release_due_at=part.release_due_at,
            released_at=part.released_at,
            reserved=Money(part.reserved, currency),
            reserve_due_at=part.reserve_due_at,
            allowed_actions=VENDOR_ORDER_LIFE.allowed(part.status),
        )


@frozen(kw_only=True)
class ShippedView:
    """How many units of a line went out."""

    line: str
    quantity: int


@frozen(kw_only=True)
class FulfilmentView:
    """Goods on their way."""

    vendor: str
    items: tuple[ShippedView, ...]
    carrier: str | None
    tracking: str | None
    shipped_at: datetime
    delivered_at: datetime | None

    @classmethod
    def of(cls, order: Order, fulfilment: Fulfilment) -> Self:
        """Show a fulfilment."""
        lines = {line.id: line.reference for line in order.lines}
        vendors = {part.id: part.vendor for part in order.vendor_orders}
        return cls(
            vendor=vendors[fulfilment.vendor_order_id],
            items=tuple(ShippedView(line=lines[item.line_id], quantity=item.quantity) for item in fulfilment.items),
            carrier=fulfilment.carrier,
            tracking=fulfilment.tracking,
            shipped_at=fulfilment.shipped_at,
            delivered_at=fulfilment.delivered_at,
        )


@frozen(kw_only=True)
class CustomerOrderView:
    """An order as its buyer sees it."""

    id: OrderId
    reference: str
    status: OrderStatus
    placed_at: datetime
    currency: str
    total: Money
    refunded: Money
    lines: tuple[LineView, ...]
    fulfilments: tuple[FulfilmentView, ...]
    version: int

    @classmethod
    def of(cls, order: Order) -> Self:
        """Show an order."""
        return cls(
            id=order.id,
            reference=order.reference,
            status=order.status,
            placed_at=order.placed_at,
            currency=order.currency,
            total=order.total,
            refunded=order.refunded,
            lines=tuple(LineView.of(order, line) for line in order.lines),
            fulfilments=tuple(FulfilmentView.of(order, fulfilment) for fulfilment in order.fulfilments),
            version=order.version,
        )


@frozen(kw_only=True)
class OrderPartView:
    """An order as one of its vendors sees it: that vendor's lines, and nothing of the others."""

    id: OrderId
    reference: str
    placed_at: datetime
    currency: str
    part: VendorOrderView
    lines: tuple[SettledLineView, ...]
    fulfilments: tuple[FulfilmentView, ...]
    version: int

    @classmethod
    def of(cls, order: Order, vendor: str) -> Self:
        """Show a vendor its part of an order."""
        part = next(part for part in order.vendor_orders if part.vendor == vendor)
        sent = (fulfilment for fulfilment in order.fulfilments if fulfilment.vendor_order_id == part.id)
        return cls(
            id=order.id,
            reference=order.reference,
            placed_at=order.placed_at,
            currency=order.currency,
            part=VendorOrderView.of(part, order.currency),
            lines=tuple(SettledLineView.of(order, line) for line in order.lines if line.vendor == vendor),
            fulfilments=tuple(FulfilmentView.of(order, fulfilment) for fulfilment in sent),
            version=order.version,
        )


@frozen(kw_only=True)
class OrderView:
    """Everything about an order."""

    id: OrderId
    reference: str
    status: OrderStatus
    customer: str | None
    placed_at: datetime
    channel: str | None
    currency: str
    total: Money
    refunded: Money
    lines: tuple[SettledLineView, ...]
    vendor_orders: tuple[VendorOrderView, ...]
    fulfilments: tuple[FulfilmentView, ...]
    refunds: tuple[RefundView, ...]
    disputes: tuple[DisputeView, ...]
    version: int

    @classmethod
    def of(cls, order: Order) -> Self:
        """Show an order."""
        return cls(
            id=order.id,
            reference=order.reference,
            status=order.status,
            customer=order.customer,
            placed_at=order.placed_at,
            channel=order.channel,
            currency=order.currency,
            total=order.total,
            refunded=order.refunded,
            lines=tuple(SettledLineView.of(order, line) for line in order.lines),
            vendor_orders=tuple(VendorOrderView.of(part, order.currency) for part in order.vendor_orders),
            fulfilments=tuple(FulfilmentView.of(order, fulfilment) for fulfilment in order.fulfilments),
            refunds=tuple(RefundView.of(order, refund) for refund in order.refunds),
            disputes=tuple(DisputeView.of(order, dispute) for dispute in order.disputes),
            version=order.version,
        )


@frozen(kw_only=True)
class FulfilmentItem:
    """How many units of a line go out."""

    line: str = field(metadata=about("The line's reference.", example="1"))
    quantity: int = field(metadata=about("Units.", example=2, least=1))


@frozen(kw_only=True)
class FulfilmentRequest:
    """A parcel; without items everything that has not gone out yet."""

    items: tuple[FulfilmentItem, ...] = field(default=())
    carrier: str | None = None
    tracking: str | None = None

    @items.validator
    def _check(self, _attribute: object, items: tuple[FulfilmentItem, ...]) -> None:
        if len({item.line for item in items}) < len(items):
            raise Invalid.at("$.items", "duplicate_line", "name each line once")

    @property
    def quantities(self) -> Mapping[str, int] | None:
        """What the use case takes; none means everything."""
        return {item.line: item.quantity for item in self.items} or None


@frozen(kw_only=True)
class OrderQuery(Paged):
    """Which orders; instants are of placing, `[since, until)`."""

    vendor: str | None = field(default=None, metadata=about("With a part of this vendor, by handle."))
    customer: str | None = None
    store: StoreId | None = None
    since: datetime | None = None
    until: datetime | None = None
