"""The stores of a tenant."""

from cityos_core.tenancy.events import StoreCreated
from cityos_core.tenancy.model import Audience, Level, Portal
from usecases.town import Town, code


def test_creating_a_store() -> None:
    """A store is a node under its tenant, with countries as codes however they were written."""
    town = Town.empty()
    tenant = town.tenant()
    portal = Portal(Audience.VENDOR, ("owner", "manager"))
    store = town.stores.create(
        tenant.scope, "web", name="Web", countries=["France", "de"], currencies=["EUR"], portals=[portal]
    )
    assert (store.countries, store.currencies, store.portals) == (("DE", "FR"), ("EUR",), (portal,))
    node = town.tree.list(tenant.path)[-1]
    assert (node.id, node.level, node.path) == (store.id, Level.STORE, tenant.path + "/web")
    assert town.stores.get(tenant.scope, "web") == store
    assert len(town.happened(StoreCreated)) == 1


def test_changing_a_store() -> None:
    """What is given changes, with the node's name; what is not stays, and empty is not absent."""
    town = Town.empty()
    scope = town.scope()
    town.stores.create(scope, "web", name="Web", countries=["DE"], currencies=["EUR"])
    store = town.stores.change(scope, "web", name="Shop", countries=[])
    assert (store.name, store.countries, store.currencies) == ("Shop", (), ("EUR",))
    assert town.tree.list()[-1].name == "Shop"


def test_what_is_given_is_checked() -> None:
    """Unknown countries and currencies, an empty name, and two portals for one audience are invalid."""
    town = Town.empty()
    scope = town.scope()
    twice = [Portal(Audience.ADMIN), Portal(Audience.ADMIN, ("owner",))]
    assert code(lambda: town.stores.create(scope, "web", name="Web", countries=["Atlantis"])) == "unknown_country"
    assert code(lambda: town.stores.create(scope, "web", name="Web", currencies=["EURO"])) == "unknown_currency"
    assert code(lambda: town.stores.create(scope, "web", name=" ")) == "missing_name"
    assert code(lambda: town.stores.create(scope, "web", name="Web", portals=twice)) == "duplicate_portal"
    assert town.stores.list(scope) == []


def test_each_tenant_has_its_own() -> None:
    """Two tenants may both have a store called web, and neither sees the other's."""
    town = Town.empty()
    north, south = town.scope("north"), town.scope("south")
    town.stores.create(north, "web", name="North's")
    town.stores.create(south, "web", name="South's")
    assert [store.name for store in town.stores.list(north)] == ["North's"]
    assert code(lambda: town.stores.create(north, "web", name="Again")) == "handle_taken"
    town.stores.create(south, "app", name="App")
    assert code(lambda: town.stores.get(north, "app")) == "store_not_found"
