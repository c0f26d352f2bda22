"""How often the database is asked: a constant number of times, whatever the size of what is read or written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from cityos_adapters.sql.database import SqlDatabase, TimeOrderedIdentifiers
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.paging import PageRequest
from cityos_core.orders.ports import OrderFilter
from cityos_core.tenancy.model import Tenant
from cityos_core.testing import SimulatedClock, line, market, order_draft

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
def counted(database: SqlDatabase) -> Iterator[list[str]]:
    """Collect the statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(database._engine, "before_cursor_execute", note)
    yield sent
    event.remove(database._engine, "before_cursor_execute", note)


def place(app: CityOS, tenant: Tenant, reference: str, vendors: int) -> None:
    """Place an order of one line per vendor."""
    lines = (line(str(n), vendor=f"vendor-{n}", sku=f"sku-{n}", unit_price="10.00") for n in range(vendors))
    app.orders.place(tenant.scope, order_draft(reference, *lines))


def test_placing_an_order(app: CityOS, north: Tenant, database: SqlDatabase) -> None:
    """Placing takes as many statements for nine vendors as for three, ten and the commit at most on PostgreSQL."""
    place(app, north, "warm", 1)
    with counted(database) as three:
        place(app, north, "three", 3)
    with counted(database) as nine:
        place(app, north, "nine", 9)
    assert len(three) == len(nine)
    if database._engine.dialect.name == "postgresql":
        assert len(nine) <= 10


def test_reading_orders(app: CityOS, north: Tenant, database: SqlDatabase) -> None:
    """A page of orders takes as many statements as one order."""
    for number in range(6):
        place(app, north, f"order-{number}", number + 1)
    with counted(database) as one:
        assert len(app.orders.get(north.scope, "order-5").lines) == 6
    with counted(database) as page:
        assert len(app.orders.list(north.scope, OrderFilter(), PageRequest()).items) == 6
    assert len(page) <= len(one)


def test_reading_a_configuration(app: CityOS, north: Tenant, database: SqlDatabase) -> None:
    """Configuration and rules that did not change are not read again."""
    place(app, north, "first", 1)
    with counted(database) as statements:
        place(app, north, "second", 1)
    assert not [statement for statement in statements if "FROM setting_entries" in statement]
    assert not [statement for statement in statements if "FROM commission_rules" in statement]
