"""Plans, subscriptions, reported usage and movements of recurring revenue of one tenant."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from attrs import evolve, frozen

from cityos_adapters.memory.paging import moment, page
from cityos_adapters.memory.rows import require_own, save
from cityos_adapters.memory.tables import View
from cityos_core.kernel.errors import Conflict, NotFound
from cityos_core.kernel.ids import PlanId, SubscriptionId, TenantId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.mrr import Movement
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.ports import SubscriptionFilter
from cityos_core.subscriptions.usage import UsageRecord, Used


@frozen
class MemoryPlans:
    """Plans by id and handle."""

    tenant: TenantId
    plans: View[PlanId, Plan]

    def add(self, plan: Plan) -> None:
        require_own(self.tenant, plan.tenant_id)
        self.plans.put(plan.id, plan)

    def get(self, plan_id: PlanId) -> Plan:
        plan = self.plans.get(plan_id)
        if plan is None:
            raise _no_plan(plan_id)
        return plan

    def named(self, handle: str) -> Plan:
        found = self.plans.find("handle", handle)
        if not found:
            raise _no_plan(handle)
        return found[0]

    def many(self, plan_ids: Iterable[PlanId]) -> dict[PlanId, Plan]:
        found = ((plan_id, self.plans.get(plan_id)) for plan_id in set(plan_ids))
        return {plan_id: plan for plan_id, plan in found if plan is not None}

    def save(self, plan: Plan) -> None:
        require_own(self.tenant, plan.tenant_id)
        save(self.plans, plan.id, plan)

    def page(self, request: PageRequest) -> Page[Plan]:
        return page(self.plans.all(), lambda plan: (plan.handle,), request)


def _no_plan(known_as: object) -> NotFound:
    return NotFound("plan_not_found", f"there is no plan {known_as}")


@frozen
class MemorySubscriptions:
    """Subscriptions by id; the whole database is held, so a row needs no lock of its own."""

    tenant: TenantId
    subscriptions: View[SubscriptionId, Subscription]

    def add(self, subscription: Subscription) -> None:
        require_own(self.tenant, subscription.tenant_id)
        self.subscriptions.put(subscription.id, subscription)

    def get(self, subscription_id: SubscriptionId, *, lock: bool = False) -> Subscription:  # noqa: ARG002  see the class
        subscription = self.subscriptions.get(subscription_id)
        if subscription is None:
            raise NotFound("subscription_not_found", f"there is no subscription {subscription_id}")
        return subscription

    def many(
        self,
        subscription_ids: Iterable[SubscriptionId],
        *,
        lock: bool = False,  # noqa: ARG002  see the class
    ) -> dict[SubscriptionId, Subscription]:
        found = (
            (subscription_id, self.subscriptions.get(subscription_id)) for subscription_id in set(subscription_ids)
        )
        return {subscription_id: subscription for subscription_id, subscription in found if subscription is not None}

    def save(self, subscriptions: Sequence[Subscription]) -> None:
        with self.subscriptions.transaction.whole():
            for subscription in subscriptions:
                require_own(self.tenant, subscription.tenant_id)
                save(self.subscriptions, subscription.id, subscription)

    def page(self, where: SubscriptionFilter, request: PageRequest) -> Page[Subscription]:
        rows = (row for row in self.subscriptions.all() if _matches(row, where))
        return page(rows, lambda row: (moment(row.created_at), str(row.id)), request)

    def abandoned(self, before: datetime, *, limit: int) -> list[SubscriptionId]:
        incomplete = self.subscriptions.find("status", SubscriptionStatus.INCOMPLETE)
        found = sorted((row.created_at, row.id) for row in incomplete if row.created_at < before)
        return [subscription_id for _, subscription_id in found[:limit]]


def _matches(subscription: Subscription, where: SubscriptionFilter) -> bool:
    return (
        where.status in (None, subscription.status)
        and where.subscriber in (None, subscription.subscriber.reference)
        and where.plan in (None, subscription.plan_id)
    )


@frozen
class MemoryUsage:
    """Usage by subscription and key."""

    tenant: TenantId
    records: View[tuple[SubscriptionId, str], UsageRecord]

    def add(self, records: Sequence[UsageRecord]) -> None:
        with self.records.transaction.whole():
            for record in records:
                require_own(self.tenant, record.tenant_id)
                if self.records.get((record.subscription_id, record.key)) is not None:
                    raise Conflict("usage_recorded", f"usage was reported under {record.key!r} before; read it first")
                self.records.put((record.subscription_id, record.key), record)

    def find(self, subscription_id: SubscriptionId, keys: Iterable[str]) -> dict[str, UsageRecord]:
        found = ((key, self.records.get((subscription_id, key))) for key in set(keys))
        return {key: record for key, record in found if record is not None}

    def sums(self, spans: Mapping[SubscriptionId, Sequence[tuple[datetime, datetime]]]) -> list[Used]:
        return [
            Used(subscription_id=subscription_id, start=start, end=end, item=item, quantity=quantity)
            for subscription_id in sorted(spans)
            for start, end in sorted(set(spans[subscription_id]))
            for item, quantity in sorted(self._sums(subscription_id, start, end).items())
        ]

    def unbilled(self, subscription_ids: Iterable[SubscriptionId]) -> dict[SubscriptionId, Sequence[datetime]]:
        late = {subscription_id: self._late(subscription_id) for subscription_id in set(subscription_ids)}
        return {
            subscription_id: sorted({record.counts_at for record in records})
            for subscription_id, records in late.items()
            if records
        }

    def settle(self, subscription_ids: Sequence[SubscriptionId]) -> int:
        late = [record for subscription_id in set(subscription_ids) for record in self._late(subscription_id)]
        for record in late:
            self.records.put((record.subscription_id, record.key), evolve(record, is_late=False))
        return len(late)

    def _sums(self, subscription_id: SubscriptionId, start: datetime, end: datetime) -> dict[str, Fraction]:
        sums: dict[str, Fraction] = {}
        for record in self.records.find("subscription", subscription_id):
            if start <= record.counts_at < end:
                sums[record.item] = sums.get(record.item, Fraction(0)) + record.quantity
        return sums

    def _late(self, subscription_id: SubscriptionId) -> list[UsageRecord]:
        return self.records.find("late", subscription_id)


@frozen
class MemoryMovements:
    """Movements by subscription and number."""

    tenant: TenantId
    movements: View[tuple[SubscriptionId, int], Movement]

    def add(self, movements: Sequence[Movement]) -> None:
        with self.movements.transaction.whole():
            for movement in movements:
                require_own(self.tenant, movement.tenant_id)
                key = movement.subscription_id, movement.number
                if self.movements.get(key) is not None:
                    detail = "another transaction was first with a movement of this subscription; read the latest again"
                    raise Conflict("movement_exists", detail)
                self.movements.put(key, movement)

    def latest(self, subscription_ids: Iterable[SubscriptionId]) -> dict[SubscriptionId, Movement]:
        found = (self.movements.find("subscription", subscription_id) for subscription_id in set(subscription_ids))
        last = (max(movements, key=lambda movement: movement.number) for movements in found if movements)
        return {movement.subscription_id: movement for movement in last}

    def until(self, before: datetime, *, currency: str | None = None) -> list[Movement]:
        kept = (
            movement
            for movement in self.movements.all()
            if movement.at < before and currency in (None, movement.revenue.currency)
        )
        return sorted(kept, key=lambda movement: (movement.at, movement.subscription_id, movement.number))
