"""What may be asked of a subscription that runs, and what would come of it: one answer for previewing and for doing."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from cityos_core.kernel.clock import instant
from cityos_core.kernel.errors import Invalid
from cityos_core.subscriptions.billing import has_other_interval
from cityos_core.subscriptions.changes import (
    Present,
    Proposal,
    cancel_later,
    cancel_now,
    change_later,
    change_now,
    undo,
)
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.model import Quantities, Subscription, SubscriptionStatus
from cityos_core.subscriptions.pausing import pause, resume
from cityos_core.subscriptions.plans import ItemKind, Plan
from cityos_core.subscriptions.reading import Situation, used_before
from cityos_core.subscriptions.records import PlanName, plan_named
from cityos_core.subscriptions.trials import change_trial, convert

LONGEST_REASON: Final = 500


class When(StrEnum):
    """When a change takes place."""

    NOW = "now"
    PERIOD_END = "period_end"


def _reason(_instance: object, _attribute: object, value: str) -> None:
    if not value.strip() or len(value) > LONGEST_REASON:
        raise Invalid.at("$.reason", "no_reason", f"say why, in one to {LONGEST_REASON} characters")


@frozen(kw_only=True)
class ChangePlan:
    """Have another plan, or other quantities; what is not given stays as it is, as far as the plan has it."""

    plan: PlanName | None = None
    quantities: Quantities | None = None
    when: When = When.NOW

    def __attrs_post_init__(self) -> None:
        if self.plan is None and self.quantities is None:
            raise Invalid("nothing_to_change", "name a plan to change to, or quantities, or both")


@frozen
class Undo:
    """Take back what is to happen at the period's end."""


@frozen
class Pause:
    """Stop for a while."""


@frozen
class Resume:
    """Go on after a pause."""


@frozen(kw_only=True)
class CancelNow:
    """End it at once; ``gives_back`` credits the rest of the current period."""

    reason: str = field(validator=_reason)
    gives_back: bool = False


@frozen(kw_only=True)
class CancelLater:
    """End it with the current period."""

    reason: str = field(validator=_reason)


@frozen
class ChangeTrial:
    """Let a trial end at another time."""

    ends_at: datetime = field(converter=instant)


@frozen
class Convert:
    """End a trial now, and begin the first period."""


Wish = ChangePlan | Undo | Pause | Resume | CancelNow | CancelLater | ChangeTrial | Convert

PLACES: Final[Mapping[type[Wish], str]] = {
    ChangePlan: "subscriptions.change",
    Undo: "subscriptions.undo",
    Pause: "subscriptions.pause",
    Resume: "subscriptions.resume",
    CancelNow: "subscriptions.cancel",
    CancelLater: "subscriptions.cancel",
    ChangeTrial: "subscriptions.change_trial",
    Convert: "subscriptions.convert",
}
"""Where the fault points of fulfilling a wish are."""


def proposed(docket: Docket, found: Situation, wish: Wish, *, at: datetime) -> Proposal:
    """Say what comes of a wish at an instant, or why it cannot be; a plan that it names is noted on the docket.

    ``Conflict("cycle_due")`` while the next cycle is due: what belongs to the period that ended is billed as it was then.
    """
    proposal = _proposed(docket, found, wish, at)
    found.present.within(docket.at)
    return proposal


def _proposed(docket: Docket, found: Situation, wish: Wish, at: datetime) -> Proposal:
    present = found.present
    match wish:
        case ChangePlan():
            return _changed(docket, found, wish, at)
        case Pause():
            return pause(present, at=at)
        case Resume():
            return resume(present, at=at)
        case CancelNow():
            return cancel_now(_in_force(present), reason=wish.reason, at=at, gives_back=wish.gives_back)
        case Convert():
            return convert(found.subscription, found.plan, at=at)
        case Undo() | CancelLater() | ChangeTrial():
            decided = _decided(found.subscription, wish, at)
            return Proposal(subscription=decided, cycle=max(decided.next_cycle - 1, 0))


def _decided(subscription: Subscription, wish: Undo | CancelLater | ChangeTrial, at: datetime) -> Subscription:
    """Decide what is to happen later; that costs nothing now."""
    match wish:
        case Undo():
            return undo(subscription, at=at)
        case CancelLater():
            return cancel_later(subscription, reason=wish.reason, at=at)
        case ChangeTrial():
            return change_trial(subscription, ends_at=wish.ends_at, at=at)


def _changed(docket: Docket, found: Situation, wish: ChangePlan, at: datetime) -> Proposal:
    plan = found.plan if wish.plan is None else plan_named(docket.uow, wish.plan)
    docket.plans[plan.id] = plan
    present, quantities = found.present, _quantities(found.subscription, plan, wish.quantities)
    if wish.when != When.NOW:  # equal also where the word came as plain text
        return change_later(present, plan, quantities, at=at)
    if present.uses and has_other_interval(found.subscription, plan):
        present = evolve(present, uses=used_before(docket.uow, found, at))
    return change_now(present, plan, quantities, at=at)


def _quantities(subscription: Subscription, plan: Plan, wanted: Quantities | None) -> Quantities:
    """Keep the quantities of what the plan has per seat too, but for those that are given."""
    per_seat = {item.key for item in plan.items if item.kind is ItemKind.PER_SEAT}
    kept = {key: quantity for key, quantity in subscription.quantities.items() if key in per_seat}
    return {**kept, **(wanted or {})}


def _in_force(present: Present) -> Present:
    """Leave out what an incomplete subscription was charged: it is not owed, so that nothing of it can be given back."""
    if present.subscription.status is SubscriptionStatus.INCOMPLETE:
        return evolve(present, charged=(), uses=())
    return present
