"""Everything that can be done with jobs."""

from collections.abc import Iterable
from typing import Self

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.jobs.asking import Enqueue, Retry
from cityos_core.jobs.health import CheckHealth, CountJobs
from cityos_core.jobs.model import Job
from cityos_core.jobs.policy import Operation
from cityos_core.jobs.ports import JobFilter
from cityos_core.jobs.relaying import Relay
from cityos_core.jobs.running import RunJob
from cityos_core.jobs.scheduling import Tick
from cityos_core.jobs.sweeping import Drain, Prune, Sweep, WakeJobs
from cityos_core.jobs.work import Work, Works
from cityos_core.kernel.ids import JobId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import Scope
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class GetJob:
    """Give a job and how far it has come, or ``NotFound("job_not_found")``."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, job_id: JobId) -> Job:
        with self.unit_of_work(scope) as uow:
            return uow.jobs.get(job_id)


@frozen
class ListJobs:
    """List jobs page by page, newest first."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: Scope, where: JobFilter | None = None, request: PageRequest | None = None) -> Page[Job]:
        with self.unit_of_work(scope) as uow:
            return uow.jobs.page(where or JobFilter(), request or PageRequest())


@frozen
class ListOperations:
    """List what can be done as a job."""

    works: Works

    def __call__(self) -> tuple[Operation, ...]:
        return self.works.operations


@frozen(kw_only=True)
class JobUseCases:
    """Work that is done later: asked for, told of, done, and looked after."""

    enqueue: Enqueue
    get: GetJob
    list: ListJobs
    retry: Retry
    stats: CountJobs
    operations: ListOperations
    run: RunJob
    sweep: Sweep
    tick: Tick
    relay: Relay
    prune: Prune
    drain: Drain
    health: CheckHealth

    @classmethod
    def of(cls, dependencies: Dependencies, does: Iterable[Work]) -> Self:
        """Build them over the ports and whatever can be done."""
        uow, clock, identifiers = dependencies.unit_of_work, dependencies.clock, dependencies.identifiers
        works, wake = Works.of(does), WakeJobs(uow, clock)
        run = RunJob(uow, clock, works)
        relay = Relay(uow, clock, identifiers, dependencies.listeners)
        tick = Tick(uow, clock, identifiers, works)
        return cls(
            enqueue=Enqueue(uow, clock, identifiers, works),
            get=GetJob(uow),
            list=ListJobs(uow),
            retry=Retry(uow, clock),
            stats=CountJobs(uow, clock),
            operations=ListOperations(works),
            run=run,
            sweep=Sweep(relay, wake, works, dependencies.bell),
            tick=tick,
            relay=relay,
            prune=Prune(uow),
            drain=Drain(tick, relay, wake, run),
            health=CheckHealth(uow, clock, works),
        )
