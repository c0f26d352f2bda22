"""Billing cycles and billing runs of one tenant."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from attrs import evolve, frozen

from cityos_adapters.memory.paging import moment, page
from cityos_adapters.memory.rows import require_own, save
from cityos_adapters.memory.tables import View
from cityos_core.kernel.errors import Conflict, NotFound
from cityos_core.kernel.ids import BillingRunId, SubscriptionId, TenantId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.subscriptions.certificate import BillingRun
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus

CycleKey = tuple[SubscriptionId, int]


@frozen
class MemoryCycles:
    """Cycles by subscription and index; the whole database is held, so nobody else claims meanwhile."""

    tenant: TenantId
    cycles: View[CycleKey, BillingCycle]

    def add(self, cycles: Sequence[BillingCycle]) -> None:
        with self.cycles.transaction.whole():
            for cycle in cycles:
                require_own(self.tenant, cycle.tenant_id)
                if self.cycles.get(_key(cycle)) is not None:
                    raise Conflict("cycle_exists", f"cycle {cycle.index} of the subscription is there already; read it")
                self.cycles.put(_key(cycle), cycle)

    def save(self, cycles: Sequence[BillingCycle]) -> None:
        with self.cycles.transaction.whole():
            for cycle in cycles:
                require_own(self.tenant, cycle.tenant_id)
                save(self.cycles, _key(cycle), cycle)

    def claim(self, worker: str, now: datetime, *, lease: timedelta, limit: int) -> list[BillingCycle]:
        processing = self.cycles.find("status", CycleStatus.PROCESSING)
        held = {cycle.subscription_id for cycle in processing if not cycle.is_due(now)}
        waiting = [*processing, *self.cycles.find("status", CycleStatus.UPCOMING)]
        first: dict[SubscriptionId, BillingCycle] = {}
        for cycle in sorted((cycle for cycle in waiting if cycle.is_due(now)), key=_longest_due):
            if cycle.subscription_id not in held:
                first.setdefault(cycle.subscription_id, cycle)
        claimed = [cycle.claimed(worker, now=now, lease=lease) for cycle in list(first.values())[:limit]]
        self.save(claimed)
        return [evolve(cycle, version=cycle.version + 1) for cycle in claimed]

    def of(self, subscription_ids: Iterable[SubscriptionId], *, last: int | None = None) -> list[BillingCycle]:
        found: list[BillingCycle] = []
        for subscription_id in sorted(set(subscription_ids)):
            cycles = sorted(self.cycles.find("subscription", subscription_id), key=_key)
            found += cycles if last is None else cycles[max(0, len(cycles) - last) :]
        return found

    def counts(self, now: datetime) -> dict[CycleStatus, int]:
        return dict(Counter(cycle.status for cycle in self.cycles.all() if _has_started(cycle, now)))

    def page(self, status: CycleStatus | None, request: PageRequest) -> Page[BillingCycle]:
        rows = self.cycles.all() if status is None else self.cycles.find("status", status)
        return page(rows, lambda row: (moment(row.starts_at), str(row.subscription_id), f"{row.index:020}"), request)


def _key(cycle: BillingCycle) -> CycleKey:
    return cycle.subscription_id, cycle.index


def _longest_due(cycle: BillingCycle) -> tuple[datetime, CycleKey]:
    return cycle.due_at or cycle.starts_at, _key(cycle)


def _has_started(cycle: BillingCycle, now: datetime) -> bool:
    return cycle.starts_at <= now and (cycle.status is not CycleStatus.UPCOMING or cycle.is_due(now))


@frozen
class MemoryBillingRuns:
    """Billing runs by id."""

    tenant: TenantId
    runs: View[BillingRunId, BillingRun]

    def add(self, run: BillingRun) -> None:
        require_own(self.tenant, run.tenant_id)
        self.runs.put(run.id, run)

    def get(self, run_id: BillingRunId) -> BillingRun:
        run = self.runs.get(run_id)
        if run is None:
            raise NotFound("billing_run_not_found", f"there is no billing run {run_id}")
        return run

    def page(self, request: PageRequest) -> Page[BillingRun]:
        return page(self.runs.all(), lambda run: (moment(run.started_at), str(run.id)), request, newest_first=True)
