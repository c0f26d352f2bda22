"""The work of the city, done as jobs: what falls due by itself, exports, and everything that is looked after."""

from collections.abc import Callable
from contextlib import suppress
from datetime import time, timedelta

import pytest
from attrs import frozen

from cityos_adapters.memory.names import ScriptedNames
from cityos_core.app import CityOS
from cityos_core.exports.model import LEASE, ExportFormat, ExportKind, ExportStatus
from cityos_core.exports.writing import WRITE
from cityos_core.idempotency.model import KEPT, Ask, Reply
from cityos_core.jobs.model import Job, JobStatus, Message
from cityos_core.jobs.policy import Audience
from cityos_core.jobs.ports import JobFilter
from cityos_core.kernel import faults
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.errors import NotFound, Unavailable
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.ids import TenantId
from cityos_core.kernel.scope import PlatformScope, Scope, TenantScope
from cityos_core.tenancy.domains import DomainStatus
from cityos_core.testing import START, SimulatedClock, city, line, market, order_draft
from cityos_core.testing.randomness import SequentialRandomness
from cityos_core.unit_of_work import UnitOfWorkFactory

MakeDatabase = Callable[[str], UnitOfWorkFactory]
PLATFORM = PlatformScope()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@frozen
class Town:
    """A market whose work is done by jobs."""

    app: CityOS
    clock: SimulatedClock
    names: ScriptedNames
    scope: TenantScope

    @classmethod
    def open(cls, database: UnitOfWorkFactory | None = None) -> "Town":
        """Build one, and let what is due at once be done."""
        clock, names = SimulatedClock(), ScriptedNames()
        app = city(unit_of_work=database, clock=clock, names=names, randomness=SequentialRandomness())
        town = cls(app, clock, names, market(app, time_zone="Europe/Berlin").scope)
        app.jobs.drain()
        return town

    def wait(self, by: timedelta) -> None:
        """Let time pass, and what has become due be done."""
        self.clock.advance(by)
        self.app.jobs.drain()

    def latest(self, operation: str, scope: Scope | None = None) -> Job:
        """Give the latest job of an operation."""
        return self.app.jobs.list(scope or self.scope, JobFilter(operation=operation)).items[0]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Town:
    """A market over a database of each kind."""
    return Town.open(make_database(request.param))


@pytest.fixture
def village() -> Town:
    """A market in memory."""
    return Town.open()


def test_what_can_be_done(village: Town) -> None:
    """The operations are known by name, with whom they are for and when they are due."""
    found = {
        one.name: (one.audience, one.rhythm and (one.rhythm.every or one.rhythm.at), one.queue)
        for one in village.app.jobs.operations()
    }
    minute = timedelta(minutes=1)
    expected = {
        "payouts.run": (Audience.TENANTS, (time(6),), "payouts"),
        "payouts.process": (Audience.TENANTS, 5 * minute, "payouts"),
        "orders.release": (Audience.TENANTS, HOUR, "orders"),
        "exports.write": (Audience.EVERYONE, None, "exports"),
        "domains.verify": (Audience.PLATFORM, minute, "upkeep"),
        "requests.forget": (Audience.EVERYONE, HOUR, "upkeep"),
        "jobs.prune": (Audience.PLATFORM, HOUR, "upkeep"),
        "events.deliver": (Audience.EVERYONE, None, "events"),
    }
    assert {name: found[name] for name in expected} == expected


def test_vendors_are_paid(town: Town) -> None:
    """What was delivered is released within the hour after its holding period, and paid the next morning, once."""
    draft = order_draft("A-1", line("1"), placed_at=START, fulfilled_at=START)
    town.app.vendors.set_payout_account(town.scope, "acme", method="memory", reference="acct_acme", holder="Acme")
    town.app.vendors.verify_payout_account(town.scope, "acme")
    town.app.vendors.change(town.scope, "acme", payout_schedule="daily")
    town.app.orders.place(town.scope, draft, historic=True)
    town.wait(30 * DAY - HOUR)
    town.wait(HOUR)
    assert town.latest("orders.release").status is JobStatus.COMPLETED
    town.wait(DAY)
    paid = town.app.payouts.list(town.scope).items
    assert [(payout.vendor, payout.status.value) for payout in paid] == [("acme", "paid")]
    results = [job.result for job in town.app.jobs.list(town.scope, JobFilter(operation="payouts.run")).items]
    assert max(filter(None, results)).startswith("1 payouts, ")
    assert town.latest("payouts.process").result == "0 steps"
    runs = [entry for entry in town.app.audit.export(town.scope) if entry.action == "payouts.run"]
    assert {(entry.principal, entry.on_behalf_of) for entry in runs} == {("system:worker", "system:scheduler")}


def test_an_export_has_a_job(town: Town) -> None:
    """Who asks for an export asks for a job that writes it, in one transaction, for tenants and the platform."""
    for scope, kind in ((town.scope, ExportKind.PRODUCTS), (PLATFORM, ExportKind.AUDIT_LOG)):
        with acting(Caller(principal="user:7", request_id="req-1")):
            export = town.app.exports.request(scope, kind, ExportFormat.CSV, by="user:7")
        job = town.latest(WRITE, scope)
        assert (job.arguments, job.entity, job.entity_id) == ({"export": str(export.id)}, "export", str(export.id))
        assert (job.requested_by, job.request_id, job.key) == ("user:7", "req-1", f"exports.write@{export.id}")
        assert town.app.jobs.drain() == 1
        written = town.app.exports.get(scope, export.id)
        assert written.status is ExportStatus.SUCCEEDED
        assert town.latest(WRITE, scope).result == f"{written.rows} rows"
        assert "".join(town.app.exports.read(scope, export.id)).count("\n") == written.rows + 1


def test_an_export_that_was_written_anyway(village: Town) -> None:
    """A job whose export someone else wrote has nothing to do."""
    export = village.app.exports.request(village.scope, ExportKind.PRODUCTS, ExportFormat.CSV, by="user:7")
    assert village.app.exports.run_due(village.scope) == 1
    written = village.app.exports.get(village.scope, export.id)
    village.app.jobs.drain()
    assert village.latest(WRITE).status is JobStatus.COMPLETED
    assert village.app.exports.get(village.scope, export.id) == written


def striking(point: str, error: BaseException) -> Callable[[str], None]:
    """Go wrong at a point."""

    def strike(name: str) -> None:
        if name == point:
            raise error

    return strike


def test_an_export_is_tried_again(village: Town) -> None:
    """An export that could not be written is written by the next attempt, from its beginning, once."""
    export = village.app.exports.request(village.scope, ExportKind.PRODUCTS, ExportFormat.CSV, by="user:7")
    with faults.hooked(striking("exports.chunk.before", Unavailable("away", "the archive is away"))):
        village.app.jobs.drain()
    failed = village.app.exports.get(village.scope, export.id)
    assert (failed.status, failed.reason) == (ExportStatus.RUNNING, "the archive is away")
    assert village.latest(WRITE).error == "away: the archive is away"
    village.wait(timedelta(seconds=2))
    written = village.app.exports.get(village.scope, export.id)
    assert (written.status, written.attempts, written.reason) == (ExportStatus.SUCCEEDED, 2, None)
    assert village.latest(WRITE).status is JobStatus.COMPLETED


@pytest.mark.parametrize(
    ("point", "error", "reason"),
    [
        ("exports.chunk.before", Unavailable("away", "the archive is away"), "the archive is away"),
        ("exports.chunk.before", Crash(), "it was started 3 times and never finished"),
        ("exports.chunk.after_commit", Crash(), None),
        ("exports.chunk.before", NotFound("gone", "the list is gone"), "the list is gone"),
        ("exports.chunk.before", ZeroDivisionError("hunter2"), "unexpected ZeroDivisionError"),
    ],
)
def test_an_export_and_its_job_end_together(
    village: Town, point: str, error: BaseException, reason: str | None
) -> None:
    """An export that cannot be written fails with its job; a retry of the job begins it anew."""
    export = village.app.exports.request(village.scope, ExportKind.PRODUCTS, ExportFormat.CSV, by="user:7")
    with faults.hooked(striking(point, error)):
        for _ in range(10):
            with suppress(Crash):
                village.app.jobs.drain()
            village.clock.advance(10 * timedelta(minutes=1))
    after, job = village.app.exports.get(village.scope, export.id), village.latest(WRITE)
    if reason is None:
        assert (after.status, job.status) == (ExportStatus.SUCCEEDED, JobStatus.COMPLETED)
        return
    assert (after.status, after.reason, job.status) == (ExportStatus.FAILED, reason, JobStatus.FAILED)
    village.app.jobs.retry(village.scope, job.id)
    village.app.jobs.drain()
    assert village.app.exports.get(village.scope, export.id).status is ExportStatus.SUCCEEDED
    assert village.latest(WRITE).status is JobStatus.COMPLETED


def test_an_export_that_someone_else_takes_over(village: Town) -> None:
    """A worker that is slower than its export's lease, and whose export another one wrote, leaves it at that."""
    export = village.app.exports.request(village.scope, ExportKind.PRODUCTS, ExportFormat.CSV, by="user:7")
    others: list[int] = []

    def take_over(name: str) -> None:
        if name == "exports.chunk.before" and not others:
            others.append(0)
            village.clock.advance(LEASE)
            others.append(village.app.exports.run_due(village.scope))

    with faults.hooked(take_over):
        village.app.jobs.drain()
    assert others == [0, 1]
    written = village.app.exports.get(village.scope, export.id)
    assert (written.status, written.attempts) == (ExportStatus.SUCCEEDED, 2)
    village.wait(timedelta(seconds=2))
    assert village.latest(WRITE).status is JobStatus.COMPLETED
    assert village.app.exports.get(village.scope, export.id) == written


def test_an_export_that_there_is_not(village: Town) -> None:
    """A job that is told of no export, or of none that there is, fails and says so."""
    for arguments, error in (({}, "missing_argument"), ({"export": "7"}, "missing_argument")):
        job = village.app.jobs.enqueue(village.scope, WRITE, arguments)
        assert str(village.app.jobs.run(village.scope, job.id).error).startswith(error)
    job = village.app.jobs.enqueue(village.scope, WRITE, {"export": str(village.scope.tenant_id)})
    assert str(village.app.jobs.run(village.scope, job.id).error).startswith("export_not_found")


def test_domains_are_proven(town: Town) -> None:
    """A domain whose record is published becomes active without anybody asking."""
    domain = town.app.domains.add(town.scope, "shop.example")
    town.names.publish(domain.challenge, domain.token)
    town.wait(HOUR)
    assert town.app.domains.get(town.scope, "shop.example").status is DomainStatus.ACTIVE
    assert town.latest("domains.verify", PLATFORM).result == "1 active, 0 waiting, 0 failed"


def test_old_answers_are_forgotten(town: Town) -> None:
    """An answer that is too old to be replayed is forgotten, of tenants and of the platform."""
    ask, counted = Ask(principal="user:7", key="k", fingerprint="f"), list[int]()

    def count() -> Reply:
        counted.append(1)
        return Reply(status=200)

    for scope in (town.scope, PLATFORM):
        counted.clear()
        for _ in range(2):
            town.app.requests.once(scope, ask, count)
        assert len(counted) == 1
    town.wait(KEPT + HOUR)
    for scope in (town.scope, PLATFORM):
        counted.clear()
        town.app.requests.once(scope, ask, count)
        assert len(counted) == 1


def test_finished_jobs_are_removed(village: Town) -> None:
    """The rows of what was done do not grow without end."""
    for _ in range(150):
        village.wait(timedelta(minutes=5))
    assert village.app.jobs.stats(village.scope).completed <= 100 + 2 * 12
    assert str(village.latest("jobs.prune", PLATFORM).result).endswith("removed")
    assert village.app.jobs.health().is_healthy


class Diary:
    """Writes down every event."""

    name = "diary"
    events = frozenset({"*"})

    def __init__(self) -> None:
        self.pages: list[tuple[TenantId, str]] = []

    def __call__(self, message: Message) -> None:
        """Write."""
        self.pages.append((message.tenant_id, message.name))


def test_events_are_delivered() -> None:
    """Whoever listens hears what happens in the city, and in whose part of it."""
    diary = Diary()
    app = city(listeners=(diary,))
    scope = market(app).scope
    app.orders.place(scope, order_draft("A-1"))
    app.jobs.drain()
    assert (scope.tenant_id, "order.placed") in diary.pages
    assert (PLATFORM.tenant_id, "tenant.created") in diary.pages
    assert app.jobs.health().outbox == 0
