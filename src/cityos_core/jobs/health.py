"""Whether the work gets done: what waits, and whether anybody keeps the time."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from attrs import frozen

from cityos_core.jobs.model import Schedule
from cityos_core.jobs.policy import BEHIND, Operation
from cityos_core.jobs.ports import JobCounts
from cityos_core.jobs.work import Works
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class Punctuality:
    """How an operation keeps to its times: when it is due next in any scope, and when a job was last made of it."""

    operation: str
    next_at: datetime
    last_at: datetime | None


@frozen(kw_only=True)
class Health:
    """How the jobs of everyone stand, how many events wait to be relayed, and how schedules are kept.

    ``behind`` names operations that are more than :data:`~cityos_core.jobs.policy.BEHIND` past their time, or that the
    platform never had a schedule of: no scheduler runs.
    """

    counts: JobCounts
    outbox: int
    schedules: tuple[Punctuality, ...]
    behind: tuple[str, ...]

    @property
    def is_healthy(self) -> bool:
        """True if somebody keeps the time."""
        return not self.behind


@frozen
class CountJobs:
    """Count the jobs of a scope by what is happening to them."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: Scope) -> JobCounts:
        with self.unit_of_work(scope) as uow:
            return uow.jobs.counts(self.clock.now())


@frozen
class CheckHealth:
    """Look at the work of all scopes, and at the time that is kept."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    works: Works

    def __call__(self) -> Health:
        now = self.clock.now()
        with self.unit_of_work(PlatformScope()) as uow:
            counts = uow.jobs.counts(now)
            waiting = uow.outbox.waiting()
            schedules = tuple(_kept(uow.schedules.all()))
        return Health(
            counts=counts,
            outbox=waiting,
            schedules=schedules,
            behind=tuple(_behind(self.works.operations, schedules, now)),
        )


def _kept(schedules: Iterable[Schedule]) -> Iterator[Punctuality]:
    """Take the schedules of all scopes together, by operation."""
    for operation, each in groupby(sorted(schedules, key=attrgetter("operation")), key=attrgetter("operation")):
        own = list(each)
        last = (schedule.last_at for schedule in own if schedule.last_at is not None)
        yield Punctuality(operation, min(schedule.next_at for schedule in own), max(last, default=None))


def _behind(operations: Iterable[Operation], kept: Iterable[Punctuality], now: datetime) -> Iterator[str]:
    next_at = {one.operation: one.next_at for one in kept}
    for operation in operations:
        if operation.rhythm is None:
            continue
        due = next_at.get(operation.name)
        if (due is None and operation.audience.has_platform) or (due is not None and now - due > BEHIND):
            yield operation.name
