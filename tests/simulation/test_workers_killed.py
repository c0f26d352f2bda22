"""Killed for real, again and again: two schedulers and four workers bill some hundred subscriptions over some months."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import pytest
from attrs import frozen
from redis import Redis

from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.sql.database import SqlDatabase
from cityos_core.app import CityOS
from cityos_core.unit_of_work import UnitOfWorkFactory
from servers.processes import free_port
from simulation import billing_laws as laws
from simulation.billing_laws import Records
from simulation.crew import Crew
from simulation.stage import Stage
from simulation.subscribed import TENANTS, House

SEED: Final = 6
START: Final = datetime(2026, 1, 31, 10, 30, tzinfo=UTC)
"""The last day of a month; both tenants' clocks go forward before it is over."""

EACH: Final = 12
"""How many subscribe to each plan of each tenant."""

GAPS: Final = [timedelta(hours=hours) for hours in (7, 24, 30, 60, 96, 120, 170, 230)]
STEPS: Final = 16
BEATS: Final = 10
"""How often something happens to the processes between two steps of the clock."""

REST: Final = timedelta(hours=6)
PATIENCE_S: Final = 5.0
RESTS: Final = 40


def instants(random: Random) -> Iterator[datetime]:
    """Say when the clock stands still, one after another: at times several due dates lie between two of them."""
    now = START
    for _ in range(STEPS):
        now += random.choice(GAPS)
        yield now


@frozen
class Town:
    """Two tenants over a database."""

    stage: Stage
    database: UnitOfWorkFactory
    app: CityOS
    houses: tuple[House, ...]

    @classmethod
    def open(cls, folder: Path, database: UnitOfWorkFactory) -> "Town":
        """Open one; everybody subscribes while the sun shines."""
        stage = Stage.laid(folder, START)
        app = stage.city(database)
        return cls(stage, database, app, tuple(House.open(app, handle, EACH) for handle in TENANTS))

    def step(self, number: int, at: datetime) -> None:
        """Let time come to an instant, at which some use what they subscribed to."""
        self.stage.clock.turn(at)
        for house in self.houses:
            house.use(self.app, number, at)

    def drain(self) -> None:
        """Do in this thread whatever is due."""
        while self.app.jobs.drain():
            pass

    def look(self) -> None:
        """See to what waits for a person: let it be billed after all."""
        for house in self.houses:
            for row in list(laws.waiting_for_a_person(self.app, house)):
                self.app.billing.retry_cycle(house.scope, row.subscription_id, row.index)

    def records(self) -> list[Records]:
        """Read what is stored."""
        return [Records.of(self.app, self.database, house, self.stage.clock.now()) for house in self.houses]


def storm(town: Town, crew: Crew, redis: Redis) -> None:
    """Live some months in which nothing is spared those who bill."""
    random = Random(SEED)
    town.stage.provider.be_moody(SEED)
    for number, at in enumerate(instants(Random(SEED))):
        town.step(number, at)
        for _ in range(BEATS):
            time.sleep(random.uniform(0.02, 0.15))
            crew.revive()
            match random.randrange(5):
                case 0 | 1:
                    crew.kill()
                case 2:
                    redis.flushall()
                case 3:
                    town.stage.clock.turn(town.stage.clock.now() + timedelta(minutes=random.choice((1, 6, 31))))
    town.stage.provider.be_calm()
    crew.calm()


def rest(town: Town) -> None:
    """Let time pass until nothing is due, under way or unknown."""
    for _ in range(RESTS):
        town.look()
        now = town.stage.clock.turn(town.stage.clock.now() + REST)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if laws.is_at_rest(town.app, town.database, town.houses, now):
                return
            time.sleep(0.05)
    raise AssertionError("billing does not come to rest")


def undisturbed(folder: Path, until: datetime) -> Town:
    """Live the same months in memory, where nothing goes wrong."""
    town = Town.open(folder, MemoryDatabase())
    for number, at in enumerate(instants(Random(SEED))):
        town.step(number, at)
        town.drain()
    town.stage.clock.turn(until)
    town.drain()
    return town


def prove(town: Town) -> None:
    """Check every law of billing."""
    provider = town.stage.provider
    for records in town.records():
        assert laws.check_cycles(records) > STEPS * EACH
        laws.check_numbers(records)
        assert laws.check_payments(records, provider) > STEPS * EACH
        laws.check_books(town.app, records)
        assert laws.check_certificates(town.app, records)
        laws.check_revenue(town.app, records, START, Random(SEED))
        assert laws.check_notices(records, town.stage.diary) > EACH
    laws.check_asked_first(provider)
    assert provider.calls("lost")
    assert provider.calls("seen")
    failed = laws.check_jobs(town.app, town.houses)
    assert {(job.error or "").partition(":")[0] for job in failed} <= {"worker_died"}


@pytest.mark.parametrize("kind", ["postgresql"])
def test_killed_again_and_again_every_cycle_is_billed_once(
    kind: str,
    make_url: Callable[[str], str],
    start_valkey: Callable[[int], AbstractContextManager[str]],
    tmp_path: Path,
) -> None:
    """Workers and schedulers die, Redis is emptied, answers are lost: nothing is billed twice, nothing is forgotten."""
    url = make_url(kind)
    with SqlDatabase(url) as database, start_valkey(free_port()) as redis_url:
        town = Town.open(tmp_path / "town", database)
        with Redis.from_url(redis_url) as redis, Crew.working(town.stage, url, redis_url, SEED) as crew:
            storm(town, crew, redis)
            rest(town)
            assert set(crew.stop().values()) == {0}
        assert len(crew.deaths) == 2
        prove(town)
        other = undisturbed(tmp_path / "undisturbed", town.stage.clock.now())
        for records, expected in zip(town.records(), other.records(), strict=True):
            assert laws.invoiced(records) == laws.invoiced(expected)
            assert laws.collected(records) == laws.collected(expected)
