"""The contract of jobs: the rows that are the record of all work."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from attrs import evolve

from cityos_core.jobs.model import Direction, Job, JobStatus, Schedule
from cityos_core.jobs.ports import JobCounts, JobFilter
from cityos_core.kernel.ids import PLATFORM, JobId
from cityos_core.kernel.paging import PageRequest
from cityos_core.testing.contracts.examples import AT, LATER, WORDS
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages, raised
from cityos_core.unit_of_work import UnitOfWork

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class JobsContract(Contract):
    """Jobs of one scope: one per key, newest first, optimistic versions, taken by one worker at a time."""

    def test_round_trip(self, north: Place) -> None:
        """A job comes back with every field, and with none where nothing is known."""
        for made in (worked(north), waiting(north), started(waiting(north))):
            assert get(north, added(north, made)) == made

    def test_a_key_is_used_once(self, north: Place, south: Place) -> None:
        """A job whose key another one of the scope has is left out, whatever became of that one; others are stored."""
        first = added(north, waiting(north, key="k"))
        theirs = added(south, waiting(south, key="k"))
        second, third, fourth = waiting(north, key="k"), waiting(north, key="m"), waiting(north, key="m")
        fifth, sixth = waiting(north), waiting(north)
        north.do(lambda uow: uow.jobs.add([second, third, fourth, fifth, sixth]))
        assert {job.id for job in listed(north)} == {first.id, third.id, fifth.id, sixth.id}
        save(north, finished(get(north, first)))
        added(north, waiting(north, key="k"))
        assert [job.id for job in listed(north, JobFilter(key="k"))] == [first.id]
        assert listed(south) == [theirs]

    def test_of_many_with_one_key_one_is_stored(self, north: Place) -> None:
        """Jobs with one key that are added at the same moment become one, and nobody is refused."""
        answers = at_once(lambda _: added(north, waiting(north, key="k")), times=4)
        assert codes(answers) == []
        assert len(listed(north)) == 1

    def test_saving_counts_versions(self, north: Place) -> None:
        """A stored change is one version up; the job read before is stale, and so is one that was never added."""
        made = added(north, waiting(north))
        changed = evolve(worked(north), id=made.id)
        save(north, changed)
        assert get(north, made) == evolve(changed, version=2)
        recorded = evolve(changed, version=2, error="again", progress=0)
        record(north, recorded)
        assert get(north, made) == evolve(recorded, version=3)
        for write in (save, record):
            assert raised(write, north, made) == "stale"
            assert raised(write, north, waiting(north)) == "stale"

    def test_one_of_many_workers_starts_it(self, north: Place) -> None:
        """Of workers that take the same job at once, exactly one has it."""
        made = added(north, waiting(north))
        answers = at_once(lambda number: save(north, started(made, after=number * HOUR)), times=4)
        assert codes(answers) == ["stale"] * 3
        assert get(north, made).attempts == 1

    def test_pages_newest_first(self, north: Place, south: Place) -> None:
        """Pages go back from what was asked for last, whatever the order of adding and the size."""
        made = [added(north, evolve(waiting(north), created_at=AT + step * HOUR)) for step in (2, 0, 3, 1)]
        added(south, waiting(south))
        expected = sorted(made, key=lambda job: job.created_at, reverse=True)
        for limit in (1, 3, 100):
            found = pages(lambda request: north.see(lambda uow: uow.jobs.page(JobFilter(), request)), limit=limit)
            assert found == expected
        assert north.above(lambda uow: uow.jobs.page(JobFilter(), PageRequest())).items == ()

    def test_pages_of_one_instant(self, north: Place) -> None:
        """Jobs of one instant are each on one page."""
        made = {added(north, waiting(north)).id for _ in range(5)}
        found = pages(lambda request: north.see(lambda uow: uow.jobs.page(JobFilter(), request)), limit=2)
        assert {job.id for job in found} == made
        assert len(found) == 5

    def test_a_made_up_cursor_is_refused(self, north: Place) -> None:
        """A cursor that no page gave is invalid."""
        request = PageRequest(5, "garbage")
        assert raised(north.see, lambda uow: uow.jobs.page(JobFilter(), request)) == "invalid_cursor"

    def test_filters(self, north: Place) -> None:
        """Every given part of a filter must hold."""
        one = added(north, waiting(north, key="k"))
        two = added(north, evolve(worked(north), key="m", created_at=LATER))
        for where in (
            JobFilter(key="m"),
            JobFilter(status=JobStatus.FAILED),
            JobFilter(operation=two.operation),
            JobFilter(entity="order"),
            JobFilter(entity_id=WORDS),
            JobFilter(key="m", status=JobStatus.FAILED, operation=two.operation, entity="order", entity_id=WORDS),
        ):
            assert listed(north, where) == [two]
        assert listed(north, JobFilter(key="k", status=JobStatus.FAILED)) == []
        assert listed(north) == [two, one]

    def test_counts(self, north: Place, south: Place) -> None:
        """Jobs are counted by what is happening to them; the platform counts everyone's, a tenant its own."""
        assert north.see(lambda uow: uow.jobs.counts(LATER)) == JobCounts()
        for due_at in (LATER - HOUR, LATER, LATER + SECOND):
            added(north, evolve(waiting(north), due_at=due_at))
        added(north, evolve(started(waiting(north)), due_at=AT))
        for _ in range(2):
            added(north, finished(started(waiting(north))))
        added(north, evolve(worked(north), due_at=AT))
        added(south, evolve(waiting(south), due_at=LATER - 2 * HOUR))
        own = JobCounts(waiting=2, active=1, completed=2, failed=1, delayed=1, oldest_due_at=LATER - HOUR)
        assert north.see(lambda uow: uow.jobs.counts(LATER)) == own
        assert own.total == 7
        everyones = evolve(own, waiting=3, oldest_due_at=LATER - 2 * HOUR)
        assert north.above(lambda uow: uow.jobs.counts(LATER)) == everyones

    def test_the_platform_has_jobs(self, north: Place) -> None:
        """The platform's jobs are its own, as any scope's."""
        made = evolve(waiting(north, key="k"), tenant_id=PLATFORM)
        north.above(lambda uow: uow.jobs.add([made]))
        assert north.above(lambda uow: uow.jobs.get(made.id)) == made
        assert raised(get, north, made) == "job_not_found"
        assert listed(north) == []

    def test_a_neighbours_job_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's job reads as none and cannot be written, under either tenant's name."""
        theirs = added(south, waiting(south))
        assert raised(get, north, theirs) == "job_not_found"
        assert raised(get, north, evolve(theirs, id=JobId(nobody()))) == "job_not_found"
        for write in (save, record):
            raised(write, north, evolve(theirs, error="mine"))
            raised(write, north, evolve(theirs, error="mine", tenant_id=north.id))
        raised(added, north, waiting(south))
        assert listed(south) == [theirs]


def waiting(place: Place, *, key: str | None = None, line: str | None = None, at: datetime = AT) -> Job:
    """Make up a job that nobody has started; jobs of one line are about the same thing."""
    return Job(
        id=JobId(place.ids.new()),
        tenant_id=place.id,
        operation="orders.release",
        key=key,
        entity=None if line is None else "order",
        entity_id=line,
        requested_by="user:1",
        created_at=at,
        due_at=at,
    )


def started(job: Job, *, after: timedelta = timedelta()) -> Job:
    """Let a worker have a job until later."""
    return evolve(job.started(at=job.due_at + after, lease=HOUR), leased_until=LATER)


def finished(job: Job, *, at: datetime = LATER) -> Job:
    """Let a job have been done."""
    held = job if job.status is JobStatus.ACTIVE else started(job)
    return held.completed(at=at, result="1 order")


def worked(place: Place) -> Job:
    """Make up a job with something in every field."""
    return Job(
        id=JobId(place.ids.new()),
        tenant_id=place.id,
        operation="exports.write",
        arguments={"export": "7", "müll": WORDS},
        key=WORDS,
        entity="order",
        entity_id=WORDS,
        direction=Direction.OUTBOUND,
        status=JobStatus.FAILED,
        attempts=3,
        progress=90,
        error=WORDS,
        result=WORDS,
        request_id="req-1",
        requested_by=WORDS,
        created_at=AT,
        due_at=LATER,
        started_at=AT,
        finished_at=LATER,
        leased_until=AT,
        woken_at=LATER,
    )


def added(place: Place, job: Job) -> Job:
    """Add a job."""
    place.do(lambda uow: uow.jobs.add([job]))
    return job


def save(place: Place, job: Job) -> None:
    """Save a job."""
    place.do(lambda uow: uow.jobs.save(job))


def record(place: Place, job: Job) -> None:
    """Save a job so that the audit hears of it."""
    place.do(lambda uow: uow.jobs.record(job))


def get(place: Place, job: Job) -> Job:
    """Read a job."""
    return place.see(lambda uow: uow.jobs.get(job.id))


def listed(place: Place, where: JobFilter | None = None) -> list[Job]:
    """List a tenant's jobs, newest first."""
    return list(place.see(lambda uow: uow.jobs.page(where or JobFilter(), PageRequest(100))).items)


def questions(uow: UnitOfWork, job: Job) -> Iterator[object]:
    """Ask everything there is to ask about a scope's jobs."""
    yield from (uow.jobs.page(JobFilter(), PageRequest(100)), uow.jobs.page(JobFilter(key=job.key), PageRequest(100)))
    yield uow.jobs.counts(LATER)


def machinery(job: Job) -> tuple[Callable[[UnitOfWork], object], ...]:
    """Give what only the platform may do, which is to reach into every scope."""
    return (
        lambda uow: uow.agenda.wake(LATER, limit=100, resent=SECOND),
        lambda uow: uow.agenda.enter([evolve(job, key="mine")]),
        lambda uow: uow.agenda.pending([], requested_by="system:scheduler"),
        lambda uow: uow.agenda.prune(completed=0, failed=0),
        lambda uow: uow.schedules.plan(job.operation, [job.tenant_id], AT),
        lambda uow: uow.schedules.take(LATER, limit=100),
        lambda uow: uow.schedules.move([Schedule(tenant_id=job.tenant_id, operation=job.operation, next_at=AT)]),
        lambda uow: uow.schedules.all(),
        lambda uow: uow.outbox.take(limit=100),
        lambda uow: uow.outbox.waiting(),
    )


def trespasses(place: Place, theirs: Job) -> tuple[Callable[[UnitOfWork], object], ...]:
    """Give ways of writing a neighbour's job."""
    return (
        lambda uow: uow.jobs.save(evolve(theirs, error="mine")),
        lambda uow: uow.jobs.record(evolve(theirs, error="mine", tenant_id=place.id)),
        lambda uow: uow.jobs.add([evolve(theirs, error="mine", tenant_id=place.id)]),
        *machinery(theirs),
    )
