"""The journals of orders: which event moves which money between which accounts."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from cityos_core.kernel.allocation import allocate
from cityos_core.kernel.ids import Identifiers, JournalId
from cityos_core.ledger.model import Account, Journal, vendor_account
from cityos_core.orders.model import LEG_NAMES, LegName, Order, RefundPart, VendorOrder
from cityos_core.orders.purse import Movement
from cityos_core.orders.standing import vendor_net

CHARGEBACKS: Final = "expense:chargeback"

_VENDOR: Final = LEG_NAMES.index(LegName.VENDOR)

_PATHS: Final[Mapping[LegName, str]] = {
    LegName.COMMISSION: "revenue:commission",
    LegName.COMMISSION_FIXED: "revenue:commission",
    LegName.COMMISSION_TAX: "tax:{jurisdiction}",
    LegName.TAX: "tax:{jurisdiction}",
    LegName.SHIPPING: "revenue:shipping",
    LegName.FUNDING_PLATFORM: "funding:platform",
    LegName.FUNDING_TENANT: "funding:tenant",
}
"""Where the legs are booked; the vendor's is in the accounts of the vendor."""


def account(order: Order, path: str) -> Account:
    """Name an account of the order's tenant in the order's currency."""
    return Account(order.tenant_id, path, order.currency)


def journal(
    order: Order,
    identifiers: Identifiers,
    *,
    key: str,
    kind: str,
    movements: Iterable[Movement],
    at: datetime,
    **references: str,
) -> Journal | None:
    """Build a journal that refers to its order, or nothing if in the end nothing moves."""
    sums: dict[Account, int] = {}
    for moved, amount in movements:
        sums[moved] = sums.get(moved, 0) + amount
    if not any(sums.values()):
        return None
    return Journal.of(
        id=JournalId(identifiers.new()),
        tenant=order.tenant_id,
        key=key,
        kind=kind,
        movements=sums.items(),
        occurred_at=at,
        references={"order": order.reference, **references},
    )


def order_paid(order: Order) -> list[Movement]:
    """Book what the buyer paid: to the gateways, from there to everyone who has a part in the sale."""
    movements = [(_gateway(order, payment.gateway), payment.amount) for payment in order.payments]
    for part in order.vendor_orders:
        net = vendor_net(order, part)
        state = "pending" if net >= 0 else "debt"
        movements.append((vendor_account(order.tenant_id, part.vendor_id, state, order.currency), -net))
    for line in order.lines:
        movements += _legs(order, line.legs, -1)
    return movements


def parties_give_back(order: Order, parts: Iterable[RefundPart]) -> list[Movement]:
    """Book what a refund takes from everyone but the vendors, leaving what is kept."""
    movements: list[Movement] = []
    for part in parts:
        movements += _legs(order, tuple(leg - kept for leg, kept in zip(part.legs, part.kept, strict=True)), 1)
    return movements


def buyer_gets_back(order: Order, amount: int) -> list[Movement]:
    """Book an amount out of the gateways the order was paid through, by what remains of each payment."""
    remaining = [payment.amount for payment in order.payments]
    for refund in order.refunds:
        shares = _over_payments(refund.amount, remaining)
        remaining = [left - share for left, share in zip(remaining, shares, strict=True)]
    shares = _over_payments(amount, remaining)
    return [(_gateway(order, payment.gateway), -share) for payment, share in zip(order.payments, shares, strict=True)]


def vendor_share(part: RefundPart) -> int:
    """Say what a part of a refund costs its vendor: its own leg, and what the others keep."""
    return part.legs[_VENDOR] + sum(part.kept)


def vendor_shares(order: Order, parts: Iterable[RefundPart]) -> list[tuple[VendorOrder, int]]:
    """Add up what a refund costs each vendor in it."""
    vendors = {line.id: line.vendor_id for line in order.lines}
    shares: dict[object, int] = {}
    for part in parts:
        vendor = vendors[part.line_id]
        shares[vendor] = shares.get(vendor, 0) + vendor_share(part)
    return [(part, shares[part.vendor_id]) for part in order.vendor_orders if part.vendor_id in shares]


def _over_payments(amount: int, remaining: list[int]) -> list[int]:
    return allocate(amount, remaining) if remaining else []


def _gateway(order: Order, name: str) -> Account:
    return account(order, f"gateway:{name}:pending")


def _legs(order: Order, legs: Iterable[int], sign: int) -> list[Movement]:
    return [
        (account(order, _PATHS[name].format(jurisdiction=order.tax_jurisdiction)), sign * amount)
        for name, amount in zip(LEG_NAMES, legs, strict=True)
        if amount and name is not LegName.VENDOR
    ]
