"""Jobs, schedules and the events that wait to be told, of one scope or of all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import cast

from attrs import evolve, frozen

from cityos_adapters.memory.paging import Words, moment, page
from cityos_adapters.memory.rows import require_own, save
from cityos_adapters.memory.shared import Shared
from cityos_adapters.memory.storage import Happening
from cityos_adapters.memory.tables import View
from cityos_adapters.serialization import dump
from cityos_core.jobs.model import UNFINISHED, Job, JobStatus, Message, Schedule
from cityos_core.jobs.ports import JobCounts, JobFilter, Wake
from cityos_core.kernel.errors import Invalid, NotFound
from cityos_core.kernel.ids import PLATFORM, JobId, TenantId
from cityos_core.kernel.paging import Page, PageRequest


@frozen
class MemoryJobs:
    """Jobs by id and by key; the platform counts everyone's."""

    tenant: TenantId
    jobs: Shared[JobId, Job]

    def add(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            require_own(self.tenant, job.tenant_id)
        enter(self.jobs, jobs)

    def get(self, job_id: JobId) -> Job:
        job = self.jobs.get(job_id)
        if job is None or job.tenant_id != self.tenant:
            raise NotFound("job_not_found", f"there is no job {job_id}")
        return job

    def save(self, job: Job) -> None:
        require_own(self.tenant, job.tenant_id)
        save(self.jobs, job.id, job)

    def record(self, job: Job) -> None:
        self.save(job)

    def page(self, where: JobFilter, request: PageRequest) -> Page[Job]:
        own = self.jobs.find("owner", self.tenant)
        return page((job for job in own if _matches(job, where)), _words, request, newest_first=True)

    def counts(self, now: datetime) -> JobCounts:
        jobs = self.jobs.all() if self.tenant == PLATFORM else self.jobs.find("owner", self.tenant)
        states = [_state(job, now) for job in jobs]
        waiting = [job.due_at for job, state in zip(jobs, states, strict=True) if state == "waiting"]
        return JobCounts(
            **{state: states.count(state) for state in set(states)}, oldest_due_at=min(waiting, default=None)
        )


@frozen
class MemoryAgenda:
    """What is due in all scopes; schedulers take turns."""

    tenant: TenantId
    jobs: View[JobId, Job]

    def wake(self, now: datetime, *, limit: int, resent: timedelta) -> list[Wake]:
        require_platform(self.tenant)
        due = (job for status in UNFINISHED for job in self.jobs.find("status", status) if job.is_due(now))
        untold = (job for job in due if job.woken_at is None or job.woken_at + resent <= now)
        told = sorted(filter(self._is_next_in_line, untold), key=attrgetter("due_at", "id"))[:limit]
        for job in told:
            self.jobs.put(job.id, evolve(job, woken_at=now))
        return [Wake(tenant_id=job.tenant_id, job_id=job.id, operation=job.operation) for job in told]

    def enter(self, jobs: Sequence[Job]) -> int:
        require_platform(self.tenant)
        return enter(self.jobs, jobs)

    def pending(self, schedules: Iterable[Schedule], *, requested_by: str) -> frozenset[tuple[TenantId, str]]:
        require_platform(self.tenant)
        wanted = {(one.tenant_id, one.operation) for one in schedules}
        return frozenset(
            one for one in wanted if any(job.requested_by == requested_by for job in self.jobs.find("pending", one))
        )

    def prune(self, *, completed: int, failed: int) -> int:
        require_platform(self.tenant)
        removed = [*self._beyond(JobStatus.COMPLETED, completed), *self._beyond(JobStatus.FAILED, failed)]
        for job in removed:
            self.jobs.drop(job.id)
        return len(removed)

    def _beyond(self, status: JobStatus, kept: int) -> Iterator[Job]:
        """Go through the jobs in a state but for the latest so many of each scope."""
        latest_first = sorted(self.jobs.find("status", status), key=_finished, reverse=True)
        for _, own in groupby(sorted(latest_first, key=_owner), key=_owner):
            yield from list(own)[kept:]

    def _is_next_in_line(self, job: Job) -> bool:
        line = self.jobs.find("line", (job.tenant_id, job.entity, job.entity_id)) if job.entity else [job]
        return min(line, key=attrgetter("created_at", "id")).id == job.id


@frozen
class MemorySchedules:
    """When operations fall due, by scope and operation; whoever takes them holds the whole database."""

    tenant: TenantId
    schedules: View[tuple[TenantId, str], Schedule]

    def plan(self, operation: str, tenants: Iterable[TenantId], at: datetime) -> int:
        require_platform(self.tenant)
        new = [tenant for tenant in set(tenants) if self.schedules.get((tenant, operation)) is None]
        for tenant in new:
            self.schedules.put((tenant, operation), Schedule(tenant_id=tenant, operation=operation, next_at=at))
        return len(new)

    def take(self, now: datetime, *, limit: int) -> list[Schedule]:
        return [schedule for schedule in self.all() if schedule.next_at <= now][:limit]

    def move(self, schedules: Sequence[Schedule]) -> int:
        require_platform(self.tenant)
        known = [one for one in schedules if self.schedules.get((one.tenant_id, one.operation)) is not None]
        for schedule in known:
            self.schedules.put((schedule.tenant_id, schedule.operation), schedule)
        return len(known)

    def all(self) -> list[Schedule]:
        require_platform(self.tenant)
        return sorted(self.schedules.all(), key=attrgetter("next_at", "tenant_id", "operation"))


@frozen
class MemoryOutbox:
    """Events by the order in which they were committed."""

    tenant: TenantId
    events: View[int, Happening]

    def take(self, *, limit: int) -> list[Message]:
        require_platform(self.tenant)
        taken = sorted(self.events.items(), key=lambda item: item[0])[:limit]
        for number, _ in taken:
            self.events.drop(number)
        return [_message(happening) for _, happening in taken]

    def waiting(self) -> int:
        require_platform(self.tenant)
        return len(self.events)


def require_platform(scope: TenantId) -> None:
    """Refuse to reach into every scope from within one."""
    if scope != PLATFORM:
        raise Invalid("platform_only", "this is about all tenants at once; open a unit of work in the platform's scope")


def enter(stored: View[JobId, Job], jobs: Iterable[Job]) -> int:
    """Store new jobs but for those whose key is known in their scope; give how many."""
    new = 0
    for job in jobs:
        if job.key is None or not stored.table.keys("key", (job.tenant_id, job.key)):
            stored.put(job.id, job)
            new += 1
    return new


def _message(happening: Happening) -> Message:
    event = happening.event
    return Message(
        id=happening.id,
        tenant_id=happening.tenant_id,
        name=event.name,
        subject=event.subject,
        payload=cast("Mapping[str, object]", dump(event)),
        occurred_at=event.occurred_at,
    )


def _matches(job: Job, where: JobFilter) -> bool:
    return (
        where.key in (None, job.key)
        and where.status in (None, job.status)
        and where.operation in (None, job.operation)
        and where.entity in (None, job.entity)
        and where.entity_id in (None, job.entity_id)
    )


def _state(job: Job, now: datetime) -> str:
    return "delayed" if job.status is JobStatus.WAITING and now < job.due_at else job.status.value


def _words(job: Job) -> Words:
    return moment(job.created_at), str(job.id)


def _finished(job: Job) -> Words:
    return moment(job.finished_at or job.created_at), str(job.id)


def _owner(job: Job) -> Words:
    return (str(job.tenant_id),)
