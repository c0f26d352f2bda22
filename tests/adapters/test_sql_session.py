"""Statements as they are prepared and sent: lists in them, balances and keys that are held, rows that wait."""

import gc
from collections.abc import Callable

import pytest
from sqlalchemy import bindparam, select

from cityos_adapters.sql.database import SqlDatabase
from cityos_adapters.sql.statements import Statements
from cityos_adapters.sql.tables.vendors import vendors
from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.kernel.money import Money
from cityos_core.orders.events import OrderPlaced
from cityos_core.testing.contracts.examples import AT
from cityos_core.testing.contracts.journals import account, earn, made_of, sale, transfer
from cityos_core.testing.contracts.world import Place, settle


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, make_database: Callable[[str], SqlDatabase]) -> SqlDatabase:
    """An empty database."""
    return make_database(request.param)


@pytest.fixture
def north(database: SqlDatabase) -> Place:
    """A tenant with two vendors, as the contracts know it."""
    return settle(database, "north", seed=2)


@pytest.mark.parametrize("handles", [[], ["acme"], ["acme", "acme", "nobody"], ["it's", 'a "b"', "%s", ":x", "ä"]])
def test_lists(north: Place, handles: list[str]) -> None:
    """A condition on a list holds for what is in it, however long it is and whatever it says."""
    with north.open() as uow:
        assert set(uow.vendors.named(handles)) == {"acme"} & set(handles)


def test_a_list_in_the_text_is_refused(database: SqlDatabase) -> None:
    """A statement whose text would grow with a list cannot be prepared."""
    statement = select(vendors.c.id).where(vendors.c.handle.in_(bindparam("handles", expanding=True)))
    with pytest.raises(TypeError, match="among"):
        Statements(database._engine.dialect)(statement, {"handles": ["acme"]})


def test_a_statement_is_prepared_once(database: SqlDatabase) -> None:
    """The same statement is not worked out again, and is forgotten when nobody has it any more."""
    statements, statement = Statements(database._engine.dialect), select(vendors.c.id)
    assert statements(statement, {}) is statements(statement, {})
    del statement
    gc.collect()
    assert not statements._known


def test_many_balances_in_one_unit_of_work(north: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that forgets what it holds, because that is much, asks again and lets no floor be broken."""
    monkeypatch.setattr("cityos_adapters.sql.repositories.ledger._REMEMBERED", 1)
    earn(north, "sale-1", 100)
    with north.open() as uow:
        assert uow.ledger.lock([account(north, "pending")]) == {account(north, "pending"): 100}
        for state in ("available", "reserve", "in_payout"):
            uow.ledger.post(transfer(north, f"to-{state}", 30, "pending", state))
        assert uow.ledger.lock([account(north, "pending")]) == {account(north, "pending"): 10}
        with pytest.raises(Refused, match="overdrawn"):
            uow.ledger.post(transfer(north, "too-much", 11, "pending", "available"))


def test_what_waits_is_lost_with_what_fails(north: Place) -> None:
    """Rows that wait to be sent together are not forgotten when one of them cannot be written: nothing is committed."""
    naive = OrderPlaced(
        subject=north.id,
        occurred_at=AT.replace(tzinfo=None),
        reference="A-1",
        total=Money.zero("EUR"),
        vendors=(),
    )
    with north.open() as uow:
        uow.ledger.post(made_of(north, "sale-1", sale(north, 100)))
        with pytest.raises(Invalid, match="time zone"):
            uow.commit([naive])
        with pytest.raises(RuntimeError, match="failed"):
            uow.commit()


def test_a_key_is_held_until_its_transaction_ends(make_database: Callable[[str], SqlDatabase]) -> None:
    """On PostgreSQL whoever looks for a key that someone holds hears so at once; other keys are free."""
    north = settle(make_database("postgresql"), "north", seed=2)
    with north.open() as first:
        assert first.answers.find("user:1", "key") is None
        assert first.answers.find("user:1", "key") is None
        with north.open() as second:
            assert second.answers.find("user:2", "key") is None
            assert second.answers.find("user:1", "other") is None
            with pytest.raises(Conflict, match="under way") as caught:
                second.answers.find("user:1", "key")
            assert caught.value.code == "request_in_flight"
    assert north.see(lambda uow: uow.answers.find("user:1", "key")) is None
