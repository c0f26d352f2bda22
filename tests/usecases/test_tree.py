"""Growing, changing, moving and archiving the tree."""

import pytest

from cityos_core.kernel.errors import Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.events import NodeArchived, NodeMoved
from cityos_core.tenancy.model import Level, NodeStatus
from usecases.town import WHOLESALE, Town, code, detail

PLATFORM = PlatformScope()


def test_adding_a_path_makes_what_is_missing() -> None:
    """One path makes a node at each of its levels, the country named in English."""
    town = Town.empty()
    node = town.tree.add(WHOLESALE, name="Wholesale food")
    nodes = town.tree.list()
    assert [found.path for found in nodes] == ["de", "de/green-city", "de/green-city/food", WHOLESALE]
    assert [found.level for found in nodes] == [Level.COUNTRY, Level.SCOPE, Level.CATEGORY, Level.SUBCATEGORY]
    assert [found.name for found in nodes] == ["Germany", "green-city", "food", "Wholesale food"]
    assert [found.parent_id for found in nodes] == [None, *(found.id for found in nodes[:-1])]
    assert nodes[-1] == node


def test_adding_twice_changes_nothing() -> None:
    """A path that is there already is given as it is; another name for it is a conflict."""
    town = Town.empty()
    first = town.tree.add(WHOLESALE, name="Wholesale")
    assert town.tree.add(WHOLESALE) == first
    assert town.tree.add(WHOLESALE, name="Wholesale") == first
    assert len(town.tree.list()) == 4
    with pytest.raises(Conflict, match="Wholesale"):
        town.tree.add(WHOLESALE, name="Retail")


@pytest.mark.parametrize("path", ["", "germany", "xx", "de/Green", "de//food", "/de", "de/a/b/c/d", "DE", "de/a b"])
def test_paths_that_cannot_be(path: str) -> None:
    """A path starts with a country code, has at most four handles, and each is a handle; nothing is made otherwise."""
    town = Town.empty()
    with pytest.raises(Invalid):
        town.tree.add(path)
    assert town.tree.list() == []


def test_listing_a_part() -> None:
    """A path lists its node and what is below it, not its siblings, however alike their handles are."""
    town = Town.empty()
    town.tree.add("de/a/b")
    town.tree.add("de/a-z")
    assert [node.path for node in town.tree.list("de/a")] == ["de/a", "de/a/b"]


def test_changing_a_node() -> None:
    """A name or metadata changes alone; handle and path stay."""
    town = Town.empty()
    town.tree.add(WHOLESALE)
    town.tree.change(WHOLESALE, name="Trade")
    node = town.tree.change(WHOLESALE, metadata={"manager": "Kim"})
    assert (node.name, node.path, dict(node.metadata)) == ("Trade", WHOLESALE, {"manager": "Kim"})
    with pytest.raises(NotFound):
        town.tree.change("de/elsewhere", name="x")


def test_archiving_from_below() -> None:
    """A node in use below forbids archiving; an archived one takes nothing new and can be restored from above."""
    town = Town.empty()
    town.tree.add("de/city/food")
    with pytest.raises(Refused, match="de/city/food"):
        town.tree.archive("de/city")
    town.tree.archive("de/city/food")
    town.tree.archive("de/city")
    assert code(lambda: town.tree.add("de/city/drinks")) == "node_archived"
    assert code(lambda: town.tree.archive("de/city")) == "node_archived"
    assert code(lambda: town.tree.restore("de/city/food")) == "node_archived"
    town.tree.restore("de/city")
    assert town.tree.restore("de/city/food").status is NodeStatus.ACTIVE
    assert len(town.happened(NodeArchived)) == 2


def test_tenants_and_stores_are_not_changed_as_nodes() -> None:
    """The tree's own use cases leave tenants and stores alone."""
    town = Town.empty()
    tenant = town.tenant()
    town.stores.create(tenant.scope, "web", name="Web")
    for path in (tenant.path, tenant.path + "/web"):
        with pytest.raises(Refused, match="not as a node"):
            town.tree.archive(path)
        with pytest.raises(Refused, match="not as a node"):
            town.tree.change(path, name="x")


def test_a_move_takes_everything_along() -> None:
    """Nodes, tenants and stores below a moved node get its new path; ids, and the tenant's data, stay."""
    town = Town.empty()
    tenant = town.tenant()
    store = town.stores.create(tenant.scope, "web", name="Web")
    town.tree.add("fr/paris")
    move = town.tree.move("de/green-city/food", "fr/paris")
    assert (move.from_path, move.to_path, move.nodes) == ("de/green-city/food", "fr/paris/food", 4)
    assert [node.path for node in town.tree.list("fr/paris/food")] == [
        "fr/paris/food",
        "fr/paris/food/wholesale",
        "fr/paris/food/wholesale/north",
        "fr/paris/food/wholesale/north/web",
    ]
    assert town.tree.list("de/green-city/food") == []
    moved = town.tenants.get("north")
    assert (moved.id, moved.path, moved.country) == (tenant.id, "fr/paris/food/wholesale/north", "fr")
    assert town.stores.get(moved.scope, "web") == store
    (event,) = town.happened(NodeMoved)
    assert event.subject == move.node.id


def test_a_tenant_moves_to_another_subcategory() -> None:
    """A tenant is a node too."""
    town = Town.empty()
    town.tenant()
    town.tree.add("fr/paris/food/retail")
    town.tree.move(WHOLESALE + "/north", "fr/paris/food/retail")
    assert town.tenants.get("north").path == "fr/paris/food/retail/north"


def test_moves_that_cannot_be() -> None:
    """Cycles, levels that do not fit, unknown places, taken handles, archived parents and stores: each says why."""
    town = Town.empty()
    tenant = town.tenant()
    town.stores.create(tenant.scope, "web", name="Web")
    town.tree.add("fr/paris/food/retail")
    town.tree.add("fr/lyon")
    town.tree.archive("fr/lyon")
    before = town.tree.list()
    assert code(lambda: town.tree.move("de/green-city", "de/green-city")) == "cycle"
    assert code(lambda: town.tree.move("de/green-city", "de/green-city/food")) == "cycle"
    assert code(lambda: town.tree.move("de/green-city", "fr/paris")) == "wrong_level"
    assert code(lambda: town.tree.move("de", "fr")) == "wrong_level"
    assert code(lambda: town.tree.move("de/green-city", "it")) == "node_not_found"
    assert code(lambda: town.tree.move("de/nowhere", "fr")) == "node_not_found"
    assert code(lambda: town.tree.move("de/green-city/food", "fr/paris")) == "handle_taken"
    assert code(lambda: town.tree.move("de/green-city/food", "fr/paris", dry_run=True)) == "handle_taken"
    assert code(lambda: town.tree.move("de/green-city/food", "fr/lyon")) == "node_archived"
    assert code(lambda: town.tree.move(tenant.path + "/web", "fr/paris/food/retail")) == "store_is_tied"
    assert "which is a scope" in detail(lambda: town.tree.move("de/green-city", "fr/paris"))
    assert town.tree.list() == before


def test_a_dry_run_shows_the_changes_and_makes_none() -> None:
    """Before a move, every effective setting that would change below is named with both values and their origins."""
    town = Town.empty()
    tenant = town.tenant()
    town.stores.create(tenant.scope, "web", name="Web")
    town.tree.add("fr/paris")
    town.settings.set(PLATFORM, "holding_days", 14, node="de")
    town.settings.set(PLATFORM, "holding_days", 3, node="fr", locked=True)
    town.settings.set(tenant.scope, "payment_gateway", "sepa")
    before = town.tree.list()
    move = town.tree.move("de/green-city/food", "fr/paris", dry_run=True)
    assert move.dry_run
    assert town.tree.list() == before
    assert {
        (change.key, change.before, change.after, change.origin_before, change.origin_after) for change in move.changes
    } == {("holding_days", 14, 3, "de", "fr")}
    assert [change.path for change in move.changes] == [
        "de/green-city/food",
        WHOLESALE,
        tenant.path,
        tenant.path + "/web",
    ]


def test_a_move_to_where_it_is() -> None:
    """Moving a node under its own parent changes nothing and tells nobody."""
    town = Town.empty()
    town.tenant()
    before = town.tree.list()
    move = town.tree.move(WHOLESALE, "de/green-city/food")
    assert (move.changes, move.to_path) == ((), WHOLESALE)
    assert town.tree.list() == before
    assert town.happened(NodeMoved) == []
