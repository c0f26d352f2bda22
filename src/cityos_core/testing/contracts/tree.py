"""The contract of the tree and of revisions."""

import pytest
from attrs import evolve

from cityos_core.kernel.ids import PLATFORM, NodeId
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.model import Level, Node, NodeStatus
from cityos_core.testing.contracts import examples
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, raised
from cityos_core.unit_of_work import UnitOfWorkFactory

WHOLE_TREE = [
    "xa",
    "xa/food",
    "xa/food/retail",
    "xa/food/retail/north",
    "xa/food/retail/north/web",
    "xa/food/retail/south",
    "xa/food/retail/south/web",
]


def paths(nodes: list[Node]) -> list[str]:
    """List the paths of nodes."""
    return [node.path for node in nodes]


class TreeContract(Contract):
    """Nodes: who sees and writes which, unique handles among siblings, order by path, optimistic versions."""

    def test_round_trip(self, north: Place) -> None:
        """A node comes back with every field it was stored with."""
        assert north.see(lambda uow: uow.tree.get(north.node.id)) == north.node

    @pytest.mark.usefixtures("north", "south")
    def test_the_platform_sees_everything_by_path(self, unit_of_work: UnitOfWorkFactory) -> None:
        """The platform lists all nodes in order of their paths."""
        with unit_of_work(PlatformScope()) as uow:
            assert paths(uow.tree.under()) == WHOLE_TREE

    def test_a_tenant_sees_the_upper_tree_and_its_own(self, north: Place, south: Place) -> None:
        """Another tenant's nodes are neither listed nor found."""
        own = [path for path in WHOLE_TREE if "south" not in path]
        assert paths(north.see(lambda uow: uow.tree.under())) == own
        assert north.see(lambda uow: uow.tree.at([south.node.path])) == []
        assert north.see(lambda uow: uow.tree.under(south.node.path)) == []
        assert raised(north.see, lambda uow: uow.tree.get(south.node.id)) == "node_not_found"
        assert raised(north.see, lambda uow: uow.tree.get(NodeId(nobody()))) == "node_not_found"

    def test_at_leaves_out_what_is_not_there(self, north: Place) -> None:
        """Paths without a node are left out, repeated ones counted once, and the answer is by path."""
        asked = ["xa/food", "nowhere", "xa", "xa", "xa/foo"]
        assert paths(north.see(lambda uow: uow.tree.at(asked))) == ["xa", "xa/food"]

    def test_under_is_by_whole_handles(self, unit_of_work: UnitOfWorkFactory, north: Place) -> None:
        """A node whose handle only begins like another's is not below it."""
        with unit_of_work(PlatformScope()) as uow:
            for handle in ("xa-2", "x", "xab"):
                uow.tree.add(examples.node(NodeId(north.ids.new()), PLATFORM, None, Level.COUNTRY, handle))
            uow.commit()
        assert paths(north.see(lambda uow: uow.tree.under("xa/food"))) == WHOLE_TREE[1:5]
        assert paths(north.see(lambda uow: uow.tree.under())) == ["x", "xa", "xa-2", *WHOLE_TREE[1:5], "xab"]
        assert north.see(lambda uow: uow.tree.under("nowhere")) == []

    def test_handles_are_unique_among_siblings(self, unit_of_work: UnitOfWorkFactory, north: Place) -> None:
        """A sibling's handle is taken, at the root too; the same handle elsewhere is free."""
        upper = north.see(lambda uow: uow.tree.at(["xa", "xa/food"]))
        for parent, handle in ((upper[0], "food"), (None, "xa")):
            twin = examples.node(NodeId(north.ids.new()), PLATFORM, parent, Level.SCOPE, handle)
            assert raised(add, unit_of_work, twin) == "handle_taken"
        assert len(north.see(lambda uow: uow.tree.under())) == 5
        add(unit_of_work, examples.node(NodeId(north.ids.new()), PLATFORM, upper[1], Level.CATEGORY, "food"))
        assert paths(north.see(lambda uow: uow.tree.under("xa/food")))[1] == "xa/food/food"

    def test_moving_under_a_sibling_of_that_name_is_refused(
        self, unit_of_work: UnitOfWorkFactory, north: Place
    ) -> None:
        """A move that would make two siblings share a handle leaves every node of the move as it was."""
        spare = examples.node(NodeId(north.ids.new()), PLATFORM, None, Level.COUNTRY, "xb")
        food = examples.node(NodeId(north.ids.new()), PLATFORM, spare, Level.SCOPE, "food")
        add(unit_of_work, spare)
        add(unit_of_work, food)
        upper = north.see(lambda uow: uow.tree.at(["xa"]))[0]
        moved = evolve(food, parent_id=upper.id, path="xa/food")
        assert raised(save, unit_of_work, evolve(spare, name="renamed"), moved) == "handle_taken"
        assert north.see(lambda uow: uow.tree.under("xb")) == [spare, food]

    def test_saving_counts_versions(self, unit_of_work: UnitOfWorkFactory, north: Place) -> None:
        """Several nodes are saved at once, each one version up, with every field changed."""
        shop = north.see(lambda uow: uow.tree.at(["xa/food/retail/north/web"]))[0]
        changed = [evolve(north.node, name="North", metadata={}), evolve(shop, status=NodeStatus.ARCHIVED, name="Shop")]
        save(unit_of_work, *changed)
        expected = [evolve(node, version=2) for node in changed]
        assert north.see(lambda uow: uow.tree.under(north.node.path)) == expected

    def test_a_stale_node_stops_the_whole_save(self, unit_of_work: UnitOfWorkFactory, north: Place) -> None:
        """If one of several nodes was changed since it was read, none is saved."""
        upper = north.see(lambda uow: uow.tree.at(["xa"]))[0]
        save(unit_of_work, evolve(north.node, name="first"))
        assert raised(save, unit_of_work, evolve(upper, name="second"), evolve(north.node, name="second")) == "stale"
        assert north.see(lambda uow: uow.tree.get(upper.id)) == upper
        assert north.see(lambda uow: uow.tree.get(north.node.id).name) == "first"

    def test_one_of_many_writers_wins(self, unit_of_work: UnitOfWorkFactory, north: Place) -> None:
        """Of writers that read the same version, exactly one saves and the others are told that theirs is stale."""
        answers = at_once(lambda number: save(unit_of_work, evolve(north.node, name=f"{number}")), times=4)
        assert codes(answers) == ["stale"] * 3
        assert north.see(lambda uow: uow.tree.get(north.node.id).version) == 2

    def test_a_tenant_writes_its_own_nodes_only(self, north: Place, south: Place) -> None:
        """Neither the platform's nor a neighbour's nodes can be added to or changed by a tenant."""
        upper = north.see(lambda uow: uow.tree.at(["xa"]))[0]
        raised(north.do, lambda uow: uow.tree.save([evolve(upper, name="mine")]))
        raised(north.do, lambda uow: uow.tree.save([evolve(upper, tenant_id=north.id)]))
        raised(north.do, lambda uow: uow.tree.save([evolve(south.node, name="mine")]))
        raised(north.do, lambda uow: uow.tree.save([evolve(south.node, tenant_id=north.id)]))
        for owner, parent in ((south.id, south.node), (PLATFORM, upper)):
            raised(add_in, north, examples.node(NodeId(north.ids.new()), owner, parent, Level.STORE, "new"))
        assert south.see(lambda uow: uow.tree.get(south.node.id)) == south.node
        assert paths(south.see(lambda uow: uow.tree.under())) == [path for path in WHOLE_TREE if "north" not in path]
        assert north.see(lambda uow: uow.tree.get(upper.id)) == upper

    def test_tenants_of_one_handle_may_have_stores_of_one_handle(self, north: Place, south: Place) -> None:
        """Two tenants' stores share a handle without meeting."""
        assert paths(north.see(lambda uow: uow.tree.under("xa/food/retail/north")))[1] == "xa/food/retail/north/web"
        assert paths(south.see(lambda uow: uow.tree.under("xa/food/retail/south")))[1] == "xa/food/retail/south/web"


def add_in(place: Place, node: Node) -> None:
    """Add a node as a tenant."""
    place.do(lambda uow: uow.tree.add(node))


def add(unit_of_work: UnitOfWorkFactory, node: Node) -> None:
    """Add a node as the platform."""
    with unit_of_work(PlatformScope()) as uow:
        uow.tree.add(node)
        uow.commit()


def save(unit_of_work: UnitOfWorkFactory, *nodes: Node) -> None:
    """Save nodes as the platform."""
    with unit_of_work(PlatformScope()) as uow:
        uow.tree.save(nodes)
        uow.commit()
