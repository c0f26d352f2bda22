"""Whatever a database does, the core hears it in its own words, and what was not committed did not happen."""

from collections.abc import Callable, Iterator
from itertools import count
from secrets import token_hex
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from cityos_adapters.sql.database import SqlDatabase
from cityos_adapters.sql.failures import translated
from cityos_adapters.sql.session import Session
from cityos_core.commissions.ports import EntryFilter
from cityos_core.kernel import faults
from cityos_core.kernel.errors import CityOSError, Conflict, Forbidden, Invalid, OutcomeUnknown, Unavailable
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import PlatformScope
from cityos_core.orders.ports import OrderFilter
from cityos_core.testing.contracts import examples, sales
from cityos_core.testing.contracts.journals import account, earn, gateway, made_of
from cityos_core.testing.contracts.world import Place, settle
from cityos_core.unit_of_work import UnitOfWork
from servers.postgres import Postgres

KINDS = ("sqlite", "postgresql")
Make = Callable[[str], SqlDatabase]


class DriverError(Exception):
    """What a driver raises: a text, and on PostgreSQL an SQLSTATE."""

    def __init__(self, text: str, sqlstate: str | None = None) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("spoken", "kind", "code"),
    [
        (DriverError("could not serialize access", "40001"), Conflict, "stale"),
        (DriverError("deadlock detected", "40P01"), Conflict, "stale"),
        (DriverError("canceling statement due to lock timeout", "55P03"), Unavailable, "database_busy"),
        (DriverError("database is locked"), Unavailable, "database_busy"),
        (DriverError("too many connections", "53300"), Unavailable, "database_busy"),
        (DriverError('relation "orders" does not exist', "42P01"), Unavailable, "not_migrated"),
        (DriverError("no such column: orders.digest"), Unavailable, "not_migrated"),
        (DriverError('role "cityos_app" does not exist', "22023"), Unavailable, "not_migrated"),
        (DriverError("permission denied for table journals", "42501"), Forbidden, "database_forbids"),
        (DriverError("journals are never changed"), Forbidden, "database_forbids"),
        (DriverError("bigint out of range", "22003"), Invalid, "amount_too_large"),
        (DriverError("integer overflow"), Invalid, "amount_too_large"),
        (DriverError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), Invalid, "unstorable_text"),
        (DriverError("index row size 6056 exceeds btree version 4 maximum", "54000"), Invalid, "too_long"),
        (DriverError("violates foreign key constraint", "23503"), Conflict, "constraint_violated"),
        (DriverError("FOREIGN KEY constraint failed"), Conflict, "constraint_violated"),
        (DriverError("server closed the connection unexpectedly"), Unavailable, "database_unavailable"),
        (DriverError(""), Unavailable, "database_unavailable"),
    ],
    ids=lambda value: getattr(value, "sqlstate", None) or str(value)[:20] if isinstance(value, DriverError) else "",
)
def test_what_a_database_says(spoken: DriverError, kind: type[CityOSError], code: str) -> None:
    """What a driver says is turned into the core's error by its SQLSTATE, or by its words where there is none."""
    heard = translated(OperationalError("SELECT 1", {}, spoken))
    assert (type(heard), heard.code) == (kind, code)


def test_a_text_that_no_index_holds(make_database: Make) -> None:
    """What is too long for a unique index of PostgreSQL is said to be too long, not to be there already."""
    north = settle(make_database("postgresql"), "north", seed=2)
    sale = made_of(north, token_hex(3000), {gateway(north): 100, account(north, "pending"): -100})
    with pytest.raises(Invalid) as caught:
        north.do(lambda uow: uow.ledger.post(sale))
    assert caught.value.code == "too_long"


def test_nobody_is_there() -> None:
    """A server that does not answer is unavailable; the answer holds no password."""
    with SqlDatabase("postgresql://app:secret@127.0.0.1:1/city") as database:
        with pytest.raises(Unavailable) as caught, database(PlatformScope()):
            pass
        assert caught.value.code == "database_unavailable"
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://host/city", "sqlite://", "sqlite:///:memory:", "city.db", ""])
def test_other_databases(url: str) -> None:
    """A URL of anything else is refused with those that are understood."""
    with pytest.raises(Invalid, match="write sqlite:///file") as caught:
        SqlDatabase(url)
    assert caught.value.code == "unsupported_database"


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, make_database: Make) -> SqlDatabase:
    """An empty database."""
    return make_database(request.param)


@pytest.fixture
def north(database: SqlDatabase) -> Place:
    """A tenant in it."""
    return settle(database, "north", seed=2)


def sell(uow: UnitOfWork, place: Place, number: int) -> None:
    """Do what placing an order does to the storage."""
    order = sales.order(place.ids, f"A-{number}", place.acme, place.birch, store=place.store.id)
    uow.inventory.lock(["chair"])
    uow.inventory.save([examples.stock(place.id, place.acme.id, "chair", on_hand=number)])
    uow.orders.add(order)
    uow.entries.add([sales.sale_entry(place.ids, order, index) for index in (0, 1)])
    uow.ledger.post(made_of(place, f"sale-{number}", {gateway(place): 100, account(place, "pending"): -100}))


def everything(place: Place) -> list[Any]:
    """Read all that a sale writes."""
    with place.open() as uow:
        return [
            uow.orders.page(OrderFilter(), PageRequest()),
            uow.entries.page(EntryFilter(), PageRequest()),
            uow.inventory.lock(["chair"]),
            uow.books.balances(),
            list(uow.books.differences()),
        ]


def dying_at(statement: int) -> Callable[..., Any]:
    """Let the process die before a statement is sent."""
    sent, send = count(1), Session._run

    def send_or_die(*what: Any, **how: Any) -> Any:
        if next(sent) == statement:
            raise Crash
        return send(*what, **how)

    return send_or_die


def test_a_crash_at_any_statement_leaves_nothing(north: Place) -> None:
    """Whichever statement of a sale is the last one before the process dies, nothing of the sale is there."""
    before = everything(north)
    crashes = 0
    for statement in count(1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Session, "_run", dying_at(statement))
            try:
                with north.open() as uow:
                    sell(uow, north, statement)
                    uow.commit()
                break
            except Crash:
                crashes += 1
        assert everything(north) == before
    assert crashes >= 5
    assert everything(north) != before


@pytest.mark.parametrize(("point", "is_kept"), [("commit.before", False), ("commit.after", True)])
def test_a_crash_around_the_commit(north: Place, point: str, is_kept: bool) -> None:
    """The commit decides: a process that dies before it leaves nothing, one that dies after it everything."""
    before = everything(north)

    def die(name: str) -> None:
        if name == point:
            raise Crash

    with pytest.raises(Crash), faults.hooked(die):
        north.do(lambda uow: sell(uow, north, 1))
    assert (everything(north) != before) is is_kept


def test_nothing_follows_a_failure(north: Place) -> None:
    """After a statement failed, the unit of work cannot be committed by mistake."""
    with north.open() as uow:
        sell(uow, north, 1)
        uow.commit()
    with north.open() as uow:
        with pytest.raises(Conflict) as caught:
            sell(uow, north, 1)
        assert caught.value.code == "reference_taken"
        with pytest.raises((RuntimeError, CityOSError)):
            uow.commit()


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_text_that_no_database_holds(north: Place, database: SqlDatabase, text: str) -> None:
    """Text with a NUL or half a character is refused on every way into PostgreSQL; SQLite keeps a NUL as it is."""
    ways: list[Callable[[UnitOfWork], object]] = [
        lambda uow: uow.vendors.named([text]),
        lambda uow: uow.orders.add(sales.order(north.ids, text, north.acme)),
    ]
    for way in ways:
        if database._engine.dialect.name == "sqlite" and "\x00" in text:
            continue
        with north.open() as uow, pytest.raises(Invalid) as caught:
            way(uow)
        assert caught.value.code == "unstorable_text"


def test_numbers_beyond_64_bits(north: Place) -> None:
    """A number that no column holds is refused."""
    stock = examples.stock(north.id, north.acme.id, "chair", on_hand=2**63)
    with north.open() as uow, pytest.raises(Invalid) as caught:
        uow.inventory.save([stock])
    assert caught.value.code == "amount_too_large"


@pytest.fixture
def broken(postgres: Postgres, migrated_postgres: str) -> Iterator[tuple[Place, Callable[[], None]]]:
    """A tenant on PostgreSQL, and a way to break every connection to its database."""
    url = postgres.as_login(postgres.create(migrated_postgres))

    def cut() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = session_user"
            )

    with SqlDatabase(url) as database:
        yield settle(database, "north", seed=2), cut


def test_a_connection_that_breaks_between_statements(broken: tuple[Place, Callable[[], None]]) -> None:
    """Nothing happened, the core hears that the database is unavailable, and the next unit of work has a new connection."""
    place, cut = broken
    with place.open() as uow:
        uow.vendors.named(["acme"])
        cut()
        with pytest.raises(Unavailable) as caught:
            sell(uow, place, 1)
        assert caught.value.code == "database_unavailable"
    assert everything(place)[0].items == ()


def test_a_connection_that_breaks_while_committing(broken: tuple[Place, Callable[[], None]]) -> None:
    """Nobody knows what happened: the core is told to look before it repeats anything."""
    place, cut = broken

    def cut_it(name: str) -> None:
        if name == "commit.before":
            cut()

    with place.open() as uow:
        sell(uow, place, 1)
        uow.books.balances()
        with pytest.raises(OutcomeUnknown) as caught, faults.hooked(cut_it):
            uow.commit()
        assert caught.value.code == "commit_unknown"


def test_constraints_stand_behind_the_checks(north: Place, database: SqlDatabase) -> None:
    """A balance below its floor is refused by the database too, in the same words."""
    earn(north, "sale-1", 100)
    with north.open() as uow, pytest.raises(CityOSError) as caught:
        uow._session._control("UPDATE balances SET amount = -1")  # type: ignore[attr-defined]  # past the repositories
    assert caught.value.code == "floor_breached"
    assert isinstance(caught.value.__cause__, database._engine.dialect.loaded_dbapi.Error)
