"""What a commission decision is made from, and the frozen record of it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from attrs import field, frozen

from cityos_core.commissions.rules import Hierarchy, VolumePeriod
from cityos_core.kernel.ids import OrderId, OrderLineId, PayoutId, VendorId, VendorOrderId
from cityos_core.kernel.money import Money, UnitPrice


@frozen(kw_only=True)
class SaleLine:
    """The facts of one sold line that a commission can depend on; amounts in minor units of the sale's currency."""

    reference: str
    sku: str
    product: str | None = None
    """The product's sku, where the line's is that of one of its variants."""
    vendor: str
    quantity: int
    unit_price: UnitPrice
    gross: int
    vendor_discount: int = 0
    tax: int = 0
    paid: int
    """What the buyer pays for the line's goods: after all discounts, with tax."""
    shipping: int = 0
    """The line's part of the shipping that the vendor receives, without tax."""
    shipping_tax: int = 0
    category: str | None = None
    tags: tuple[str, ...] = ()


@frozen(kw_only=True)
class VolumeWindow:
    """Over which period a vendor's volume is asked; ``days`` for rolling ones."""

    period: VolumePeriod
    days: int | None = None


@frozen(kw_only=True)
class Sale:
    """The lines of one order and what they have in common."""

    at: datetime
    currency: str
    prices_include_tax: bool = False
    lines: tuple[SaleLine, ...]
    channel: str | None = None
    customer_group: str | None = None
    hierarchy: Hierarchy = field(factory=dict)
    volumes: Mapping[tuple[str, VolumeWindow], int] = field(factory=dict)
    """Each vendor's volume before this order, minor units; what is absent is zero."""


@frozen
class Component:
    """A part of a commission: what it is, in words, and its exact amount in the sale's currency: a decimal, or a fraction.

    Kinds: ``percentage``, ``tier``, ``order`` (a line's part of one amount over the vendor's lines) and ``fixed``.
    """

    kind: str
    detail: str
    amount: str


@frozen
class Verdict:
    """A rule that was considered, and what became of it: ``won``, ``bounds`` or the reason it lost.

    Reasons: ``wider``, ``priority``, ``younger``, ``locked``, ``validity``, ``conditions``, ``currency``; a line on which
    nothing won has ``no_rule``, of no rule.
    """

    rule: str
    outcome: str
    detail: str = ""


@frozen(kw_only=True)
class GroupDecision:
    """The winner of one group: which rule and version, the base and how it was built, and what it came to."""

    group: str
    rule: str
    rule_id: UUID | None = None
    version: int | None = None
    base: int
    built: str
    components: tuple[Component, ...]
    clamp: str = ""
    amount: int
    fixed: int = 0
    """The part of ``amount`` that comes from fixed parts; the rest is the percentage."""
    tax: int = 0


@frozen(kw_only=True)
class CommissionLine:
    """The frozen record of one commission decision, amounts in minor units. Nothing derives it again after the sale."""

    reference: str
    currency: str
    amount: int
    fixed: int = 0
    tax: int = 0
    decisions: tuple[GroupDecision, ...] = ()
    trace: tuple[Verdict, ...] = ()


@frozen(kw_only=True)
class Circumstances:
    """What the lines of a stored sale had in common, for whoever decides it anew."""

    prices_include_tax: bool = False
    channel: str | None = None
    customer_group: str | None = None
    hierarchy: Hierarchy = field(factory=dict)


class EntryKind(StrEnum):
    """A sale, or the giving back of some of it."""

    SALE = "sale"
    REVERSAL = "reversal"


class EntryStatus(StrEnum):
    """The life of a commission transaction."""

    PENDING = "pending"
    APPROVED = "approved"
    PAID = "paid"
    REVERSED = "reversed"


@frozen(kw_only=True)
class CommissionEntry:
    """A commission transaction: what one line meant to its vendor, tied to the journal that booked it.

    ``net`` is gross - discounts, less the tax contained in them where prices include it, + funding + shipping + tax -
    commission - commission_tax; ``shipping`` and ``tax`` are what the vendor receives of them. Reversals are negative.
    """

    id: UUID
    order_id: OrderId
    order_reference: str
    vendor_order_id: VendorOrderId
    line_id: OrderLineId
    line_reference: str
    vendor_id: VendorId
    vendor: str
    sku: str
    category: str | None = None
    kind: EntryKind
    status: EntryStatus = EntryStatus.PENDING
    occurred_at: datetime
    currency: str
    gross: int
    discounts: int
    funding: int
    shipping: int
    tax: int
    commission: int
    commission_tax: int
    net: int
    volume: int
    """What the line adds to its vendor's volume: its net base. Zero on reversals."""
    journal_key: str
    line: CommissionLine | None = None
    sale: SaleLine | None = None
    circumstances: Circumstances | None = None
    """With ``sale``, everything a what-if replay needs; the instant of the sale is ``occurred_at``."""
    payout_id: PayoutId | None = None


@frozen(kw_only=True)
class VendorTotals:
    """What one vendor's sales came to in one currency, minor units; the names are those of :class:`CommissionEntry`."""

    vendor: str
    currency: str
    orders: int
    gross: Money
    discounts: Money
    funding: Money
    shipping: Money
    tax: Money
    commission: Money
    commission_tax: Money
    net: Money
