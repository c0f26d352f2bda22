"""Changes in the middle of a period: another plan, other quantities; what they credit and what they debit."""

from collections.abc import Iterable
from datetime import datetime

from attrs import evolve, frozen

from cityos_core.kernel.errors import Conflict, Refused
from cityos_core.kernel.time import Anchor, Period
from cityos_core.subscriptions.billing import (
    check_change,
    has_other_interval,
    reanchored,
    retargeted,
)
from cityos_core.subscriptions.crediting import give_back
from cityos_core.subscriptions.invoices import Line, LineKind, Standing
from cityos_core.subscriptions.invoicing import Use, given, in_advance, in_arrears, taxed
from cityos_core.subscriptions.model import (
    BILLED,
    Cancellation,
    Quantities,
    Scheduled,
    Subscription,
)
from cityos_core.subscriptions.plans import Plan, PlanItem
from cityos_core.subscriptions.stretches import local_time, rest, whole


@frozen(kw_only=True)
class Proposal:
    """What a change does: the subscription after it, and the lines it is invoiced with, credits first.

    With ``begins`` the lines are the own invoice of ``cycle``, whose period that is; without, they are a change within
    it. ``skipped`` cycles passed unbilled.
    """

    subscription: Subscription
    cycle: int
    lines: tuple[Line, ...] = ()
    begins: Period | None = None
    skipped: range = range(0)

    @property
    def total(self) -> int:
        """What the lines come to with tax, in minor units; negative if the subscriber gets something back."""
        return sum(line.total for line in self.lines)


@frozen(kw_only=True)
class Present:
    """What a change starts from: the subscription and its plan, what is charged of the current cycle, usage to bill."""

    subscription: Subscription
    plan: Plan
    charged: tuple[Standing, ...] = ()
    uses: tuple[Use, ...] = ()
    is_skipped: bool = False
    """Whether the current cycle was left unbilled: what is left of it then costs nothing, whatever changes."""

    @property
    def place(self) -> str:
        """The zone that days are counted in."""
        return self.subscription.anchor.zone

    def within(self, at: datetime) -> None:
        """Refuse a change at an instant at which the next cycle is due: that is billed first."""
        due_at = self.subscription.due_at
        if self.subscription.status in BILLED and due_at is not None and due_at <= at:
            raise Conflict("cycle_due", "the next cycle is due and billed first; try again when that is done")


def change_now(present: Present, plan: Plan, quantities: Quantities, *, at: datetime) -> Proposal:
    """Change plan or quantities at once: the rest of what was charged is credited, the rest of the period debited.

    Items that stay as they are keep their charge. Another interval ends the current cycle and begins the next one, a
    whole period from now on. In a trial nothing was charged, and nothing is.
    """
    before = present.subscription
    check_change(before, plan, quantities)
    present.within(at)
    moved = retargeted(before.step("change"), plan, quantities)
    if before.current_cycle is None:
        return _before_billing(moved, plan)
    if has_other_interval(before, plan):
        return _new_interval(present, moved, plan, at)
    cycle = before.current_cycle
    if present.is_skipped:
        return Proposal(subscription=moved, cycle=cycle, lines=_lines(_ending(present, plan), (), at))
    changed = _changed(present, moved, plan, cycle)
    stretch = rest(before.period(cycle), at, place=present.place, resolution=plan.proration)
    debits = in_advance(moved, plan, cycle, stretch, kind=LineKind.DEBIT, items=changed)
    lines = _lines(_ending(present, plan), debits, at, items=changed)
    return Proposal(subscription=given(moved, cycle), cycle=cycle, lines=lines)


def _ending(present: Present, plan: Plan) -> Present:
    """Leave out usage whose price stays: it is billed when its period ends. What else was used so far is billed now."""
    kept = {item.key for item in present.plan.metered if _item(plan, item.key) == item}
    if len(kept) == len(present.plan.metered):
        return evolve(present, uses=())
    ends = (use for use in present.uses if use.is_late or (use.item not in kept and use.quantity > use.billed))
    return evolve(present, uses=tuple(ends))


def _before_billing(moved: Subscription, plan: Plan) -> Proposal:
    if has_other_interval(moved, plan):
        moved = reanchored(moved, evolve(moved.anchor, interval=plan.interval, count=plan.count))
    return Proposal(subscription=moved, cycle=moved.next_cycle)


def _new_interval(present: Present, moved: Subscription, plan: Plan, at: datetime) -> Proposal:
    anchor = Anchor(local=local_time(at, present.place), zone=present.place, interval=plan.interval, count=plan.count)
    restarted, cycle = reanchored(moved, anchor), moved.next_cycle
    period = restarted.period(cycle)
    debits = in_advance(restarted, plan, cycle, whole(period, plan.proration))
    return Proposal(
        subscription=evolve(given(restarted, cycle), next_cycle=cycle + 1),
        cycle=cycle,
        lines=_lines(present, debits, at),
        begins=_from(period, at),
    )


def _from(period: Period, at: datetime) -> Period:
    # In the second hour of a fold the local time first occurred an hour ago; the period does not begin before now.
    return evolve(period, start_utc=max(period.start_utc, at))


def _changed(present: Present, after: Subscription, plan: Plan, cycle: int) -> frozenset[str]:
    """Name the items to credit and debit anew: all of them where an amount was discounted, for it is laid on all."""
    before = present.subscription
    keys = {item.key for item in (*present.plan.recurring, *plan.recurring)}
    if any(discount.amount is not None and discount.applies_to(cycle) for discount in before.discounts):
        return frozenset(keys)
    return frozenset(
        key
        for key in keys
        if _item(present.plan, key) != _item(plan, key) or before.quantity(key) != after.quantity(key)
    )


def _item(plan: Plan, key: str) -> PlanItem | None:
    return next((item for item in plan.items if item.key == key), None)


def _lines(
    present: Present, debits: Iterable[Line], at: datetime, *, items: frozenset[str] | None = None
) -> tuple[Line, ...]:
    back = give_back(present.charged, at, place=present.place, items=items)
    used = in_arrears(present.plan, present.uses)
    return (*back, *taxed([*debits, *used], present.subscription.tax))


def change_later(present: Present, plan: Plan, quantities: Quantities, *, at: datetime) -> Proposal:
    """Change plan or quantities when the current period ends, or the trial; a later decision takes an earlier one's place."""
    before = present.subscription
    check_change(before, plan, quantities)
    if before.cancellation is not None:
        raise Refused("cancels", "the subscription ends with its current period; undo that first")
    scheduled = Scheduled(plan_id=plan.id, quantities=dict(quantities), requested_at=at)
    changed = evolve(before.step("change"), scheduled=scheduled)
    return Proposal(subscription=changed, cycle=changed.next_cycle)


def cancel_now(present: Present, *, reason: str, at: datetime, gives_back: bool = False) -> Proposal:
    """End the subscription; what was used is billed, and the rest of the current period credited if so wished."""
    before = present.subscription
    ended = evolve(
        before.step("cancel"),
        cancellation=Cancellation(reason=reason, requested_at=at, at_period_end=False),
        scheduled=None,
        ended_at=at,
    )
    back = give_back(present.charged, at, place=present.place) if gives_back else []
    used = taxed(in_arrears(present.plan, present.uses), before.tax)
    return Proposal(subscription=ended, cycle=max(before.next_cycle - 1, 0), lines=(*back, *used))


def cancel_later(subscription: Subscription, *, reason: str, at: datetime) -> Subscription:
    """End the subscription with its current period, or its trial; it can be undone until then."""
    cancellation = Cancellation(reason=reason, requested_at=at, at_period_end=True)
    return evolve(subscription.step("cancel_later"), cancellation=cancellation, scheduled=None)


def undo(subscription: Subscription, *, at: datetime) -> Subscription:
    """Take back what is to happen at the period's end, cancellation or change; ``Refused`` once it came, or if nothing is."""
    undone = evolve(subscription.step("undo"), cancellation=None, scheduled=None)
    if subscription.cancellation is None and subscription.scheduled is None:
        raise Refused("nothing_to_undo", "nothing is to happen at the end of the period")
    if subscription.due_at is not None and subscription.due_at <= at:
        raise Refused("too_late", "the period has ended, and what was to happen then is happening")
    return undone


def expire(subscription: Subscription, *, at: datetime) -> Subscription:
    """End a subscription whose first payment never came."""
    return evolve(subscription.step("expire"), ended_at=at)
