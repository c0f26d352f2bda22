"""What billing does with a subscription when a cycle falls due: the lines, and where the subscription stands after."""

from collections.abc import Iterable

from attrs import evolve, frozen

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.time import Anchor, Period
from cityos_core.subscriptions.invoices import Line
from cityos_core.subscriptions.invoicing import Use, given, in_advance, in_arrears, taxed
from cityos_core.subscriptions.model import Quantities, Subscription, SubscriptionStatus
from cityos_core.subscriptions.plans import ItemKind, Plan
from cityos_core.subscriptions.stretches import whole


@frozen(kw_only=True)
class Bill:
    """One cycle billed. ``period`` is what it pays for in advance; a closing bill has none, only usage."""

    cycle: int
    period: Period | None
    lines: tuple[Line, ...]
    subscription: Subscription

    @property
    def total(self) -> int:
        """What the lines come to with tax, in minor units."""
        return sum(line.total for line in self.lines)


def bill(subscription: Subscription, plan: Plan, *, uses: Iterable[Use] = (), used_under: Plan | None = None) -> Bill:
    """Bill the next cycle: its recurring items in advance, and what was used in the one before.

    A trial's first cycle makes the subscription active. A subscription canceled at period end ends here, and is billed
    for usage only. A scheduled change must have arrived (:func:`arrived`; ``used_under`` is then the plan before it, which prices
    usage) and missed cycles been passed over.
    """
    cycle = subscription.next_cycle
    used = in_arrears(used_under or plan, uses)
    if subscription.cancellation is not None:
        ended = evolve(subscription.step("cancel"), ended_at=subscription.ends_at)
        return Bill(cycle=cycle, period=None, lines=taxed(used, subscription.tax), subscription=ended)
    period = subscription.period(cycle)
    lines = in_advance(subscription, plan, cycle, whole(period, plan.proration))
    billed = evolve(given(subscription, cycle), next_cycle=cycle + 1)
    if billed.status is SubscriptionStatus.TRIALING:
        billed = billed.step("activate")
    return Bill(cycle=cycle, period=period, lines=taxed([*lines, *used], subscription.tax), subscription=billed)


def passed_over(subscription: Subscription, until: int) -> Subscription:
    """Leave the cycles before ``until`` unbilled; discounts are not used up by them.

    A trial that ends meanwhile ends all the same.
    """
    moved = evolve(subscription, next_cycle=max(until, subscription.next_cycle))
    return moved.step("activate") if moved.status is SubscriptionStatus.TRIALING else moved


def check_offer(plan: Plan, quantities: Quantities) -> None:
    """Refuse a plan that nobody can subscribe to any more, and quantities of items it does not have per seat."""
    if plan.retired_at is not None:
        raise Refused("plan_retired", f"{plan.handle} is not sold any more; choose another plan")
    check_quantities(plan, quantities)


def check_quantities(plan: Plan, quantities: Quantities) -> None:
    """Refuse quantities of items that a plan does not have, or does not charge per seat."""
    for key in quantities:
        if plan.item(key).kind is not ItemKind.PER_SEAT:
            raise Invalid.at(f"$.quantities.{key}", "not_per_seat", f"{key!r} is not charged per seat")


def check_change(subscription: Subscription, plan: Plan, quantities: Quantities) -> None:
    """Refuse a plan that a subscription cannot change to: in another currency, or not sold any more."""
    if plan.currency != subscription.currency:
        detail = f"{plan.handle} is sold in {plan.currency}, the subscription is in {subscription.currency}"
        raise Refused("currency_mismatch", f"{detail}; nothing converts it")
    if plan.id == subscription.plan_id:
        check_quantities(plan, quantities)
    else:
        check_offer(plan, quantities)


def retargeted(subscription: Subscription, plan: Plan, quantities: Quantities) -> Subscription:
    """Move a subscription to a plan and quantities; a scheduled change gives way to it. The anchor stays."""
    return evolve(subscription, plan_id=plan.id, quantities=dict(quantities), scheduled=None)


def arrived(subscription: Subscription, plan: Plan) -> Subscription:
    """Let a change scheduled for the period's end take place, now that it has come; ``plan`` is the one scheduled.

    Another interval counts from the boundary on.
    """
    if subscription.scheduled is None:
        return subscription
    moved = retargeted(subscription, plan, subscription.scheduled.quantities)
    if not has_other_interval(subscription, plan):
        return moved
    return reanchored(moved, Anchor(
        local=subscription.period(subscription.next_cycle).start, zone=subscription.anchor.zone,
        interval=plan.interval, count=plan.count,
    ))  # fmt: skip


def has_other_interval(subscription: Subscription, plan: Plan) -> bool:
    """Tell whether a plan's periods have another length."""
    return (plan.interval, plan.count) != (subscription.anchor.interval, subscription.anchor.count)


def reanchored(subscription: Subscription, anchor: Anchor) -> Subscription:
    """Count the cycles from the next one on by another anchor."""
    return evolve(subscription, anchor=anchor, first_cycle=subscription.next_cycle)
