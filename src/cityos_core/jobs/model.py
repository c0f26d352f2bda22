"""Jobs: one row per piece of work, which is the record of it; queues only wake workers up."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from attrs import evolve, field, frozen

from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.kernel.ids import JobId, TenantId
from cityos_core.kernel.states import Machine


class JobStatus(StrEnum):
    """The life of a job. One that waits for a later instant is called delayed in the statistics."""

    WAITING = "waiting"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"


_J = JobStatus

JOB_LIFE: Final = Machine(
    "job",
    {
        (_J.WAITING, "start"): _J.ACTIVE,
        (_J.ACTIVE, "start"): _J.ACTIVE,
        (_J.ACTIVE, "complete"): _J.COMPLETED,
        (_J.ACTIVE, "put_off"): _J.WAITING,
        (_J.ACTIVE, "fail"): _J.FAILED,
        (_J.FAILED, "retry"): _J.WAITING,
    },
)
"""A worker that died left its job active; another one starts it again when the lease has ended."""

UNFINISHED: Final = frozenset({_J.WAITING, _J.ACTIVE})
"""A job in one of these states is still to be done."""

STAGES: Final = (10, 30, 50, 90, 100)
"""What progress is told in, in hundredths: taken up, read, decided, done, written down."""


class Direction(StrEnum):
    """Which way a job carries something between us and a counterpart."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@frozen(kw_only=True)
class Job:
    """One piece of work, of a tenant or of the platform. ``key`` is its natural key, if it must not be done twice.

    Jobs of one ``entity`` and ``entity_id`` are done one after the other, in the order they were made.
    """

    id: JobId
    tenant_id: TenantId
    operation: str
    """What is done, such as ``billing.run``."""
    arguments: Mapping[str, str] = field(factory=dict)
    key: str | None = None
    entity: str | None = None
    entity_id: str | None = None
    direction: Direction | None = None
    status: JobStatus = JobStatus.WAITING
    attempts: int = 0
    progress: int = 0
    error: str | None = None
    """What went wrong at the latest attempt."""
    result: str | None = None
    """What it came to, in a few words."""
    request_id: str | None = None
    """The request that caused it."""
    requested_by: str
    created_at: datetime
    due_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    leased_until: datetime | None = None
    woken_at: datetime | None = None
    """When a worker was last told of it."""
    version: int = 1

    def __attrs_post_init__(self) -> None:
        if (self.entity is None) != (self.entity_id is None):
            raise Invalid("job_entity", "a job names both the kind and the id of what it is about, or neither")

    def is_due(self, now: datetime) -> bool:
        """True if a worker may start it: its time has come, and no worker that is believed to be alive has it."""
        if self.status is JobStatus.ACTIVE:
            return self.leased_until is None or self.leased_until <= now
        return self.status is JobStatus.WAITING and self.due_at <= now

    def started(self, *, at: datetime, lease: timedelta) -> "Job":
        """Take it for the length of a lease; ``Conflict("job_taken")`` if it is not due, or another worker has it."""
        status = JOB_LIFE.next(self.status, "start")
        if not self.is_due(at):
            detail = "the job is not due yet, or another worker has it"
            raise Conflict("job_taken", detail, current_state=self.status.value)
        return evolve(
            self,
            status=status,
            attempts=self.attempts + 1,
            progress=STAGES[0],
            started_at=at,
            leased_until=at + lease,
        )

    def advanced(self, progress: int, *, at: datetime, lease: timedelta) -> "Job":
        """Show progress, which never goes back, and hold the job for another lease."""
        return evolve(self, progress=max(self.progress, progress), leased_until=at + lease)

    def completed(self, *, at: datetime, result: str | None = None) -> "Job":
        """Note that it was done."""
        status = JOB_LIFE.next(self.status, "complete")
        return evolve(
            self,
            status=status,
            progress=STAGES[-1],
            error=None,
            result=result,
            finished_at=at,
            leased_until=None,
        )

    def put_off(self, *, until: datetime, error: str) -> "Job":
        """Note what went wrong, and when it is tried again."""
        status = JOB_LIFE.next(self.status, "put_off")
        return evolve(self, status=status, error=error, due_at=until, leased_until=None, woken_at=None)

    def failed(self, *, at: datetime, error: str) -> "Job":
        """Note that it was given up, and why; a person can have it retried."""
        status = JOB_LIFE.next(self.status, "fail")
        return evolve(self, status=status, error=error, finished_at=at, leased_until=None)

    def retried(self, *, at: datetime) -> "Job":
        """Let it be done after all, as if it were new."""
        status = JOB_LIFE.next(self.status, "retry")
        return evolve(self, status=status, attempts=0, progress=0, due_at=at, finished_at=None, woken_at=None)


@frozen(kw_only=True)
class Schedule:
    """When an operation is due next in a scope; (tenant, operation) is unique, and the row is what schedulers claim."""

    tenant_id: TenantId
    operation: str
    next_at: datetime
    last_at: datetime | None = None
    """When a scheduler last made a job of it."""


@frozen(kw_only=True)
class Message:
    """An event that was committed, as the outbox keeps it until it is relayed. ``payload`` is the event's fields."""

    id: UUID
    tenant_id: TenantId
    name: str
    subject: UUID
    payload: Mapping[str, object]
    occurred_at: datetime
