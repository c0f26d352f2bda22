"""Workers that hear what is said in their process: they do what is due, once, and log how it went."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import dramatiq.broker
import pytest
from attrs import evolve
from dramatiq.brokers.stub import StubBroker
from structlog.testing import capture_logs

from adapters.workshop import HERE, NOTE, QUEUES, Does, Workshop
from cityos_adapters.dramatiq import DramatiqBell, Workers, bell, embedded_broker
from cityos_adapters.memory import MemoryDatabase
from cityos_core.jobs.model import Job, JobStatus
from cityos_core.jobs.ports import Wake
from cityos_core.kernel.errors import Refused, Unavailable
from cityos_core.kernel.ids import PLATFORM, JobId
from cityos_core.testing.contracts.examples import uuid
from servers.processes import wait_until

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Keep what dramatiq says to itself."""
    caplog.set_level(logging.CRITICAL, "dramatiq")


@pytest.fixture
def broker() -> StubBroker:
    """A queue in memory."""
    return embedded_broker()


@pytest.fixture
def open_shop(broker: StubBroker) -> Callable[..., Workshop]:
    """Open a workshop that tells the workers of this process."""

    def opened(does: Does = lambda _: None) -> Workshop:
        return Workshop.of(MemoryDatabase(), DramatiqBell(broker), does)

    return opened


@contextmanager
def working(shop: Workshop, broker: StubBroker, **how: Any) -> Iterator[Workers]:
    """Let workers work while the block runs."""
    workers = Workers(shop.city, broker, **{"threads": 3, "idle_ms": 20, **how})
    workers.start()
    try:
        yield workers
    finally:
        workers.stop()


def was_tried(shop: Workshop, job: Job, times: int) -> bool:
    """Tell whether a job was tried so many times, and nobody is at it."""
    found = shop.see(job)
    return found.attempts == times and found.leased_until is None


def refuse(error: Exception) -> Does:
    """Fail with an error."""

    def does(_job: Job) -> None:
        raise error

    return does


def test_what_is_due_is_done_once(open_shop: Callable[..., Workshop], broker: StubBroker) -> None:
    """Every job that is due is done, each by one worker, however often workers are told."""
    shop = open_shop(lambda job: f"noted {job.arguments['word']}")
    for number in range(30):
        shop.ask(str(number))
    with working(shop, broker):
        for _ in range(3):
            shop.city.jobs.sweep()
            shop.clock.advance(timedelta(seconds=31))
        done = shop.wait_for_all()
    assert sorted(shop.notes, key=int) == [str(number) for number in range(30)]
    assert {(job.attempts, job.progress, job.result == f"noted {job.arguments['word']}") for job in done} == {
        (1, 100, True)
    }
    assert broker.dead_letters == []


def test_no_broker_is_anyones_default(open_shop: Callable[..., Workshop], broker: StubBroker) -> None:
    """Actors are built on the broker that is given; the library's global one stays unset."""
    shop = open_shop()
    Workers(shop.city, broker)
    assert dramatiq.broker.global_broker is None
    assert {name: (actor.queue_name, actor.options["max_retries"]) for name, actor in broker.actors.items()} == {
        "tests": ("tests", 0)
    }
    assert [type(part).__name__ for part in broker.middleware] == ["TimeLimit", "Retries"]


def test_messages_carry_ids_and_nothing_else(open_shop: Callable[..., Workshop], broker: StubBroker) -> None:
    """A message says whose job it is and which; what is to be done stands in the row."""
    shop = open_shop()
    made = shop.ask("secret")
    shop.city.jobs.sweep()
    message = dramatiq.Message.decode(broker.queues["tests"].get_nowait())
    assert (message.actor_name, message.args, message.kwargs, message.options) == (
        "tests",
        (str(PLATFORM), str(made.id)),
        {},
        {},
    )


def test_a_job_that_fails_is_tried_again_when_its_row_says(
    open_shop: Callable[..., Workshop], broker: StubBroker
) -> None:
    """The row puts a job off and gives it up in the end; the queue tries nothing again and keeps no dead letter."""
    shop = open_shop(refuse(Unavailable("away", "nobody is there")))
    made = shop.ask("a")
    with capture_logs() as logs, working(shop, broker):
        for attempt, wait_s in ((1, 2), (2, 4), (3, 0)):
            shop.city.jobs.sweep()
            wait_until(partial(was_tried, shop, made, attempt))
            shop.city.jobs.sweep()  # too early
            shop.clock.advance(timedelta(seconds=wait_s))
    found = shop.see(made)
    assert (found.status, found.error) == (JobStatus.FAILED, "away: nobody is there")
    assert shop.notes == ["a"] * 3
    assert broker.dead_letters == []
    told = [(log["log_level"], log["outcome"], log["attempts"]) for log in logs if log["event"] == "job"]
    assert told == [("warning", "waiting", 1), ("warning", "waiting", 2), ("error", "failed", 3)]


def test_a_refusal_is_not_tried_again(open_shop: Callable[..., Workshop], broker: StubBroker) -> None:
    """What a rule refuses has failed at once, and a person can have it done after all."""
    shop = open_shop(refuse(Refused("no", "a rule says no")))
    made = shop.ask("a")
    with working(shop, broker):
        shop.city.jobs.sweep()
        assert shop.wait(made, JobStatus.FAILED).attempts == 1
        shop.city.jobs.retry(HERE, made.id)
        shop.city.jobs.sweep()
        wait_until(lambda: len(shop.notes) == 2)
        assert shop.wait(made, JobStatus.FAILED).attempts == 1


def test_a_line_says_how_it_went(open_shop: Callable[..., Workshop], broker: StubBroker) -> None:
    """What is logged of a job names the operation, whose it is, how it ended and at which attempt."""
    shop = open_shop(lambda _: "three of three")
    made = shop.ask("a")
    with capture_logs() as logs, working(shop, broker):
        shop.city.jobs.sweep()
        wait_until(lambda: any(log["event"] == "job" for log in logs))
    (line,) = (log for log in logs if log["event"] == "job")
    assert line == {
        "event": "job",
        "log_level": "info",
        "tenant": str(PLATFORM),
        "job": str(made.id),
        "operation": NOTE.name,
        "outcome": "completed",
        "attempts": 1,
        "request_id": None,
        "result": "three of three",
    }


def test_the_next_in_line_need_not_wait_for_the_sweeper(open_shop: Callable[..., Workshop], broker: StubBroker) -> None:
    """The jobs of one thing are done one after the other, in order, each told of as the one before ends."""
    shop = open_shop()
    words = [str(number) for number in range(10)]
    for word in words:
        shop.ask(word, "page 1")
    with working(shop, broker):
        shop.city.jobs.sweep()
        shop.wait_for_all()
    assert shop.notes == words


@pytest.mark.parametrize(
    ("error", "level", "event"),
    [
        (Unavailable("database_unavailable", "the database did not answer"), "warning", "put off"),
        (ZeroDivisionError(), "error", "failed"),
    ],
)
def test_a_row_that_cannot_be_reached_leaves_a_dead_letter(
    open_shop: Callable[..., Workshop],
    broker: StubBroker,
    error: Exception,
    level: str,
    event: str,
) -> None:
    """Where a job's row could not be read, that is logged, the message is set aside, and the sweeper tells again."""
    shop = open_shop()
    made = shop.ask("a")
    away = evolve(shop.city, jobs=evolve(shop.city.jobs, run=refuse_to_run(error)))
    with capture_logs() as logs, working(evolve(shop, city=away), broker):
        shop.city.jobs.sweep()
        wait_until(lambda: broker.dead_letters)
    assert [(log["log_level"], log["event"], log["job"]) for log in logs] == [(level, event, str(made.id))]
    assert shop.see(made).status is JobStatus.WAITING


def refuse_to_run(error: Exception) -> Any:
    """Stand in for the use case, with a database that is away."""

    def run(_scope: object, _job: object) -> Job:
        raise error

    return run


def test_a_job_that_is_not_there_is_passed_over(open_shop: Callable[..., Workshop], broker: StubBroker) -> None:
    """A message about a job that was removed in the meantime is said to be that, and gone."""
    shop = open_shop()
    with capture_logs() as logs, working(shop, broker):
        wake = Wake(tenant_id=PLATFORM, job_id=JobId(uuid(9)), operation=NOTE.name)
        DramatiqBell(broker).ring([wake], QUEUES)
        wait_until(lambda: logs)
    assert [(log["event"], log["code"]) for log in logs] == [("passed over", "job_not_found")]
    assert broker.dead_letters == []


def test_a_queue_that_nobody_serves_does_not_grow_for_ever(
    open_shop: Callable[..., Workshop], broker: StubBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While no worker runs the same jobs are told of again and again, as long as the queue has room."""
    monkeypatch.setattr(bell, "MOST_WAITING", 5)
    shop = open_shop()
    for number in range(4):
        shop.ask(str(number))
    for _ in range(9):
        shop.city.jobs.sweep()
        shop.clock.advance(timedelta(seconds=31))
    assert broker.queues["tests"].qsize() == 5
    with working(shop, broker):
        shop.wait_for_all()
    assert len(shop.notes) == 4


def test_what_is_under_way_is_finished(open_shop: Callable[..., Workshop], broker: StubBroker) -> None:
    """Workers that are asked to stop finish what they have begun, and begin nothing more."""
    began, goes_on = Event(), Event()

    def does(_job: Job) -> None:
        began.set()
        assert goes_on.wait(30)

    shop = open_shop(does)
    first, second = shop.ask("a"), shop.ask("b")
    workers = Workers(shop.city, broker, threads=1, idle_ms=20)
    workers.start()
    shop.city.jobs.sweep()
    assert began.wait(30)
    goes_on.set()
    workers.stop()
    assert shop.see(first).status is JobStatus.COMPLETED
    assert shop.see(second).status in {JobStatus.COMPLETED, JobStatus.WAITING}


def test_what_takes_longer_than_the_grace_is_left_to_its_lease(
    open_shop: Callable[..., Workshop], broker: StubBroker
) -> None:
    """Stopping is bounded: a job that does not end stays active until its lease does, and then it is anyone's."""
    began, goes_on = Event(), Event()

    def does(job: Job) -> None:
        if job.attempts == 1:
            began.set()
            assert goes_on.wait(30)

    shop = open_shop(does)
    made = shop.ask("a")
    stuck = Workers(shop.city, broker, threads=1, idle_ms=20)
    stuck.start()
    shop.city.jobs.sweep()
    assert began.wait(30)
    stuck.stop(grace=timedelta(milliseconds=50))
    assert shop.see(made).status is JobStatus.ACTIVE
    shop.clock.advance(NOTE.lease)
    fresh = embedded_broker()
    wakes = [Wake(tenant_id=PLATFORM, job_id=made.id, operation=NOTE.name)]
    with working(shop, fresh):
        DramatiqBell(fresh).ring(wakes, QUEUES)
        assert shop.wait(made, JobStatus.COMPLETED).attempts == 2
    done = shop.see(made)
    goes_on.set()  # whoever had it before finds that it is not its own any more
    wait_until(lambda: not any(thread.is_alive() for thread in stuck._worker.workers))
    assert shop.see(made) == done


def test_only_some_queues(open_shop: Callable[..., Workshop], broker: StubBroker) -> None:
    """Workers of other queues leave a queue's jobs alone."""
    shop = open_shop()
    shop.ask("a")
    with working(shop, broker, queues=["others"]):
        shop.city.jobs.sweep()
    assert shop.notes == []
    assert broker.queues["tests"].qsize() == 1
