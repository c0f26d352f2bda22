"""Reading what changes and billing start from, for several subscriptions in a fixed number of queries."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from attrs import frozen

from cityos_core.kernel.ids import PlanId, SubscriptionId
from cityos_core.kernel.proration import Span
from cityos_core.subscriptions.changes import Present
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus
from cityos_core.subscriptions.invoices import Invoice, standing
from cityos_core.subscriptions.invoicing import Use
from cityos_core.subscriptions.metering import Measured, Metered, measure, times_of
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import Plan
from cityos_core.unit_of_work import UnitOfWork

R = TypeVar("R")


@frozen(kw_only=True)
class Situation:
    """A subscription as it is found, held until the unit of work ends, and everything a change of it starts from.

    ``invoices`` are those of the current cycle, changes within it included.
    """

    subscription: Subscription
    plan: Plan
    upcoming: BillingCycle | None
    """The cycle that is billed next; none once the subscription is over."""
    current: BillingCycle | None
    """The cycle before that."""
    invoices: tuple[Invoice, ...]
    present: Present

    @property
    def next_change(self) -> int:
        """The number of the next change invoiced within the current cycle."""
        return 1 + max((one.change for one in self.invoices), default=0)


def situation(uow: UnitOfWork, subscription_id: SubscriptionId) -> Situation:
    """Hold a subscription and give its situation, or ``NotFound("subscription_not_found")``."""
    subscription = uow.subscriptions.get(subscription_id, lock=True)
    return situations(uow, [subscription])[subscription.id]


def plans_of(uow: UnitOfWork, subscriptions: Iterable[Subscription]) -> dict[PlanId, Plan]:
    """Give the plans of subscriptions, those they change to included, in one query."""
    wanted = set()
    for one in subscriptions:
        wanted |= {one.plan_id} | ({one.scheduled.plan_id} if one.scheduled else set())
    return dict(uow.plans.many(sorted(wanted)))


def situations(uow: UnitOfWork, held: Iterable[Subscription]) -> dict[SubscriptionId, Situation]:
    """Give the situations of subscriptions that this unit of work holds."""
    subscriptions = {one.id: one for one in held}
    plans = plans_of(uow, subscriptions.values())
    cycles = by_subscription(uow.cycles.of(subscriptions, last=2))
    current = {key: [one.next_cycle - 1] for key, one in subscriptions.items() if one.next_cycle}
    found = uow.invoices.of(current) if current else []
    credited = [one.id for one in found if one.credited]
    notes = uow.credit_notes.of(credited) if credited else []
    invoices = by_subscription(found)
    measured = measure(
        uow,
        {
            key: Metered(
                plan=plans[one.plan_id],
                times=times_of([row for row in cycles.get(key, ()) if row.index == one.next_cycle - 1]),
            )
            for key, one in subscriptions.items()
        },
    )

    def of(one: Subscription) -> Situation:
        rows = {row.index: row for row in cycles.get(one.id, ())}
        now, used = rows.get(one.next_cycle - 1), measured.get(one.id, Measured())
        return Situation(
            subscription=one,
            plan=plans[one.plan_id],
            upcoming=rows.get(one.next_cycle),
            current=now,
            invoices=tuple(invoices.get(one.id, ())),
            present=Present(
                subscription=one,
                plan=plans[one.plan_id],
                charged=standing(invoices.get(one.id, ()), notes),
                uses=(*used.by_cycle.get(one.next_cycle - 1, ()), *used.late),
                is_skipped=now is not None and now.status is CycleStatus.SKIPPED,
            ),
        )

    return {key: of(one) for key, one in subscriptions.items()}


def used_before(uow: UnitOfWork, found: Situation, at: datetime) -> tuple[Use, ...]:
    """Give what was used before an instant at which the current cycle is cut short; what is used then is the next one's."""
    row, one = found.current, found.subscription
    if row is None:
        return found.present.uses
    times = {row.index: Span(row.starts_at, max(row.starts_at, min(at, row.ends_at)))}
    used = measure(uow, {one.id: Metered(plan=found.plan, times=times)}).get(one.id, Measured())
    return (*used.by_cycle.get(row.index, ()), *used.late)


def by_subscription(records: Sequence[R]) -> dict[SubscriptionId, list[R]]:
    """Sort records by the subscription they belong to, keeping their order."""
    found: dict[SubscriptionId, list[R]] = {}
    for record in records:
        known: Any = record
        found.setdefault(known.subscription_id, []).append(record)
    return found
