"""Subscriptions: who has which plan since when, what is agreed, and where its billing stands."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import NodeId, PlanId, SubscriptionId, TenantId
from cityos_core.kernel.states import Machine
from cityos_core.kernel.time import Anchor, Period
from cityos_core.subscriptions.terms import Collection, Discount, Subscriber, TaxRate


class SubscriptionStatus(StrEnum):
    """The life of a subscription."""

    INCOMPLETE = "incomplete"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"
    EXPIRED = "expired"


_S = SubscriptionStatus

SUBSCRIPTION_LIFE: Final = Machine(
    "subscription",
    {
        (_S.INCOMPLETE, "activate"): _S.ACTIVE,
        (_S.INCOMPLETE, "expire"): _S.EXPIRED,
        (_S.INCOMPLETE, "cancel"): _S.CANCELED,
        (_S.TRIALING, "activate"): _S.ACTIVE,
        (_S.TRIALING, "change_trial"): _S.TRIALING,
        (_S.TRIALING, "change"): _S.TRIALING,
        (_S.TRIALING, "cancel_later"): _S.TRIALING,
        (_S.TRIALING, "undo"): _S.TRIALING,
        (_S.TRIALING, "cancel"): _S.CANCELED,
        (_S.ACTIVE, "change"): _S.ACTIVE,
        (_S.ACTIVE, "pause"): _S.PAUSED,
        (_S.ACTIVE, "fail_payment"): _S.PAST_DUE,
        (_S.ACTIVE, "cancel_later"): _S.ACTIVE,
        (_S.ACTIVE, "undo"): _S.ACTIVE,
        (_S.ACTIVE, "cancel"): _S.CANCELED,
        (_S.PAST_DUE, "change"): _S.PAST_DUE,
        (_S.PAST_DUE, "fail_payment"): _S.PAST_DUE,
        (_S.PAST_DUE, "recover"): _S.ACTIVE,
        (_S.PAST_DUE, "give_up"): _S.UNPAID,
        (_S.PAST_DUE, "cancel_later"): _S.PAST_DUE,
        (_S.PAST_DUE, "undo"): _S.PAST_DUE,
        (_S.PAST_DUE, "cancel"): _S.CANCELED,
        (_S.UNPAID, "recover"): _S.ACTIVE,
        (_S.UNPAID, "cancel"): _S.CANCELED,
        (_S.PAUSED, "resume"): _S.ACTIVE,
        (_S.PAUSED, "cancel"): _S.CANCELED,
    },
)
"""Who subscribes changes, pauses, resumes, cancels and undoes; billing and payments do the rest."""

BILLED: Final = frozenset({_S.TRIALING, _S.ACTIVE, _S.PAST_DUE})
"""A subscription's cycles fall due in these states; a trial's first one when the trial ends."""

EARNING: Final = frozenset({_S.ACTIVE, _S.PAST_DUE})
"""A subscription counts as recurring revenue in these states."""

FIRST_PAYMENT_WITHIN_HOURS: Final = 23
"""How long an incomplete subscription waits for its first payment before it expires: less than the shortest period."""

MOST_UNITS: Final = 1_000_000
"""How many of one item a subscription has at most: customers choose, and sums over all of them fit the ledger."""

Quantities = Mapping[str, int]
"""How many of each per-seat item; one of any that is not named."""


@frozen(kw_only=True)
class Cancellation:
    """Why and when it was canceled, and whether at once or when the period that is paid for ends."""

    reason: str
    requested_at: datetime
    at_period_end: bool


def _check_quantities(_instance: object, _attribute: object, value: Quantities) -> None:
    for key, quantity in value.items():
        if type(quantity) is not int or not 0 <= quantity <= MOST_UNITS:
            raise Invalid.at(f"$.quantities.{key}", "quantity", f"a quantity is a whole number from 0 to {MOST_UNITS}")


@frozen(kw_only=True)
class Scheduled:
    """A change that takes place when the current period ends."""

    plan_id: PlanId
    quantities: Quantities = field(validator=_check_quantities)
    requested_at: datetime


@frozen(kw_only=True)
class Subscription:
    """A subscriber's plan. Cycle ``first_cycle`` is period 0 of the ``anchor``, which changes with the interval only."""

    id: SubscriptionId
    tenant_id: TenantId
    store_id: NodeId | None = None
    subscriber: Subscriber
    plan_id: PlanId
    currency: str
    quantities: Quantities = field(factory=dict, validator=_check_quantities)
    discounts: tuple[Discount, ...] = ()
    tax: TaxRate | None = None
    collection: Collection = Collection()
    payment_method: str | None = None
    """The gateway's own reference of what is charged; its default for the subscriber if there is none."""
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    anchor: Anchor
    first_cycle: int = 0
    next_cycle: int = 0
    """The cycle that is billed next; the one before it is current."""
    trial_ends_at: datetime | None = None
    cancellation: Cancellation | None = None
    scheduled: Scheduled | None = None
    paused_at: datetime | None = None
    created_at: datetime
    ended_at: datetime | None = None
    version: int = 1

    def step(self, action: str) -> "Subscription":
        """Take a step of the subscription's life."""
        return evolve(self, status=SUBSCRIPTION_LIFE.next(self.status, action))

    def period(self, cycle: int) -> Period:
        """Give the period of a cycle since the last change of interval."""
        return self.anchor.period(cycle - self.first_cycle)

    def cycle_at(self, at: datetime) -> int:
        """Give the cycle that an instant lies in, in constant time."""
        return self.first_cycle + self.anchor.index_of(at)

    @property
    def due_at(self) -> datetime | None:
        """When the next cycle is billed: the end of the current period; None while nothing is billed."""
        return self.period(self.next_cycle).start_utc if self.status in BILLED else None

    @property
    def current_cycle(self) -> int | None:
        """The cycle that was billed last, if there was one since the anchor was set."""
        return self.next_cycle - 1 if self.next_cycle > self.first_cycle else None

    @property
    def ends_at(self) -> datetime | None:
        """When it ends, or ended, if that is known."""
        if self.ended_at is not None or self.cancellation is None:
            return self.ended_at
        return self.period(self.next_cycle).start_utc

    def quantity(self, key: str) -> int:
        """Give how many of an item there are."""
        return self.quantities.get(key, 1)
