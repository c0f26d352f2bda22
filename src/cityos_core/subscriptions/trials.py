"""Beginning a subscription, and its trial: extended, shortened, converted early."""

from datetime import datetime, timedelta

from attrs import evolve, frozen

from cityos_core.kernel.errors import Refused
from cityos_core.kernel.ids import SubscriptionId, TenantId
from cityos_core.kernel.time import Anchor, to_utc
from cityos_core.subscriptions.billing import bill, check_offer, reanchored
from cityos_core.subscriptions.changes import Proposal
from cityos_core.subscriptions.model import Quantities, Subscription, SubscriptionStatus
from cityos_core.subscriptions.plans import LONGEST_TRIAL, Plan
from cityos_core.subscriptions.stretches import local_time
from cityos_core.subscriptions.terms import Collection, CollectionMethod, Discount, Subscriber, TaxRate


@frozen(kw_only=True)
class Agreement:
    """What is agreed when somebody subscribes; ``trial_days`` None means the plan's."""

    subscriber: Subscriber
    quantities: Quantities
    discounts: tuple[Discount, ...] = ()
    tax: TaxRate | None = None
    collection: Collection = Collection()
    trial_days: int | None = None


def begin(
    plan: Plan,
    agreement: Agreement,
    *,
    id: SubscriptionId,  # noqa: A002  the model's word
    tenant_id: TenantId,
    place: str,
    at: datetime,
) -> Subscription:
    """Begin a subscription in a zone, not billed yet.

    Cycles count from the trial's end, or from now. Without a trial, a charged one is incomplete until the first payment
    comes; one that is invoiced is active at once.
    """
    check_offer(plan, agreement.quantities)
    days = plan.trial_days if agreement.trial_days is None else agreement.trial_days
    _check_trial(days)
    anchor = Anchor(
        local=local_time(at, place) + timedelta(days=days), zone=place, interval=plan.interval, count=plan.count
    )
    is_charged = agreement.collection.method is CollectionMethod.CHARGE
    first = SubscriptionStatus.INCOMPLETE if is_charged else SubscriptionStatus.ACTIVE
    return Subscription(
        id=id,
        tenant_id=tenant_id,
        subscriber=agreement.subscriber,
        plan_id=plan.id,
        currency=plan.currency,
        quantities=dict(agreement.quantities),
        discounts=agreement.discounts,
        tax=agreement.tax,
        collection=agreement.collection,
        status=SubscriptionStatus.TRIALING if days else first,
        anchor=anchor,
        trial_ends_at=to_utc(anchor.local, place) if days else None,
        created_at=at,
    )


def _check_trial(days: int) -> None:
    if not 0 <= days <= LONGEST_TRIAL:
        raise Refused("trial_too_long", f"a trial lasts 0 to {LONGEST_TRIAL} days")


def change_trial(subscription: Subscription, *, ends_at: datetime, at: datetime) -> Subscription:
    """Let a trial end later or earlier; the first period begins then. ``Refused`` for an end that is past or too late."""
    changed = subscription.step("change_trial")
    if ends_at <= at:
        raise Refused("trial_ended", "a trial ends in the future; to end it now, convert it")
    if ends_at > subscription.created_at + timedelta(days=LONGEST_TRIAL):
        raise Refused("trial_too_long", f"a trial lasts 0 to {LONGEST_TRIAL} days from the beginning")
    return _ending(changed, ends_at)


def convert(subscription: Subscription, plan: Plan, *, at: datetime) -> Proposal:
    """End a trial now and bill the first period, which begins now."""
    converted = subscription.step("change_trial")
    if subscription.cancellation is not None or subscription.scheduled is not None:
        raise Refused("scheduled", "something is to happen at the end of the trial; undo that, then convert it")
    found = bill(_ending(converted, at), plan)
    # In the second hour of a fold the local time first occurred an hour ago; the period does not begin before now.
    begins = found.period and evolve(found.period, start_utc=max(found.period.start_utc, at))
    return Proposal(subscription=found.subscription, cycle=found.cycle, lines=found.lines, begins=begins)


def _ending(subscription: Subscription, ends_at: datetime) -> Subscription:
    anchor = evolve(subscription.anchor, local=local_time(ends_at, subscription.anchor.zone))
    return evolve(reanchored(subscription, anchor), trial_ends_at=ends_at)
