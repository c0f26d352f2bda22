"""Jobs over a database, with work that notes what it did and goes wrong as it is told to."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import time, timedelta
from typing import Self

from attrs import define, field

from cityos_adapters.memory import MemoryDatabase
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.jobs.absent import NoBell
from cityos_core.jobs.model import Job
from cityos_core.jobs.policy import Audience, Operation, Rhythm
from cityos_core.jobs.ports import Bell, JobFilter, Listener
from cityos_core.jobs.relaying import ARGUMENTS, DELIVER, Deliver
from cityos_core.jobs.service import JobUseCases
from cityos_core.jobs.work import Progress, Work
from cityos_core.kernel.caller import Caller, caller
from cityos_core.kernel.ids import JobId
from cityos_core.kernel.paging import PageRequest, every
from cityos_core.kernel.scope import PlatformScope, Scope, TenantScope
from cityos_core.testing import SequentialIdentifiers, SimulatedClock
from cityos_core.unit_of_work import UnitOfWorkFactory

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LEASE = 5 * MINUTE
PARENT = "de/green-city/food/retail"

Trouble = Exception | Callable[[Progress], object] | None
"""What happens while a job is done: it goes wrong, something is done with its progress, or nothing happens."""


@define
class Workshop:
    """A platform with tenants, and operations that do nothing but note it.

    ``make`` belongs to tenants, ``tidy`` to the platform, ``look`` to everyone. ``daily``, ``often`` and ``upkeep`` are
    due by themselves.
    """

    ports: Dependencies
    clock: SimulatedClock
    app: CityOS
    jobs: JobUseCases
    effects: list[JobId] = field(factory=list)
    callers: list[Caller] = field(factory=list)
    troubles: list[Trouble] = field(factory=list)
    """What happens to the next ones that are done; nothing to those after."""

    @classmethod
    def open(
        cls,
        database: UnitOfWorkFactory | None = None,
        *,
        bell: Bell | None = None,
        listeners: Sequence[Listener] = (),
        without: Iterable[str] = (),
    ) -> Self:
        """Build one over a database, in memory unless another is given; ``without`` some of its operations."""
        clock = SimulatedClock()
        ports = Dependencies(
            unit_of_work=database or MemoryDatabase(),
            clock=clock,
            identifiers=SequentialIdentifiers(),
            listeners=tuple(listeners),
            bell=bell or NoBell(),
        )
        app = CityOS.of(ports)
        shop = cls(ports, clock, app, app.jobs)
        shop.jobs = shop.another(without=without)
        return shop

    def another(self, *, without: Iterable[str] = ()) -> JobUseCases:
        """Give the jobs as another process has them that works on the same database."""
        works = [
            self._work(Operation(name="make", queue="first", arguments={"what": "what is made"})),
            self._work(Operation(name="tidy", queue="second", audience=Audience.PLATFORM)),
            self._work(Operation(name="look", queue="second", audience=Audience.EVERYONE, attempts=1)),
            self._work(Operation(name="daily", queue="first", rhythm=Rhythm(at=(time(6),)))),
            self._work(
                Operation(
                    name="often", queue="first", audience=Audience.EVERYONE, rhythm=Rhythm(every=timedelta(minutes=10))
                )
            ),
            self._work(Operation(name="upkeep", queue="second", audience=Audience.PLATFORM, rhythm=Rhythm(every=HOUR))),
            Work(
                Operation(
                    name=DELIVER,
                    queue="events",
                    audience=Audience.EVERYONE,
                    attempts=10,
                    arguments=ARGUMENTS,
                    is_internal=True,
                ),
                Deliver(self.ports.listeners),
            ),
        ]
        return JobUseCases.of(self.ports, [work for work in works if work.operation.name not in without])

    def tenant(self, handle: str = "north", *, time_zone: str = "UTC") -> TenantScope:
        """Create a tenant and give its scope."""
        self.app.tree.add(PARENT)
        return self.app.tenants.create(
            handle, parent=PARENT, name=handle.title(), currency="EUR", time_zone=time_zone
        ).scope

    def now(self, job: Job) -> Job:
        """Give a job as it stands."""
        scope: Scope = PlatformScope() if job.tenant_id == PlatformScope().tenant_id else TenantScope(job.tenant_id)
        return self.jobs.get(scope, job.id)

    def all(self, scope: Scope, where: JobFilter | None = None) -> list[Job]:
        """List jobs, oldest first."""
        return list(self.jobs.list(scope, where, PageRequest(100)).items)[::-1]

    def every(self, scope: Scope, operation: str) -> list[Job]:
        """List all jobs of an operation, oldest first."""
        where = JobFilter(operation=operation)
        return list(every(lambda request: self.jobs.list(scope, where, request)))[::-1]

    def made(self, scope: Scope) -> Counter[str]:
        """Count the jobs of a scope by their operation."""
        return Counter(job.operation for job in self.all(scope))

    def _work(self, operation: Operation) -> Work:
        def do(_scope: Scope, job: Job, progress: Progress) -> str:
            self.callers.append(caller())
            trouble = self.troubles.pop(0) if self.troubles else None
            if isinstance(trouble, Exception):
                raise trouble
            if trouble is not None:
                trouble(progress)
            self.effects.append(job.id)
            return f"{operation.name} done"

        return Work(operation, do)
