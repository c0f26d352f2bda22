"""The chain of the audit in a database: who seals it, in what order, and what cannot be done to it."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import product
from threading import Event
from typing import Final

import psycopg
import pytest
from attrs import evolve
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege, UniqueViolation

from cityos_adapters.sql.database import SqlDatabase
from cityos_core.audit.model import GENESIS, Change, Record, Verb
from cityos_core.audit.policy import seal
from cityos_core.audit.ports import AuditFilter, Link
from cityos_core.kernel.caller import PROGRAM, Caller
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.paging import PageRequest
from cityos_core.payouts.rehearsal import rehearsal
from cityos_core.recording import Transactions
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.contracts.examples import AT, WORDS
from cityos_core.testing.contracts.journals import account, earn, made_of, sale
from cityos_core.testing.contracts.world import Place, settle
from servers.postgres import Postgres

KINDS: Final = ("sqlite", "postgresql")
ODD: Final = (WORDS, 'a\n"b"\\c', "\\u0041 \x00 \x1f", "%s :x {}", "😀" * 1000)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """A kind of database."""
    return str(request.param)


@pytest.fixture
def north(kind: str, make_database: Callable[[str], SqlDatabase]) -> Place:
    """A tenant with two vendors."""
    return settle(make_database(kind), "north", seed=2)


def record(place: Place, after: object = "done", *, who: Caller = PROGRAM) -> Record:
    """Make up what a transaction did."""
    change = Change(kind="vendor", target=str(place.acme.id), verb=Verb.CHANGED, before="", after=after)
    return Record(id=place.ids.new(), tenant_id=place.id, occurred_at=AT, caller=who, changes=(change, change))


def links(place: Place) -> list[Link]:
    """Read the chain."""
    return place.see(lambda uow: list(uow.audit.links()))


def problem(found: list[Link]) -> str | None:
    """Name what is wrong with a chain."""
    previous = GENESIS
    for place, link in enumerate(found, 1):
        if (link.sequence, link.previous, link.hash) != (place, previous, seal(place, previous, link.body)):
            return f"seal of {place}"
        if link.columns != link.body:
            return f"columns of {place}"
        previous = link.hash
    return None


@pytest.mark.parametrize("text", ODD)
def test_whoever_seals_seals_alike(north: Place, text: str) -> None:
    """The database seals what the core would seal, whatever the entry says; the head is the last link."""
    for _ in range(2):
        north.do(lambda uow: uow.audit.append(record(north, text, who=Caller(principal="user:anna", reason=text))))
    assert problem(links(north)) is None
    assert north.see(lambda uow: uow.audit.head()) == (2, links(north)[-1].hash)


def test_several_entries_in_one_transaction(north: Place) -> None:
    """Each entry of a transaction is a link of its own; what is undone leaves no gap."""
    with north.open() as uow:
        uow.audit.append(record(north))
        assert uow.audit.head()[0] == 1
    with north.open() as uow:
        uow.audit.append(record(north))
        uow.audit.append(record(north))
        uow.commit()
    assert [link.sequence for link in links(north)] == [1, 2]
    assert problem(links(north)) is None


def test_a_chain_longer_than_a_page(north: Place) -> None:
    """Long chains are read to their end."""
    with north.open() as uow:
        for _ in range(205):
            uow.audit.append(record(north))
        uow.commit()
    assert len(links(north)) == 205
    assert problem(links(north)) is None
    assert len(north.see(lambda uow: list(uow.audit.export(AuditFilter(kind="vendor"))))) == 205


TAMPERING: Final = (
    ("UPDATE audit_entries SET principal = 'user:other'", "columns of 1"),
    ("UPDATE audit_entries SET action = 'other'", "columns of 1"),
    ("UPDATE audit_entries SET request_id = 'other'", "columns of 1"),
    ("UPDATE audit_entries SET occurred_at = '2020-01-01 00:00:00+00'", "columns of 1"),
    ("UPDATE audit_entries SET body = replace(body, 'done', 'gone')", "seal of 1"),
    ("UPDATE audit_entries SET body = 'no JSON'", "seal of 1"),
    ("UPDATE audit_entries SET hash = previous", "seal of 1"),
    ("UPDATE audit_targets SET target = 'other'", "columns of 1"),
    ("DELETE FROM audit_targets", "columns of 1"),
    ("DELETE FROM audit_targets; DELETE FROM audit_entries WHERE sequence = 1", "seal of 1"),
)


@pytest.mark.parametrize(("tampering", "finding"), TAMPERING)
def test_tampering_shows(
    request: pytest.FixtureRequest, make_url: Callable[[str], str], kind: str, tampering: str, finding: str
) -> None:
    """What somebody with every right to the database changes in the chain, or beside it, does not fit any more."""
    url = make_url(kind)
    with SqlDatabase(url) as database:
        north = settle(database, "north", seed=2)
        for _ in range(2):
            north.do(lambda uow: uow.audit.append(record(north)))
        assert problem(links(north)) is None
        if kind == "sqlite":
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
                for table, change in product(("audit_entries", "audit_targets"), ("update", "delete")):
                    file.execute(f"DROP TRIGGER {table}_no_{change}")
                file.executescript(tampering)
        else:
            postgres: Postgres = request.getfixturevalue("postgres")
            with psycopg.connect(postgres.as_owner(url.rpartition("/")[2])) as connection:
                connection.execute("SELECT set_config('app.tenant_id', %s, true)", (str(north.id),))
                connection.execute(tampering)
        assert problem(links(north)) == finding


def test_an_entry_that_cannot_be_read(north: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing an entry whose body is no entry says what to do."""
    monkeypatch.setattr("cityos_adapters.sql.repositories.audit.body_of", lambda _: "[]")
    north.do(lambda uow: uow.audit.append(record(north)))
    with north.open() as uow, pytest.raises(Invalid, match="audit verify"):
        uow.audit.page(AuditFilter(), PageRequest())


@pytest.fixture
def raw(make_url: Callable[[str], str]) -> Iterator[Connection[tuple[object, ...]]]:
    """A connection of the application to a tenant with an entry; leaving it undoes everything."""
    url = make_url("postgresql")
    with SqlDatabase(url) as database:
        north = settle(database, "north", seed=2)
        north.do(lambda uow: uow.audit.append(record(north)))
    with closing(psycopg.connect(url)) as connection:
        connection.execute("SET ROLE cityos_app")
        connection.execute("SELECT set_config('app.tenant_id', %s, true)", (str(north.id),))
        yield connection


COPIED: Final = """
INSERT INTO audit_entries (tenant_id, id, sequence, previous, hash, body, occurred_at, principal, action)
SELECT tenant_id, gen_random_uuid(), 77, 'p', 'h', body, occurred_at, principal, action FROM audit_entries
"""

LENT: Final = """
CREATE TEMPORARY TABLE mine (LIKE audit_entries);
CREATE TRIGGER seal BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION seal_audit_entry()
"""


def test_no_one_chooses_a_place_in_the_chain(raw: Connection[tuple[object, ...]]) -> None:
    """Whatever the application says about the place and the seal of an entry, the database decides."""
    raw.execute(COPIED)
    rows = raw.execute("SELECT sequence, previous, hash, body FROM audit_entries ORDER BY sequence").fetchall()
    assert [(row[0], row[1]) for row in rows] == [(1, GENESIS), (2, rows[0][2])]
    assert rows[1][2] == seal(2, str(rows[0][2]), str(rows[1][3]))


def test_no_place_in_the_chain_is_left_empty(raw: Connection[tuple[object, ...]]) -> None:
    """An entry that is there already cannot be added in a way that moves the head and adds nothing."""
    with pytest.raises(UniqueViolation, match="is in the chain"):
        raw.execute("INSERT INTO audit_entries SELECT * FROM audit_entries ON CONFLICT DO NOTHING")


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE audit_heads SET hash = ''",
        "UPDATE audit_heads SET sequence = 0",
        "INSERT INTO audit_heads VALUES (gen_random_uuid(), 0, '', '')",
        "DELETE FROM audit_heads",
        "UPDATE audit_entries SET body = body",
        "DELETE FROM audit_targets",
        "ALTER TABLE audit_entries DISABLE TRIGGER seal_audit_entry",
        "CREATE TEMPORARY TABLE audit_heads (x int); ALTER FUNCTION seal_audit_entry() SECURITY INVOKER",
        LENT,
    ],
)
def test_the_head_moves_with_the_chain_only(raw: Connection[tuple[object, ...]], attempt: str) -> None:
    """The application cannot move the head, nor lend itself what moves it."""
    with pytest.raises(InsufficientPrivilege):
        raw.execute(attempt)


def test_a_table_by_the_same_name_is_not_taken(raw: Connection[tuple[object, ...]]) -> None:
    """A temporary table in the place of the heads deceives nobody."""
    with raw:
        raw.execute("CREATE TEMPORARY TABLE audit_heads (LIKE public.audit_heads)")
        raw.execute("SET LOCAL search_path = pg_temp, public")
        raw.execute(COPIED)
        row = raw.execute(
            "SELECT max(sequence), (SELECT sequence FROM public.audit_heads) FROM audit_entries"
        ).fetchone()
        assert row == (2, 2)


def test_the_head_is_locked_last(make_database: Callable[[str], SqlDatabase]) -> None:
    """Who waits for a balance does not hold the chain: two that need both never wait for each other."""
    north = settle(make_database("postgresql"), "north", seed=2)
    earn(north, "sale-1", 100)
    began = Event()

    def sell() -> None:
        with north.open() as uow:
            uow.ledger.post(made_of(north, "sale-2", sale(north, 100)))
            uow.audit.append(record(north))
            began.set()
            uow.commit()

    with ThreadPoolExecutor(1) as pool:
        with north.open() as uow:
            uow.ledger.lock([account(north, "pending")])
            other = pool.submit(sell)
            assert began.wait(10)
            with pytest.raises(TimeoutError):
                other.result(0.3)
            uow.audit.append(record(north))
            uow.commit()
        other.result(10)
    assert problem(links(north)) is None
    assert len(links(north)) == 2


def test_a_rehearsal_does_not_hold_the_chain(make_database: Callable[[str], SqlDatabase]) -> None:
    """While something is done only to be undone, others of the tenant go on committing; the trail tells of them alone."""
    north = settle(make_database("postgresql"), "north", seed=2)
    with rehearsal(north.unit_of_work, north.scope) as lend:
        with Transactions(lend, SimulatedClock(AT), north.ids)(north.scope) as uow:
            uow.vendors.save(evolve(north.acme, reason="rehearsed"))
            uow.commit()
        north.do(lambda uow: uow.audit.append(record(north)))
    assert [link.sequence for link in links(north)] == [1]
