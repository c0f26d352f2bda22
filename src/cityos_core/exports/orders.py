"""Orders as records: amounts in the order's one currency, parties' legs by name."""

from typing import Final

from cityos_core.kernel.money import Money
from cityos_core.kernel.rendering import Record
from cityos_core.orders.model import (
    LEG_NAMES,
    Dispute,
    Fulfilment,
    Legs,
    Order,
    OrderLine,
    Refund,
    VendorOrder,
)

COLUMNS: Final = ("reference", "placed_at", "customer", "status", "vendors", "total", "refunded", "currency")


def summary(order: Order) -> Record:
    """Give an order in one row."""
    return {
        "reference": order.reference,
        "placed_at": order.placed_at,
        "customer": order.customer,
        "status": order.status,
        "vendors": [part.vendor for part in order.vendor_orders],
        "total": order.total,
        "refunded": order.refunded,
        "currency": order.currency,
    }


def whole(order: Order) -> Record:
    """Give everything about an order."""
    currency = order.currency
    return {
        **summary(order),
        "channel": order.channel,
        "customer_group": order.customer_group,
        "prices_include_tax": order.prices_include_tax,
        "shipping_recipient": order.shipping_recipient,
        "tax_remitter": order.tax_remitter,
        "lines": [line_record(order, line) for line in order.lines],
        "shipping": [
            {
                "vendor": charge.vendor,
                "amount": Money(charge.amount, currency),
                "tax": Money(charge.tax, currency),
                "quote": charge.quote,
            }
            for charge in order.shipping
        ],
        "payments": [
            {"gateway": payment.gateway, "amount": Money(payment.amount, currency), "reference": payment.reference}
            for payment in order.payments
        ],
        "vendor_orders": [_part(part, currency) for part in order.vendor_orders],
        "fulfilments": [_fulfilment(order, fulfilment) for fulfilment in order.fulfilments],
        "refunds": [refund_record(order, refund) for refund in order.refunds],
        "disputes": [dispute_record(order, dispute) for dispute in order.disputes],
    }


def line_record(order: Order, line: OrderLine) -> Record:
    """Give one line: what was sold, what the buyer paid, and everyone's part in it, then and now."""
    currency = order.currency
    return {
        "line": line.reference,
        "sku": line.sku,
        "vendor": line.vendor,
        "category": line.category,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "gross": Money(line.gross, currency),
        "discounts": [
            {
                "amount": Money(discount.amount, currency),
                "funding": {
                    "vendor": Money(discount.vendor, currency),
                    "platform": Money(discount.platform, currency),
                    "tenant": Money(discount.tenant, currency),
                },
            }
            for discount in line.discounts
        ],
        "tax": Money(line.tax, currency),
        "shipping": Money(line.shipping, currency),
        "shipping_tax": Money(line.shipping_tax, currency),
        "paid": Money(line.paid, currency),
        "currency": currency,
        "legs": legs_record(line.legs, currency),
        "remaining": legs_record(order.remaining(line), currency),
        "refunded_quantity": order.refunded_quantity(line),
    }


def legs_record(legs: Legs, currency: str) -> Record:
    """Give the parties' amounts by name, without those who have none."""
    return {name.value: Money(minor, currency) for name, minor in zip(LEG_NAMES, legs, strict=True) if minor}


def refund_record(order: Order, refund: Refund) -> Record:
    """Give a refund and what it took from each line."""
    currency = order.currency
    return {
        "refund": refund.key,
        "amount": Money(refund.amount, currency),
        "currency": currency,
        "reason": refund.reason,
        "note": refund.note,
        "refunded_at": refund.refunded_at,
        "journal": refund.journal_key,
        "lines": refund_lines(order, refund),
    }


def refund_lines(order: Order, refund: Refund) -> list[Record]:
    """Give what a refund took from each line, and what the vendor bears of it."""
    references = {line.id: line.reference for line in order.lines}
    return [
        {
            "line": references[part.line_id],
            "quantity": part.quantity,
            "amount": Money(part.amount, order.currency),
            "legs": legs_record(part.legs, order.currency),
            "kept": legs_record(part.kept, order.currency),
        }
        for part in refund.parts
    ]


def dispute_record(order: Order, dispute: Dispute) -> Record:
    """Give a dispute and what it holds back."""
    vendors = {part.id: part.vendor for part in order.vendor_orders}
    return {
        "dispute": dispute.reference,
        "amount": Money(dispute.amount, order.currency),
        "currency": order.currency,
        "status": dispute.status,
        "reason": dispute.reason,
        "held": {vendors[held.vendor_order_id]: Money(held.amount, order.currency) for held in dispute.held},
        "opened_at": dispute.opened_at,
        "closed_at": dispute.closed_at,
    }


def _part(part: VendorOrder, currency: str) -> Record:
    return {
        "vendor": part.vendor,
        "status": part.status,
        "fulfilled_at": part.fulfilled_at,
        "release_due_at": part.release_due_at,
        "released_at": part.released_at,
        "reserved": Money(part.reserved, currency),
        "reserve_due_at": part.reserve_due_at,
    }


def _fulfilment(order: Order, fulfilment: Fulfilment) -> Record:
    references = {line.id: line.reference for line in order.lines}
    return {
        "vendor": next(part.vendor for part in order.vendor_orders if part.id == fulfilment.vendor_order_id),
        "items": {references[item.line_id]: item.quantity for item in fulfilment.items},
        "shipped_at": fulfilment.shipped_at,
        "carrier": fulfilment.carrier,
        "tracking": fulfilment.tracking,
        "delivered_at": fulfilment.delivered_at,
    }
