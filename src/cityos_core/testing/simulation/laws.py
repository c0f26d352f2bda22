"""The laws of a city, checked against its books, its orders, its payouts and its provider; a breach stops everything."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import frozen

from cityos_core.app import CityOS
from cityos_core.kernel.paging import every
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.model import Order
from cityos_core.orders.ports import OrderFilter
from cityos_core.payouts.model import UNRESOLVED, Payout, PayoutStatus

Sums = Mapping[tuple[str, str], int]
"""Minor units by (vendor or account, currency)."""


class LawBroken(AssertionError):  # noqa: N818  reads as what happened, like the error tree
    """A law of the city does not hold; the message says which, where and by how much."""


@frozen
class Facts:
    """What one tenant's records say at one moment."""

    scope: TenantScope
    balances: Sums
    payouts: tuple[Payout, ...]


def check_laws(app: CityOS, scope: TenantScope, payments: Mapping[str, int]) -> int:
    """Check one tenant against every law, with what the provider says it paid per payout; give how many were checked."""
    facts = _facts(app, scope)
    checks = (
        _books_balance(app, scope),
        _in_payout_is_unresolved(facts),
        _paid_once(facts, payments),
        _vendors_are_owed_what_they_earned(app, facts),
        _revenue_is_commission(app, facts),
        _buyers_money_is_at_the_gateway(app, facts),
    )
    for breach in (breach for check in checks for breach in check):
        raise LawBroken(f"tenant {scope.tenant_id}: {breach}")
    return len(checks)


def check_orders(app: CityOS, scope: TenantScope, since: datetime | None = None) -> int:
    """Check that no order of a tenant gave back more than it took, on any leg; give how many were checked."""
    count = 0
    for order in _orders(app, scope, since):
        for breach in _unwinds_within_bounds(order):
            raise LawBroken(f"order {order.reference}: {breach}")
        count += 1
    return count


def check_audit(app: CityOS, scope: TenantScope) -> int:
    """Check that the chain of the audit is whole; give how many laws that is."""
    found = app.audit.verify(scope)
    if not found.is_whole:
        raise LawBroken(f"tenant {scope.tenant_id}: the audit is not whole: {found}")
    return 1


def _facts(app: CityOS, scope: TenantScope) -> Facts:
    balances = {(one.account.path, one.account.currency): one.money.minor for one in app.ledger.balances(scope)}
    payouts = tuple(every(lambda request: app.payouts.list(scope, request=request)))
    return Facts(scope, balances, payouts)


def _orders(app: CityOS, scope: TenantScope, since: datetime | None) -> Iterator[Order]:
    return every(lambda request: app.orders.list(scope, OrderFilter(since=since), request))


def _books_balance(app: CityOS, scope: TenantScope) -> Iterator[str]:
    for difference in app.ledger.verify(scope).differences:
        yield f"the books do not balance: {difference}"


def _in_payout_is_unresolved(facts: Facts) -> Iterator[str]:
    unresolved: dict[tuple[str, str], int] = defaultdict(int)
    for payout in facts.payouts:
        if payout.status in UNRESOLVED:
            unresolved[f"vendor:{payout.vendor_id}:in_payout", payout.amount.currency] += payout.amount.minor
    for (path, currency), held in facts.balances.items():
        if path.endswith(":in_payout") and held != unresolved[path, currency]:
            yield f"{path} holds {held} {currency}, its unresolved payouts are {unresolved[path, currency]}"


def _paid_once(facts: Facts, payments: Mapping[str, int]) -> Iterator[str]:
    """A payout that says it was paid was paid once, one that failed or was called off never."""
    for payout in facts.payouts:
        times = payments.get(str(payout.id), 0)
        if payout.status in (PayoutStatus.PAID, PayoutStatus.RETURNED) and times != 1:
            yield f"payout {payout.id} is {payout.status} and the provider paid it {times} times"
        if payout.status in (PayoutStatus.FAILED, PayoutStatus.CANCELED, PayoutStatus.HELD) and times:
            yield f"payout {payout.id} is {payout.status} and the provider paid it"
        if times > 1:
            yield f"payout {payout.id} was paid {times} times"


def _vendors_are_owed_what_they_earned(app: CityOS, facts: Facts) -> Iterator[str]:
    """Over a lifetime: sales less refunds less what was paid out is what the vendors' accounts hold."""
    held: dict[str, int] = defaultdict(int)
    for (path, currency), amount in facts.balances.items():
        if path.startswith("vendor:"):
            held[currency] += -amount if path.endswith(":debt") else amount
    earned: dict[str, int] = defaultdict(int)
    for totals in app.commissions.report(facts.scope).totals:
        earned[totals.currency] += totals.net.minor
    for payout in facts.payouts:
        if payout.status is PayoutStatus.PAID:
            earned[payout.amount.currency] -= payout.amount.minor
    for currency in held.keys() | earned.keys():
        if held[currency] != earned[currency]:
            yield f"vendors hold {held[currency]} {currency} and earned {earned[currency]}"


def _revenue_is_commission(app: CityOS, facts: Facts) -> Iterator[str]:
    for totals in app.commissions.report(facts.scope).totals:
        booked = facts.balances.get(("revenue:commission", totals.currency), 0)
        if booked != totals.commission.minor:
            yield f"commission booked is {booked} {totals.currency}, commission decided {totals.commission.minor}"


def _buyers_money_is_at_the_gateway(app: CityOS, facts: Facts) -> Iterator[str]:
    paid: dict[str, int] = defaultdict(int)
    for order in _orders(app, facts.scope, None):
        paid[order.currency] += order.total.minor - order.refunded.minor
    for currency, amount in paid.items():
        held = facts.balances.get(("gateway:card:pending", currency), 0)
        if held != amount:
            yield f"the gateway holds {held} {currency}, buyers paid {amount} after refunds"


def _unwinds_within_bounds(order: Order) -> Iterator[str]:
    for line in order.lines:
        for original, left in zip(line.legs, order.remaining(line), strict=True):
            if not min(original, 0) <= left <= max(original, 0):
                yield f"line {line.reference} has {left} left of a leg of {original}"
    refunded = sum(refund.amount for refund in order.refunds)
    if not 0 <= refunded <= order.total.minor:
        yield f"{refunded} were refunded of {order.total.minor}"
