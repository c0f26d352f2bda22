"""Placing orders as a part of a larger transaction, on every database."""

from collections.abc import Callable

import pytest

from cityos_core.app import CityOS
from cityos_core.idempotency.model import Reply
from cityos_core.kernel.errors import Conflict
from cityos_core.orders.buying import Wanted
from cityos_core.orders.model import Order
from cityos_core.tenancy.model import Tenant
from cityos_core.testing import city, line, market, order_draft
from cityos_core.unit_of_work import UnitOfWorkFactory

CHAIR = line("1", vendor="acme", sku="chair", unit_price="100.00")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_database: Callable[[str], UnitOfWorkFactory]) -> CityOS:
    """A city over each kind of database."""
    return city(unit_of_work=make_database(request.param))


@pytest.fixture
def north(app: CityOS) -> Tenant:
    """A tenant that has three chairs to sell."""
    tenant = market(app)
    app.products.set_stock(tenant.scope, "chair", 3)
    return tenant


def together(app: CityOS, north: Tenant, place: Callable[[], Order]) -> Order:
    """Place an order in a larger transaction."""
    found: list[Order] = []

    def run() -> Reply:
        found.append(place())
        return Reply(status=201)

    app.requests.together(north.scope, run)
    return found[0]


def test_the_same_order_again(app: CityOS, north: Tenant) -> None:
    """An order that stands is the answer, and the larger transaction goes on."""
    draft = order_draft("10248", CHAIR)
    first = together(app, north, lambda: app.orders.place(north.scope, draft))
    assert together(app, north, lambda: app.orders.place(north.scope, draft)).id == first.id
    assert app.orders.place(north.scope, draft).id == first.id
    assert app.products.set_stock(north.scope, "chair", 3).reserved == 1


def test_the_same_purchase_again(app: CityOS, north: Tenant) -> None:
    """A purchase that stands is the answer."""

    def buy() -> Order:
        return app.orders.buy(north.scope, [Wanted("chair", 2)], customer="kim", reference="cart-1")

    first = together(app, north, buy)
    assert together(app, north, buy).id == first.id == buy().id
    assert app.products.set_stock(north.scope, "chair", 3).reserved == 2


def test_another_order_under_the_reference(app: CityOS, north: Tenant) -> None:
    """Another order under the reference is a conflict that says so, not a failure of the larger transaction."""
    together(app, north, lambda: app.orders.place(north.scope, order_draft("10248", CHAIR)))
    with pytest.raises(Conflict, match="was placed before with other content") as caught:
        together(app, north, lambda: app.orders.place(north.scope, order_draft("10248", CHAIR, customer="lee")))
    assert caught.value.code == "reference_taken"
    assert app.products.set_stock(north.scope, "chair", 3).reserved == 1
