"""Jobs as callers see them, and as they ask for them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.jobs.model import Direction, Job, JobStatus
from cityos_core.jobs.ports import JobCounts
from cityos_core.kernel.ids import JobId
from cityos_http.asking import Paged
from cityos_http.schema import about


@frozen(kw_only=True)
class JobView:
    """A piece of work that is done later, and what became of it."""

    id: JobId
    operation: str
    arguments: Mapping[str, str]
    entity: str | None
    entity_id: str | None
    direction: Direction | None
    status: JobStatus
    progress: int = field(metadata=about("How far it is, in hundredths."))
    attempts: int
    error: str | None = field(metadata=about("What went wrong at the latest attempt."))
    result: str | None = field(metadata=about("What it came to."))
    request_id: str | None = field(metadata=about("The request that caused it."))
    requested_by: str
    created_at: datetime
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> Self:
        """Show a job."""
        return cls(
            id=job.id,
            operation=job.operation,
            arguments=dict(job.arguments),
            entity=job.entity,
            entity_id=job.entity_id,
            direction=job.direction,
            status=job.status,
            progress=job.progress,
            attempts=job.attempts,
            error=job.error,
            result=job.result,
            request_id=job.request_id,
            requested_by=job.requested_by,
            created_at=job.created_at,
            due_at=job.due_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


@frozen(kw_only=True)
class JobsQuery(Paged):
    """Which jobs."""

    status: JobStatus | None = None
    operation: str | None = field(default=None, metadata=about("What is done.", example="exports.write"))
    entity: str | None = field(default=None, metadata=about("What kind of thing they are about."))
    entity_id: str | None = field(default=None, metadata=about("The id of that thing."))


@frozen(kw_only=True)
class JobRequest:
    """Work to be done later."""

    operation: str = field(metadata=about("What to do.", example="requests.forget"))
    arguments: Mapping[str, str] = field(
        factory=dict, metadata=about("What it is told; each operation says what it takes.", example={})
    )
    entity: str | None = field(
        default=None, metadata=about("What kind of thing it is about; the jobs of one thing are done in order.")
    )
    entity_id: str | None = field(default=None, metadata=about("The id of that thing."))
    due_at: datetime | None = field(default=None, metadata=about("When; now unless it is said."))


@frozen(kw_only=True)
class QueueView:
    """How many jobs there are, by what is happening to them."""

    waiting: int = field(metadata=about("Due, and not begun."))
    active: int
    completed: int = field(metadata=about("The latest ones; older ones are removed."))
    failed: int = field(metadata=about("The latest ones that were given up."))
    delayed: int = field(metadata=about("Due later."))
    total: int
    oldest_due_at: datetime | None = field(metadata=about("Since when the longest one waits."))

    @classmethod
    def of(cls, counts: JobCounts) -> Self:
        """Show counts."""
        return cls(
            waiting=counts.waiting,
            active=counts.active,
            completed=counts.completed,
            failed=counts.failed,
            delayed=counts.delayed,
            total=counts.total,
            oldest_due_at=counts.oldest_due_at,
        )
