"""Jobs, and when the next ones fall due."""

from datetime import datetime
from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, Named, Table, Text, literal_column

from cityos_adapters.sql.columns import KEY, METADATA, Choice, Data, Instant, one_of
from cityos_adapters.sql.tables.owned import Owned, Versioned
from cityos_core.jobs.model import Direction, JobStatus


class JobColumns(Versioned):
    """A piece of work, and what became of it."""

    operation: Named[str] = Column(KEY)
    arguments: Named[object] = Column(Data)
    key: Named[str | None] = Column(KEY)
    entity: Named[str | None] = Column(KEY)
    entity_id: Named[str | None] = Column(KEY)
    direction: Named[Direction | None] = Column(Choice(Direction))
    status: Named[JobStatus] = Column(Choice(JobStatus))
    attempts: Named[int] = Column(Integer)
    progress: Named[int] = Column(Integer)
    error: Named[str | None] = Column(Text)
    result: Named[str | None] = Column(Text)
    request_id: Named[str | None] = Column(Text)
    requested_by: Named[str] = Column(Text)
    created_at: Named[datetime] = Column(Instant)
    due_at: Named[datetime] = Column(Instant)
    started_at: Named[datetime | None] = Column(Instant)
    finished_at: Named[datetime | None] = Column(Instant)
    leased_until: Named[datetime | None] = Column(Instant)
    woken_at: Named[datetime | None] = Column(Instant)


jobs: Final = Table("jobs", METADATA, JobColumns, one_of("direction", Direction), one_of("status", JobStatus))
HAS_KEY: Final = literal_column("key IS NOT NULL", Boolean())
IS_UNFINISHED: Final = literal_column("status IN ('waiting', 'active')", Boolean())
IS_FINISHED: Final = literal_column("status IN ('completed', 'failed')", Boolean())
Index(None, jobs.c.tenant_id, jobs.c.created_at, jobs.c.id)
Index(
    "uq_jobs_tenant_id_key",
    jobs.c.tenant_id,
    jobs.c.key,
    unique=True,
    postgresql_where=HAS_KEY,
    sqlite_where=HAS_KEY,
)
Index("ix_jobs_due", jobs.c.due_at, jobs.c.id, postgresql_where=IS_UNFINISHED, sqlite_where=IS_UNFINISHED)
Index(
    "ix_jobs_line",
    jobs.c.tenant_id,
    jobs.c.entity,
    jobs.c.entity_id,
    jobs.c.created_at,
    jobs.c.id,
    postgresql_where=IS_UNFINISHED,
    sqlite_where=IS_UNFINISHED,
)
Index(
    "ix_jobs_pending",
    jobs.c.tenant_id,
    jobs.c.operation,
    postgresql_where=IS_UNFINISHED,
    sqlite_where=IS_UNFINISHED,
)
Index(
    "ix_jobs_finished",
    jobs.c.tenant_id,
    jobs.c.status,
    jobs.c.finished_at,
    jobs.c.id,
    postgresql_where=IS_FINISHED,
    sqlite_where=IS_FINISHED,
)


class ScheduleColumns(Owned):
    """When an operation falls due in a scope."""

    operation: Named[str] = Column(KEY, primary_key=True)
    next_at: Named[datetime] = Column(Instant)
    last_at: Named[datetime | None] = Column(Instant)


schedules: Final = Table("schedules", METADATA, ScheduleColumns)
Index(None, schedules.c.next_at, schedules.c.tenant_id, schedules.c.operation)
