"""Orders as rows and rows as orders; what repeats is kept with its position."""

from collections.abc import Iterable, Mapping
from typing import Final

from cityos_adapters.sql.statements import AnyRow, Values
from cityos_core.kernel.money import UnitPrice
from cityos_core.orders.model import (
    LEG_NAMES,
    Dispute,
    Fulfilment,
    Order,
    OrderLine,
    Refund,
    VendorOrder,
)

Rows = Iterable[AnyRow]

_LEGS: Final = tuple(f"leg_{name.value}" for name in LEG_NAMES)


def order_row(order: Order) -> Values:
    """Write what an order says once."""
    return {
        "tenant_id": order.tenant_id,
        "id": order.id,
        "version": order.version,
        "store_id": order.store_id,
        "reference": order.reference,
        "digest": order.digest,
        "placed_at": order.placed_at,
        "customer": order.customer,
        "currency": order.currency,
        "channel": order.channel,
        "customer_group": order.customer_group,
        "prices_include_tax": order.prices_include_tax,
        "shipping_recipient": order.shipping_recipient,
        "tax_remitter": order.tax_remitter,
        "tax_jurisdiction": order.tax_jurisdiction,
        "shipping": order.shipping,
        "payments": order.payments,
    }


def line_row(line: OrderLine) -> Values:
    """Write a line; its unit price is in the order's currency."""
    return {
        "reference": line.reference,
        "sku": line.sku,
        "vendor_id": line.vendor_id,
        "vendor": line.vendor,
        "quantity": line.quantity,
        "unit_price_micro": line.unit_price.micro,
        "gross": line.gross,
        "discounts": line.discounts,
        "tax": line.tax,
        "shipping": line.shipping,
        "shipping_tax": line.shipping_tax,
        "paid": line.paid,
        **dict(zip(_LEGS, line.legs, strict=True)),
        "category": line.category,
        "tags": line.tags,
    }


def vendor_order_row(part: VendorOrder) -> Values:
    """Write one vendor's part."""
    return {
        "vendor_id": part.vendor_id,
        "vendor": part.vendor,
        "status": part.status,
        "fulfilled_at": part.fulfilled_at,
        "release_due_at": part.release_due_at,
        "released_at": part.released_at,
        "reserved": part.reserved,
        "reserve_due_at": part.reserve_due_at,
        "drawn": part.drawn,
    }


def fulfilment_row(sent: Fulfilment) -> Values:
    """Write a fulfilment."""
    return {
        "vendor_order_id": sent.vendor_order_id,
        "shipped": sent.items,
        "shipped_at": sent.shipped_at,
        "carrier": sent.carrier,
        "tracking": sent.tracking,
        "delivered_at": sent.delivered_at,
    }


def refund_row(refund: Refund) -> Values:
    """Write a refund."""
    return {
        "key": refund.key,
        "digest": refund.digest,
        "reason": refund.reason,
        "note": refund.note,
        "amount": refund.amount,
        "parts": refund.parts,
        "refunded_at": refund.refunded_at,
        "journal_key": refund.journal_key,
    }


def dispute_row(dispute: Dispute) -> Values:
    """Write a dispute."""
    return {
        "reference": dispute.reference,
        "reason": dispute.reason,
        "amount": dispute.amount,
        "status": dispute.status,
        "held": dispute.held,
        "opened_at": dispute.opened_at,
        "closed_at": dispute.closed_at,
    }


def order(row: AnyRow, parts: Mapping[str, Rows]) -> Order:
    """Read an order from its row and the rows of its parts, by table, each in its order."""
    return Order(
        id=row.id,
        tenant_id=row.tenant_id,
        store_id=row.store_id,
        reference=row.reference,
        digest=row.digest,
        placed_at=row.placed_at,
        customer=row.customer,
        currency=row.currency,
        channel=row.channel,
        customer_group=row.customer_group,
        prices_include_tax=row.prices_include_tax,
        shipping_recipient=row.shipping_recipient,
        tax_remitter=row.tax_remitter,
        tax_jurisdiction=row.tax_jurisdiction,
        lines=tuple(_line(part, row.currency) for part in parts["order_lines"]),
        shipping=row.shipping,
        payments=row.payments,
        vendor_orders=tuple(map(_vendor_order, parts["vendor_orders"])),
        fulfilments=tuple(map(_fulfilment, parts["fulfilments"])),
        refunds=tuple(map(_refund, parts["refunds"])),
        disputes=tuple(map(_dispute, parts["disputes"])),
        version=row.version,
    )


def _line(row: AnyRow, currency: str) -> OrderLine:
    return OrderLine(
        id=row.id,
        reference=row.reference,
        sku=row.sku,
        vendor_id=row.vendor_id,
        vendor=row.vendor,
        quantity=row.quantity,
        unit_price=UnitPrice(row.unit_price_micro, currency),
        gross=row.gross,
        discounts=row.discounts,
        tax=row.tax,
        shipping=row.shipping,
        shipping_tax=row.shipping_tax,
        paid=row.paid,
        legs=tuple(getattr(row, leg) for leg in _LEGS),
        category=row.category,
        tags=row.tags,
    )


def _vendor_order(row: AnyRow) -> VendorOrder:
    return VendorOrder(
        id=row.id,
        vendor_id=row.vendor_id,
        vendor=row.vendor,
        status=row.status,
        fulfilled_at=row.fulfilled_at,
        release_due_at=row.release_due_at,
        released_at=row.released_at,
        reserved=row.reserved,
        reserve_due_at=row.reserve_due_at,
        drawn=row.drawn,
    )


def _fulfilment(row: AnyRow) -> Fulfilment:
    return Fulfilment(
        id=row.id,
        vendor_order_id=row.vendor_order_id,
        items=row.shipped,
        shipped_at=row.shipped_at,
        carrier=row.carrier,
        tracking=row.tracking,
        delivered_at=row.delivered_at,
    )


def _refund(row: AnyRow) -> Refund:
    return Refund(
        id=row.id,
        key=row.key,
        digest=row.digest,
        reason=row.reason,
        note=row.note,
        amount=row.amount,
        parts=row.parts,
        refunded_at=row.refunded_at,
        journal_key=row.journal_key,
    )


def _dispute(row: AnyRow) -> Dispute:
    return Dispute(
        id=row.id,
        reference=row.reference,
        reason=row.reason,
        amount=row.amount,
        status=row.status,
        held=row.held,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )
