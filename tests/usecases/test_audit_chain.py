"""A stored chain that somebody with every right to the database has altered: whatever it was, it shows."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

import psycopg
import pytest
from attrs import evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.memory.storage import AuditRow
from cityos_adapters.sql.database import SqlDatabase
from cityos_core.app import CityOS
from cityos_core.audit.model import GENESIS, Verification
from cityos_core.audit.policy import seal
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.testing import city, market
from cityos_core.unit_of_work import UnitOfWorkFactory

Row = Mapping[str, Any]
LINKS = 6
TEXTS = ("body", "principal", "action", "request_id", "previous", "hash")


class Rows(Protocol):
    """The rows of a tenant's chain, past everything that guards them."""

    def read(self) -> list[Row]:
        """Give them in order, each with its ``targets``."""
        ...

    def write(self, rows: Sequence[Row], head: tuple[int, str]) -> None:
        """Put others in their place, and another end."""
        ...


@frozen
class MemoryRows:
    """Those in memory."""

    database: MemoryDatabase
    scope: TenantScope

    def read(self) -> list[Row]:
        """Give them in order."""
        rows = sorted(self.database.storage.of(self.scope.tenant_id).audit.rows.values(), key=lambda row: row.sequence)
        return [
            {
                "sequence": row.sequence,
                "previous": row.previous,
                "hash": row.hash,
                "body": row.body,
                "id": row.columns.id,
                "occurred_at": row.columns.occurred_at,
                "principal": row.columns.principal,
                "action": row.columns.action,
                "request_id": row.columns.request_id,
                "targets": row.columns.targets,
                "columns": row.columns,
            }
            for row in rows
        ]

    def write(self, rows: Sequence[Row], head: tuple[int, str]) -> None:
        """Put others in their place."""
        table = self.database.storage.of(self.scope.tenant_id).audit.rows
        table.clear()
        names = ("id", "occurred_at", "principal", "action", "request_id", "targets")
        for row in rows:
            columns = evolve(row["columns"], **{name: row[name] for name in names})
            table[row["sequence"]] = AuditRow(row["sequence"], row["previous"], row["body"], row["hash"], columns)
        self.database.storage.heads.rows[self.scope.tenant_id] = head


@frozen
class SqlRows:
    """Those in a database, through a connection that may do anything there."""

    connection: Any
    tenant: object
    mark: str

    def read(self) -> list[Row]:
        """Give them in order."""
        found = self._all("SELECT * FROM audit_entries WHERE tenant_id = ? ORDER BY sequence", self.tenant)
        return [{**row, "targets": self._targets(row["id"])} for row in found]

    def _targets(self, entry: object) -> tuple[tuple[str, str], ...]:
        found = self._all(
            "SELECT kind, target FROM audit_targets WHERE tenant_id = ? AND entry_id = ? ORDER BY kind, target",
            self.tenant,
            entry,
        )
        return tuple((row["kind"], row["target"]) for row in found)

    def write(self, rows: Sequence[Row], head: tuple[int, str]) -> None:
        """Put others in their place."""
        for table in ("audit_targets", "audit_entries"):
            self._run(f"DELETE FROM {table} WHERE tenant_id = ?", self.tenant)
        for row in rows:
            stored = {name: value for name, value in row.items() if name != "targets"}
            places = ", ".join("?" * len(stored))
            self._run(f"INSERT INTO audit_entries ({', '.join(stored)}) VALUES ({places})", *stored.values())
            for kind, target in row["targets"]:
                self._run(
                    "INSERT INTO audit_targets (tenant_id, entry_id, kind, target) VALUES (?, ?, ?, ?)",
                    *(self.tenant, row["id"], kind, target),
                )
        self._run("UPDATE audit_heads SET sequence = ?, hash = ? WHERE tenant_id = ?", *head, self.tenant)
        self.connection.commit()

    def _run(self, statement: str, *values: object) -> Any:
        return self.connection.execute(statement.replace("?", self.mark), values)

    def _all(self, statement: str, *values: object) -> list[Row]:
        return [dict(row) for row in self._run(statement, *values)]


@frozen
class Chain:
    """A city with one tenant, and its chain of :data:`LINKS` links."""

    app: CityOS
    scope: TenantScope
    rows: Rows
    original: Sequence[Row] = field(init=False)

    @original.default
    def _original(self) -> Sequence[Row]:
        return self.rows.read()

    @property
    def end(self) -> tuple[int, str]:
        """Where it ended before anyone touched it."""
        return self.original[-1]["sequence"], self.original[-1]["hash"]

    def verified(self, rows: Sequence[Row], head: tuple[int, str] | None = None) -> Verification:
        """Verify other rows in the place of the original ones, and put those back."""
        self.rows.write(rows, head or self.end)
        try:
            return self.app.audit.verify(self.scope)
        finally:
            self.rows.write(self.original, self.end)

    def altered(self, place: int, **changes: object) -> list[Row]:
        """Give the rows with one of them changed."""
        return [{**row, **changes} if at == place else row for at, row in enumerate(self.original)]


def lived(database: UnitOfWorkFactory) -> tuple[CityOS, TenantScope]:
    """Open a city whose tenant's chain has :data:`LINKS` links."""
    app = city(unit_of_work=database)
    with acting(Caller(principal="user:7", action="markets:open", request_id="r-1")):
        scope = market(app).scope
        for name in range(LINKS - len(list(app.audit.export(scope)))):
            app.products.add_category(scope, f"home/seats-{name}")
    return app, scope


@contextmanager
def unguarded(kind: str, url: str, scope: TenantScope, owner: str) -> Iterator[SqlRows]:
    """Connect to a database as who may do anything, with its guards off."""
    if kind == "sqlite":
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.row_factory = sqlite3.Row
            for table in ("audit_entries", "audit_targets"):
                for change in ("update", "delete"):
                    connection.execute(f"DROP TRIGGER {table}_no_{change}")
            yield SqlRows(connection, scope.tenant_id.hex, "?")
        return
    with closing(psycopg.connect(owner, row_factory=dict_row)) as connection:
        connection.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER")
        connection.execute("SELECT set_config('app.tenant_id', %s, false)", (str(scope.tenant_id),))
        connection.commit()
        yield SqlRows(connection, scope.tenant_id, "%s")
        connection.execute("ALTER TABLE audit_entries ENABLE TRIGGER USER")
        connection.commit()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def chain(request: pytest.FixtureRequest, make_url: Callable[[str], str]) -> Iterator[Chain]:
    """A chain to alter, of every kind of database."""
    if request.param == "memory":
        memory = MemoryDatabase()
        app, scope = lived(memory)
        yield Chain(app, scope, MemoryRows(memory, scope))
        return
    url = make_url(request.param)
    owner = request.getfixturevalue("postgres").as_owner(url.rpartition("/")[2]) if "postgresql" in url else ""
    with ExitStack() as stack:
        app, scope = lived(stack.enter_context(SqlDatabase(url)))
        yield Chain(app, scope, stack.enter_context(unguarded(request.param, url, scope, owner)))


def other(name: str, value: Any) -> Any:
    """Give another value than the one of a field, of the type that the database gives it in."""
    match name, value:
        case "sequence", int():
            found: Any = value + 1000
        case "id", UUID():
            found = UUID(int=value.int ^ 1 << 40)
        case "id", _:
            found = f"{int(value, 16) ^ 1 << 40:032x}"
        case "targets", _:
            found = (*value, ("vendor", "someone"))
        case "occurred_at", datetime():
            found = value + timedelta(seconds=1)
        case "occurred_at", _:
            found = value.replace("2026", "2025")
        case _:
            found = f"{value}x"
    return found


FIELDS = ("sequence", "id", "occurred_at", "targets", *TEXTS)
every_link = given(st.integers(0, LINKS - 1), st.sampled_from(FIELDS))
few = settings(max_examples=40)


def test_an_untouched_chain_holds(chain: Chain) -> None:
    """What nobody touched holds, and the end is given, to be noted elsewhere."""
    found = chain.app.audit.verify(chain.scope)
    assert (found.is_whole, found.entries, found.head) == (True, LINKS, chain.original[-1]["hash"])
    assert chain.app.audit.verify(PlatformScope()).is_whole
    assert chain.app.audit.verify(chain.scope, known=chain.end).is_whole
    assert chain.app.audit.verify(chain.scope, known=(LINKS, GENESIS)).broken_at == LINKS
    assert chain.app.audit.verify(chain.scope, known=(LINKS + 1, GENESIS)).broken_at == LINKS + 1


def test_whatever_is_altered_shows(chain: Chain) -> None:
    """Whichever field of whichever link is altered, the walk stops there, and says why in words."""

    @few
    @every_link
    def altered(place: int, name: str) -> None:
        value = other(name, chain.original[place][name])
        found = chain.verified(chain.altered(place, **{name: value}))
        assert (found.entries, found.broken_at) == (place, place + 1)
        assert found.problem is not None
        assert found.problem.startswith(f"entry {place + 1} ")

    altered()


def test_whatever_is_taken_out_shows(chain: Chain) -> None:
    """A link that is missing, in the middle or at the end, is named; and so is what was cut off with it."""

    @few
    @given(st.integers(0, LINKS - 1), st.integers(1, LINKS))
    def taken(place: int, count: int) -> None:
        found = chain.verified([*chain.original[:place], *chain.original[place + count :]])
        assert (found.entries, found.broken_at) == (place, place + 1)
        assert f"entry {place + 1} is missing" in str(found.problem)

    taken()


def test_whatever_is_swapped_shows(chain: Chain) -> None:
    """Two links that changed places, or one that was put where another was, break the chain at the first."""

    @few
    @given(st.sets(st.integers(0, LINKS - 1), min_size=2, max_size=2))
    def swapped(places: set[int]) -> None:
        one, two = sorted(places)
        rows = [dict(row) for row in chain.original]
        rows[one]["sequence"], rows[two]["sequence"] = rows[two]["sequence"], rows[one]["sequence"]
        assert chain.verified(rows).broken_at == one + 1

    swapped()


def test_a_forged_link_shows(chain: Chain) -> None:
    """A link written anew, with its hash and all beside it, does not fit to the next one, or to the noted end."""
    for place, row in enumerate(chain.original):
        body = row["body"].replace("user:7", "user:8")
        forged = {"body": body, "principal": "user:8", "hash": seal(place + 1, row["previous"], body)}
        assert chain.verified(chain.altered(place, **forged)).broken_at == min(place + 2, LINKS)


def test_a_moved_end_shows(chain: Chain) -> None:
    """A noted end that is not where the chain ends is found, whichever of the two was changed."""
    before, last = chain.original[-2:]
    for head, place in (
        ((LINKS, before["hash"]), LINKS),
        ((LINKS - 1, before["hash"]), LINKS),
        ((LINKS + 1, last["hash"]), LINKS + 1),
        ((0, GENESIS), 1),
    ):
        assert chain.verified(chain.original, head).broken_at == place


def test_a_chain_written_anew_shows_to_those_who_noted_its_end(chain: Chain) -> None:
    """Who writes everything anew deceives the database, and not those who kept the end of an earlier verification."""
    known, previous, anew = chain.end, GENESIS, []
    for place, row in enumerate(chain.original, 1):
        body = row["body"].replace("user:7", "user:8")
        anew.append({**row, "previous": previous, "body": body, "principal": "user:8"})
        anew[-1]["hash"] = previous = seal(place, previous, body)
    assert chain.verified(anew, (LINKS, previous)).is_whole
    chain.rows.write(anew, (LINKS, previous))
    found = chain.app.audit.verify(chain.scope, known=known)
    assert (found.is_whole, found.broken_at) == (False, LINKS)
    chain.rows.write(chain.original, chain.end)


def test_the_walk_stops_at_the_first_breach(chain: Chain) -> None:
    """What comes after the first broken link is not read."""
    read = islice(chain.original, 2, None)
    rows = [*chain.original[:2], *({**row, "body": "no JSON", "hash": "no hash"} for row in read)]
    assert chain.verified(rows).broken_at == 3
