"""What the next cycles will bill, as far as it is known today."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import PlanId
from cityos_core.kernel.proration import Span
from cityos_core.kernel.time import Period
from cityos_core.subscriptions.billing import Bill, arrived, bill
from cityos_core.subscriptions.invoicing import Use
from cityos_core.subscriptions.model import BILLED, Subscription
from cityos_core.subscriptions.plans import Plan

MOST_CYCLES: Final = 366
"""Cycles that a forecast looks ahead."""


def forecast(
    subscription: Subscription,
    plans: Mapping[PlanId, Plan],
    number: int,
    *,
    usage: Mapping[str, Fraction] | None = None,
) -> tuple[Bill, ...]:
    """Bill the next cycles on paper: scheduled changes take place, discounts run out, a cancellation ends the list.

    ``usage`` is what is expected of each metered item in a period. Nothing is due while paused, unpaid or incomplete.
    """
    if not 0 < number <= MOST_CYCLES:
        raise Invalid.at("$.cycles", "cycles", f"a forecast looks 1 to {MOST_CYCLES} cycles ahead")
    return tuple(_bills(subscription, plans, number, usage or {}))


def _bills(
    subscription: Subscription, plans: Mapping[PlanId, Plan], number: int, usage: Mapping[str, Fraction]
) -> Iterator[Bill]:
    last = None if subscription.current_cycle is None else subscription.period(subscription.current_cycle)
    for _ in range(number):
        if subscription.status not in BILLED:
            return
        used_under = plans[subscription.plan_id]
        if subscription.scheduled is not None:
            subscription = arrived(subscription, plans[subscription.scheduled.plan_id])
        plan = plans[subscription.plan_id]
        uses = _uses(used_under, subscription, last, usage)
        found = bill(subscription, plan, uses=uses, used_under=used_under)
        yield found
        subscription, last = found.subscription, found.period


def _uses(
    plan: Plan, subscription: Subscription, last: Period | None, usage: Mapping[str, Fraction]
) -> tuple[Use, ...]:
    if last is None:
        return ()
    covers = Span(last.start_utc, last.end_utc)
    return tuple(
        Use(item=item.key, cycle=subscription.next_cycle - 1, covers=covers, quantity=usage.get(item.key, Fraction(0)))
        for item in plan.metered
    )
