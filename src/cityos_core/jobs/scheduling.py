"""Keeping the time: jobs of what falls due by itself, made by any number of schedulers, once per time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from cityos_core.jobs.model import Job, Schedule
from cityos_core.jobs.policy import BEHIND, Operation
from cityos_core.jobs.running import SCHEDULER
from cityos_core.jobs.work import Works
from cityos_core.kernel import faults
from cityos_core.kernel.caller import caller
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.ids import PLATFORM, Identifiers, JobId, TenantId
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.model import Tenant, TenantStatus
from cityos_core.unit_of_work import UnitOfWorkFactory

AT_ONCE: Final = 500
"""How many schedules are moved in one transaction."""

PLATFORM_ZONE: Final = "UTC"
"""Where the platform's own days begin."""


@frozen
class Tick:
    """Make a job of every operation that has fallen due, for each active tenant and the platform; give how many.

    What is done every so often is due at once the first time, what has its times of day at the next of these. However
    long nobody kept the time, what was missed is made up for by one job; however long nobody works, one waits: while a
    job that was made here is still to be done, its schedule moves on without another. Tenants that are not active get
    none. A schedule moves on in the transaction of its job, whose key is its time: any number of schedulers make one.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    works: Works
    _planned: set[str] = field(factory=set, init=False, eq=False, repr=False)
    """The revision of the configuration under which everyone was given schedules."""

    def __call__(self, *, limit: int = AT_ONCE) -> int:
        """Look once; ``limit`` is how many schedules are moved in one transaction."""
        now, entered, moved = self.clock.now(), 0, limit
        self._plan(now)
        while moved == limit:
            moved, new = self._move(now, limit)
            entered += new
        return entered

    def _plan(self, now: datetime) -> None:
        """Give schedules to whoever has none yet, if there may be someone."""
        with self.unit_of_work(PlatformScope()) as uow:
            revision = uow.revisions.current()
            if revision in self._planned:
                return
            zones = _zones(tenant for tenant in uow.tenants.all() if _is_at_work(tenant))
            for operation in self.works.operations:
                for at, scopes in _first_times(operation, zones, now).items():
                    uow.schedules.plan(operation.name, scopes, at)
            uow.commit()
        self._planned.clear()
        self._planned.add(revision)

    def _move(self, now: datetime, limit: int) -> tuple[int, int]:
        """Move some schedules on; give how many, and how many jobs were made of them."""
        with self.unit_of_work(PlatformScope()) as uow:
            due = uow.schedules.take(now, limit=limit)
            if not due:
                return 0, 0
            tenants = {tenant.id: tenant for tenant in uow.tenants.all()}
            pending = uow.agenda.pending(due, requested_by=SCHEDULER)
            turns = [self._turn(one, tenants, pending, now) for one in due]
            entered = uow.agenda.enter([job for _, job in turns if job is not None])
            uow.schedules.move([moved for moved, _ in turns])
            faults.point("jobs.tick.before_commit")
            uow.commit()
        faults.point("jobs.tick.after_commit")
        return len(due), entered

    def _turn(
        self,
        due: Schedule,
        tenants: Mapping[TenantId, Tenant],
        pending: Collection[tuple[TenantId, str]],
        now: datetime,
    ) -> tuple[Schedule, Job | None]:
        """Give a schedule with its next time, and the job that is made of this one, if one is."""
        rhythm = self.works.named(due.operation).operation.rhythm if due.operation in self.works else None
        if rhythm is None:  # another version of this program may know better
            return evolve(due, next_at=now + BEHIND), None
        tenant = tenants.get(due.tenant_id)
        next_at = rhythm.after(now, PLATFORM_ZONE if tenant is None else tenant.time_zone)
        is_at_work = due.tenant_id == PLATFORM or (tenant is not None and _is_at_work(tenant))
        if not is_at_work or (due.tenant_id, due.operation) in pending:
            return evolve(due, next_at=next_at), None
        return evolve(due, next_at=next_at, last_at=now), self._job(due, now)

    def _job(self, due: Schedule, now: datetime) -> Job:
        return Job(
            id=JobId(self.identifiers.new()),
            tenant_id=due.tenant_id,
            operation=due.operation,
            key=f"{due.operation}@{due.next_at.isoformat()}",
            request_id=caller().request_id,
            requested_by=SCHEDULER,
            created_at=now,
            due_at=now,
        )


def _is_at_work(tenant: Tenant) -> bool:
    return tenant.status is TenantStatus.ACTIVE


def _zones(tenants: Iterable[Tenant]) -> dict[str, list[TenantId]]:
    """Sort tenants by their time zone."""
    found: dict[str, list[TenantId]] = {}
    for tenant in tenants:
        found.setdefault(tenant.time_zone, []).append(tenant.id)
    return found


def _first_times(
    operation: Operation, zones: Mapping[str, Sequence[TenantId]], now: datetime
) -> dict[datetime, list[TenantId]]:
    """Say when an operation falls due first, and in whose scopes; never, if it does not by itself."""
    rhythm, found = operation.rhythm, dict[datetime, list[TenantId]]()
    if rhythm is None:
        return found
    scopes = [*(zones.items() if operation.audience.has_tenants else ())]
    scopes += [(PLATFORM_ZONE, [PLATFORM])] if operation.audience.has_platform else []
    for place, owners in scopes:
        found.setdefault(now if rhythm.every is not None else rhythm.after(now, place), []).extend(owners)
    return found
