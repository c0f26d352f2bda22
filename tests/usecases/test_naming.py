"""Naming things as people do, by handle, sku or reference, and as programs do, by id."""

from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import pytest
from attrs import field, frozen

from cityos_adapters.memory import MemoryDatabase
from cityos_core.app import CityOS
from cityos_core.kernel.ids import NodeId, OrderId, ProductId, TenantId, VendorId
from cityos_core.kernel.money import Money, UnitPrice
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.disputes import DisputeOutcome
from cityos_core.testing import START, city, line, market, order_draft
from cityos_core.vendors.model import TeamRole
from usecases.town import code, detail

NOBODY: Final = UUID(int=7)

by = pytest.mark.parametrize("by", ["name", "id"])
A_DAY: Final = (START, START + timedelta(days=1))
FIVE: Final = Money.of("5.00", "EUR")


@frozen
class Two:
    """Two tenants that have things of the same names: a store, a vendor, a product and an order."""

    database: MemoryDatabase = field(factory=MemoryDatabase)
    app: CityOS = field(init=False)
    scope: TenantScope = field(init=False)
    other: TenantScope = field(init=False)

    @app.default
    def _app(self) -> CityOS:
        return city(unit_of_work=self.database)

    @scope.default
    def _scope(self) -> TenantScope:
        return self._market("north")

    @other.default
    def _other(self) -> TenantScope:
        return self._market("south")

    def _market(self, handle: str) -> TenantScope:
        scope = market(self.app, handle).scope
        self.app.stores.create(scope, "web", name="Web")
        self.app.orders.place(scope, order_draft("A-1", line(quantity=2)))
        return scope

    def told(self, name: str, word: str) -> list[str]:
        """List what the events of one kind, told so far, say at a word."""
        return [getattr(event, word) for event in self.database.outbox if event.name == name]


@by
def test_vendors(by: str) -> None:
    """Whatever is done with a vendor may name it by its id; what is told of it uses its handle."""
    two = Two()
    vendors, scope = two.app.vendors, two.scope
    acme = vendors.get(scope, "acme")
    name = acme.id if by == "id" else "acme"
    assert vendors.get(scope, name) == acme
    vendors.change(scope, name, payout_schedule="weekly:5")
    vendors.invite(scope, name, "jo@acme.example", TeamRole.OWNER)
    vendors.join(scope, name, "jo@acme.example")
    vendors.invite(scope, name, "al@acme.example", TeamRole.STAFF)
    vendors.change_role(scope, name, "al@acme.example", TeamRole.MANAGER)
    vendors.remove_member(scope, name, "al@acme.example")
    vendors.set_payout_account(scope, name, method="bank", reference="DE02", holder="Acme")
    vendors.verify_payout_account(scope, name, reference="DE02")
    vendors.suspend(scope, name, reason="papers")
    vendors.reinstate(scope, name)
    assert code(lambda: vendors.requirement(scope, name, "terms", "submit")) == "invalid_state"
    assert "acme" in detail(lambda: vendors.verify_payout_account(scope, name, reference="DE03"))
    assert "acme" in detail(lambda: vendors.terminate(scope, name))
    assert vendors.get(scope, "acme").team[0].email == "jo@acme.example"
    assert set(two.told("vendor.team_changed", "vendor")) == {"acme"}
    assert two.told("vendor.payout_account_changed", "vendor")[-2:] == ["acme", "acme"]
    assert two.told("vendor.stepped", "vendor")[-2:] == ["acme", "acme"]


@by
def test_vendors_in_the_books(by: str) -> None:
    """A vendor's statement and the payout it asks for may name it by its id."""
    two = Two()
    name = two.app.vendors.get(two.scope, "acme").id if by == "id" else "acme"
    statement = two.app.ledger.statement(two.scope, name, *A_DAY)
    assert (statement.vendor, statement.sections[0].closing.pending) == ("acme", 20000)
    assert code(lambda: two.app.payouts.request(two.scope, name, FIVE)) == "not_available"


def test_vendors_that_are_not_there() -> None:
    """Another tenant's vendor, and an id that nothing has, read the same as an unknown handle."""
    two = Two()
    for name in (two.app.vendors.get(two.other, "acme").id, VendorId(NOBODY), "nobody"):
        assert code(partial(two.app.vendors.get, two.scope, name)) == "vendor_not_found"
        assert code(partial(two.app.vendors.suspend, two.scope, name, reason="x")) == "vendor_not_found"
        assert code(partial(two.app.ledger.statement, two.scope, name, *A_DAY)) == "vendor_not_found"
        assert code(partial(two.app.payouts.request, two.scope, name, FIVE)) == "vendor_not_found"


@by
def test_products(by: str) -> None:
    """Whatever is done with a product may name it by its id: then its own sku is meant."""
    two = Two()
    products, scope = two.app.products, two.scope
    chair = products.get(scope, "chair")
    name = chair.id if by == "id" else "chair"
    assert products.get(scope, name) == chair
    products.change(scope, name, title="Armchair", unit_price=UnitPrice.of("120.00", "EUR"))
    products.withdraw(scope, name)
    products.publish(scope, name)
    assert products.set_stock(scope, name, 12).sku == "chair"
    after = products.get(scope, "chair")
    assert (after.title, after.variants[0].unit_price.text) == ("Armchair", "120.00")
    products.archive(scope, name)


def test_products_that_are_not_there() -> None:
    """Another tenant's product, and an id that nothing has, read the same as an unknown sku."""
    two = Two()
    for name in (two.app.products.get(two.other, "chair").id, ProductId(NOBODY), "nothing"):
        assert code(partial(two.app.products.get, two.scope, name)) == "product_not_found"
        assert code(partial(two.app.products.set_stock, two.scope, name, 1)) == "product_not_found"


@by
def test_orders(by: str) -> None:
    """Whatever is done with an order may name it by its id; what is told of it uses its reference."""
    two = Two()
    orders, scope = two.app.orders, two.scope
    placed = orders.get(scope, "A-1")
    name = placed.id if by == "id" else "A-1"
    assert orders.get(scope, name) == placed
    orders.open_dispute(scope, name, "dp_1", amount=FIVE)
    orders.close_dispute(scope, name, "dp_1", DisputeOutcome.WON)
    assert "A-1" in detail(lambda: orders.fulfil(scope, name, at=START - timedelta(days=1)))
    orders.fulfil(scope, name, items={"1": 1})
    assert orders.refund(scope, name, amount=FIVE, key="r1").amount == 500
    assert code(lambda: orders.cancel(scope, name)) == "invalid_state"
    orders.fulfil(scope, name)
    orders.deliver(scope, name)
    assert two.told("order.delivered", "reference") == two.told("order.completed", "reference") == ["A-1"]


def test_orders_that_are_not_there() -> None:
    """Another tenant's order, and an id that nothing has, read the same as an unknown reference."""
    two = Two()
    for name in (two.app.orders.get(two.other, "A-1").id, OrderId(NOBODY), "nothing"):
        assert code(partial(two.app.orders.get, two.scope, name)) == "order_not_found"
        assert code(partial(two.app.orders.cancel, two.scope, name)) == "order_not_found"


@by
def test_stores(by: str) -> None:
    """A store is read and changed by its handle or its id."""
    two = Two()
    web = two.app.stores.get(two.scope, "web")
    name = web.id if by == "id" else "web"
    assert two.app.stores.get(two.scope, name) == web
    two.app.stores.change(two.scope, name, name="Shop")
    assert two.app.stores.get(two.scope, "web").name == "Shop"


def test_stores_that_are_not_there() -> None:
    """Another tenant's store, and an id that nothing has, read the same as an unknown handle."""
    two = Two()
    for name in (two.app.stores.get(two.other, "web").id, NodeId(NOBODY), "nowhere"):
        assert code(partial(two.app.stores.get, two.scope, name)) == "store_not_found"
        assert code(partial(two.app.stores.change, two.scope, name, name="mine")) == "store_not_found"


@by
def test_tenants(by: str) -> None:
    """Whatever the platform does with a tenant may name it by its id."""
    two = Two()
    tenants = two.app.tenants
    north, south = tenants.get("north"), tenants.get("south")
    name, above = (north.id, south.id) if by == "id" else ("north", "south")
    assert tenants.get(name) == north
    tenants.change(name, name="North")
    assert tenants.set_parent(name, above).parent_tenant_id == south.id
    assert code(lambda: tenants.set_parent(above, name)) == "cycle"
    tenants.suspend(name, reason="papers")
    tenants.activate(name)
    tenants.offboard(name, reason="moved away")
    assert code(lambda: tenants.archive(name)) == "money_open"
    place = "de/north-city/food/retail"
    east = tenants.create("east", parent=place, name="East", currency="EUR", parent_tenant=above)
    assert east.parent_tenant_id == south.id


def test_tenants_that_are_not_there() -> None:
    """An id that no tenant has reads the same as an unknown handle."""
    two = Two()
    for name in (TenantId(NOBODY), "nowhere"):
        assert code(partial(two.app.tenants.get, name)) == "tenant_not_found"
        assert code(partial(two.app.tenants.suspend, name, reason="x")) == "tenant_not_found"
