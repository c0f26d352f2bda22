"""Pausing and resuming: time paused is not billed, and the periods stay where the anchor put them."""

from datetime import datetime

from attrs import evolve

from cityos_core.kernel.errors import Refused
from cityos_core.subscriptions.billing import arrived
from cityos_core.subscriptions.changes import Present, Proposal
from cityos_core.subscriptions.crediting import give_back
from cityos_core.subscriptions.invoices import LineKind
from cityos_core.subscriptions.invoicing import given, in_advance, in_arrears, taxed
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.stretches import rest


def pause(present: Present, *, at: datetime) -> Proposal:
    """Stop a subscription for a while; the rest of the current period is credited. No cycle falls due meanwhile."""
    before = present.subscription
    paused = evolve(before.step("pause"), paused_at=at)
    if before.cancellation is not None or before.scheduled is not None:
        raise Refused("scheduled", "something is to happen at the end of the period; undo that, then pause")
    present.within(at)
    return Proposal(
        subscription=paused,
        cycle=before.next_cycle - 1,
        lines=tuple(give_back(present.charged, at, place=present.place)),
    )


def resume(present: Present, *, at: datetime) -> Proposal:
    """Go on after a pause: what is left of the period is debited, and the next one begins where it always would have."""
    resumed = evolve(present.subscription.step("resume"), paused_at=None)
    return _again(present, resumed, at=at, is_charged=present.is_skipped)


def recover(present: Present, *, at: datetime, to: Plan | None = None) -> Proposal:
    """Go on after what was owed has been paid; ``to`` is the plan of a change that is scheduled.

    The anchor stays where it was. Periods that began while the subscription was unpaid are not billed, but for what is
    left of the one that runs. What was to happen at the period's end has happened: a change arrived, and what was canceled
    ended then, and is billed for what was used.
    """
    before = present.subscription
    recovered = before.step("recover")
    if before.status is SubscriptionStatus.PAST_DUE:
        return Proposal(subscription=recovered, cycle=max(before.next_cycle - 1, 0))
    boundary = before.period(before.next_cycle).start_utc
    if before.cancellation is not None and boundary <= at:
        ended = evolve(before.step("cancel"), ended_at=boundary)
        used = taxed(in_arrears(present.plan, present.uses), before.tax)
        return Proposal(subscription=ended, cycle=max(before.next_cycle - 1, 0), lines=used)
    if to is not None and boundary <= at:
        return _again(present, arrived(recovered, to), at=at, is_charged=True, to=to)
    return _again(present, recovered, at=at, is_charged=True)


def _again(
    present: Present, again: Subscription, *, at: datetime, is_charged: bool, to: Plan | None = None
) -> Proposal:
    plan, last = to or present.plan, again.next_cycle - 1
    cycle = max(again.cycle_at(at), last)
    is_new = cycle > last
    if is_charged and not is_new:
        return Proposal(subscription=again, cycle=cycle)
    period = again.period(cycle)
    stretch = rest(period, at, place=present.place, resolution=plan.proration)
    debits = in_advance(again, plan, cycle, stretch, kind=LineKind.DEBIT)
    used = in_arrears(present.plan, [use for use in present.uses if is_new or use.is_late])
    return Proposal(
        subscription=evolve(given(again, cycle), next_cycle=cycle + 1),
        cycle=cycle,
        lines=taxed([*debits, *used], again.tax),
        begins=evolve(period, start_utc=max(period.start_utc, at)) if is_new else None,
        skipped=range(last + 1, cycle),
    )
