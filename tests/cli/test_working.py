"""`cityos worker`, `scheduler` and `serve` as processes: what each does, what a killed one leaves, and how they end."""

import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from attrs import evolve, frozen

from cityos_adapters.bootstrap import bootstrap
from cityos_adapters.settings import read_settings
from cityos_adapters.sql.database import SqlDatabase
from cityos_core.app import CityOS
from cityos_core.exports.model import Export, ExportFormat, ExportKind, ExportStatus
from cityos_core.jobs.model import Job, JobStatus
from cityos_core.jobs.ports import JobFilter
from cityos_core.kernel.scope import TenantScope
from cityos_core.testing import market
from cli.shell import Cityos
from servers.loopback import in_process
from servers.processes import free_port, wait_until
from servers.programs import mortal, running

Start = Callable[[int], AbstractContextManager[str]]


@frozen
class Town:
    """A tenant in a database, as whoever looks at it from outside sees it."""

    url: str
    app: CityOS
    scope: TenantScope

    def ask(self) -> Export:
        """Ask for an export."""
        return self.app.exports.request(self.scope, ExportKind.PRODUCTS, ExportFormat.CSV, by="user:1")

    def is_there(self, export: Export) -> bool:
        """Tell whether an export was written."""
        return self.app.exports.get(self.scope, export.id).status is ExportStatus.SUCCEEDED

    def job(self, export: Export) -> Job:
        """Give the job that writes an export."""
        where = JobFilter(entity="export", entity_id=str(export.id))
        (found,) = self.app.jobs.list(self.scope, where).items
        return found


@pytest.fixture
def open_town(make_url: Callable[[str], str]) -> Iterator[Callable[[str], Town]]:
    """Open towns over databases of their own."""
    open_ = []

    def opened(kind: str) -> Town:
        url = make_url(kind)
        database = SqlDatabase(url)
        open_.append(database)
        app = bootstrap(read_settings({"database_url": url}, {}), database=database)
        return Town(url, app, market(app).scope)

    yield opened
    for database in open_:
        database.close()


@pytest.fixture
def town(open_town: Callable[[str], Town]) -> Town:
    """A town on SQLite."""
    return open_town("sqlite")


def test_one_worker_does_everything(tmp_path: Path, town: Town) -> None:
    """Without Redis a worker does what is asked for and keeps the time; it ends with 0 when it is told to."""
    export = town.ask()
    with running(tmp_path, town.url, "worker", "--threads", "2", log_format="json") as worker:
        wait_until(lambda: town.is_there(export))
        wait_until(lambda: not town.app.jobs.health().behind)
        later = town.ask()
        wait_until(lambda: town.is_there(later))
        assert worker.stopped() == 0
    assert {job.attempts for job in map(town.job, (export, later))} == {1}
    lines = worker.log.read_text()
    assert '"operation": "exports.write", "outcome": "completed", "attempts": 1' in lines
    assert [word in lines for word in ('"event": "stopping"', '"event": "stopped"')] == [True, True]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_killed_workers_job_is_taken_over(tmp_path: Path, open_town: Callable[[str], Town], kind: str) -> None:
    """A worker that is killed in the middle of a job holds it until its lease ends; then another one does it."""
    town = open_town(kind)
    export = town.ask()
    with mortal(tmp_path, town.url, "exports.chunk.before_commit", "worker") as worker:
        assert worker.ended() == -signal.SIGKILL
    left = town.job(export)
    assert (left.status, left.attempts) == (JobStatus.ACTIVE, 1)
    with running(tmp_path, town.url, "worker"):
        second = town.ask()
        wait_until(lambda: town.is_there(second))
        assert town.job(export) == left  # whoever has it may be alive
        _let_lease_end(town, left)
        wait_until(lambda: town.is_there(export))
        wait_until(lambda: town.job(export).status is JobStatus.COMPLETED)
    assert town.job(export).attempts == 2
    assert "".join(town.app.exports.read(town.scope, export.id)).count("\n") > 1


def _let_lease_end(town: Town, job: Job) -> None:
    """Make it so that the worker was not heard of for as long as its lease, and nobody was told since."""
    with town.app.jobs.get.unit_of_work(town.scope) as uow:
        uow.jobs.save(evolve(job, leased_until=job.created_at, woken_at=None))
        uow.commit()


def test_a_job_that_workers_die_of(tmp_path: Path, town: Town) -> None:
    """A job that kills whoever does it is given up after as many workers as it has attempts; others are done."""
    town.app.jobs.drain()
    _change(town, "UPDATE schedules SET next_at = '2999-01-01 00:00:00.000000'")  # nothing else is due
    made = town.app.jobs.enqueue(town.scope, "orders.release")
    for attempts in (1, 2, 3):
        with mortal(tmp_path, town.url, "jobs.work.before", "worker", "--threads", "1") as worker:
            assert worker.ended() == -signal.SIGKILL
        assert town.app.jobs.get(town.scope, made.id).attempts == attempts
        _let_lease_end(town, town.app.jobs.get(town.scope, made.id))
    export = town.ask()
    with running(tmp_path, town.url, "worker"):
        wait_until(lambda: town.is_there(export))
        wait_until(lambda: town.app.jobs.get(town.scope, made.id).status is JobStatus.FAILED)
    assert town.app.jobs.get(town.scope, made.id).error == "worker_died: 3 workers died of it, or hung"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_scheduler_wakes_workers_through_redis(
    tmp_path: Path, open_town: Callable[[str], Town], start_valkey: Start, kind: str
) -> None:
    """With Redis the time is kept by one process and the work done by another; each ends with 0."""
    town = open_town(kind)
    with start_valkey(free_port()) as url, running(tmp_path, town.url, "worker", redis_url=url) as worker:
        export = town.ask()
        with running(tmp_path, town.url, "scheduler", redis_url=url) as scheduler:
            wait_until(lambda: town.is_there(export))
            wait_until(lambda: not town.app.jobs.health().behind)
            assert scheduler.stopped() == 0
        assert worker.stopped() == 0
    assert town.job(export).attempts == 1


def test_only_some_queues(tmp_path: Path, town: Town, start_valkey: Start) -> None:
    """A worker of one queue leaves the jobs of others to others."""
    with (
        start_valkey(free_port()) as url,
        running(tmp_path, town.url, "worker", "--queue", "upkeep", redis_url=url),
        running(tmp_path, town.url, "scheduler", redis_url=url),
    ):
        export = town.ask()
        wait_until(lambda: town.app.jobs.stats(town.scope).completed)
        with running(tmp_path, town.url, "worker", "--queue", "exports", "--queue", "orders", redis_url=url):
            _change(town, "UPDATE jobs SET woken_at = NULL")  # nobody was told
            wait_until(lambda: town.is_there(export))


def _change(town: Town, statement: str) -> None:
    """Change what is in a town on SQLite."""
    with closing(sqlite3.connect(town.url.removeprefix("sqlite:///"), timeout=30)) as file, file:
        file.execute(statement)


def test_a_server_works_as_well(tmp_path: Path, town: Town, start_valkey: Start) -> None:
    """A server does jobs itself where there is no Redis; with Redis only if it is told to."""
    with in_process(tmp_path, town.url):
        export = town.ask()
        wait_until(lambda: town.is_there(export))
    with start_valkey(free_port()) as url, in_process(tmp_path, town.url, redis_url=url):
        left = town.ask()
        with in_process(tmp_path, town.url, "--with-worker", redis_url=url) as served:
            wait_until(lambda: town.is_there(left))
            assert served.stopped() == 0


def test_a_server_that_only_answers(tmp_path: Path, town: Town) -> None:
    """A server that is told not to work leaves jobs to others."""
    with in_process(tmp_path, town.url, "--without-worker") as served:
        export = town.ask()
        assert served.stopped() == 0
    assert town.job(export).woken_at is None


def test_what_cannot_work(cityos: Cityos, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be heard by nobody, and a queue that nobody rings, is refused before anything begins."""
    assert cityos("worker").code == 9
    cityos("db", "migrate").succeeded()
    for words in (("scheduler",), ("worker", "--queue", "upkeep")):
        refused = cityos(*words)
        assert (refused.code, "CITYOS_REDIS_URL" in refused.err) == (8, True)
    monkeypatch.setenv("CITYOS_REDIS_URL", f"redis://127.0.0.1:{free_port()}")
    unknown = cityos("worker", "--queue", "coffee")
    assert (unknown.code, "exports" in unknown.err) == (6, True)
