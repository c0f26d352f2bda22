"""The scheduler: it ticks, whatever a tick meets, and any number of them do a thing once."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from structlog.testing import capture_logs

from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.scheduling import Scheduler
from cityos_core.app import CityOS
from cityos_core.jobs.model import Job
from cityos_core.jobs.ports import JobFilter
from cityos_core.kernel.caller import caller
from cityos_core.kernel.errors import Unavailable
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import PlatformScope
from cityos_core.testing import SequentialIdentifiers, SimulatedClock, city
from cityos_core.unit_of_work import UnitOfWorkFactory
from servers.processes import wait_until

QUICK = {"sweep_every_s": 0.02, "tick_every_s": 0.02}


def doing(app: CityOS, **what: Any) -> CityOS:
    """Let the use cases of jobs be something else."""
    return evolve(app, jobs=evolve(app.jobs, **what))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Unavailable("database_busy", "try again"), [("warning", "put off", "sweep")]),
        (ZeroDivisionError(), [("error", "failed", "sweep")] * 3),
    ],
)
def test_it_goes_on_whatever_it_meets(error: Exception, told: list[tuple[str, str, str]]) -> None:
    """A round that goes wrong is logged, and the next one comes; that something is away is said once a minute."""
    swept, ticked = list[int](), list[str]()

    def sweep() -> None:
        swept.append(1)
        if len(swept) <= 3:
            raise error

    scheduler = Scheduler(doing(city(), sweep=sweep, tick=lambda: ticked.append(caller().principal)), **QUICK)
    with capture_logs() as logs:
        scheduler.start()
        wait_until(lambda: len(swept) > 5 and len(ticked) > 3)
        scheduler.stop()
    assert [(log["log_level"], log["event"], log["work"]) for log in logs] == told
    assert set(ticked) == {"system:scheduler"}


def test_it_can_be_woken() -> None:
    """Whoever knows that there is work need not wait for the next round."""
    swept = list[int]()
    scheduler = Scheduler(
        doing(city(), sweep=lambda: swept.append(1), tick=lambda: 0), sweep_every_s=3600, tick_every_s=3600
    )
    scheduler.start()
    wait_until(lambda: len(swept) == 1)
    scheduler.wake()
    wait_until(lambda: len(swept) == 2)
    scheduler.stop()


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
def test_any_number_of_schedulers(kind: str, make_database: Callable[[str], UnitOfWorkFactory]) -> None:
    """Several schedulers at once make one job of each time that has come."""
    database, clock = make_database(kind), SimulatedClock()
    apps = [
        city(unit_of_work=database, clock=clock, identifiers=SequentialIdentifiers(100 + number)) for number in range(3)
    ]
    jobs, scope = apps[0].jobs, PlatformScope()

    def made() -> tuple[Job, ...]:
        return jobs.list(scope, JobFilter(operation="jobs.prune"), PageRequest(100)).items

    with ExitStack() as open_:
        for app in apps:
            scheduler = Scheduler(app, **QUICK)
            scheduler.start()
            open_.callback(scheduler.stop)
        for day in range(1, 5):
            wait_until(lambda: not jobs.health().behind)
            wait_until(lambda: all(one.next_at > clock.now() for one in jobs.health().schedules))
            assert len(made()) == day
            jobs.run(scope, made()[0].id)  # or there would be no other one
            clock.advance(timedelta(days=1))
    assert len({job.key for job in made()}) == len(made())


def test_nothing_is_left_running() -> None:
    """A scheduler that was stopped sweeps no more."""
    swept = list[int]()
    scheduler = Scheduler(doing(city(unit_of_work=MemoryDatabase()), sweep=lambda: swept.append(1)), **QUICK)
    scheduler.start()
    wait_until(lambda: swept)
    scheduler.stop()
    after = len(swept)
    assert not any(thread.is_alive() for thread in [scheduler._clockwork._thread] if thread is not None)
    assert len(swept) == after
