"""What jobs need from storage, and from whatever wakes workers up."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from cityos_core.jobs.model import Job, JobStatus, Message, Schedule
from cityos_core.kernel.ids import JobId, TenantId
from cityos_core.kernel.paging import Page, PageRequest


@frozen(kw_only=True)
class JobFilter:
    """Which jobs: every given part must hold."""

    key: str | None = None
    status: JobStatus | None = None
    operation: str | None = None
    entity: str | None = None
    entity_id: str | None = None


@frozen(kw_only=True)
class JobCounts:
    """How many jobs there are, by what is happening to them. ``oldest_due_at`` is since when the longest one waits."""

    waiting: int = 0
    active: int = 0
    completed: int = 0
    failed: int = 0
    delayed: int = 0
    oldest_due_at: datetime | None = None

    @property
    def total(self) -> int:
        """All of them."""
        return self.waiting + self.active + self.completed + self.failed + self.delayed


class Jobs(Protocol):
    """The jobs of one scope."""

    def add(self, jobs: Sequence[Job]) -> None:
        """Store new jobs; one whose ``key`` another job of the scope has, whatever became of it, is left out."""
        ...

    def get(self, job_id: JobId) -> Job:
        """Give a job, or ``NotFound("job_not_found")``."""
        ...

    def save(self, job: Job) -> None:
        """Store a changed job, one version up; ``Conflict("stale")`` if another worker was first."""
        ...

    def record(self, job: Job) -> None:
        """Store a changed job as :meth:`save` does, and in the audit as well: how it ended, or what a person asked."""
        ...

    def page(self, where: JobFilter, request: PageRequest) -> Page[Job]:
        """List jobs, newest first."""
        ...

    def counts(self, now: datetime) -> JobCounts:
        """Count the scope's jobs; the platform counts everyone's."""
        ...


@frozen(kw_only=True)
class Wake:
    """A job that a worker is to be told of."""

    tenant_id: TenantId
    job_id: JobId
    operation: str


class Agenda(Protocol):
    """The jobs of all scopes at once: the machinery's own, for the platform's units of work only, and not audited.

    It is safe for any number of schedulers at once: on PostgreSQL what one holds the others pass over
    (``SKIP LOCKED``), elsewhere they take turns.
    """

    def wake(self, now: datetime, *, limit: int, resent: timedelta) -> list[Wake]:
        """Take jobs of which a worker is to be told, longest due first, and note that it was told now.

        Those are due (:meth:`Job.is_due`), not told of for as long as ``resent``, and the first of their entity, by
        creation and id, that is still to be done.
        """
        ...

    def enter(self, jobs: Sequence[Job]) -> int:
        """Store new jobs of any scope as :meth:`Jobs.add` does; give how many were new."""
        ...

    def pending(self, schedules: Iterable[Schedule], *, requested_by: str) -> frozenset[tuple[TenantId, str]]:
        """Name those of these schedules, by scope and operation, of which a job is still to be done.

        Only jobs count that this principal asked for, whether they wait or somebody has them, or had them.
        """
        ...

    def prune(self, *, completed: int, failed: int) -> int:
        """Remove finished jobs but for the latest so many of each scope; give how many."""
        ...


class Schedules(Protocol):
    """When operations fall due, in all scopes; the machinery's own, as :class:`Agenda`."""

    def plan(self, operation: str, tenants: Iterable[TenantId], at: datetime) -> int:
        """Give an operation a schedule, next due at an instant, in those of these scopes that have none; give how many."""
        ...

    def take(self, now: datetime, *, limit: int) -> list[Schedule]:
        """Hold schedules whose ``next_at`` has come, longest due first, until the unit of work ends."""
        ...

    def move(self, schedules: Sequence[Schedule]) -> int:
        """Store schedules that were taken, with their new instants."""
        ...

    def all(self) -> list[Schedule]:
        """List them, by what is due next."""
        ...


class Outbox(Protocol):
    """Events that were committed and not relayed yet, of all scopes; the machinery's own, as :class:`Agenda`."""

    def take(self, *, limit: int) -> list[Message]:
        """Remove messages and give them, oldest first; they are gone once the unit of work commits.

        What another relay holds is passed over. A lower id may commit after a higher one was taken: it comes next time.
        """
        ...

    def waiting(self) -> int:
        """Count the messages that are not relayed yet."""
        ...


class Bell(Protocol):
    """Tells workers that there is work; a hint that may be lost, doubled or late. Fails open: the sweeper rings again."""

    def ring(self, wakes: Sequence[Wake], queues: Mapping[str, str]) -> None:
        """Tell workers of jobs; ``queues`` is each operation's. ``Unavailable`` if nobody can be told."""
        ...


class Listener(Protocol):
    """Someone who is told of events: at least once, and of one subject in the order they happened.

    What it raises puts the delivery off, as of any job; it must tell by the message's id what it has seen before.
    """

    name: str
    events: frozenset[str]
    """The names of the events that it wants; ``*`` is all of them."""

    def __call__(self, message: Message) -> None:
        """Take note of an event."""
        ...
