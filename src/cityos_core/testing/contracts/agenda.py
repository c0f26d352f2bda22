"""The contract of the agenda: whatever is due in all scopes, told of by any number of sweepers."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import evolve

from cityos_core.jobs.model import Job, JobStatus, Schedule
from cityos_core.jobs.ports import Wake
from cityos_core.kernel.ids import PLATFORM, JobId, TenantId
from cityos_core.kernel.scope import PlatformScope
from cityos_core.testing.contracts.examples import AT, LATER
from cityos_core.testing.contracts.jobs import (
    HOUR,
    SECOND,
    added,
    finished,
    get,
    listed,
    machinery,
    save,
    started,
    waiting,
    worked,
)
from cityos_core.testing.contracts.world import Contract, Place, at_once, raised

RESENT = timedelta(seconds=30)


class AgendaContract(Contract):
    """The jobs of all scopes: each that is due is told of once in a while, one of a line at a time."""

    def test_due(self, north: Place, south: Place) -> None:
        """Due is what waits and what a worker left, of every scope, longest due first; as many as are wanted."""
        left = added(north, evolve(started(waiting(north)), due_at=AT, leased_until=LATER))
        theirs = added(south, waiting(south, at=AT - HOUR))
        now = added(north, waiting(north, at=LATER))
        ours = evolve(waiting(north, at=AT - SECOND), tenant_id=PLATFORM)
        north.above(lambda uow: uow.jobs.add([ours]))
        added(north, evolve(started(waiting(north)), leased_until=LATER + SECOND))
        added(north, evolve(waiting(north), due_at=LATER + SECOND))
        added(north, finished(waiting(north)))
        added(north, worked(north))
        expected = [theirs, ours, left, now]
        assert wake(north, limit=2) == told(expected[:2])
        assert wake(north) == told(expected[2:])

    def test_it_is_told_again(self, north: Place) -> None:
        """A job of which a worker was told is not told of again before a while has passed."""
        made = added(north, waiting(north))
        assert wake(north) == told([made])
        assert wake(north, LATER + RESENT - SECOND) == []
        assert wake(north, LATER + RESENT) == told([made])
        assert get(north, made).woken_at == LATER + RESENT
        assert wake(north, LATER + RESENT, resent=timedelta()) == told([made])

    def test_telling_changes_no_version(self, north: Place) -> None:
        """A worker that read the job before it was told of is not stale."""
        made = added(north, waiting(north))
        wake(north)
        save(north, started(made))
        assert get(north, made).status is JobStatus.ACTIVE

    def test_what_was_undone_was_not_told(self, north: Place) -> None:
        """A sweep that is not committed told nobody."""
        made = added(north, waiting(north))
        with north.unit_of_work(PlatformScope()) as uow:
            assert uow.agenda.wake(LATER, limit=9, resent=RESENT) == told([made])
        assert get(north, made) == made
        assert wake(north) == told([made])

    def test_one_after_the_other(self, north: Place) -> None:
        """Of the jobs about one thing only the first that is still to be done is told of, by creation and then by id."""
        third = added(north, evolve(waiting(north, line="A-1", at=AT + HOUR), due_at=AT))
        first, second = waiting(north, line="A-1"), waiting(north, line="A-1")
        added(north, second)
        added(north, first)
        for job in (first, second, third):
            assert wake(north, resent=timedelta()) == told([job])
            save(north, finished(get(north, job)))
        assert wake(north, resent=timedelta()) == []

    def test_what_is_not_over_keeps_others_waiting(self, north: Place) -> None:
        """A job that a worker has, or that was put off, keeps those after it waiting; one that failed does not."""
        first, second = added(north, waiting(north, line="A-1")), added(north, waiting(north, line="A-1"))
        save(north, evolve(started(first), leased_until=LATER + HOUR))
        assert wake(north) == []
        save(north, get(north, first).put_off(until=LATER + HOUR, error="away"))
        assert wake(north) == []
        assert wake(north, LATER + HOUR) == told([first])
        save(north, started(get(north, first)).failed(at=LATER, error="away"))
        assert wake(north) == told([second])

    def test_what_is_about_something_else_does_not_wait(self, north: Place, south: Place) -> None:
        """Jobs about other things, of other kinds, of other scopes, or about nothing, do not wait for each other."""
        made = [
            added(north, waiting(north, line="A-1")),
            added(north, waiting(north, line="A-2")),
            added(north, evolve(waiting(north, line="A-1"), entity="invoice")),
            added(south, waiting(south, line="A-1")),
            added(north, waiting(north)),
            added(north, waiting(north)),
        ]
        assert {one.job_id for one in wake(north)} == {job.id for job in made}

    def test_many_sweepers_tell_once(self, north: Place, south: Place) -> None:
        """What sweepers tell at the same moment is each told by one of them."""
        made = [added(place, waiting(place)) for place in (north, south) for _ in range(10)]
        answers = at_once(lambda _: [wake(north, limit=4) for _ in range(5)], times=4)
        found = [one.job_id for answer in answers if isinstance(answer, list) for wakes in answer for one in wakes]
        assert sorted(found) == sorted(job.id for job in made)

    def test_entering(self, north: Place, south: Place) -> None:
        """Jobs of any scope are entered in one go, but for those whose key is known there."""
        known = added(north, waiting(north, key="k"))
        ours = evolve(waiting(north, key="k"), tenant_id=PLATFORM)
        new = [waiting(north), waiting(south, key="k"), ours]
        assert enter(north, [waiting(north, key="k"), *new]) == 3
        assert enter(north, [evolve(job, id=JobId(north.ids.new())) for job in new[1:]]) == 0
        assert enter(north, []) == 0
        assert {job.id for job in listed(north)} == {known.id, new[0].id}
        assert listed(south) == [new[1]]
        assert north.above(lambda uow: uow.jobs.get(ours.id)) == ours

    def test_many_schedulers_enter_once(self, north: Place) -> None:
        """Of schedulers that enter jobs with the same keys at the same moment, one enters each."""
        answers = at_once(lambda _: enter(north, [waiting(north, key=key) for key in "abcd"]), times=4)
        assert sum(answer for answer in answers if isinstance(answer, int)) == 4
        assert sorted(str(job.key) for job in listed(north)) == list("abcd")

    def test_pending(self, north: Place, south: Place) -> None:
        """Pending is an operation in a scope while a job of it is still to be done that the principal asked for."""
        ours, theirs = evolve(waiting(north), tenant_id=PLATFORM), waiting(south)
        asked = [schedule(place, name) for place in (north, south) for name in ("a", "orders.release")]
        asked += [schedule(north, "b"), evolve(schedule(north, ours.operation), tenant_id=PLATFORM)]
        assert pending(north, asked) == frozenset()
        first, second = added(north, waiting(north)), added(north, waiting(north))
        added(south, evolve(theirs, requested_by="user:2"))
        added(south, evolve(waiting(south), operation="b"))
        for job in (first, second):
            assert pending(north, asked) == {(north.id, job.operation)}
            save(north, evolve(started(job), leased_until=AT))
            assert pending(north, asked) == {(north.id, job.operation)}
            assert pending(north, asked[2:]) == pending(north, []) == frozenset()
            ended = get(north, job).failed(at=LATER, error="away") if job is first else finished(get(north, job))
            save(north, ended)
        assert pending(north, asked) == frozenset()
        north.above(lambda uow: uow.jobs.add([ours]))
        save(north, get(north, first).retried(at=LATER))
        assert pending(north, [*asked, *asked]) == {(PLATFORM, ours.operation), (north.id, first.operation)}
        assert pending(north, asked, requested_by="user:2") == {(south.id, theirs.operation)}

    def test_pruning(self, north: Place, south: Place) -> None:
        """Of the finished jobs of each scope the latest to finish stay; what is still to be done stays anyway."""
        done, theirs = (
            [added(place, finished(waiting(place), at=hour(4 - number))) for number in range(4)]
            for place in (north, south)
        )
        failed = [added(north, evolve(worked(north), key=None, finished_at=hour(number))) for number in range(3)]
        to_do = [added(north, waiting(north)), added(north, started(waiting(north)))]
        assert prune(north, completed=3, failed=1) == 1 + 1 + 2
        assert {job.id for job in listed(north)} == {job.id for job in [*done[:3], failed[2], *to_do]}
        assert {job.id for job in listed(south)} == {job.id for job in theirs[:3]}
        assert prune(north, completed=3, failed=1) == 0
        assert prune(north, completed=0, failed=0) == 3 + 3 + 1

    def test_it_is_the_platforms_alone(self, north: Place, south: Place) -> None:
        """A tenant reaches none of the machinery, for itself or for another."""
        for place in (north, south):
            for reach in machinery(waiting(place)):
                assert raised(north.do, reach) == "platform_only"


def wake(place: Place, now: datetime = LATER, *, limit: int = 100, resent: timedelta = RESENT) -> list[Wake]:
    """Tell of what is due."""
    return place.above(lambda uow: uow.agenda.wake(now, limit=limit, resent=resent))


def told(jobs: Sequence[Job]) -> list[Wake]:
    """Give what is said of jobs."""
    return [Wake(tenant_id=job.tenant_id, job_id=job.id, operation=job.operation) for job in jobs]


def enter(place: Place, jobs: Sequence[Job]) -> int:
    """Enter jobs."""
    return place.above(lambda uow: uow.agenda.enter(jobs))


def schedule(place: Place, operation: str) -> Schedule:
    """Make up a schedule of an operation."""
    return Schedule(tenant_id=place.id, operation=operation, next_at=LATER)


def pending(
    place: Place, schedules: Sequence[Schedule], *, requested_by: str = "user:1"
) -> frozenset[tuple[TenantId, str]]:
    """Ask of which schedules a job is still to be done."""
    return place.above(lambda uow: uow.agenda.pending(schedules, requested_by=requested_by))


def prune(place: Place, *, completed: int, failed: int) -> int:
    """Remove what was done long ago."""
    return place.above(lambda uow: uow.agenda.prune(completed=completed, failed=failed))


def hour(number: int) -> datetime:
    """Give an instant; later ones have greater numbers."""
    return LATER + number * HOUR
