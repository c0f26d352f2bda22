"""Fingerprints of what was asked for: the same request again is a repetition, another one under its name a mistake."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from cityos_core.kernel.money import Money
from cityos_core.orders.draft import Discount, LineDraft, OrderDraft, ShippingDraft
from cityos_core.orders.model import Payment
from cityos_core.orders.refunds import LineRefund


def order_fingerprint(draft: OrderDraft, *, payments: Sequence[Payment] | None, store: str | None) -> str:
    """Fingerprint an order; how its file was written (no tax or a tax of zero) makes no difference."""
    return _digest(
        {
            "reference": draft.reference,
            "placed_at": draft.placed_at.isoformat(),
            "currency": draft.currency,
            "lines": [_line(line) for line in draft.lines],
            "customer": draft.customer,
            "fulfilled_at": draft.fulfilled_at and draft.fulfilled_at.isoformat(),
            "prices_include_tax": draft.prices_include_tax,
            "shipping_recipient": draft.shipping_recipient,
            "tax_remitter": draft.tax_remitter,
            "shipping": [_charge(charge) for charge in draft.shipping],
            "channel": draft.channel,
            "customer_group": draft.customer_group,
            "payments": payments and [[one.gateway, one.amount, one.reference] for one in payments],
            "store": store,
        }
    )


def purchase_fingerprint(
    lines: Sequence[tuple[str, int]],
    *,
    customer: str | None,
    store: str | None,
    rates: Mapping[str, str],
    region: str | None,
) -> str:
    """Fingerprint a purchase: what a buyer chose, not what it cost."""
    return _digest({"buy": lines, "customer": customer, "store": store, "rates": dict(rates), "region": region})


def refund_fingerprint(*, amount: Money | None, lines: Sequence[LineRefund], reason: str) -> str:
    """Fingerprint a refund."""
    return _digest(
        {
            "amount": _amount(amount),
            "lines": [_said({"line": one.line, "units": one.quantity, "amount": _amount(one.amount)}) for one in lines],
            "reason": reason,
        }
    )


def _line(line: LineDraft) -> Mapping[str, object]:
    return _said(
        {
            "reference": line.reference,
            "sku": line.sku,
            "vendor": line.vendor,
            "quantity": line.quantity,
            "unit_price": [line.unit_price.micro, line.unit_price.currency],
            "tax": _amount(line.tax),
            "discounts": [_discount(discount) for discount in line.discounts],
            "tags": line.tags,
        }
    )


def _discount(discount: Discount) -> Mapping[str, object]:
    return _said(
        {
            "percentage": discount.percentage and discount.percentage.micro,
            "amount": discount.amount and str(discount.amount),
            "funding": {party.value: str(weight) for party, weight in discount.funding.items() if weight},
        }
    )


def _charge(charge: ShippingDraft) -> Mapping[str, object]:
    return _said({"amount": str(charge.amount), "vendor": charge.vendor, "tax": _amount(charge.tax)})


def _amount(money: Money | None) -> str | None:
    return str(money) if money else None


def _said(content: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in content.items() if value}


def _digest(content: Mapping[str, object]) -> str:
    text = json.dumps(_said(content), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
