"""The city in memory that the test kit gives to whoever uses the library."""

from datetime import timedelta

import pytest

from cityos_adapters.memory import MemoryDatabase
from cityos_core.kernel.errors import CityOSError
from cityos_core.ledger.model import Balance
from cityos_core.orders.events import OrderPlaced
from cityos_core.payouts.model import PayoutStatus
from cityos_core.payouts.ports import PayoutFilter
from cityos_core.testing import START, SimulatedClock, city, line, market, order_draft


def first_minute() -> tuple[str, list[Balance]]:
    app = city()
    tenant = market(app)
    order = app.orders.place(tenant.scope, order_draft("A-1", line(), line("2", vendor="birch", sku="table")))
    return repr(order), app.ledger.balances(tenant.scope)


def test_the_first_minute() -> None:
    """A city needs nothing around it: an order is placed, and every party's balance is there."""
    _, balances = first_minute()
    assert {balance.money.text for balance in balances} == {"200.00", "100.00"}
    assert sum(balance.account.sign * balance.money.minor for balance in balances) == 0


def test_every_run_is_the_same() -> None:
    """Two cities that do the same things are the same to the last identifier."""
    assert first_minute() == first_minute()


def test_cities_are_apart() -> None:
    """What happens in one city is unknown in another."""
    market(city())
    assert city().tenants.list() == []


def test_the_parts_can_be_given() -> None:
    """A clock that was given is the city's clock, and a database that was given shows what happened."""
    clock, database = SimulatedClock(START + timedelta(days=3)), MemoryDatabase()
    app = city(clock=clock, unit_of_work=database)
    tenant = market(app)
    app.orders.place(tenant.scope, order_draft())
    assert app.vendors.get(tenant.scope, "acme").created_at == clock.now() == START + timedelta(days=3)
    assert len([event for event in database.outbox if isinstance(event, OrderPlaced)]) == 1


def test_a_market_can_be_of_any_kind() -> None:
    """A market has the currency and wares that were asked for, and as many tenants as were made."""
    app = city()
    market(app)
    south = market(app, "south", parent="jp/tokyo/food/retail", currency="JPY", wares={"sato": {"bowl": "1200"}})
    draft = order_draft("B-1", line(vendor="sato", sku="bowl", unit_price="1200", currency="JPY"), currency="JPY")
    assert app.orders.place(south.scope, draft).total.text == "1200"
    assert [tenant.handle for tenant in app.tenants.list()] == ["north", "south"]


def test_a_market_that_cannot_be_is_refused() -> None:
    """A mistake in the wares is raised, and not left out in silence."""
    with pytest.raises(CityOSError):
        market(city(), wares={"acme": {"chair": "1.00"}, "birch": {"chair": "2.00"}})


def test_payouts_are_made_by_hand_unless_told_otherwise() -> None:
    """The vendors of a market are paid once their money is free: by a person, who confirms it."""
    clock = SimulatedClock()
    app = city(clock=clock)
    scope = market(app).scope
    app.orders.place(scope, order_draft("A-1", fulfilled_at=clock.now()), historic=True)
    clock.advance(timedelta(days=60))
    app.payouts.run(scope)
    (payout,) = app.payouts.list(scope, PayoutFilter()).items
    assert (payout.vendor, payout.amount.text, payout.status) == ("acme", "100.00", PayoutStatus.IN_TRANSIT)
    app.payouts.confirm(scope, payout.id, reference="statement 7")
    (paid,) = app.payouts.list(scope, PayoutFilter(status=PayoutStatus.PAID)).items
    assert paid.id == payout.id
    assert app.ledger.verify(scope).differences == ()
