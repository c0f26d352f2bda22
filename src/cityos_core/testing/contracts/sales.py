"""Orders and commission transactions with something in every field."""

from datetime import datetime
from typing import Final
from uuid import UUID

from attrs import evolve

from cityos_core.commissions.lines import (
    Circumstances,
    CommissionEntry,
    CommissionLine,
    Component,
    EntryKind,
    EntryStatus,
    GroupDecision,
    SaleLine,
    Verdict,
)
from cityos_core.kernel.ids import Identifiers, NodeId, OrderId, OrderLineId, VendorOrderId
from cityos_core.kernel.money import UnitPrice
from cityos_core.orders.draft import ShippingRecipient, TaxRemitter
from cityos_core.orders.model import (
    AppliedDiscount,
    Dispute,
    DisputeStatus,
    Fulfilment,
    Held,
    Order,
    OrderLine,
    Payment,
    Refund,
    RefundPart,
    Shipped,
    ShippingCharge,
    VendorOrder,
    VendorOrderStatus,
)
from cityos_core.testing.contracts.examples import AT, LARGEST, LATER, WORDS
from cityos_core.vendors.model import Vendor


def line(ids: Identifiers, seller: Vendor, reference: str) -> OrderLine:
    """Build a sold line; its legs sum to what the buyer paid."""
    return OrderLine(
        id=OrderLineId(ids.new()),
        reference=reference,
        sku="chair/red",
        vendor_id=seller.id,
        vendor=seller.handle,
        quantity=500,
        unit_price=UnitPrice.of("0.529200", "EUR"),
        gross=LARGEST,
        discounts=(AppliedDiscount(300, 100, 150, 50), AppliedDiscount(7, 7, 0, 0)),
        tax=1900,
        shipping=490,
        shipping_tax=93,
        paid=LARGEST - 1000,
        legs=(LARGEST - 3000, 1500, 200, 323, 93, 84, -150, -50),
        category="furniture/chairs",
        tags=("new", "späť"),
    )


def settled(made: VendorOrder) -> VendorOrder:
    """Give a vendor order that was released with a reserve."""
    return evolve(
        made,
        status=VendorOrderStatus.DELIVERED,
        fulfilled_at=AT,
        release_due_at=AT,
        released_at=LATER,
        reserved=LARGEST,
        reserve_due_at=LATER,
        drawn=12345,
    )


def refund(ids: Identifiers, sold: OrderLine, key: str) -> Refund:
    """Build a refund of one line that kept something back."""
    return Refund(
        id=ids.new(),
        key=key,
        reason="damaged",
        note=WORDS,
        amount=900,
        parts=(
            RefundPart(
                line_id=sold.id,
                quantity=2,
                amount=900,
                legs=(800, 100, 10, 20, 5, 5, -30, -10),
                kept=(0, 30, 10, 0, 0, 5, 0, 0),
            ),
        ),
        refunded_at=AT,
        journal_key=f"refund:{key}",
        digest=f"digest of {key}",
    )


def order(
    ids: Identifiers, reference: str, *sellers: Vendor, store: NodeId | None = None, placed_at: datetime = AT
) -> Order:
    """Build an order of one line per vendor, to which nothing has happened yet."""
    return Order(
        id=OrderId(ids.new()),
        tenant_id=sellers[0].tenant_id,
        store_id=store,
        reference=reference,
        digest=f"digest of {reference}",
        placed_at=placed_at,
        customer="Žofie",
        currency="EUR",
        channel="kiosk",
        customer_group="wholesale",
        prices_include_tax=True,
        shipping_recipient=ShippingRecipient.TENANT,
        tax_remitter=TaxRemitter.PLATFORM,
        tax_jurisdiction="de",
        lines=tuple(line(ids, seller, f"{number}") for number, seller in enumerate(sellers)),
        shipping=(ShippingCharge(vendor=None, amount=490, tax=93, quote="flat:eu"),),
        payments=(Payment("card", LARGEST, "pi_1"), Payment("voucher", 500)),
        vendor_orders=tuple(
            VendorOrder(id=VendorOrderId(ids.new()), vendor_id=seller.id, vendor=seller.handle) for seller in sellers
        ),
    )


def afterlife(ids: Identifiers, placed: Order) -> Order:
    """Give an order after everything that can happen to it."""
    sold, first = placed.lines[0], placed.vendor_orders[0]
    return evolve(
        placed,
        vendor_orders=(settled(first), *placed.vendor_orders[1:]),
        fulfilments=(
            Fulfilment(
                id=ids.new(),
                vendor_order_id=first.id,
                items=(Shipped(sold.id, 300), Shipped(sold.id, 200)),
                shipped_at=AT,
                carrier="Pošta",
                tracking="1Z999",
                delivered_at=LATER,
            ),
        ),
        refunds=(refund(ids, sold, "r-1"), evolve(refund(ids, sold, "r-2"), parts=())),
        disputes=(
            Dispute(
                id=ids.new(),
                reference="dp_1",
                reason="not received",
                amount=LARGEST,
                status=DisputeStatus.WON,
                held=(Held(first.id, 250),),
                opened_at=AT,
                closed_at=LATER,
            ),
            Dispute(id=ids.new(), reference="dp_2", reason="", amount=1, opened_at=LATER),
        ),
    )


def sale_entry(ids: Identifiers, placed: Order, index: int = 0) -> CommissionEntry:
    """Build the commission transaction of one sold line, with the record of its decision."""
    sold, made = placed.lines[index], placed.vendor_orders[index]
    return CommissionEntry(
        id=ids.new(),
        order_id=placed.id,
        order_reference=placed.reference,
        vendor_order_id=made.id,
        line_id=sold.id,
        line_reference=sold.reference,
        vendor_id=sold.vendor_id,
        vendor=sold.vendor,
        sku=sold.sku,
        category=sold.category,
        kind=EntryKind.SALE,
        status=EntryStatus.PENDING,
        occurred_at=placed.placed_at,
        currency=placed.currency,
        gross=26460,
        discounts=307,
        funding=200,
        shipping=490,
        tax=1993,
        commission=2615,
        commission_tax=497,
        net=25724,
        volume=26353,
        journal_key=f"order:{placed.reference}",
        line=decision(sold.reference),
        sale=facts(sold),
        circumstances=Circumstances(
            prices_include_tax=True,
            channel="kiosk",
            customer_group="wholesale",
            hierarchy={"country": "xa", "tenant": "xa/food/retail/north"},
        ),
    )


def decision(reference: str) -> CommissionLine:
    """Build the frozen record of a decision."""
    return CommissionLine(
        reference=reference,
        currency="EUR",
        amount=2615,
        fixed=15,
        tax=497,
        decisions=(
            GroupDecision(
                group="default",
                rule="house",
                rule_id=UUID(int=7),
                version=3,
                base=LARGEST,
                built="gross - vendor discounts",
                components=(Component("percentage", "10 % of 260.00", "2600"), Component("fixed", "", "46/3")),
                clamp="at least 5 %",
                amount=2615,
                fixed=15,
                tax=497,
            ),
            GroupDecision(group="listing", rule=WORDS, base=0, built="", components=(), amount=0),
        ),
        trace=(Verdict("house", "won"), Verdict(WORDS, "scope", "not in this category")),
    )


def facts(sold: OrderLine) -> SaleLine:
    """Build what the decision was made from."""
    return SaleLine(
        reference=sold.reference,
        sku=sold.sku,
        vendor=sold.vendor,
        quantity=sold.quantity,
        unit_price=sold.unit_price,
        gross=sold.gross,
        vendor_discount=107,
        tax=sold.tax,
        paid=sold.paid,
        shipping=490,
        shipping_tax=93,
        category=sold.category,
        tags=sold.tags,
        product="chair",
    )


def reversal_entry(ids: Identifiers, sale: CommissionEntry, at: datetime) -> CommissionEntry:
    """Build the giving back of a tenth of a sale."""
    amounts = {name: -getattr(sale, name) // 10 for name in AMOUNTS}
    return evolve(
        sale,
        id=ids.new(),
        kind=EntryKind.REVERSAL,
        occurred_at=at,
        volume=0,
        line=None,
        sale=None,
        circumstances=None,
        **amounts,
    )


AMOUNTS: Final = ("gross", "discounts", "funding", "shipping", "tax", "commission", "commission_tax", "net")
