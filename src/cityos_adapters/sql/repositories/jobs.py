"""Jobs of one scope, and for the platform what is due in all of them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from attrs import frozen
from sqlalchemy import (
    Boolean,
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import ID, OWNER, Session, reached
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.jobs import HAS_KEY, IS_FINISHED, IS_UNFINISHED, jobs
from cityos_core.jobs.model import Job, JobStatus, Schedule
from cityos_core.jobs.ports import JobCounts, JobFilter, Wake
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import JobId, TenantId
from cityos_core.kernel.paging import Page, PageRequest

NOW: Final = bindparam("now", type_=Instant())

_j = jobs.c
_JOBS: Final = select(jobs).where(_j.tenant_id == OWNER)
_BY_ID: Final = _JOBS.where(_j.id == ID)
_ADD: Final = growth(
    jobs,
    lambda new: new.on_conflict_do_nothing(index_elements=["tenant_id", "key"], index_where=HAS_KEY).returning(_j.id),
)
_IS_DELAYED: Final = and_(_j.status == JobStatus.WAITING, _j.due_at > NOW)
_COUNTS: Final = (
    select(
        case((_IS_DELAYED, "delayed"), else_=_j.status).label("state"),
        func.count().label("count"),
        func.min(_j.due_at).label("oldest"),
    )
    .where(reached(jobs))
    .group_by("state")
)


@frozen
class SqlJobs:
    """Jobs by id and by key; the platform counts everyone's."""

    session: Session

    def add(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self.session.require_own(job.tenant_id)
        self.session.grow((_ADD, _job_rows(jobs)))

    def get(self, job_id: JobId) -> Job:
        row = self.session.first(_BY_ID, id_=job_id)
        if row is None:
            raise NotFound("job_not_found", f"there is no job {job_id}")
        return _job(row)

    def save(self, job: Job) -> None:
        self.session.require_own(job.tenant_id)
        self.session.save(jobs, [_job_row(job)])

    def record(self, job: Job) -> None:
        self.save(job)

    def page(self, where: JobFilter, request: PageRequest) -> Page[Job]:
        statement = _JOBS.where(*_conditions(where))
        keys = (_j.created_at, _j.id)
        return page(self.session, statement, keys, request, lambda rows: [_job(row) for row in rows], newest_first=True)

    def counts(self, now: datetime) -> JobCounts:
        rows = {row.state: row for row in self.session.all(_COUNTS, now=now)}
        oldest = rows["waiting"].oldest if "waiting" in rows else None
        return JobCounts(**{state: row.count for state, row in rows.items()}, oldest_due_at=oldest)


def _conditions(where: JobFilter) -> Iterator[ColumnElement[bool]]:
    wanted = (
        (_j.key, where.key),
        (_j.status, where.status),
        (_j.operation, where.operation),
        (_j.entity, where.entity),
        (_j.entity_id, where.entity_id),
    )
    return (column == value for column, value in wanted if value is not None)


_earlier = jobs.alias("earlier")
_IS_NEXT_IN_LINE: Final = ~exists().where(
    _earlier.c.tenant_id == _j.tenant_id,
    _earlier.c.entity == _j.entity,
    _earlier.c.entity_id == _j.entity_id,
    literal_column("earlier.status IN ('waiting', 'active')", Boolean()),
    tuple_(_earlier.c.created_at, _earlier.c.id) < tuple_(_j.created_at, _j.id),
)
_due = (
    select(_j.tenant_id, _j.id)
    .where(
        IS_UNFINISHED,
        _j.due_at <= NOW,  # it was due when it was started, too
        or_(_j.status == JobStatus.WAITING, _j.leased_until.is_(None), _j.leased_until <= NOW),
        or_(_j.woken_at.is_(None), _j.woken_at <= bindparam("before", type_=Instant())),
        or_(_j.entity.is_(None), _IS_NEXT_IN_LINE),
    )
    .order_by(_j.due_at, _j.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True)
    .cte("due")
)
_WAKE: Final = (
    update(jobs)
    .where(tuple_(_j.tenant_id, _j.id).in_(select(_due.c.tenant_id, _due.c.id)))
    .values(woken_at=NOW)
    .returning(_j.tenant_id, _j.id, _j.operation, _j.due_at)
)
_PENDING: Final = (
    select(_j.tenant_id, _j.operation)
    .where(
        IS_UNFINISHED,
        _j.requested_by == bindparam("principal"),
        among(_j.tenant_id, "tenants"),
        among(_j.operation, "operations"),
    )
    .distinct()
)
_ranked = (
    select(
        _j.tenant_id,
        _j.id,
        _j.status,
        func.row_number()
        .over(partition_by=(_j.tenant_id, _j.status), order_by=(_j.finished_at.desc(), _j.id.desc()))
        .label("rank"),
    )
    .where(IS_FINISHED)
    .cte("ranked")
)
_doomed = (
    select(_j.tenant_id, _j.id)
    .where(
        IS_FINISHED,  # of what somebody has retried in between nothing else tells
        tuple_(_j.tenant_id, _j.id).in_(
            select(_ranked.c.tenant_id, _ranked.c.id).where(
                or_(
                    and_(_ranked.c.status == JobStatus.COMPLETED, _ranked.c.rank > bindparam("completed")),
                    and_(_ranked.c.status == JobStatus.FAILED, _ranked.c.rank > bindparam("failed")),
                )
            )
        ),
    )
    .with_for_update(skip_locked=True)
    .cte("doomed")
)
_PRUNE: Final = (
    delete(jobs).where(tuple_(_j.tenant_id, _j.id).in_(select(_doomed.c.tenant_id, _doomed.c.id))).returning(_j.id)
)


@frozen
class SqlAgenda:
    """What is due in all scopes, claimed row by row."""

    session: Session

    def wake(self, now: datetime, *, limit: int, resent: timedelta) -> list[Wake]:
        self.session.require_platform()
        rows = self.session.change(_WAKE, now=now, before=now - resent, most=limit)
        return [
            Wake(tenant_id=TenantId(row.tenant_id), job_id=JobId(row.id), operation=row.operation)
            for row in sorted(rows, key=attrgetter("due_at", "id"))
        ]

    def enter(self, jobs: Sequence[Job]) -> int:
        self.session.require_platform()
        return len(self.session.grow((_ADD, _job_rows(jobs))))

    def pending(self, schedules: Iterable[Schedule], *, requested_by: str) -> frozenset[tuple[TenantId, str]]:
        self.session.require_platform()
        asked = {(one.tenant_id, one.operation) for one in schedules}
        tenants, operations = {tenant for tenant, _ in asked}, {operation for _, operation in asked}
        rows = self.session.all(_PENDING, principal=requested_by, tenants=tenants, operations=operations)
        return frozenset(asked.intersection((TenantId(row.tenant_id), row.operation) for row in rows))

    def prune(self, *, completed: int, failed: int) -> int:
        self.session.require_platform()
        return len(self.session.change(_PRUNE, completed=completed, failed=failed))


def _job_rows(jobs: Sequence[Job]) -> list[Values]:
    """Write jobs in the order of their keys, in which whoever adds the same ones waits for others."""
    return [_job_row(job) for job in sorted(jobs, key=lambda job: (job.tenant_id, job.key or ""))]


def _job_row(job: Job) -> Values:
    return {
        "tenant_id": job.tenant_id,
        "id": job.id,
        "version": job.version,
        "operation": job.operation,
        "arguments": dict(job.arguments),
        "key": job.key,
        "entity": job.entity,
        "entity_id": job.entity_id,
        "direction": job.direction,
        "status": job.status,
        "attempts": job.attempts,
        "progress": job.progress,
        "error": job.error,
        "result": job.result,
        "request_id": job.request_id,
        "requested_by": job.requested_by,
        "created_at": job.created_at,
        "due_at": job.due_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "leased_until": job.leased_until,
        "woken_at": job.woken_at,
    }


def _job(row: AnyRow) -> Job:
    return Job(
        id=row.id,
        tenant_id=row.tenant_id,
        operation=row.operation,
        arguments=row.arguments,
        key=row.key,
        entity=row.entity,
        entity_id=row.entity_id,
        direction=row.direction,
        status=row.status,
        attempts=row.attempts,
        progress=row.progress,
        error=row.error,
        result=row.result,
        request_id=row.request_id,
        requested_by=row.requested_by,
        created_at=row.created_at,
        due_at=row.due_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        leased_until=row.leased_until,
        woken_at=row.woken_at,
        version=row.version,
    )
