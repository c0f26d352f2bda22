"""Subscriptions as the API shows them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Self

from attrs import field, frozen

from cityos_core.kernel.ids import InvoiceId, PlanId, StoreId, SubscriptionId
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus
from cityos_core.subscriptions.forecast import MOST_CYCLES
from cityos_core.subscriptions.model import SUBSCRIPTION_LIFE, Subscription, SubscriptionStatus
from cityos_core.subscriptions.terms import Collection, Subscriber, TaxRate
from cityos_http.asking import Paged
from cityos_http.schema import about
from cityos_http.schemas.terms import (
    QUANTITIES,
    AnchorView,
    CancellationView,
    ScheduledChangeView,
    SubscriptionDiscountView,
)

BY_CUSTOMERS: Final = frozenset({"change", "pause", "resume", "cancel", "cancel_later", "undo"})
"""The steps of a subscription's life that its subscriber may take; billing and payments take the others."""

BY_PEOPLE: Final = BY_CUSTOMERS | {"change_trial"}
"""The steps that anyone may take."""


@frozen(kw_only=True)
class CurrentPeriodView:
    """The period that was billed last, `[start, end)`."""

    cycle: int
    start: datetime
    end: datetime

    @classmethod
    def of(cls, subscription: Subscription, cycle: int) -> Self:
        """Show the period of a cycle."""
        period = subscription.period(cycle)
        return cls(cycle=cycle, start=period.start_utc, end=period.end_utc)


@frozen(kw_only=True)
class SubscriptionView:
    """Who has which plan since when, what is agreed, and where its billing stands."""

    id: SubscriptionId
    store: StoreId | None
    subscriber: Subscriber
    plan: PlanId
    currency: str
    quantities: Mapping[str, int] = field(metadata=QUANTITIES)
    discounts: tuple[SubscriptionDiscountView, ...]
    tax: TaxRate | None
    collection: Collection
    payment_method: str | None = field(metadata=about("The gateway's own reference of what is charged."))
    status: SubscriptionStatus
    anchor: AnchorView
    current_period: CurrentPeriodView | None
    next_cycle: int = field(metadata=about("The cycle that is billed next."))
    due_at: datetime | None = field(metadata=about("When that is; null while nothing is billed."))
    trial_ends_at: datetime | None
    cancellation: CancellationView | None
    scheduled: ScheduledChangeView | None
    paused_at: datetime | None
    created_at: datetime
    ends_at: datetime | None = field(metadata=about("When it ends, or ended, if that is known."))
    allowed_actions: tuple[str, ...] = field(
        metadata=about("`cancel_later` is to cancel with the period; `change_trial` also to convert it.")
    )
    version: int

    @classmethod
    def of(cls, subscription: Subscription) -> Self:
        """Show a subscription to those who look after it."""
        return cls._of(subscription, BY_PEOPLE)

    @classmethod
    def of_own(cls, subscription: Subscription) -> Self:
        """Show a subscription to its subscriber."""
        return cls._of(subscription, BY_CUSTOMERS)

    @classmethod
    def _of(cls, subscription: Subscription, steps: frozenset[str]) -> Self:
        held, current = subscription, subscription.current_cycle
        return cls(
            id=held.id,
            store=None if held.store_id is None else StoreId(held.store_id),
            subscriber=held.subscriber,
            plan=held.plan_id,
            currency=held.currency,
            quantities=dict(held.quantities),
            discounts=tuple(map(SubscriptionDiscountView.of, held.discounts)),
            tax=held.tax,
            collection=held.collection,
            payment_method=held.payment_method,
            status=held.status,
            anchor=AnchorView.of(held.anchor),
            current_period=None if current is None else CurrentPeriodView.of(held, current),
            next_cycle=held.next_cycle,
            due_at=held.due_at,
            trial_ends_at=held.trial_ends_at,
            cancellation=None if held.cancellation is None else CancellationView.of(held.cancellation),
            scheduled=None if held.scheduled is None else ScheduledChangeView.of(held.scheduled),
            paused_at=held.paused_at,
            created_at=held.created_at,
            ends_at=held.ends_at,
            allowed_actions=tuple(step for step in SUBSCRIPTION_LIFE.allowed(held.status) if step in steps),
            version=held.version,
        )


@frozen(kw_only=True)
class SubscriptionsQuery(Paged):
    """Which subscriptions."""

    status: SubscriptionStatus | None = None
    subscriber: str | None = field(default=None, metadata=about("A customer's or company's id.", example="4711"))
    plan: PlanId | None = None


@frozen(kw_only=True)
class OwnSubscriptionsQuery(Paged):
    """Which of one's own subscriptions."""

    status: SubscriptionStatus | None = None
    plan: PlanId | None = None


@frozen(kw_only=True)
class BillingCycleView:
    """One period of a subscription, and what became of billing it."""

    subscription: SubscriptionId
    index: int
    starts_at: datetime
    ends_at: datetime
    status: CycleStatus
    due_at: datetime | None = field(metadata=about("When it is to be billed; null once it is."))
    claimed_by: str | None = field(metadata=about("The worker that bills it."))
    claimed_until: datetime | None = field(metadata=about("Until when that worker is believed to be alive."))
    invoice: InvoiceId | None
    reason: str | None = field(metadata=about("Why it was skipped, failed or voided."))

    @classmethod
    def of(cls, cycle: BillingCycle) -> Self:
        """Show a cycle."""
        return cls(
            subscription=cycle.subscription_id,
            index=cycle.index,
            starts_at=cycle.starts_at,
            ends_at=cycle.ends_at,
            status=cycle.status,
            due_at=cycle.due_at,
            claimed_by=None if cycle.claim is None else cycle.claim.worker,
            claimed_until=None if cycle.claim is None else cycle.claim.until,
            invoice=cycle.invoice_id,
            reason=cycle.reason,
        )


@frozen(kw_only=True)
class BillingCyclesQuery(Paged):
    """Which cycles."""

    status: CycleStatus | None = None


@frozen(kw_only=True)
class ForecastQuery:
    """How far ahead."""

    cycles: int = field(default=12, metadata=about("How many cycles at most.", least=1, most=MOST_CYCLES))
