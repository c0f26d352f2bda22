"""Workers that are told through Redis, from another process: whatever becomes of Redis, all jobs are done, each once."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from secrets import token_hex
from threading import Event

import pytest
from attrs import frozen
from dramatiq.brokers.redis import RedisBroker
from redis import Redis
from redis.exceptions import ConnectionError as NotThere
from structlog.testing import capture_logs

from adapters.workshop import HERE, NOTE, QUEUES, Does, Workshop
from cityos_adapters.dramatiq import DramatiqBell, Workers, broker_at, brokers
from cityos_core.jobs.model import Job, JobStatus
from cityos_core.jobs.ports import Wake
from cityos_core.kernel.errors import Invalid, Unavailable
from cityos_core.kernel.ids import PLATFORM, JobId
from cityos_core.testing.contracts.examples import uuid
from cityos_core.unit_of_work import UnitOfWorkFactory
from servers.processes import free_port, wait_until

Start = Callable[[int], AbstractContextManager[str]]
LATE = timedelta(seconds=31)
"""When a job that nobody started is told of again."""


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL + 1, "dramatiq")


@frozen
class Yard:
    """A workshop whose scheduler and whose workers are connected by Redis and nothing else."""

    url: str
    namespace: str
    shop: Workshop

    @classmethod
    @contextmanager
    def open(cls, url: str, database: UnitOfWorkFactory, does: Does = lambda _: None) -> Iterator["Yard"]:
        """Open one, with keys of its own in Redis."""
        namespace = f"test-{token_hex(8)}"
        with broker_at(url, namespace=namespace) as broker:
            yield cls(url, namespace, Workshop.of(database, DramatiqBell(broker), does))

    @contextmanager
    def working(self, threads: int = 2) -> Iterator[RedisBroker]:
        """Let workers of another process's kind work while the block runs: they share nothing but Redis."""
        with broker_at(self.url, namespace=self.namespace) as broker:
            assert isinstance(broker, RedisBroker)
            workers = Workers(self.shop.city, broker, threads=threads, idle_ms=20)
            workers.start()
            try:
                yield broker
            finally:
                workers.stop()

    def ask(self, count: int) -> list[Job]:
        """Ask for so many words to be noted."""
        return [self.shop.ask(str(number)) for number in range(count)]

    def go_on(self) -> None:
        """Let time pass in which nobody was heard, and tell again."""
        self.shop.clock.advance(LATE)
        self.shop.city.jobs.sweep()

    def words(self) -> list[str]:
        """List what was noted."""
        return sorted(self.shop.notes, key=int)


@pytest.fixture(params=["memory", "postgresql"])
def database(request: pytest.FixtureRequest, make_database: Callable[[str], UnitOfWorkFactory]) -> UnitOfWorkFactory:
    """Where the rows are."""
    return make_database(request.param)


def numbers(count: int) -> list[str]:
    """Count."""
    return [str(number) for number in range(count)]


def test_one_process_tells_another(valkey: str, database: UnitOfWorkFactory) -> None:
    """What a scheduler tells through Redis, workers of several brokers do, each job once."""
    with Yard.open(valkey, database) as yard, yard.working(), yard.working():
        yard.ask(40)
        yard.shop.city.jobs.sweep()
        done = yard.shop.wait_for_all()
        assert yard.words() == numbers(40)
        assert {job.attempts for job in done} == {1}


def test_redis_is_emptied_while_jobs_wait(start_valkey: Start, database: UnitOfWorkFactory) -> None:
    """Emptying Redis with jobs in it, told of and not begun, loses none: they are told of again."""
    with start_valkey(free_port()) as url, Redis.from_url(url) as redis, Yard.open(url, database) as yard:
        yard.ask(25)
        yard.shop.city.jobs.sweep()
        assert redis.llen(f"{yard.namespace}:tests") == 25
        redis.flushall()
        with yard.working():
            yard.shop.city.jobs.sweep()  # too early: they were told of a moment ago
            yard.go_on()
            yard.shop.wait_for_all()
            assert yard.words() == numbers(25)


def test_redis_is_emptied_while_jobs_are_done(start_valkey: Start, database: UnitOfWorkFactory) -> None:
    """Emptying Redis in the middle of the work, again and again, neither loses a job nor does one twice."""
    with start_valkey(free_port()) as url, Redis.from_url(url) as redis:

        def empty(job: Job) -> None:
            if int(job.arguments["word"]) % 3 == 0:
                redis.flushall()

        with Yard.open(url, database, empty) as yard, yard.working():
            yard.ask(30)
            yard.shop.city.jobs.sweep()

            def is_done() -> bool:
                yard.go_on()
                return yard.shop.city.jobs.stats(HERE).completed == 30

            wait_until(is_done)
            assert yard.words() == numbers(30)


def test_redis_is_away_and_comes_back(start_valkey: Start, database: UnitOfWorkFactory) -> None:
    """While Redis is away jobs are asked for and wait, which is said once; when it is back they are done."""
    port = free_port()
    with ExitStack() as open_:
        with start_valkey(port) as url:
            yard = open_.enter_context(Yard.open(url, database))
        with capture_logs() as logs:
            yard.ask(5)
            yard.go_on()
            yard.go_on()
        assert [log["event"] for log in logs] == ["nobody is told of jobs"]
        assert yard.shop.city.jobs.stats(HERE).waiting == 5
        open_.enter_context(start_valkey(port))
        open_.enter_context(yard.working())
        yard.go_on()
        yard.shop.wait_for_all()
        assert yard.words() == numbers(5)


def test_a_message_that_a_dead_process_held_is_not_missed(start_valkey: Start, database: UnitOfWorkFactory) -> None:
    """A process that took messages and died leaves them nowhere to be found; their jobs are told of again."""
    with start_valkey(free_port()) as url, Redis.from_url(url) as redis, Yard.open(url, database) as yard:
        yard.ask(4)
        yard.shop.city.jobs.sweep()
        with broker_at(url, namespace=yard.namespace) as dead:
            assert isinstance(dead, RedisBroker)
            assert len(dead.do_fetch("tests", 4)) == 4
        assert redis.llen(f"{yard.namespace}:tests") == 0
        with yard.working():
            yard.go_on()
            yard.shop.wait_for_all()
            assert yard.words() == numbers(4)


def test_a_busy_process_leaves_jobs_to_others(valkey: str, database: UnitOfWorkFactory) -> None:
    """A process takes no more messages than it has threads: what it cannot begin, another one does."""
    goes_on = Event()

    def wait(job: Job) -> None:
        if job.arguments["word"] == "0":
            assert goes_on.wait(30)

    with Yard.open(valkey, database, wait) as yard, yard.working(threads=1) as busy:
        (slow,) = yard.ask(1)
        yard.shop.city.jobs.sweep()
        yard.shop.wait(slow, JobStatus.ACTIVE)
        others = [yard.shop.ask(str(number)) for number in range(1, 6)]
        yard.shop.city.jobs.sweep()
        with yard.working(threads=1):
            for job in others:
                yard.shop.wait(job, JobStatus.COMPLETED)
            assert yard.shop.see(slow).status is JobStatus.ACTIVE
            goes_on.set()
            yard.shop.wait(slow, JobStatus.COMPLETED)
        assert busy.queues == {"tests"}


def test_redis_is_away_when_workers_stop(valkey: str, database: UnitOfWorkFactory) -> None:
    """Workers stop in order also where Redis does not take back what was not begun."""

    def break_down(timeout: int) -> None:
        del timeout
        raise NotThere("Connection refused")

    with Yard.open(valkey, database) as yard, broker_at(valkey, namespace=yard.namespace) as broker:
        workers = Workers(yard.shop.city, broker, idle_ms=20)
        workers.start()
        with pytest.MonkeyPatch.context() as patch, capture_logs() as logs:
            patch.setattr(workers._worker, "stop", break_down)
            workers.stop()
        workers.stop()
    assert [log["event"] for log in logs] == ["not given back"]


def test_nobody_answers() -> None:
    """Where no Redis is, whoever tells is told so at once."""
    with broker_at(f"redis://127.0.0.1:{free_port()}") as broker, pytest.raises(Unavailable) as caught:
        DramatiqBell(broker).ring([Wake(tenant_id=PLATFORM, job_id=JobId(uuid(1)), operation=NOTE.name)], QUEUES)
    assert caught.value.code == "queue_unavailable"


def test_redis_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and says nothing is given up."""
    monkeypatch.setattr(brokers, "TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        with broker_at(url) as broker, pytest.raises(Unavailable):
            DramatiqBell(broker).ring([Wake(tenant_id=PLATFORM, job_id=JobId(uuid(1)), operation=NOTE.name)], QUEUES)


def test_an_address_that_is_none() -> None:
    """What cannot be an address of Redis is refused when the broker is made."""
    with pytest.raises(Invalid, match="redis://host:6379/0"), broker_at("http://localhost"):
        pass


def test_maintenance_is_no_matter_of_luck() -> None:
    """Messages of dead processes are looked for with every command, not with one in a thousand."""
    with broker_at("redis://127.0.0.1") as broker:
        assert isinstance(broker, RedisBroker)
        assert broker.maintenance_chance == 1_000_000
        assert broker._should_do_maintenance("fetch") == 1
