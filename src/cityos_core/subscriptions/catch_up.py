"""Which due cycles are billed, merged or left out, after billing stood still over several of them."""

from datetime import datetime

from attrs import frozen

from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import CatchUp


def due_cycles(subscription: Subscription, now: datetime) -> range:
    """Give the cycles that are due: those whose period has begun, the one before having ended. O(1).

    What ends with the current period does so at the first boundary: only that one is due. So is it, as far as can be told,
    before a scheduled change has arrived (:func:`arrived`).
    """
    due_at, first = subscription.due_at, subscription.next_cycle
    if due_at is None or now < due_at:
        return range(first, first)
    if subscription.cancellation is not None or subscription.scheduled is not None:
        return range(first, first + 1)
    return range(first, subscription.cycle_at(now) + 1)


@frozen(kw_only=True)
class Course:
    """What is done about due cycles, in their order: some left out, some billed, or nothing before a person looked."""

    skipped: range
    billed: range
    is_merged: bool = False
    """Whether all that are billed share the last one's invoice."""
    is_halted: bool = False


def course(policy: CatchUp, due: range) -> Course:
    """Decide by a plan's policy. A single due cycle is billed whatever the policy: nothing was missed."""
    none = range(due.start, due.start)
    if len(due) <= 1:
        return Course(skipped=none, billed=due)
    match policy:
        case CatchUp.BILL_EACH:
            return Course(skipped=none, billed=due)
        case CatchUp.BILL_CURRENT:
            return Course(skipped=due[:-1], billed=due[-1:])
        case CatchUp.MERGE:
            return Course(skipped=none, billed=due, is_merged=True)
        case CatchUp.FORGIVE:
            return Course(skipped=due, billed=range(due.stop, due.stop))
        case CatchUp.HALT:
            return Course(skipped=none, billed=none, is_halted=True)
