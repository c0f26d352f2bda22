"""A city in which one thing is done, in whatever way a test wants it done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Self

from attrs import evolve, frozen

from cityos_adapters.sql.database import TimeOrderedIdentifiers
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.jobs.model import Job, JobStatus
from cityos_core.jobs.policy import Audience, Operation
from cityos_core.jobs.ports import Bell, JobFilter
from cityos_core.jobs.service import JobUseCases
from cityos_core.jobs.work import Progress, Work
from cityos_core.kernel.paging import every
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.testing import SimulatedClock
from cityos_core.unit_of_work import UnitOfWorkFactory
from servers.processes import wait_until

NOTE = Operation(
    name="tests.note",
    queue="tests",
    audience=Audience.EVERYONE,
    lease=timedelta(minutes=5),
    arguments={"word": "what is noted"},
)
QUEUES = {NOTE.name: NOTE.queue}
HERE = PlatformScope()

Does = Callable[[Job], str | None]


@frozen(kw_only=True)
class Workshop:
    """The city, its clock, and what was done in it, word by word."""

    city: CityOS
    clock: SimulatedClock
    notes: list[str]

    @classmethod
    def of(cls, database: UnitOfWorkFactory, bell: Bell, does: Does = lambda _: None) -> Self:
        """Open one over a database, in which a job notes its word and does something."""
        notes, clock = list[str](), SimulatedClock()

        def note(_scope: Scope, job: Job, _progress: Progress) -> str | None:
            notes.append(job.arguments["word"])
            return does(job)

        dependencies = Dependencies(unit_of_work=database, clock=clock, identifiers=TimeOrderedIdentifiers(), bell=bell)
        jobs = JobUseCases.of(dependencies, [Work(NOTE, note)])
        return cls(city=evolve(CityOS.of(dependencies), jobs=jobs), clock=clock, notes=notes)

    def ask(self, word: str, entity_id: str | None = None) -> Job:
        """Ask for a word to be noted."""
        entity = None if entity_id is None else "page"
        return self.city.jobs.enqueue(HERE, NOTE.name, {"word": word}, entity=entity, entity_id=entity_id)

    def see(self, job: Job) -> Job:
        """Give a job as it is now."""
        return self.city.jobs.get(HERE, job.id)

    def wait(self, job: Job, status: JobStatus) -> Job:
        """Wait until a job is in a state."""
        wait_until(lambda: self.see(job).status is status)
        return self.see(job)

    def wait_for_all(self) -> list[Job]:
        """Wait until all jobs are done."""
        wait_until(lambda: self.city.jobs.stats(HERE).completed == self.city.jobs.stats(HERE).total)
        return list(every(lambda request: self.city.jobs.list(HERE, JobFilter(), request)))
