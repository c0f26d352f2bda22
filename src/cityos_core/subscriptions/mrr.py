"""Monthly recurring revenue: what a subscription counts, and the movements that append to its history."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel.ids import PlanId, SubscriptionId, TenantId
from cityos_core.kernel.money import Money
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.invoicing import in_advance, taxed
from cityos_core.subscriptions.model import EARNING, Subscription
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.stretches import whole
from cityos_core.subscriptions.terms import Subscriber

PER_MONTH: Final[Mapping[Interval, Fraction]] = {
    Interval.DAY: Fraction(365, 12),
    Interval.WEEK: Fraction(52, 12),
    Interval.MONTH: Fraction(1),
    Interval.QUARTER: Fraction(1, 3),
    Interval.YEAR: Fraction(1, 12),
}
"""How many of an interval a month has."""


def monthly(amount: Money, interval: Interval, count: int = 1) -> Money:
    """Normalise the price of a period to a month, rounded once: 50.00 a week is 216.67."""
    return amount.share(PER_MONTH[interval] / count)


def recurring_revenue(subscription: Subscription, plan: Plan) -> Money:
    """Give what a subscription counts a month: its recurring items, discounted, without tax.

    Nothing while it is on trial, paused, unpaid, incomplete or over. Usage, and discounts given once only, are left out;
    one that is canceled at period end counts until then.
    """
    if subscription.status not in EARNING:
        return Money.zero(subscription.currency)
    cycle = max(subscription.next_cycle - 1, subscription.first_cycle)
    lasting = tuple(discount for discount in subscription.discounts if not discount.is_one_off)
    stretch = whole(subscription.period(cycle), plan.proration)
    lines = in_advance(evolve(subscription, discounts=lasting), plan, cycle, stretch)
    net = sum(line.net for line in taxed(lines, subscription.tax))
    return monthly(Money(net, plan.currency), plan.interval, plan.count)


class MovementKind(StrEnum):
    """Why recurring revenue moved."""

    NEW = "new"
    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    CHURN = "churn"
    REACTIVATION = "reactivation"


@frozen(kw_only=True)
class Movement:
    """By how much a subscription's revenue moved, and what it counts since; (subscription, number) is unique.

    Movements are appended when they happen, in the order of ``at``, and never change.
    """

    tenant_id: TenantId
    subscription_id: SubscriptionId
    number: int
    at: datetime
    kind: MovementKind
    change: Money
    revenue: Money
    subscriber: Subscriber
    plan_id: PlanId


def movement(last: Movement | None, subscription: Subscription, plan: Plan, *, at: datetime) -> Movement | None:
    """Give the movement from a subscription's latest one to what it counts now; None if that is the same.

    Comparing with what is on file, and not with a state remembered, makes it right however often it is asked.
    """
    before = last.revenue if last else Money.zero(subscription.currency)
    revenue = recurring_revenue(subscription, plan)
    if revenue == before:
        return None
    return Movement(
        tenant_id=subscription.tenant_id,
        subscription_id=subscription.id,
        number=last.number + 1 if last else 0,
        at=max(at, last.at) if last else at,
        kind=_kind(last, before, revenue),
        change=revenue - before,
        revenue=revenue,
        subscriber=subscription.subscriber,
        plan_id=plan.id,
    )


def _kind(last: Movement | None, before: Money, revenue: Money) -> MovementKind:
    if last is None:
        return MovementKind.NEW
    if not before:
        return MovementKind.REACTIVATION
    if not revenue:
        return MovementKind.CHURN
    return MovementKind.EXPANSION if revenue > before else MovementKind.CONTRACTION
