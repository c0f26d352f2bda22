"""Placed orders: lines with frozen legs, one vendor order per vendor, and all that happens to them later."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from attrs import field, frozen

from cityos_core.kernel.ids import NodeId, OrderId, OrderLineId, TenantId, VendorId, VendorOrderId
from cityos_core.kernel.money import Money, UnitPrice
from cityos_core.kernel.states import Machine
from cityos_core.orders.draft import ShippingRecipient, TaxRemitter
from cityos_core.tenancy.model import handle as check_handle


class LegName(StrEnum):
    """The parties to a sale, in the order in which they are recorded and in which refunds settle ties."""

    VENDOR = "vendor"
    COMMISSION = "commission"
    COMMISSION_FIXED = "commission_fixed"
    COMMISSION_TAX = "commission_tax"
    TAX = "tax"
    SHIPPING = "shipping"
    FUNDING_PLATFORM = "funding_platform"
    FUNDING_TENANT = "funding_tenant"


LEG_NAMES: Final = tuple(LegName)

Legs = tuple[int, ...]
"""Minor units per leg, in the order of :data:`LEG_NAMES`; they sum to what the buyer paid. Who funded is negative."""


@frozen
class AppliedDiscount:
    """A discount in minor units, and how much of it each party funds."""

    amount: int
    vendor: int
    platform: int
    tenant: int


@frozen(kw_only=True)
class OrderLine:
    """A sold line; amounts in minor units of the order's currency. Nothing here changes after the sale."""

    id: OrderLineId
    reference: str
    sku: str
    vendor_id: VendorId
    vendor: str
    quantity: int
    unit_price: UnitPrice
    gross: int
    discounts: tuple[AppliedDiscount, ...] = ()
    tax: int = 0
    shipping: int = 0
    shipping_tax: int = 0
    paid: int
    """What the buyer pays for the line in all, with tax, shipping and tax on shipping: the sum of ``legs``."""
    legs: Legs
    category: str | None = None
    tags: tuple[str, ...] = ()


class VendorOrderStatus(StrEnum):
    """The life of one vendor's part of an order."""

    PLACED = "placed"
    PARTLY_FULFILLED = "partly_fulfilled"
    FULFILLED = "fulfilled"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


AWAITING: Final = (VendorOrderStatus.PLACED, VendorOrderStatus.PARTLY_FULFILLED)
"""What a vendor order is while something of it is still to be sent."""

VENDOR_ORDER_LIFE: Final = Machine(
    "vendor order",
    {
        (VendorOrderStatus.PLACED, "fulfil_part"): VendorOrderStatus.PARTLY_FULFILLED,
        (VendorOrderStatus.PLACED, "fulfil"): VendorOrderStatus.FULFILLED,
        (VendorOrderStatus.PLACED, "cancel"): VendorOrderStatus.CANCELLED,
        (VendorOrderStatus.PARTLY_FULFILLED, "fulfil_part"): VendorOrderStatus.PARTLY_FULFILLED,
        (VendorOrderStatus.PARTLY_FULFILLED, "fulfil"): VendorOrderStatus.FULFILLED,
        (VendorOrderStatus.FULFILLED, "deliver"): VendorOrderStatus.DELIVERED,
    },
)


@frozen(kw_only=True)
class VendorOrder:
    """One vendor's part of an order. ``drawn``: what refunds and disputes already took out of its pending money."""

    id: VendorOrderId
    vendor_id: VendorId
    vendor: str
    status: VendorOrderStatus = VendorOrderStatus.PLACED
    fulfilled_at: datetime | None = None
    release_due_at: datetime | None = None
    """When the vendor's money becomes available: fulfilment plus the holding period then in force."""
    released_at: datetime | None = None
    reserved: int = 0
    """What the rolling reserve kept back at release and has not let go."""
    reserve_due_at: datetime | None = None
    drawn: int = 0


@frozen
class Shipped:
    """How many units of a line went out."""

    line_id: OrderLineId
    quantity: int


@frozen(kw_only=True)
class Fulfilment:
    """Goods on their way."""

    id: UUID
    vendor_order_id: VendorOrderId
    items: tuple[Shipped, ...]
    shipped_at: datetime
    carrier: str | None = None
    tracking: str | None = None
    delivered_at: datetime | None = None


@frozen(kw_only=True)
class RefundPart:
    """What a refund took from one line: ``amount`` to the buyer, ``legs`` unwound.

    ``kept`` is what of these legs stayed where it was: the vendor bore it, or, where the vendor leg is kept as well, the
    platform bore the whole part. ``quantity`` is the units refunded; a part that empties the line takes all of them.
    """

    line_id: OrderLineId
    quantity: int = 0
    amount: int
    legs: Legs
    kept: Legs


@frozen(kw_only=True)
class Refund:
    """Money that went back to the buyer, or a cancellation or lost dispute that unwound the sale the same way."""

    id: UUID
    key: str
    digest: str = ""
    """A fingerprint of what was asked for, which a repeated key must match."""
    reason: str
    note: str = ""
    amount: int
    parts: tuple[RefundPart, ...]
    refunded_at: datetime
    journal_key: str


class DisputeStatus(StrEnum):
    """The life of a dispute."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


DISPUTE_LIFE: Final = Machine(
    "dispute",
    {(DisputeStatus.OPEN, "win"): DisputeStatus.WON, (DisputeStatus.OPEN, "lose"): DisputeStatus.LOST},
)


@frozen
class Held:
    """What a dispute moved into a vendor's reserve, and how much of it came from the vendor order's own pending money."""

    vendor_order_id: VendorOrderId
    amount: int
    pending: int = 0


@frozen(kw_only=True)
class Dispute:
    """A buyer's claim against a payment; the disputed share waits in the vendors' reserves."""

    id: UUID
    reference: str
    reason: str
    amount: int
    status: DisputeStatus = DisputeStatus.OPEN
    held: tuple[Held, ...] = ()
    opened_at: datetime
    closed_at: datetime | None = None


@frozen
class Payment:
    """What a buyer paid through a gateway, in minor units. A gateway's name is part of its accounts' paths: a handle."""

    gateway: str = field(validator=lambda _i, _a, value: check_handle(value, what="gateway"))
    amount: int
    reference: str | None = None


@frozen(kw_only=True)
class ShippingCharge:
    """A shipping charge as it was made; ``quote`` names the rate it came from."""

    vendor: str | None
    amount: int
    tax: int
    quote: str | None = None


class OrderStatus(StrEnum):
    """What an order's vendor orders add up to."""

    PLACED = "placed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@frozen(kw_only=True)
class Order:
    """A buyer's order over one or more vendors."""

    id: OrderId
    tenant_id: TenantId
    store_id: NodeId | None = None
    reference: str
    digest: str
    placed_at: datetime
    customer: str | None = None
    currency: str
    channel: str | None = None
    customer_group: str | None = None
    prices_include_tax: bool
    shipping_recipient: ShippingRecipient
    tax_remitter: TaxRemitter
    tax_jurisdiction: str
    lines: tuple[OrderLine, ...]
    shipping: tuple[ShippingCharge, ...] = ()
    payments: tuple[Payment, ...] = ()
    vendor_orders: tuple[VendorOrder, ...]
    fulfilments: tuple[Fulfilment, ...] = ()
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    version: int = field(default=1)

    @property
    def total(self) -> Money:
        """What the buyer paid."""
        return Money(sum(line.paid for line in self.lines), self.currency)

    @property
    def refunded(self) -> Money:
        """What went back to the buyer so far."""
        return Money(sum(refund.amount for refund in self.refunds), self.currency)

    @property
    def status(self) -> OrderStatus:
        """Cancelled if every part is, completed if every other part was delivered, else placed."""
        open_parts = [part.status for part in self.vendor_orders if part.status is not VendorOrderStatus.CANCELLED]
        if not open_parts:
            return OrderStatus.CANCELLED
        if all(status is VendorOrderStatus.DELIVERED for status in open_parts):
            return OrderStatus.COMPLETED
        return OrderStatus.PLACED

    def remaining(self, line: OrderLine) -> Legs:
        """What is left of a line's legs after all refunds so far."""
        left = list(line.legs)
        for refund in self.refunds:
            for part in refund.parts:
                if part.line_id == line.id:
                    left = [amount - taken for amount, taken in zip(left, part.legs, strict=True)]
        return tuple(left)

    def refunded_quantity(self, line: OrderLine) -> int:
        """How many units of a line were refunded by quantity."""
        return sum(part.quantity for refund in self.refunds for part in refund.parts if part.line_id == line.id)
