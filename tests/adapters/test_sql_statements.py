"""How often the database is asked: a constant number of times, whatever the size of what is read or written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cityos_adapters.sql.database import SqlDatabase, TimeOrderedIdentifiers
from cityos_adapters.sql.session import Session
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.ids import JournalId
from cityos_core.kernel.paging import PageRequest
from cityos_core.ledger.model import Account, Journal
from cityos_core.orders.ports import OrderFilter
from cityos_core.tenancy.model import Tenant
from cityos_core.testing import START, SimulatedClock, line, market, order_draft
from cityos_core.vendors.model import TeamRole

STATES = ("credit", "receivable")
WARES = {f"vendor-{number}": {f"sku-{number}": "10.00"} for number in range(9)}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, make_database: Callable[[str], SqlDatabase]) -> SqlDatabase:
    """An empty database."""
    return make_database(request.param)


@pytest.fixture
def app(database: SqlDatabase) -> CityOS:
    """The application over it."""
    return CityOS.of(Dependencies(unit_of_work=database, clock=SimulatedClock(), identifiers=TimeOrderedIdentifiers()))


@pytest.fixture
def north(app: CityOS) -> Tenant:
    """A tenant with nine vendors."""
    return market(app, wares=WARES)


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements that are sent meanwhile, besides the beginning and the end of transactions."""
    sent: list[str] = []
    send = Session._run

    def note(session: Session, text: str, *values: Any, **how: Any) -> Any:
        sent.append(text)
        return send(session, text, *values, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "_run", note)
        yield sent


def place(app: CityOS, tenant: Tenant, reference: str, vendors: int) -> None:
    """Place an order of one line per vendor."""
    lines = (line(str(n), vendor=f"vendor-{n}", sku=f"sku-{n}", unit_price="10.00") for n in range(vendors))
    app.orders.place(tenant.scope, order_draft(reference, *lines))


def test_placing_an_order(app: CityOS, north: Tenant, database: SqlDatabase) -> None:
    """Placing takes as many statements for nine vendors as for three, seven between begin and commit on PostgreSQL.

    The entry in the audit costs none of its own there.
    """
    place(app, north, "warm", 1)
    with counted() as three:
        place(app, north, "three", 3)
    with counted() as nine:
        place(app, north, "nine", 9)
    assert len(three) == len(nine)
    if database._engine.dialect.name == "postgresql":
        assert len(nine) <= 7


@pytest.mark.parametrize("takes", [False, True])
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_posting_many_journals(north: Tenant, database: SqlDatabase, takes: bool) -> None:
    """On PostgreSQL posting takes as many statements for sixty journals as for three.

    They are two if nothing is taken from an account with a floor, three if some of it was there, and else five.
    """
    ids = TimeOrderedIdentifiers()

    def post(first: int, count: int) -> int:
        given = [payment(north, ids, number) for number in range(first, first + count)]
        with counted() as statements, database(north.scope) as uow:
            uow.ledger.post_many([*given, *(repayment(north, ids, one) for one in given if takes)])
            uow.commit()
        return len(statements)

    post(0, 1)
    assert post(1, 3) == post(4, 30) == (5 if takes else 2)
    assert post(31, 6) == post(4, 60) == (5 if takes else 3)


def test_peeking_at_balances(north: Tenant, database: SqlDatabase) -> None:
    """Balances are looked at in two queries that hold nothing: those that are kept, and those that are summed."""
    paths = (f"{kind}:{number}:{state}" for kind in ("customer", "company") for number in range(20) for state in STATES)
    with counted() as statements, database(north.scope) as uow:
        uow.ledger.peek(Account(north.id, path, "EUR") for path in paths)
    assert len(statements) == 2
    assert not [text for text in statements if "FOR " in text]


def payment(tenant: Tenant, ids: TimeOrderedIdentifiers, number: int) -> Journal:
    """Build a payment that becomes a subscriber's credit."""
    return Journal.of(
        id=JournalId(ids.new()),
        tenant=tenant.id,
        key=f"payment-{number}",
        kind="payment",
        movements=[
            (Account(tenant.id, "bank", "EUR"), 10),
            (Account(tenant.id, f"customer:{number % 7}:credit", "EUR"), -10),
        ],
        occurred_at=START,
    )


def repayment(tenant: Tenant, ids: TimeOrderedIdentifiers, paid: Journal) -> Journal:
    """Build what gives a payment back."""
    return Journal.of(
        id=JournalId(ids.new()),
        tenant=tenant.id,
        key=f"back-{paid.key}",
        kind="repayment",
        movements=[(posting.account, -posting.amount) for posting in paid.postings],
        occurred_at=START,
    )


def test_saving_a_vendor(app: CityOS, north: Tenant) -> None:
    """The addresses of a team are only written where the team changed, and then only those that changed."""
    with counted() as invited:
        app.vendors.invite(north.scope, "vendor-1", "bo@acme.example", TeamRole.STAFF)
    assert [statement for statement in invited if "INSERT INTO team_members" in statement]
    with counted() as suspended:
        app.vendors.suspend(north.scope, "vendor-1", reason="late")
    assert not [statement for statement in suspended if "team_members" in statement]


def test_reading_orders(app: CityOS, north: Tenant) -> None:
    """A page of orders takes as many statements as one order."""
    for number in range(6):
        place(app, north, f"order-{number}", number + 1)
    with counted() as one:
        assert len(app.orders.get(north.scope, "order-5").lines) == 6
    with counted() as page:
        assert len(app.orders.list(north.scope, OrderFilter(), PageRequest()).items) == 6
    assert len(page) <= len(one)


def test_reading_a_configuration(app: CityOS, north: Tenant) -> None:
    """Configuration and rules that did not change are not read again."""
    place(app, north, "first", 1)
    with counted() as statements:
        place(app, north, "second", 1)
    assert not [statement for statement in statements if "FROM setting_entries" in statement]
    assert not [statement for statement in statements if "FROM commission_rules" in statement]
