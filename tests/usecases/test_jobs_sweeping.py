"""Telling workers of what is due, doing it all in one thread, and removing what is long done."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import pytest
from attrs import define, field

from cityos_core.jobs import sweeping
from cityos_core.jobs.model import JobStatus
from cityos_core.jobs.policy import RESENT
from cityos_core.jobs.ports import Wake
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Refused, Unavailable
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.ids import JobId
from cityos_core.kernel.scope import PlatformScope
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.workshop import HOUR, LEASE, SECOND, Workshop

MakeDatabase = Callable[[str], UnitOfWorkFactory]
PLATFORM = PlatformScope()


@define
class LoudBell:
    """Remembers whom it rang for, unless it is broken."""

    rung: list[Wake] = field(factory=list)
    queues: Mapping[str, str] = field(factory=dict)
    is_broken: bool = False

    def ring(self, wakes: Sequence[Wake], queues: Mapping[str, str]) -> None:
        """Tell."""
        if self.is_broken:
            raise Unavailable("no_queue", "nobody hears")
        self.rung += wakes
        self.queues = queues

    def heard(self) -> list[JobId]:
        """Give whom it rang for since it was last asked."""
        heard = [wake.job_id for wake in self.rung]
        self.rung.clear()
        return heard


@pytest.fixture
def bell() -> LoudBell:
    return LoudBell()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, make_database: MakeDatabase, bell: LoudBell) -> Workshop:
    """A workshop over a database of each kind."""
    return Workshop.open(make_database(request.param), bell=bell)


def test_workers_are_told(shop: Workshop, bell: LoudBell) -> None:
    """Of what is due, of every scope, workers are told once, longest due first, with the queue of each operation."""
    scope = shop.tenant()
    shop.jobs.enqueue(scope, "make", due_at=shop.clock.now() + HOUR)
    second = shop.jobs.enqueue(scope, "make")
    first = shop.jobs.enqueue(PLATFORM, "tidy", due_at=shop.clock.now() - SECOND)
    assert shop.jobs.sweep() == 2
    assert bell.heard() == [first.id, second.id]
    assert (bell.queues["make"], bell.queues["tidy"], bell.queues["look"]) == ("first", "second", "second")
    assert shop.jobs.sweep() == 0
    assert shop.now(first).woken_at == shop.clock.now()


def test_who_does_not_come_is_told_again(shop: Workshop, bell: LoudBell) -> None:
    """A job that nobody starts is told of again after a while, and one whose worker died after its lease."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")
    shop.jobs.sweep()
    shop.clock.advance(RESENT)
    assert shop.jobs.sweep() == 1
    assert bell.heard() == [job.id, job.id]

    def die(name: str) -> None:
        if name == "jobs.work.after":
            raise Crash

    with faults.hooked(die), pytest.raises(Crash):
        shop.jobs.run(scope, job.id)
    shop.clock.advance(LEASE - SECOND)
    assert shop.jobs.sweep() == 0
    shop.clock.advance(SECOND)
    assert shop.jobs.sweep() == 1
    assert shop.jobs.run(scope, job.id).status is JobStatus.COMPLETED


def test_a_silent_bell_loses_nothing(shop: Workshop, bell: LoudBell) -> None:
    """If nobody can be told, sweeping goes on, and workers are told when somebody can be."""
    job = shop.jobs.enqueue(shop.tenant(), "make")
    bell.is_broken = True
    assert shop.jobs.sweep() == 1
    bell.is_broken = False
    assert shop.jobs.sweep() == 0
    shop.clock.advance(RESENT)
    assert shop.jobs.sweep() == 1
    assert bell.heard() == [job.id]


def test_as_many_as_are_wanted(shop: Workshop, bell: LoudBell) -> None:
    """A sweep tells of so many jobs at most; the next one tells of others."""
    scope = shop.tenant()
    jobs = [shop.jobs.enqueue(scope, "make").id for _ in range(5)]
    assert [shop.jobs.sweep(limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert bell.heard() == jobs


@pytest.mark.parametrize("point", ["jobs.wake.before_commit", "jobs.wake.after_commit"])
def test_a_sweeper_that_dies(shop: Workshop, bell: LoudBell, point: str) -> None:
    """Wherever a sweeper dies, the next one tells in the end."""
    job = shop.jobs.enqueue(shop.tenant(), "make")

    def die(name: str) -> None:
        if name == point:
            raise Crash

    with faults.hooked(die), pytest.raises(Crash):
        shop.jobs.sweep()
    assert bell.heard() == []
    shop.clock.advance(RESENT)
    shop.jobs.sweep()
    assert bell.heard() == [job.id]


def test_what_another_version_does_is_left_to_it(bell: LoudBell) -> None:
    """Workers are not told of operations that only another version of the program knows, nor are those done."""
    shop = Workshop.open(bell=bell)
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "look")
    old = shop.another(without=["look"])
    assert old.sweep() == 1
    assert bell.heard() == []
    other = shop.jobs.enqueue(scope, "make")
    old.drain()
    assert (shop.now(job).status, shop.now(other).status) == (JobStatus.WAITING, JobStatus.COMPLETED)
    shop.clock.advance(RESENT)
    assert shop.jobs.sweep() == 1
    assert bell.heard() == [job.id]


def test_draining(shop: Workshop, bell: LoudBell) -> None:
    """Whatever is due is done, and what becomes due by it; nobody is told, and what is put off waits for its time."""
    scope = shop.tenant()
    asked = shop.jobs.enqueue(scope, "make")

    def ask_for_more(_progress: Callable[[int], None]) -> None:
        shop.jobs.enqueue(scope, "make", key="more")

    shop.troubles += [ask_for_more]
    told = shop.jobs.enqueue(scope, "make")
    later = shop.jobs.enqueue(scope, "make", due_at=shop.clock.now() + HOUR)
    shop.jobs.sweep()
    bell.heard()
    done = shop.jobs.drain()
    made = shop.made(scope) + shop.made(PLATFORM)
    assert made == {"make": 4, "often": 2, "upkeep": 1}
    assert done == made.total() - 1
    assert {job.id for job in shop.all(scope) if job.status is JobStatus.WAITING} == {later.id}
    assert {asked.id, told.id} < set(shop.effects)
    assert bell.heard() == []
    shop.troubles += [Unavailable("away", "later")]
    shop.clock.advance(HOUR)
    assert shop.jobs.drain() > 0
    assert shop.jobs.drain() == 0
    assert shop.jobs.stats(PLATFORM).delayed == 1
    shop.clock.advance(2 * SECOND)
    assert shop.jobs.drain() == 1


def test_draining_comes_to_an_end() -> None:
    """Work that makes work for ever is left to others after so many jobs."""
    shop = Workshop.open(without=["daily", "often", "upkeep"])
    scope = shop.tenant()

    def ask_for_more(_progress: Callable[[int], None]) -> None:
        shop.troubles.append(ask_for_more)
        shop.jobs.enqueue(scope, "make")

    shop.troubles += [ask_for_more]
    shop.jobs.enqueue(scope, "make")
    assert shop.jobs.drain(limit=7) == 7
    assert shop.jobs.stats(scope).waiting == 1


def test_one_of_a_line_at_a_time(shop: Workshop, bell: LoudBell) -> None:
    """Jobs about one thing are told of one after the other, in the order they were asked for, whatever happens."""
    scope = shop.tenant()
    jobs = [shop.jobs.enqueue(scope, "make", entity="order", entity_id="A-1").id for _ in range(3)]
    shop.troubles += [Unavailable("away", "later"), None, Refused("no", "never")]
    heard: list[JobId] = []
    for _ in range(20):
        shop.jobs.sweep()
        for job_id in bell.heard():
            heard.append(job_id)
            shop.jobs.run(scope, job_id)
        shop.clock.advance(SECOND)
    assert heard == [jobs[0], *jobs]
    assert shop.effects == [jobs[0], jobs[2]]


def test_pruning(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the finished jobs of each scope the latest are kept; the audit keeps that there were others."""
    monkeypatch.setattr(sweeping, "KEPT_COMPLETED", 2)
    monkeypatch.setattr(sweeping, "KEPT_FAILED", 1)
    scope = shop.tenant()
    ids = []
    for number in range(6):
        job = shop.jobs.enqueue(scope, "make")
        shop.troubles += [Refused("no", "never") if number % 2 else None]
        shop.jobs.run(scope, job.id)
        shop.clock.advance(timedelta(minutes=1))
        ids.append(job.id)
    waiting = shop.jobs.enqueue(scope, "make")
    told = len(list(shop.app.audit.export(scope)))
    assert shop.jobs.prune() == 1 + 2
    assert [job.id for job in shop.all(scope)] == [ids[2], ids[4], ids[5], waiting.id]
    assert shop.jobs.prune() == 0
    assert len(list(shop.app.audit.export(scope))) == told
