"""Exports: asked for, written by workers that may die anywhere, and read."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from attrs import frozen

from cityos_adapters.bank.manual import ManualMethod
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.exports import kinds, writing
from cityos_core.exports.model import LEASE, MOST_ATTEMPTS, Export, ExportFormat, ExportKind, ExportStatus
from cityos_core.exports.service import ExportUseCases
from cityos_core.kernel import faults
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.ids import ExportId
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import PlatformScope, Scope, TenantScope
from cityos_core.payouts.model import PayoutStatus
from cityos_core.testing import SequentialIdentifiers, SimulatedClock, line, market, order_draft
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.vendors.model import Profile

SECOND = timedelta(seconds=1)
ORDERS = 8
CSV, JSONL = ExportFormat.CSV, ExportFormat.JSONL
METHODS = {"manual": ManualMethod()}
MakeDatabase = Callable[[str], UnitOfWorkFactory]


@frozen(kw_only=True)
class Office:
    """A market with some orders, from which things are exported in pages of three."""

    app: CityOS
    ports: Dependencies
    exports: ExportUseCases
    scope: TenantScope
    clock: SimulatedClock

    @classmethod
    def open(cls, database: UnitOfWorkFactory) -> "Office":
        """Sell something each minute to one of two customers, and pay the vendors."""
        clock, identifiers = SimulatedClock(), SequentialIdentifiers()
        ports = Dependencies(unit_of_work=database, clock=clock, identifiers=identifiers, payout_methods=METHODS)
        app = CityOS.of(ports)
        scope = market(app).scope
        for number in range(ORDERS):
            clock.advance(timedelta(minutes=1))
            lines = (line("1", quantity=number + 1), line("2", vendor="birch", sku="table", unit_price="250.00"))
            draft = order_draft(f"A-{number}", *lines, customer=f"C-{number % 2}", placed_at=clock.now())
            app.orders.place(scope, draft)
        clock.advance(timedelta(minutes=1))
        return cls(app=app, ports=ports, exports=ExportUseCases.of(ports), scope=scope, clock=clock)

    def pay(self) -> None:
        """Sell something that was delivered long ago, and pay for it."""
        draft = order_draft("B-1", line("1"), fulfilled_at=self.clock.now(), placed_at=self.clock.now())
        self.app.orders.place(self.scope, draft, historic=True)
        self.clock.advance(timedelta(days=60))
        self.app.payouts.run(self.scope)

    def ask(
        self,
        what: ExportKind,
        form: ExportFormat = CSV,
        *,
        scope: Scope | None = None,
        where: Mapping[str, str] | None = None,
    ) -> Export:
        """Ask for an export."""
        return self.exports.request(scope or self.scope, what, form, where, by="user:4711")

    def text(self, export: Export, scope: Scope | None = None) -> str:
        """Give what is in an export."""
        return "".join(self.exports.read(scope or self.scope, export.id))

    def made(
        self,
        what: ExportKind,
        form: ExportFormat = CSV,
        *,
        scope: Scope | None = None,
        where: Mapping[str, str] | None = None,
    ) -> str:
        """Ask for an export, write it, and give what is in it."""
        export = self.ask(what, form, scope=scope, where=where)
        assert self.exports.run_due(scope or self.scope) == 1
        return self.text(export, scope)

    def rows(self, what: ExportKind, **where: str) -> list[dict[str, str]]:
        """Make an export as CSV and read it."""
        return list(csv.DictReader(io.StringIO(self.made(what, where=where), newline="")))

    def records(self, what: ExportKind, **where: str) -> list[dict[str, Any]]:
        """Make an export as JSON lines and read it."""
        return [json.loads(text) for text in self.made(what, JSONL, where=where).splitlines()]

    def now(self, export: Export) -> Export:
        """Give an export as it stands."""
        return self.exports.get(self.scope, export.id)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "LARGEST_PAGE", 3)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Office:
    """A market over a database of each kind."""
    return Office.open(make_database(request.param))


@pytest.fixture
def desk(make_database: MakeDatabase) -> Office:
    """A market in memory."""
    return Office.open(make_database("memory"))


@pytest.mark.parametrize("kind", list(ExportKind))
def test_every_kind_has_both_forms(office: Office, kind: ExportKind) -> None:
    """CSV has the columns of its kind and JSON lines whole records, both of everything that the list has."""
    if kind is ExportKind.PAYOUTS:
        office.pay()
    rows, records = office.rows(kind), office.records(kind)
    assert rows
    assert tuple(rows[0]) == kinds.SHEETS[kind].columns
    if kind is ExportKind.JOURNALS:
        records = [posting for journal in records for posting in journal["postings"]]
    extra = 1 if kind is ExportKind.AUDIT_LOG else 0  # that the first of the two was asked for
    assert len(records) == len(rows) + extra


def test_orders_are_written_as_they_are(desk: Office) -> None:
    """Amounts are decimal strings beside their currency; JSON has the lines as well."""
    rows, records = desk.rows(ExportKind.ORDERS), desk.records(ExportKind.ORDERS)
    assert rows[1] == {
        "reference": "A-1",
        "placed_at": "2026-01-05T09:02:00Z",
        "customer": "C-1",
        "status": "placed",
        "vendors": "acme, birch",
        "total": "450.00",
        "refunded": "0.00",
        "currency": "EUR",
    }
    assert [record["reference"] for record in records] == [row["reference"] for row in rows]
    assert records[1]["lines"][1]["unit_price"] == "250.00"
    assert [(part["account"], part["amount"]) for part in desk.records(ExportKind.JOURNALS)[0]["postings"]] != []


def test_postings_sum_to_zero(desk: Office) -> None:
    """Debits and credits of the exported journals are equal."""
    rows = desk.rows(ExportKind.JOURNALS)
    assert sum(int(row["debit"].replace(".", "")) - int(row["credit"].replace(".", "")) for row in rows) == 0
    assert len({row["journal"] for row in rows}) == ORDERS


def test_filters_are_those_of_the_list(desk: Office) -> None:
    """An export leaves out what the list would leave out."""
    assert len(desk.rows(ExportKind.ORDERS, customer="C-1")) == ORDERS // 2
    assert len(desk.rows(ExportKind.ORDERS, since="2026-01-05T10:03:00+01:00", until="2026-01-05T09:05:00Z")) == 2
    assert len(desk.rows(ExportKind.ORDERS, since="2026-01-06")) == 0
    assert {row["vendor"] for row in desk.rows(ExportKind.COMMISSIONS, vendor="birch")} == {"birch"}
    assert len(desk.rows(ExportKind.COMMISSIONS, order="A-3", status="pending")) == 2
    assert len(desk.rows(ExportKind.PRODUCTS, vendor="acme", status="published")) == 2
    assert (
        desk.rows(ExportKind.PAYOUTS, status=PayoutStatus.PAID.value, batch=str(ExportId(desk.scope.tenant_id))) == []
    )
    assert len(desk.records(ExportKind.JOURNALS, reference="order=A-3")) == 1
    assert [row["handle"] for row in desk.rows(ExportKind.VENDORS, status="approved")] == ["acme", "birch"]
    assert desk.rows(ExportKind.VENDORS, status="pending") == []


def test_filters_that_are_not_understood(desk: Office) -> None:
    """Every filter that cannot be used is named at once, and nothing is stored."""
    wrong = {"vendor": "", "since": "soon", "status": "gone", "line": "7", "colour": "red"}
    with pytest.raises(Invalid) as refused:
        desk.ask(ExportKind.COMMISSIONS, where=wrong)
    assert [(error.path, error.code) for error in refused.value.errors] == [
        ("$.where.vendor", "empty_filter"),
        ("$.where.since", "not_a_time"),
        ("$.where.status", "unknown_value"),
        ("$.where.line", "not_a_uuid"),
        ("$.where.colour", "unknown_filter"),
    ]
    with pytest.raises(Invalid, match="NAME=TEXT"):
        desk.ask(ExportKind.JOURNALS, where={"reference": "A-1"})
    assert desk.exports.list(desk.scope).items == ()


def test_nothing_is_a_heading_or_nothing(desk: Office) -> None:
    """An export of nothing is the heading alone, or an empty file."""
    assert desk.made(ExportKind.PAYOUTS).count("\n") == 1
    assert desk.made(ExportKind.PAYOUTS, JSONL) == ""


def test_a_spreadsheet_runs_nothing(desk: Office) -> None:
    """A cell that could start a formula is quoted; JSON keeps it as it is."""
    desk.app.vendors.change(desk.scope, "acme", profile=Profile(name="=cmd|' /C calc'!A0\n@x"))
    assert desk.rows(ExportKind.VENDORS)[0]["name"] == "'=cmd|' /C calc'!A0 @x"
    assert desk.records(ExportKind.VENDORS)[0]["name"] == "=cmd|' /C calc'!A0\n@x"


def test_progress_is_seen(desk: Office) -> None:
    """With each piece it is told how far the export has come; when it is done, it is told how large it is."""
    export = desk.ask(ExportKind.ORDERS, where={"customer": "C-0", "until": "2026-01-06"})
    seen: list[tuple[int, int]] = []

    def look(name: str) -> None:
        if name == "exports.chunk.before":
            now = desk.now(export)
            seen.append((now.chunks, now.rows))
            assert (now.status, now.leased_until) == (ExportStatus.RUNNING, desk.clock.now() + LEASE)
            desk.clock.advance(SECOND)

    with faults.hooked(look):
        assert desk.exports.run_due(desk.scope) == 1
    assert seen == [(0, 0), (1, 3)]
    done = desk.now(export)
    text = desk.text(export)
    assert (done.status, done.rows, done.chunks, done.size) == (ExportStatus.SUCCEEDED, 4, 2, len(text.encode()))
    assert (done.finished_at, done.leased_until, done.attempts) == (desk.clock.now(), None, 1)
    assert done.file_name == f"orders-20260105-{export.id}.csv"
    assert len(list(desk.exports.read(desk.scope, export.id))) == 2
    assert desk.exports.run_due(desk.scope) == 0


def test_it_is_read_when_it_is_there(desk: Office) -> None:
    """What is not written yet is not ready; what was never asked for, or by another tenant, is not there."""
    export = desk.ask(ExportKind.ORDERS)
    with pytest.raises(Conflict) as early:
        desk.exports.read(desk.scope, export.id)
    assert (early.value.code, early.value.current_state) == ("export_not_ready", "queued")
    desk.exports.run_due(desk.scope)
    south = market(desk.app, "south", parent="de/south-city/food/retail").scope
    for read in (desk.exports.get, desk.exports.read):
        with pytest.raises(NotFound):
            read(south, export.id)
    newer = desk.ask(ExportKind.VENDORS)
    assert [one.id for one in desk.exports.list(desk.scope, PageRequest(limit=1)).items] == [newer.id]
    assert [one.id for one in desk.exports.list(desk.scope).items] == [newer.id, export.id]


def test_the_audit_ends_where_it_was_asked_for(office: Office) -> None:
    """An export of the audit holds what was done before; nothing that comes later, and no progress of exports."""
    office.clock.advance(SECOND)
    with acting(Caller(principal="user:4711", action="exports:create")):
        export = office.ask(ExportKind.AUDIT_LOG, JSONL)
    office.clock.advance(SECOND)
    office.app.vendors.change(office.scope, "acme", profile=Profile(name="Later"))
    office.exports.run_due(office.scope)
    records = [json.loads(text) for text in office.text(export).splitlines()]
    assert (records[0]["action"], records[0]["principal"]) == ("exports:create", "user:4711")
    assert [target.split()[0] for target in records[0]["targets"]] == ["export", "job"]
    assert records[0]["targets"][0] == f"export {export.id} added"
    assert [record["sequence"] for record in records] == list(range(len(records), 0, -1))
    later = [json.loads(text) for text in office.made(ExportKind.AUDIT_LOG, JSONL).splitlines()]
    assert [record["targets"][0].partition(" ")[0] for record in later[: -len(records)]] == ["export", "vendor"]
    assert len(office.records(ExportKind.AUDIT_LOG, kind="vendor", until="2026-01-05T09:00:01Z")) == 1


def test_the_platform_exports_its_audit(office: Office) -> None:
    """The platform has an audit of its own; lists of tenants are exported by tenants."""
    platform = PlatformScope()
    targets = [
        json.loads(text)["targets"] for text in office.made(ExportKind.AUDIT_LOG, JSONL, scope=platform).splitlines()
    ]
    assert any("tenant" in target for listed in targets for target in listed)
    with pytest.raises(Invalid, match="choose one"):
        office.ask(ExportKind.ORDERS, scope=platform)


def test_everybodys_exports_are_written(office: Office) -> None:
    """One run writes what is due of every tenant and of the platform."""
    south = market(office.app, "south", parent="de/south-city/food/retail").scope
    asked = [
        (scope, office.ask(kind, scope=scope))
        for scope, kind in (
            (office.scope, ExportKind.ORDERS),
            (office.scope, ExportKind.VENDORS),
            (south, ExportKind.PRODUCTS),
            (PlatformScope(), ExportKind.AUDIT_LOG),
        )
    ]
    assert office.exports.run_all() == 4
    assert all(office.exports.get(scope, export.id).status is ExportStatus.SUCCEEDED for scope, export in asked)
    assert office.exports.run_all() == 0


def points_of(office: Office) -> list[str]:
    """List the fault points that are passed while exports are written."""
    names: list[str] = []
    with faults.hooked(names.append):
        office.exports.run_due(office.scope)
    return names


@pytest.mark.parametrize("kind", [ExportKind.ORDERS, ExportKind.AUDIT_LOG])
def test_killed_anywhere(office: Office, kind: ExportKind) -> None:
    """Wherever a worker dies, the next one writes the same bytes once the lease has ended."""
    office.clock.advance(SECOND)
    where = {"until": office.clock.now().isoformat()}
    office.clock.advance(SECOND)
    expected = office.ask(kind, where=where)
    points = points_of(office)
    text = office.text(expected)
    assert len(points) > 10
    for position in range(len(points)):
        export = office.ask(kind, where=where)
        with faults.hooked(dying_at(position)), pytest.raises(Crash):
            office.exports.run_due(office.scope)
        nobody_has_it = office.now(export).status is ExportStatus.QUEUED
        assert office.exports.run_due(office.scope) == nobody_has_it
        office.clock.advance(LEASE)
        office.exports.run_due(office.scope)
        assert office.text(export) == text, points[position]
        done = office.now(export)
        assert (done.rows, done.size) == (text.count("\n") - 1, len(text.encode()))


def dying_at(position: int) -> Callable[[str], None]:
    """Die at the point with this number."""
    left = iter(range(position + 1))

    def strike(_name: str) -> None:
        if next(left) == position:
            raise Crash

    return strike


def test_a_slow_worker_gives_way(office: Office) -> None:
    """A worker that is slower than its lease finds that another one has the export, and leaves it alone."""
    export = office.ask(ExportKind.ORDERS)
    other: list[int] = []

    def dawdle(name: str) -> None:
        if name == "exports.chunk.before" and office.now(export).chunks == 2 and not other:
            other.append(0)
            assert office.exports.run_due(office.scope) == 0
            office.clock.advance(LEASE)
            other.append(office.exports.run_due(office.scope))

    with faults.hooked(dawdle):
        assert office.exports.run_due(office.scope) == 0
    assert other == [0, 1]
    done = office.now(export)
    assert (done.status, done.attempts, done.rows) == (ExportStatus.SUCCEEDED, 2, ORDERS)
    assert office.text(export).count("\n") == ORDERS + 1


def test_it_is_not_tried_for_ever(desk: Office) -> None:
    """An export that kills every worker is given up, and does not keep the others waiting."""
    export = desk.ask(ExportKind.ORDERS)
    for _ in range(MOST_ATTEMPTS):
        with faults.hooked(dying_at(4)), suppress(Crash):
            desk.exports.run_due(desk.scope)
        desk.clock.advance(LEASE)
    other = desk.ask(ExportKind.VENDORS)
    assert desk.exports.run_due(desk.scope) == 1
    assert desk.now(other).status is ExportStatus.SUCCEEDED
    failed = desk.now(export)
    assert (failed.status, failed.attempts) == (ExportStatus.FAILED, MOST_ATTEMPTS)
    assert failed.reason == "it was started 3 times and never finished"
    with pytest.raises(Conflict, match="ask for another one"):
        desk.exports.read(desk.scope, export.id)


def failing_with(error: Exception) -> Callable[[str], None]:
    """Go wrong with every piece."""

    def strike(name: str) -> None:
        if name == "exports.chunk.before":
            raise error

    return strike


def test_what_went_wrong_is_kept(desk: Office) -> None:
    """A failure is the reason of its export until it succeeds, and of the failed one for ever."""
    export = desk.ask(ExportKind.ORDERS)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        with faults.hooked(failing_with(Unavailable("away", "the archive is away"))):
            assert desk.exports.run_due(desk.scope) == 0
        expected = ExportStatus.FAILED if attempt == MOST_ATTEMPTS else ExportStatus.RUNNING
        now = desk.now(export)
        assert (now.status, now.reason, now.attempts) == (expected, "the archive is away", attempt)
        desk.clock.advance(LEASE)
    assert desk.exports.run_due(desk.scope) == 0
    healed = desk.ask(ExportKind.ORDERS)
    with faults.hooked(failing_with(ZeroDivisionError("secret"))), pytest.raises(ZeroDivisionError):
        desk.exports.run_due(desk.scope)
    assert desk.now(healed).reason == "unexpected ZeroDivisionError"
    desk.clock.advance(LEASE)
    assert desk.exports.run_due(desk.scope) == 1
    assert (desk.now(healed).status, desk.now(healed).reason) == (ExportStatus.SUCCEEDED, None)
