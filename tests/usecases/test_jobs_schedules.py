"""What falls due by itself: once per time, for whoever is at work, however many schedulers there are."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from cityos_core.jobs.model import Job, JobStatus, Schedule
from cityos_core.jobs.work import Progress
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Refused, Unavailable
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.scope import PlatformScope
from cityos_core.testing import START
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.workshop import HOUR, MINUTE, SECOND, Workshop

MakeDatabase = Callable[[str], UnitOfWorkFactory]
PLATFORM = PlatformScope()
DAY = timedelta(days=1)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Workshop:
    """A workshop over a database of each kind."""
    return Workshop.open(make_database(request.param))


def schedules(shop: Workshop) -> dict[tuple[object, str], Schedule]:
    """Give every schedule by scope and operation."""
    with shop.ports.unit_of_work(PLATFORM) as uow:
        return {(one.tenant_id, one.operation): one for one in uow.schedules.all()}


def test_the_first_time_is_at_once(shop: Workshop) -> None:
    """What is done every so often is due when the first scheduler looks, for each active tenant and the platform."""
    scope = shop.tenant()
    assert shop.jobs.tick() == 3
    assert (shop.made(scope), shop.made(PLATFORM)) == ({"often": 1}, {"often": 1, "upkeep": 1})
    job: Job = shop.all(scope)[0]
    assert (job.requested_by, job.created_at, job.due_at) == ("system:scheduler", START, START)
    assert job.key == f"{job.operation}@{START.isoformat()}"
    assert shop.jobs.tick() == 0


def test_the_first_time_of_day(shop: Workshop) -> None:
    """What has its times of day is not done because a scheduler begins: it waits for the next of these, in each zone."""
    berlin, kolkata = shop.tenant(time_zone="Europe/Berlin"), shop.tenant("south", time_zone="Asia/Kolkata")
    mornings = {kolkata: datetime(2026, 1, 6, 0, 30, tzinfo=UTC), berlin: datetime(2026, 1, 6, 5, tzinfo=UTC)}
    shop.jobs.tick()
    for scope, morning in mornings.items():
        for now, count in ((morning - SECOND, 0), (morning, 1)):
            shop.clock.set(now)
            shop.jobs.tick()
            assert shop.made(scope)["daily"] == count
    assert {scope: shop.every(scope, "daily")[0].due_at for scope in mornings} == mornings


def test_it_goes_on(shop: Workshop) -> None:
    """Each operation is due again by its own rhythm, at times that do not drift."""
    scope = shop.tenant(time_zone="Europe/Berlin")
    shop.clock.advance(3 * SECOND)
    shop.jobs.drain()
    for _ in range(3 * 60):
        shop.clock.advance(MINUTE)
        shop.jobs.drain()
    assert (shop.made(scope), shop.made(PLATFORM)) == ({"often": 19}, {"often": 19, "upkeep": 4})
    assert [job.created_at - START for job in shop.all(PLATFORM) if job.operation == "upkeep"] == [
        3 * SECOND,
        *(number * HOUR + 3 * SECOND for number in (1, 2, 3)),
    ]
    keys = [job.key for job in shop.all(PLATFORM) if job.operation == "upkeep"]
    assert keys[1:] == [f"upkeep@{(START + number * HOUR).isoformat()}" for number in (1, 2, 3)]


def test_tenants_have_their_own_mornings(shop: Workshop) -> None:
    """A time of the day is that of the tenant's clocks, and follows the tenant if it moves."""
    berlin, kolkata = shop.tenant(time_zone="Europe/Berlin"), shop.tenant("south", time_zone="Asia/Kolkata")
    shop.jobs.tick()
    due = {scope: schedules(shop)[scope.tenant_id, "daily"].next_at for scope in (berlin, kolkata)}
    assert due == {berlin: datetime(2026, 1, 6, 5, tzinfo=UTC), kolkata: datetime(2026, 1, 6, 0, 30, tzinfo=UTC)}
    shop.app.tenants.change("north", time_zone="UTC")
    shop.clock.set(due[berlin])
    shop.jobs.tick()
    assert schedules(shop)[berlin.tenant_id, "daily"].next_at == datetime(2026, 1, 6, 6, tzinfo=UTC)
    assert schedules(shop)[berlin.tenant_id, "daily"].last_at == due[berlin]


def test_what_was_missed_is_made_up_for_once(shop: Workshop) -> None:
    """If nobody kept the time for days, there is one job for all of them, and the next one at its usual time."""
    scope = shop.tenant()
    shop.jobs.drain()
    shop.clock.advance(9 * DAY + 90 * MINUTE)
    assert shop.jobs.tick() == 4
    assert (shop.made(scope), shop.made(PLATFORM)) == ({"daily": 1, "often": 2}, {"often": 2, "upkeep": 2})
    assert schedules(shop)[PLATFORM.tenant_id, "upkeep"].next_at == START + 9 * DAY + 2 * HOUR
    assert shop.jobs.tick() == 0


def test_one_waits_while_nobody_works(shop: Workshop) -> None:
    """While a job that a scheduler made is still to be done, the times of its operation pass without another one."""
    scope = shop.tenant()
    asked = shop.jobs.enqueue(scope, "often")
    shop.jobs.tick()
    (first,) = (job for job in shop.every(scope, "often") if job.id != asked.id)
    for _ in range(6):
        shop.clock.advance(10 * MINUTE)
        assert shop.jobs.tick() == 0
    passed = schedules(shop)[scope.tenant_id, "often"]
    assert (passed.next_at, passed.last_at) == (START + 70 * MINUTE, START)
    assert shop.jobs.health().is_healthy

    def hang(_progress: Progress) -> None:
        shop.clock.advance(2 * MINUTE)
        assert shop.jobs.tick() == 0  # it is done right now
        raise Crash

    shop.troubles += [hang, Unavailable("away", "later"), Refused("no", "never")]
    shop.clock.advance(9 * MINUTE)
    with pytest.raises(Crash):
        shop.jobs.run(scope, first.id)
    for status in (JobStatus.ACTIVE, JobStatus.WAITING):
        assert shop.now(first).status is status
        shop.clock.advance(10 * MINUTE)
        assert shop.jobs.tick() == 0
        shop.jobs.run(scope, first.id)
    assert shop.now(first).status is JobStatus.FAILED
    assert shop.jobs.tick() == 0
    shop.clock.advance(10 * MINUTE)
    assert shop.jobs.tick() == 1
    assert shop.made(scope) == {"often": 3}


def test_who_is_not_at_work_gets_no_jobs(shop: Workshop) -> None:
    """A tenant that is not open has none; suspended, its times pass without a job; back, it goes on with the next."""
    scope = shop.tenant()
    shop.jobs.drain()
    shop.app.tenants.suspend("north", reason="unpaid")
    for _ in range(3):
        shop.clock.advance(HOUR)
        shop.jobs.tick()
    passed = schedules(shop)[scope.tenant_id, "often"]
    assert shop.made(scope) == {"often": 1}
    assert (passed.next_at, passed.last_at) == (START + 3 * HOUR + 10 * MINUTE, START)
    shop.app.tenants.activate("north")
    assert shop.jobs.tick() == 0
    shop.clock.advance(10 * MINUTE)
    shop.jobs.tick()
    assert shop.made(scope) == {"often": 2}


def test_who_opens_later_is_planned(shop: Workshop) -> None:
    """A tenant that becomes active has its first jobs at the next look, and one that is not yet active has none."""
    shop.jobs.tick()
    scope = shop.tenant()
    new = shop.app.tenants.create(
        "south", parent="de/green-city/food/retail", name="South", currency="EUR", active=False
    ).scope
    assert shop.jobs.tick() == 1
    assert (shop.made(scope).total(), shop.made(new).total()) == (1, 0)
    shop.app.tenants.activate("south")
    assert shop.jobs.tick() == 1
    assert shop.made(new) == {"often": 1}
    assert schedules(shop)[new.tenant_id, "daily"].next_at == START + 21 * HOUR


def test_many_transactions(shop: Workshop) -> None:
    """However few schedules are moved at a time, all that are due are."""
    scopes = [shop.tenant(name) for name in ("north", "south", "east")]
    assert shop.jobs.tick(limit=1) == 5
    shop.jobs.drain()
    shop.clock.advance(DAY)
    assert shop.jobs.tick(limit=3) == 8
    assert [shop.made(scope) for scope in scopes] == [{"daily": 1, "often": 2}] * 3


def test_many_schedulers(shop: Workshop) -> None:
    """Schedulers that look at the same moment make one job of each time between them, and none while one waits."""
    scopes = [shop.tenant(name) for name in ("north", "south")]
    schedulers = [shop.another() for _ in range(4)]

    def look() -> int:
        with ThreadPoolExecutor(len(schedulers)) as threads:
            return sum(threads.map(lambda jobs: jobs.tick(limit=2), schedulers))

    for count in (1, 2, 3):
        assert look() == 4 + 2 * (count > 1)
        assert [shop.made(scope) for scope in scopes] == [Counter(daily=count - 1, often=count)] * 2
        assert shop.made(PLATFORM) == {"upkeep": count, "often": count}
        shop.jobs.drain()
        shop.clock.advance(DAY)
    assert look() == 6
    shop.clock.advance(DAY)
    assert look() == 0


@pytest.mark.parametrize(
    "point", ["jobs.tick.before_commit", "jobs.tick.after_commit", "commit.before", "commit.after"]
)
def test_a_scheduler_that_dies(shop: Workshop, point: str) -> None:
    """Wherever a scheduler dies, the next one makes what is missing and nothing twice."""
    scope = shop.tenant()

    def die(name: str) -> None:
        if name == point:
            raise Crash

    with faults.hooked(die), pytest.raises(Crash):
        shop.jobs.tick(limit=2)
    shop.another().tick()
    assert (shop.made(scope), shop.made(PLATFORM)) == ({"often": 1}, {"often": 1, "upkeep": 1})


def test_old_and_new_schedulers() -> None:
    """A schedule of an operation that only another version knows is put off a little, and keeps nothing waiting."""
    shop = Workshop.open()
    shop.jobs.drain()
    shop.clock.advance(DAY)
    old = shop.another(without=["upkeep"])
    assert old.tick(limit=1) == 1
    assert shop.made(PLATFORM) == {"often": 2, "upkeep": 1}
    assert shop.jobs.tick() == 0
    shop.clock.advance(5 * MINUTE)
    assert shop.jobs.tick() == 1
    assert shop.made(PLATFORM) == {"often": 2, "upkeep": 2}


def test_nothing_of_it_is_audited(shop: Workshop) -> None:
    """That time passes is in no audit, and neither is the work it causes, unless that fails."""
    scope = shop.tenant()
    before = len(list(shop.app.audit.export(scope)))
    shop.jobs.drain()
    shop.clock.advance(DAY)
    shop.jobs.drain()
    assert shop.made(scope) == {"daily": 1, "often": 2}
    assert len(list(shop.app.audit.export(scope))) == before


def test_health(shop: Workshop) -> None:
    """Whether somebody keeps the time is seen: before the first look, when all is well, and when nobody does."""
    scope = shop.tenant()
    before = shop.jobs.health()
    assert (before.is_healthy, before.behind, before.schedules) == (False, ("often", "upkeep"), ())
    assert (before.counts.total, before.outbox) == (0, shop.jobs.relay())
    shop.jobs.tick()
    well = shop.jobs.health()
    assert (well.is_healthy, well.behind, well.outbox, well.counts.waiting) == (True, (), 0, 3)
    assert well.counts.oldest_due_at == START
    assert [(one.operation, one.next_at, one.last_at) for one in well.schedules] == [
        ("daily", START + 21 * HOUR, None),
        ("often", START + 10 * MINUTE, START),
        ("upkeep", START + HOUR, START),
    ]
    shop.clock.advance(15 * MINUTE)
    assert shop.jobs.health().is_healthy
    shop.clock.advance(SECOND)
    late = shop.jobs.health()
    assert (late.is_healthy, late.behind) == (False, ("often",))
    shop.jobs.tick()
    assert shop.jobs.health().is_healthy
    assert shop.jobs.drain() == 3
    assert shop.jobs.health().counts.completed == 3
    assert {job.status for job in shop.all(scope)} == {JobStatus.COMPLETED}
