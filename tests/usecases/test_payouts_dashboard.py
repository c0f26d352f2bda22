"""What a vendor sees first."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import pytest

from cityos_core.app import CityOS
from cityos_core.catalog.model import ProductStatus
from cityos_core.kernel.ids import VendorId
from cityos_core.kernel.money import UnitPrice
from cityos_core.ledger.statements import Position
from cityos_core.testing import SimulatedClock, city, line, market, order_draft
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.vendors.model import Profile, VendorStatus
from usecases.town import code


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
def test_how_a_vendor_stands(make_database: Callable[[str], UnitOfWorkFactory], kind: str) -> None:
    """Money by currency, orders to send, the next pay day, what is still asked, and products by status."""
    clock = SimulatedClock()
    app = city(unit_of_work=make_database(kind), clock=clock)
    tenant = market(app)
    scope = tenant.scope
    app.settings.set(scope, "reserve_percentage", "10")
    app.settings.set(scope, "holding_days", 0)
    app.products.create(scope, "stool", title="Stool", vendor="acme", unit_price=UnitPrice.of("1", "EUR"))
    app.vendors.change(scope, "acme", payout_schedule="weekly:5")
    app.orders.place(scope, order_draft("A-1", line(quantity=2)))
    app.orders.place(scope, order_draft("A-2", line(), line("2", sku="mug", vendor="birch", unit_price="0.50")))
    app.orders.fulfil(scope, "A-1")
    app.orders.release_due(scope)
    app.settings.set(scope, "vendor_requirements", ["identity", "insurance"])
    shown = app.payouts.dashboard(scope, "acme")
    assert (shown.vendor, shown.status) == ("acme", VendorStatus.APPROVED)
    assert shown.balances == {"EUR": Position(pending=10000, available=18000, reserve=2000)}
    assert (shown.to_send, shown.payout_schedule, shown.next_payout) == (1, "weekly:5", date(2026, 1, 9))
    assert [item.key for item in shown.requirements] == ["insurance"]
    assert shown.products == {ProductStatus.PUBLISHED: 2, ProductStatus.DRAFT: 1}
    clock.advance(timedelta(days=4))
    app.payouts.run(scope)
    after = app.payouts.dashboard(scope, app.vendors.get(scope, "acme").id)
    assert (after.next_payout, after.balances["EUR"].available) == (date(2026, 1, 16), 0)


def test_a_vendor_of_whom_nothing_is_known() -> None:
    """A new vendor has no money, no work and no products; paid by hand, it has no pay day."""
    app = city()
    scope = market(app).scope
    app.vendors.register(scope, "dust", Profile(name="Dust"), payout_schedule="manual")
    shown = app.payouts.dashboard(scope, "dust")
    assert (shown.status, shown.balances, shown.to_send) == (VendorStatus.PENDING, {}, 0)
    assert (shown.products, shown.next_payout) == ({}, None)
    assert [item.key for item in shown.requirements] == ["identity", "bank_account", "terms"]


def test_other_tenants_vendors_have_none() -> None:
    """Neither a neighbour's vendor nor one that is not there is shown."""
    app: CityOS = city()
    north, south = market(app), market(app, "south")
    for name in ("nobody", app.vendors.get(south.scope, "acme").id, VendorId(south.id)):
        assert code(partial(app.payouts.dashboard, north.scope, name)) == "vendor_not_found"
