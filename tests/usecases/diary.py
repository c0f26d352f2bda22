"""A city whose every call is compared with what the audit says of it: what was stored, no more and no less."""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any

from attrs import field, fields, frozen

from cityos_adapters.bank.manual import ManualMethod
from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_adapters.memory.names import ScriptedNames
from cityos_adapters.memory.storage import Storage, TenantTables
from cityos_adapters.memory.tables import Table
from cityos_adapters.memory.transfers import ScriptedTransfers
from cityos_adapters.serialization import dump
from cityos_adapters.serialization.audit import HIDDEN, LEFT_OUT, discreet
from cityos_core.access.service import AccessUseCases
from cityos_core.app import CityOS
from cityos_core.audit.model import IMMUTABLE, Entry, Verb
from cityos_core.audit.trail import MASK, identity, kind_of
from cityos_core.commissions.lines import CommissionEntry
from cityos_core.commissions.rules import StoredRule
from cityos_core.declared import SETTINGS
from cityos_core.dependencies import Dependencies
from cityos_core.exports.service import ExportUseCases
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.subscriptions.cycles import CycleStatus
from cityos_core.tenancy.model import SettingEntry
from cityos_core.tenancy.service import DomainUseCases
from cityos_core.tenancy.setting_values import text
from cityos_core.tenancy.settings import Setting
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.testing.randomness import SequentialRandomness

SECRET = Setting(key="mail_password", doc="A secret.", parse=text, default="none", secret=True)
MACHINERY = frozenset({"audit", "heads", "answers", "files", "balances", "numbers", "schedules", "untold"})
"""Tables that nobody's records stand in: the audit itself, answers, files in pieces, sums of postings, counters of
papers, schedules, events."""

UNTOLD = frozenset({"export", "usage_record"})
"""Records that nobody is told of once they are there: how far an export has come, and that late usage was billed."""

Named = tuple[str, str]
Rows = Mapping[Named, object]
Change = Mapping[str, Any]


@frozen(kw_only=True)
class Diary:
    """A city in memory. ``called`` counts how often each use case changed something."""

    database: MemoryDatabase = field(factory=MemoryDatabase)
    clock: SimulatedClock = field(factory=SimulatedClock)
    provider: ScriptedTransfers = field(factory=ScriptedTransfers)
    gateway: ScriptedGateway = field(factory=ScriptedGateway)
    names: ScriptedNames = field(factory=ScriptedNames)
    groups: Mapping[str, Any] = field(init=False)
    called: dict[str, int] = field(factory=dict, init=False)

    @groups.default
    def _groups(self) -> Mapping[str, Any]:
        ports = Dependencies(
            unit_of_work=self.database,
            clock=self.clock,
            identifiers=SequentialIdentifiers(),
            payout_methods={"memory": self.provider, "manual": ManualMethod()},
            gateways={"card": self.gateway},
            settings=(*SETTINGS, SECRET),
            names=self.names,
            randomness=SequentialRandomness(),
        )
        app = CityOS.of(ports)
        groups = {group.name: getattr(app, group.name) for group in fields(CityOS)}
        return {
            "domains": DomainUseCases.of(ports),
            "access": AccessUseCases.of(ports),
            "exports": ExportUseCases.of(ports),
            **groups,
        }

    def use_cases(self) -> Iterator[str]:
        """List every use case of every group, such as ``vendors.approve``."""
        for name, group in self.groups.items():
            if type(group).__name__.endswith("UseCases"):
                yield from (f"{name}.{use_case.name}" for use_case in fields(type(group)))

    def ask(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a use case to hear its answer."""
        group, use_case = name.split(".")
        return attrgetter(use_case)(self.groups[group])(*args, **kwargs)

    def do(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a use case that changes something, and hold the audit to telling exactly what."""
        before, places = self._rows(), self._places()
        with acting(Caller(principal="user:7", name="Ada", action=name.replace(".", ":"))):
            answer = self.ask(name, *args, **kwargs)
            answer = list(answer) if isinstance(answer, Iterator) else answer
        entries = [entry for scope, place in places.items() for entry in self._since(scope, place)]
        assert entries, f"{name} left no entry"
        assert {(entry.principal, entry.name, entry.action) for entry in entries} == {
            ("user:7", "Ada", name.replace(".", ":"))
        }
        told = [change for entry in entries for change in entry.changes]
        compare(before, self._rows(), told)
        self.called[name] = self.called.get(name, 0) + 1
        return answer

    def entries(self, scope: Scope) -> list[Entry]:
        """List a chain, oldest first."""
        return list(self.ask("audit.export", scope))

    def _places(self) -> dict[Scope, int]:
        scopes: list[Scope] = [PlatformScope(), *(tenant.scope for tenant in self.ask("tenants.list"))]
        return {scope: len(self.entries(scope)) for scope in scopes}

    def _since(self, scope: Scope, place: int) -> list[Entry]:
        return self.entries(scope)[place:]

    def _rows(self) -> Rows:
        """Give every record that is stored by kind and identity: of a rule, its latest version."""
        storage = self.database.storage
        found = list(_stored(Storage, storage))
        for owned in storage._owned.values():
            found += _stored(TenantTables, owned)
        found.sort(key=lambda row: row.version if isinstance(row, StoredRule) else 0)
        return {(kind_of(row), identity(row)): row for row in found}


def _stored(cls: Any, tables: object) -> Iterator[object]:
    for table in fields(cls):
        rows = getattr(tables, table.name)
        if isinstance(rows, Table) and table.name not in MACHINERY:
            yield from rows.rows.values()


def compare(before: Rows, after: Rows, told: list[Change]) -> None:
    """Insist that what was told is what was done: the changes of each record lead from what it was to what it is."""
    differing = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    differing -= {name for name in before if name[0] in UNTOLD}
    marks = [change for change in told if change["verb"] == Verb.MARKED]
    by_name: dict[Named, list[Change]] = {}
    for change in told:
        if change["verb"] not in (Verb.MARKED, Verb.SEEN):
            by_name.setdefault((change["kind"], change["target"]), []).append(change)
    statuses = {name for name in differing if name in before and name[0] == "commission_entry"}
    assert set(by_name) == differing - statuses
    for name in statuses:
        marked(after[name], marks)
    for name, changes in by_name.items():
        follow(name, changes, written(before.get(name)), written(after.get(name)))


def follow(name: Named, changes: list[Change], before: Any, after: Any) -> None:
    """Take the changes of one record one after another."""
    if name[0] in IMMUTABLE:
        assert [(change["verb"], change["before"], change["after"]) for change in changes] == [(Verb.ADDED, None, None)]
        return
    state = before
    for change in changes:
        if change["verb"] == Verb.CHANGED:
            if name[0] == "billing_cycle" and change["before"].get("status") == CycleStatus.PROCESSING:
                state = {**state, **{part: change["before"][part] for part in ("status", "claim")}}  # a claim is untold
            assert {part: state[part] for part in change["before"]} == change["before"]
            state = {**state, **change["after"]}
        else:
            assert change["before"] == (state if change["verb"] == Verb.REMOVED else None)
            state = change["after"]
    assert state == after, name


def marked(entry: object, marks: list[Change]) -> None:
    """Find the statement that a commission transaction was changed by."""
    assert isinstance(entry, CommissionEntry)
    words: list[Any] = []
    for mark in marks:
        (command, given), *_ = mark["after"].items()
        names = {"vendor_order": entry.vendor_order_id, "line": entry.line_id, "payout": entry.payout_id}
        if command == "mark" and any(given.get(name) == str(value) for name, value in names.items()):
            words.append(given["status"] == entry.status.value)
        elif command == "cover" and given["payout"] == str(entry.payout_id):
            words.append(True)
        elif command == "uncover":
            words.append(entry.payout_id is None)
    assert True in words


def written(record: object) -> Any:
    """Write a record as the audit does when it shows all of it."""
    if record is None:
        return None
    if isinstance(record, SettingEntry) and record.key == SECRET.key:
        return {**dump_of(record), "value": MASK}
    return dump_of(record)


def dump_of(record: object) -> dict[str, Any]:
    """Write a record whole, what is hidden hidden."""
    shown: Any = dump(discreet(record))
    hidden = HIDDEN.get(type(record), ())
    return {name: MASK if name in hidden else value for name, value in shown.items() if name not in LEFT_OUT}
