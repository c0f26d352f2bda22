"""Reports over recurring revenue: folds of movements, per currency, the same whenever they are asked for."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction

from attrs import frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.kernel.rounding import divide
from cityos_core.subscriptions.mrr import Movement, MovementKind
from cityos_core.subscriptions.stretches import local_time
from cityos_core.subscriptions.terms import Subscriber


@frozen(kw_only=True)
class Standings:
    """Where recurring revenue stands at an instant, in one currency."""

    revenue: Money
    subscriptions: int
    subscribers: int

    @property
    def annual(self) -> Money:
        """Annual recurring revenue: twelve months of it."""
        return Money(12 * self.revenue.minor, self.revenue.currency)

    @property
    def per_subscriber(self) -> Money:
        """Average monthly revenue per subscriber, rounded once; nothing without any."""
        if not self.subscribers:
            return Money.zero(self.revenue.currency)
        return Money(divide(self.revenue.minor, self.subscribers), self.revenue.currency)


def standings(movements: Iterable[Movement], at: datetime) -> dict[str, Standings]:
    """Say where revenue stands, per currency: what moved before an instant."""
    latest: dict[SubscriptionId, Movement] = {}
    for one in sorted(movements, key=lambda one: one.number):
        if one.at < at:
            latest[one.subscription_id] = one
    return {
        currency: _standing([one for one in latest.values() if one.revenue.currency == currency and one.revenue])
        for currency in sorted({one.revenue.currency for one in latest.values() if one.revenue})
    }


def _standing(earning: Sequence[Movement]) -> Standings:
    return Standings(
        revenue=Money(sum(one.revenue.minor for one in earning), earning[0].revenue.currency),
        subscriptions=len(earning),
        subscribers=len({one.subscriber for one in earning}),
    )


@frozen(kw_only=True)
class Bridge:
    """How revenue came from its start to its end between two instants, in one currency."""

    start: Money
    moved: Mapping[MovementKind, Money]
    end: Money
    subscribers: int
    """Subscribers at the start."""
    lost: int
    """Those of them that count nothing at the end."""

    @property
    def subscriber_churn(self) -> Fraction:
        """The part of the subscribers that was lost."""
        return Fraction(self.lost, self.subscribers) if self.subscribers else Fraction(0)

    @property
    def revenue_churn(self) -> Fraction:
        """The part of the revenue that was lost by churn and contraction."""
        lost = self.moved[MovementKind.CHURN] + self.moved[MovementKind.CONTRACTION]
        return Fraction(-lost.minor, self.start.minor) if self.start else Fraction(0)


def bridges(movements: Iterable[Movement], start: datetime, end: datetime) -> dict[str, Bridge]:
    """Say how revenue moved from an instant to a later one, per currency; start and movements sum to the end."""
    if end < start:
        raise Invalid("reversed_span", "this ends before it starts")
    known = list(movements)
    currencies = sorted({one.revenue.currency for one in known if one.at < end})
    return {
        currency: _bridge([one for one in known if one.revenue.currency == currency], start, end)
        for currency in currencies
    }


def _bridge(movements: Sequence[Movement], start: datetime, end: datetime) -> Bridge:
    currency = movements[0].revenue.currency

    def total(wanted: Iterable[Movement]) -> Money:
        return Money(sum(one.change.minor for one in wanted), currency)

    before = [one for one in movements if one.at < start]
    within = [one for one in movements if start <= one.at < end]
    counted, left = _earning(before), _earning([*before, *within])
    return Bridge(
        start=total(before),
        moved={kind: total(one for one in within if one.kind is kind) for kind in MovementKind},
        end=total([*before, *within]),
        subscribers=len(counted),
        lost=len(counted - left),
    )


def _earning(movements: Iterable[Movement]) -> set[Subscriber]:
    revenue: dict[Subscriber, int] = {}
    for one in movements:
        revenue[one.subscriber] = revenue.get(one.subscriber, 0) + one.change.minor
    return {subscriber for subscriber, amount in revenue.items() if amount}


@frozen(kw_only=True)
class Cohort:
    """Subscriptions that began in one month, and what they count at the end of it and of each month after it."""

    month: date
    subscriptions: int
    revenue: tuple[Money, ...]
    retained: tuple[int, ...]
    """How many of them count anything, month by month."""


def cohorts(movements: Iterable[Movement], *, currency: str, place: str, until: datetime) -> tuple[Cohort, ...]:
    """Group subscriptions by the month, in a time zone, in which they first counted; the month of ``until`` is the last."""
    known = sorted(
        (one for one in movements if one.revenue.currency == currency and one.at < until),
        key=lambda one: (one.subscription_id, one.number),
    )
    last = _month(until, place)
    first: dict[SubscriptionId, int] = {}
    for one in known:
        first.setdefault(one.subscription_id, _month(one.at, place))
    return tuple(
        _cohort([one for one in known if first[one.subscription_id] == month], month, last, currency, place)
        for month in sorted(set(first.values()))
    )


def _cohort(movements: Sequence[Movement], month: int, last: int, currency: str, place: str) -> Cohort:
    revenue, retained = [], []
    standing: dict[SubscriptionId, int] = {}
    by_month: dict[int, list[Movement]] = {}
    for one in movements:
        by_month.setdefault(_month(one.at, place), []).append(one)
    for number in range(month, last + 1):
        standing.update({one.subscription_id: one.revenue.minor for one in by_month.get(number, ())})
        revenue.append(Money(sum(standing.values()), currency))
        retained.append(sum(1 for amount in standing.values() if amount))
    return Cohort(
        month=date(month // 12, month % 12 + 1, 1),
        subscriptions=len(standing),
        revenue=tuple(revenue),
        retained=tuple(retained),
    )


def _month(at: datetime, place: str) -> int:
    local = local_time(at, place)
    return 12 * local.year + local.month - 1
