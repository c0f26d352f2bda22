"""Recurring revenue as the API shows it."""

from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.ids import PlanId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.growth import Bridge, Cohort, Standings
from cityos_core.subscriptions.mrr import Movement, MovementKind
from cityos_core.subscriptions.terms import Subscriber
from cityos_http.asking import Paged
from cityos_http.schema import about

CURRENCY = about("ISO 4217.", example="EUR", pattern="^[A-Z]{3}$")


@frozen(kw_only=True)
class StandingView:
    """Where monthly recurring revenue stands in one currency."""

    revenue: Money
    annual: Money = field(metadata=about("Twelve months of it."))
    per_subscriber: Money = field(metadata=about("On average, rounded once."))
    subscriptions: int
    subscribers: int

    @classmethod
    def of(cls, standing: Standings) -> Self:
        """Show a standing."""
        return cls(
            revenue=standing.revenue,
            annual=standing.annual,
            per_subscriber=standing.per_subscriber,
            subscriptions=standing.subscriptions,
            subscribers=standing.subscribers,
        )


@frozen(kw_only=True)
class StandingsView:
    """Where monthly recurring revenue stands, by currency."""

    standings: Mapping[str, StandingView]

    @classmethod
    def of(cls, found: Mapping[str, Standings]) -> Self:
        """Show standings."""
        return cls(standings={currency: StandingView.of(one) for currency, one in found.items()})


@frozen(kw_only=True)
class StandingsQuery:
    """When."""

    at: datetime | None = field(default=None, metadata=about("What moved before this instant counts; now unless said."))


@frozen(kw_only=True)
class BridgeView:
    """How revenue came from its start to its end in one currency: start and movements sum to the end."""

    start: Money
    moved: Mapping[MovementKind, Money]
    end: Money
    subscribers: int = field(metadata=about("Subscribers at the start."))
    lost: int = field(metadata=about("Those of them that count nothing at the end."))
    subscriber_churn: Fraction = field(metadata=about("The part of the subscribers that was lost."))
    revenue_churn: Fraction = field(metadata=about("The part of the revenue lost by churn and contraction."))

    @classmethod
    def of(cls, bridge: Bridge) -> Self:
        """Show a bridge."""
        return cls(
            start=bridge.start,
            moved=dict(bridge.moved),
            end=bridge.end,
            subscribers=bridge.subscribers,
            lost=bridge.lost,
            subscriber_churn=bridge.subscriber_churn,
            revenue_churn=bridge.revenue_churn,
        )


@frozen(kw_only=True)
class BridgesView:
    """How revenue moved, by currency."""

    bridges: Mapping[str, BridgeView]

    @classmethod
    def of(cls, found: Mapping[str, Bridge]) -> Self:
        """Show bridges."""
        return cls(bridges={currency: BridgeView.of(one) for currency, one in found.items()})


@frozen(kw_only=True)
class BridgeQuery:
    """From when until when, `[start, end)`."""

    start: datetime
    end: datetime | None = field(default=None, metadata=about("Now unless said."))


@frozen(kw_only=True)
class CohortView:
    """Subscriptions that began in one month, and what they count at the end of it and of each month after it."""

    month: date = field(metadata=about("The first day of it."))
    subscriptions: int
    revenue: tuple[Money, ...] = field(metadata=about("Month by month."))
    retained: tuple[int, ...] = field(metadata=about("How many of them count anything, month by month."))

    @classmethod
    def of(cls, cohort: Cohort) -> Self:
        """Show a cohort."""
        return cls(
            month=cohort.month,
            subscriptions=cohort.subscriptions,
            revenue=cohort.revenue,
            retained=cohort.retained,
        )


@frozen(kw_only=True)
class CohortsView:
    """Subscriptions by the month in which they first counted, the first month first."""

    cohorts: tuple[CohortView, ...]


@frozen(kw_only=True)
class CohortsQuery:
    """In which currency, and until when."""

    currency: str = field(metadata=CURRENCY)
    until: datetime | None = field(default=None, metadata=about("The month of it is the last; now unless said."))


@frozen(kw_only=True)
class RevenueMovementView:
    """By how much a subscription's revenue moved, and what it counts since."""

    subscription: SubscriptionId
    number: int
    at: datetime
    kind: MovementKind
    change: Money
    revenue: Money
    subscriber: Subscriber
    plan: PlanId

    @classmethod
    def of(cls, movement: Movement) -> Self:
        """Show a movement."""
        return cls(
            subscription=movement.subscription_id,
            number=movement.number,
            at=movement.at,
            kind=movement.kind,
            change=movement.change,
            revenue=movement.revenue,
            subscriber=movement.subscriber,
            plan=movement.plan_id,
        )


@frozen(kw_only=True)
class RevenueMovementsQuery(Paged):
    """Which movements; instants are of moving, `[since, until)`."""

    since: datetime | None = None
    until: datetime | None = None
    currency: str | None = field(default=None, metadata=CURRENCY)


def place(movement: Movement) -> str:
    """Order movements by time, and those of one instant by subscription."""
    return f"{movement.at.isoformat(timespec='microseconds')} {movement.subscription_id} {movement.number:010d}"
