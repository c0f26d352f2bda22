"""Doing jobs: by one worker at a time, again when it may help, and not for ever."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from cityos_core.jobs.model import Job, JobStatus
from cityos_core.jobs.running import SCHEDULER
from cityos_core.kernel import faults
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.errors import Conflict, NotFound, Refused, Unavailable
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.ids import JobId
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.workshop import LEASE, SECOND, Workshop

MakeDatabase = Callable[[str], UnitOfWorkFactory]
AWAY = Unavailable("away", "the bank is away")
POINTS = (
    "jobs.claim.before_commit",
    "commit.before",
    "commit.after",
    "jobs.claim.after_commit",
    "jobs.work.before",
    "jobs.work.after",
    "jobs.record.before_commit",
    "commit.before",
    "commit.after",
    "jobs.record.after_commit",
)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Workshop:
    """A workshop over a database of each kind."""
    return Workshop.open(make_database(request.param))


def dying_at(position: int) -> Callable[[str], None]:
    """Die at the fault point with this number."""
    left = iter(range(position + 1))

    def strike(_name: str) -> None:
        if next(left, -1) == position:
            raise Crash

    return strike


def entered(shop: Workshop, scope: TenantScope) -> Job:
    """Let the scheduler ask for a job."""
    with acting(Caller(principal=SCHEDULER)):
        return shop.jobs.enqueue(scope, "make")


def test_doing(shop: Workshop) -> None:
    """A job is done once, by a worker on behalf of whoever asked; told of again, nothing happens."""
    scope = shop.tenant()
    with acting(Caller(principal="user:7", request_id="req-1")):
        job = shop.jobs.enqueue(scope, "make")
    shop.clock.advance(SECOND)
    done = shop.jobs.run(scope, job.id)
    assert done == shop.now(job)
    assert (done.status, done.result, done.attempts, done.progress) == (JobStatus.COMPLETED, "make done", 1, 100)
    assert (done.started_at, done.finished_at, done.leased_until) == (shop.clock.now(), shop.clock.now(), None)
    assert shop.jobs.run(scope, job.id) == done
    assert shop.effects == [job.id]
    assert [(who.principal, who.on_behalf_of, who.action, who.request_id) for who in shop.callers] == [
        ("system:worker", "user:7", "make", "req-1")
    ]


def test_what_cannot_be_done(shop: Workshop) -> None:
    """A job that is not there, or of another scope, is not found; one that is due later is left alone."""
    scope = shop.tenant()
    with pytest.raises(NotFound):
        shop.jobs.run(scope, JobId(scope.tenant_id))
    job = shop.jobs.enqueue(scope, "make", due_at=shop.clock.now() + SECOND)
    with pytest.raises(NotFound):
        shop.jobs.run(PlatformScope(), job.id)
    assert shop.jobs.run(scope, job.id) == job
    assert shop.effects == []


def test_what_this_version_does_not_know_is_left_alone() -> None:
    """A job of an operation that only another version knows stays as it is, for that one."""
    shop = Workshop.open()
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "look")
    with pytest.raises(NotFound, match="no operation 'look'"):
        shop.another(without=["look"]).run(scope, job.id)
    assert shop.now(job) == job
    assert shop.jobs.run(scope, job.id).status is JobStatus.COMPLETED


def test_it_is_tried_again(shop: Workshop) -> None:
    """What may heal is tried again after 2 and after 4 seconds, and has failed the third time."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")
    shop.troubles += [AWAY, ZeroDivisionError("hunter2"), AWAY]
    for wait, error in ((2, "away: the bank is away"), (4, "unexpected ZeroDivisionError")):
        after = shop.jobs.run(scope, job.id)
        assert (after.status, after.error, after.leased_until) == (JobStatus.WAITING, error, None)
        assert after.due_at == shop.clock.now() + wait * SECOND
        assert shop.jobs.run(scope, job.id) == after
        shop.clock.advance(wait * SECOND)
    last = shop.jobs.run(scope, job.id)
    assert (last.status, last.attempts, last.error) == (JobStatus.FAILED, 3, "away: the bank is away")
    assert shop.jobs.run(scope, job.id) == last
    assert shop.effects == []


def test_it_heals(shop: Workshop) -> None:
    """A job that went wrong and is done the next time shows no error any more."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")
    shop.troubles += [Conflict("stale", "someone was faster")]
    shop.jobs.run(scope, job.id)
    shop.clock.advance(2 * SECOND)
    done = shop.jobs.run(scope, job.id)
    assert (done.status, done.attempts, done.error) == (JobStatus.COMPLETED, 2, None)


def test_a_refusal_is_final(shop: Workshop) -> None:
    """What trying again cannot help has failed at once."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")
    shop.troubles += [Refused("closed", "the shop is closed")]
    after = shop.jobs.run(scope, job.id)
    assert (after.status, after.attempts, after.error) == (JobStatus.FAILED, 1, "closed: the shop is closed")


def test_an_operation_says_how_often(shop: Workshop) -> None:
    """An operation that is tried once has failed the first time."""
    job = shop.jobs.enqueue(PlatformScope(), "look")
    shop.troubles += [AWAY]
    assert shop.jobs.run(PlatformScope(), job.id).status is JobStatus.FAILED


def test_of_many_workers_one_does_it(shop: Workshop) -> None:
    """Workers that are told of a job at the same moment do it once, and none of them comes to harm."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")
    together = Barrier(4)

    def work() -> None:
        together.wait(timeout=30)
        seen.append(shop.jobs.run(scope, job.id).id)

    seen: list[JobId] = []
    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [job.id] * 4
    assert shop.effects == [job.id]
    assert shop.now(job).attempts == 1


@pytest.mark.parametrize("position", range(len(POINTS)), ids=[f"{place} {name}" for place, name in enumerate(POINTS)])
def test_killed_anywhere(shop: Workshop, position: int) -> None:
    """Wherever a worker dies, the job is done in the end, and twice only if it died after it was done."""
    scope = shop.tenant()
    job = entered(shop, scope)
    names: list[str] = []
    strike = dying_at(position)

    def hook(name: str) -> None:
        names.append(name)
        strike(name)

    with faults.hooked(hook), pytest.raises(Crash):
        shop.jobs.run(scope, job.id)
    assert tuple(names) == POINTS[: position + 1]
    left = shop.now(job)
    if left.status is JobStatus.ACTIVE:
        assert shop.jobs.run(scope, job.id) == left
    shop.clock.advance(LEASE)
    done = shop.jobs.run(scope, job.id)
    assert done.status is JobStatus.COMPLETED
    assert shop.effects == [job.id] * (2 if "jobs.work.after" in names and left.status is JobStatus.ACTIVE else 1)


def test_a_job_that_kills_its_workers_is_given_up(shop: Workshop) -> None:
    """A job whose workers die as often as it may be tried has failed, without being started once more."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")
    for _ in range(3):
        with faults.hooked(dying_at(POINTS.index("jobs.work.after"))), suppress(Crash):
            shop.jobs.run(scope, job.id)
        shop.clock.advance(LEASE)
    assert len(shop.effects) == 3
    failed = shop.jobs.run(scope, job.id)
    assert failed == shop.now(job)
    assert (failed.status, failed.attempts) == (JobStatus.FAILED, 3)
    assert failed.error == "worker_died: 3 workers died of it, or hung"
    assert len(shop.effects) == 3
    assert shop.jobs.retry(scope, job.id).status is JobStatus.WAITING
    assert shop.jobs.run(scope, job.id).status is JobStatus.COMPLETED


def test_progress_is_seen(shop: Workshop) -> None:
    """How far the work has come is in the row, and the worker keeps the job while it shows progress."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")
    seen: list[Job] = []

    def work(progress: Callable[[int], None]) -> None:
        for percent in (30, 50, 50, 90):
            shop.clock.advance(LEASE - SECOND)
            progress(percent)
            seen.append(shop.now(job))

    shop.troubles += [work]
    done = shop.jobs.run(scope, job.id)
    assert [one.progress for one in seen] == [30, 50, 50, 90]
    assert [one.leased_until for one in seen] == [
        job.created_at + count * (LEASE - SECOND) + LEASE for count in range(1, 5)
    ]
    assert (done.status, done.attempts, done.progress) == (JobStatus.COMPLETED, 1, 100)


def test_little_progress_is_free(shop: Workshop) -> None:
    """Showing the same progress again and again stores nothing until a part of the lease has passed."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")
    versions: list[int] = []

    def work(progress: Callable[[int], None]) -> None:
        for wait in (timedelta(), SECOND, LEASE / 20, LEASE / 10):
            shop.clock.advance(wait)
            progress(50)
            versions.append(shop.now(job).version)

    shop.troubles += [work]
    shop.jobs.run(scope, job.id)
    assert versions == [3, 3, 3, 4]


def test_who_lost_the_job_stops(shop: Workshop) -> None:
    """A worker that hung for longer than its lease, and whose job another one did, hears of it and changes nothing."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")
    heard: list[str] = []

    def hang(progress: Callable[[int], None]) -> None:
        shop.clock.advance(LEASE)
        assert shop.jobs.run(scope, job.id).status is JobStatus.COMPLETED
        try:
            progress(50)
        except Conflict as lost:
            heard.append(lost.code)
            raise

    shop.troubles += [hang]
    found = shop.jobs.run(scope, job.id)
    assert heard == ["stale"]
    assert (found.status, found.attempts, found.progress) == (JobStatus.COMPLETED, 2, 100)
    assert found == shop.now(job)
    assert shop.effects == [job.id]


def test_who_hung_does_not_overwrite(shop: Workshop) -> None:
    """A worker that hung, shows no progress, and ends when another has the job leaves it to that one."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")

    def slow(_progress: Callable[[int], None]) -> None:
        taken = shop.now(job)
        assert (taken.attempts, taken.status) == (2, JobStatus.ACTIVE)

    def hang(_progress: Callable[[int], None]) -> None:
        shop.clock.advance(LEASE)
        with faults.hooked(dying_at(POINTS.index("jobs.record.before_commit"))), suppress(Crash):
            shop.jobs.run(scope, job.id)

    shop.troubles += [hang, slow]
    found = shop.jobs.run(scope, job.id)
    assert (found.status, found.attempts) == (JobStatus.ACTIVE, 2)
    assert found == shop.now(job)


def test_what_is_in_the_way_for_a_moment(shop: Workshop) -> None:
    """A transaction that is in the way when the end is written down is waited out."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")
    struck: list[str] = []

    def deadlock(name: str) -> None:
        if name == "jobs.record.before_commit" and len(struck) < 2:
            struck.append(name)
            raise Conflict("stale", "another transaction was first")

    with faults.hooked(deadlock):
        done = shop.jobs.run(scope, job.id)
    assert (done.status, len(struck), shop.effects) == (JobStatus.COMPLETED, 2, [job.id])


def test_what_stays_in_the_way(shop: Workshop) -> None:
    """If the end cannot be written down, the job is done again when the lease has ended."""
    scope = shop.tenant()
    job = shop.jobs.enqueue(scope, "make")

    def deadlock(name: str) -> None:
        if name == "jobs.record.before_commit":
            raise Conflict("stale", "another transaction was first")

    with faults.hooked(deadlock):
        assert shop.jobs.run(scope, job.id).status is JobStatus.ACTIVE
    shop.clock.advance(LEASE)
    assert shop.jobs.run(scope, job.id).status is JobStatus.COMPLETED
    assert shop.effects == [job.id] * 2


def test_what_the_audit_hears(shop: Workshop) -> None:
    """The audit hears how a job ended that someone asked for, and of each that failed; not of what the machinery does."""
    scope = shop.tenant()
    entered(shop, scope)  # that it was asked for is told in any case
    before = len(list(shop.app.audit.export(scope)))
    quiet = entered(shop, scope)
    shop.jobs.run(scope, quiet.id)
    loud = entered(shop, scope)
    shop.troubles += [AWAY, Refused("no", "never")]
    shop.jobs.run(scope, loud.id)
    shop.clock.advance(2 * SECOND)
    shop.jobs.run(scope, loud.id)
    with acting(Caller(principal="user:7")):
        asked = shop.jobs.enqueue(scope, "make")
    shop.jobs.run(scope, asked.id)
    entries = list(shop.app.audit.export(scope))[before:]
    changes: list[Any] = [{**change, "by": entry.principal} for entry in entries for change in entry.changes]
    told = [(change["by"], change["target"], change["verb"], change["after"]["status"]) for change in changes]
    assert told == [
        (SCHEDULER, str(quiet.id), "added", "waiting"),
        (SCHEDULER, str(loud.id), "added", "waiting"),
        ("system:worker", str(loud.id), "changed", "failed"),
        ("user:7", str(asked.id), "added", "waiting"),
        ("system:worker", str(asked.id), "changed", "completed"),
    ]
    assert shop.app.audit.verify(scope).is_whole
