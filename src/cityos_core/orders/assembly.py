"""Building a placed order from its settlement."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import Identifiers, NodeId, OrderId, OrderLineId, TenantId, VendorId, VendorOrderId
from cityos_core.kernel.money import Money
from cityos_core.orders.model import Order, OrderLine, Payment, ShippingCharge, VendorOrder
from cityos_core.orders.pricing import Listing
from cityos_core.orders.settlement import SettledLine, Settlement


@frozen(kw_only=True)
class Circumstance:
    """What an order is placed in: the tenant and store, the vendors by handle, what the catalogue says, the gateway."""

    tenant_id: TenantId
    store_id: NodeId | None = None
    tax_jurisdiction: str
    gateway: str
    digest: str
    vendors: Mapping[str, VendorId]
    listings: Mapping[str, Listing]
    payments: Sequence[Payment] | None = None
    quotes: Sequence[str | None] = ()
    """Which rate each of the last shipping charges of the draft came from."""


def assemble(settlement: Settlement, circumstance: Circumstance, identifiers: Identifiers) -> Order:
    """Build the order; ``Invalid("payment_mismatch")`` if its payments do not sum to what the buyer pays."""
    priced, draft = settlement.priced, settlement.priced.draft
    vendors = dict.fromkeys(line.vendor for line in draft.lines)
    return Order(
        id=OrderId(identifiers.new()),
        tenant_id=circumstance.tenant_id,
        store_id=circumstance.store_id,
        reference=draft.reference,
        digest=circumstance.digest,
        placed_at=draft.placed_at,
        customer=draft.customer,
        currency=draft.currency,
        channel=draft.channel,
        customer_group=draft.customer_group,
        prices_include_tax=draft.prices_include_tax,
        shipping_recipient=priced.shipping_recipient,
        tax_remitter=priced.tax_remitter,
        tax_jurisdiction=circumstance.tax_jurisdiction,
        lines=tuple(_line(line, circumstance, identifiers) for line in settlement.lines),
        shipping=_charges(settlement, circumstance),
        payments=_payments(priced.total, circumstance),
        vendor_orders=tuple(
            VendorOrder(id=VendorOrderId(identifiers.new()), vendor_id=circumstance.vendors[vendor], vendor=vendor)
            for vendor in vendors
        ),
    )


def _line(settled: SettledLine, circumstance: Circumstance, identifiers: Identifiers) -> OrderLine:
    line, draft = settled.line, settled.line.draft
    return OrderLine(
        id=OrderLineId(identifiers.new()),
        reference=draft.reference,
        sku=draft.sku,
        vendor_id=circumstance.vendors[draft.vendor],
        vendor=draft.vendor,
        quantity=draft.quantity,
        unit_price=draft.unit_price,
        gross=line.gross,
        discounts=line.discounts,
        tax=line.tax,
        shipping=line.shipping,
        shipping_tax=line.shipping_tax,
        paid=line.paid,
        legs=settled.legs,
        category=circumstance.listings[draft.sku].category if draft.sku in circumstance.listings else None,
        tags=draft.tags,
    )


def _charges(settlement: Settlement, circumstance: Circumstance) -> tuple[ShippingCharge, ...]:
    charges = settlement.priced.draft.shipping
    unquoted = len(charges) - len(circumstance.quotes)
    quotes = (*([None] * unquoted), *circumstance.quotes)
    return tuple(
        ShippingCharge(
            vendor=charge.vendor, amount=charge.amount.minor, tax=charge.tax.minor if charge.tax else 0, quote=quote
        )
        for charge, quote in zip(charges, quotes, strict=True)
    )


def _payments(total: Money, circumstance: Circumstance) -> tuple[Payment, ...]:
    if circumstance.payments is None:
        return (Payment(circumstance.gateway, total.minor),) if total else ()
    if any(payment.amount < 0 for payment in circumstance.payments):
        raise Invalid("negative_amount", "a payment is zero or more")
    paid = Money(sum(payment.amount for payment in circumstance.payments), total.currency)
    if paid != total:
        raise Invalid(
            "payment_mismatch", f"the payments come to {paid}, the order to {total}; they have to be the same"
        )
    return tuple(circumstance.payments)
