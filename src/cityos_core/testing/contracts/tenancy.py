"""The contract of the register of tenants, stores, setting values and revisions."""

import pytest
from attrs import evolve

from cityos_core.kernel.ids import PLATFORM, NodeId, TenantId
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.model import Json, Level, SettingEntry, Tenant, TenantStatus
from cityos_core.testing.contracts.examples import LARGEST, WORDS
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, raised
from cityos_core.unit_of_work import UnitOfWorkFactory

VALUES: tuple[Json, ...] = (
    None,
    True,
    0,
    LARGEST,
    "",
    WORDS,
    [],
    {},
    [1, "1", True, None, [LARGEST]],
    {"nested": {"list": [{"ü": "ß"}], "empty": {}}, "zero": 0, "false": False},
)


class TenantsContract(Contract):
    """The register: the platform has all, a tenant finds itself."""

    def test_round_trip(self, north: Place, south: Place) -> None:
        """A tenant comes back with every field, by id and by handle."""
        assert south.tenant.parent_tenant_id == north.id
        assert south.see(lambda uow: uow.tenants.get(south.id)) == south.tenant
        assert south.see(lambda uow: uow.tenants.named("south")) == south.tenant

    def test_lists(self, unit_of_work: UnitOfWorkFactory, north: Place, south: Place) -> None:
        """The platform lists all tenants by handle, a tenant itself."""
        with unit_of_work(PlatformScope()) as uow:
            assert uow.tenants.all() == [north.tenant, south.tenant]
        assert south.see(lambda uow: uow.tenants.all()) == [south.tenant]

    def test_a_neighbour_is_nobody(self, north: Place, south: Place) -> None:
        """Another tenant reads the same as none at all."""
        assert raised(north.see, lambda uow: uow.tenants.get(south.id)) == "tenant_not_found"
        assert raised(north.see, lambda uow: uow.tenants.get(TenantId(nobody()))) == "tenant_not_found"
        assert raised(north.see, lambda uow: uow.tenants.named("south")) == "tenant_not_found"
        assert raised(north.see, lambda uow: uow.tenants.named("nowhere")) == "tenant_not_found"

    @pytest.mark.usefixtures("north")
    def test_handles_are_unique(self, unit_of_work: UnitOfWorkFactory, south: Place) -> None:
        """A tenant cannot take another's handle."""
        assert raised(save, unit_of_work, evolve(south.tenant, handle="north")) == "handle_taken"
        assert south.see(lambda uow: uow.tenants.get(south.id)) == south.tenant

    def test_saving_counts_versions(self, unit_of_work: UnitOfWorkFactory, north: Place) -> None:
        """A saved tenant is one version up; saving the one that was read before is stale."""
        changed = evolve(north.tenant, status=TenantStatus.ACTIVE, reason=None, name="North", time_zone="UTC")
        save(unit_of_work, changed)
        assert north.see(lambda uow: uow.tenants.get(north.id)) == evolve(changed, version=2)
        assert raised(save, unit_of_work, north.tenant) == "stale"

    def test_one_of_many_writers_wins(self, unit_of_work: UnitOfWorkFactory, north: Place) -> None:
        """Of writers that read the same version, exactly one saves."""
        answers = at_once(lambda number: save(unit_of_work, evolve(north.tenant, name=f"{number}")), times=4)
        assert codes(answers) == ["stale"] * 3

    def test_a_tenant_does_not_write_its_neighbour(self, north: Place, south: Place) -> None:
        """A tenant's scope cannot change another tenant."""
        raised(north.do, lambda uow: uow.tenants.save(evolve(south.tenant, name="mine")))
        assert south.see(lambda uow: uow.tenants.get(south.id)) == south.tenant


class StoresContract(Contract):
    """Stores: unique handles within a tenant, by handle, with optimistic versions."""

    def test_round_trip(self, north: Place, south: Place) -> None:
        """A store comes back with every field, by id and by handle; a neighbour's of the same handle is another one."""
        assert north.see(lambda uow: uow.stores.get(north.store.id)) == north.store
        assert north.see(lambda uow: uow.stores.named("web")) == north.store
        assert south.see(lambda uow: uow.stores.named("web")) == south.store

    def test_unknown(self, north: Place, south: Place) -> None:
        """A handle or an id without a store is not found, and neither is a neighbour's."""
        assert raised(north.see, lambda uow: uow.stores.named("nowhere")) == "store_not_found"
        assert raised(north.see, lambda uow: uow.stores.get(NodeId(nobody()))) == "store_not_found"
        assert raised(north.see, lambda uow: uow.stores.get(south.store.id)) == "store_not_found"

    def test_lists_own_by_handle(self, north: Place, south: Place) -> None:
        """A tenant lists its own stores by handle."""
        before = evolve(north.store, id=_shop(north, "a-b"), handle="a-b", portals=(), countries=(), currencies=())
        north.do(lambda uow: uow.stores.add(before))
        assert north.see(lambda uow: uow.stores.all()) == [before, north.store]
        assert south.see(lambda uow: uow.stores.all()) == [south.store]

    def test_handles_are_unique_within_the_tenant(self, north: Place) -> None:
        """A second store of one handle is refused."""
        twin = evolve(north.store, id=_shop(north, "other"))
        assert raised(north.do, lambda uow: uow.stores.add(twin)) == "handle_taken"
        assert north.see(lambda uow: uow.stores.all()) == [north.store]

    def test_saving_counts_versions(self, north: Place) -> None:
        """A saved store is one version up; saving the one that was read before is stale."""
        changed = evolve(north.store, name="Shop", kind="brand", channel="app", countries=("ch",), portals=())
        north.do(lambda uow: uow.stores.save(changed))
        assert north.see(lambda uow: uow.stores.named("web")) == evolve(changed, version=2)
        assert raised(north.do, lambda uow: uow.stores.save(north.store)) == "stale"

    def test_a_neighbours_store_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Neither as its own nor as the neighbour's can a tenant change a neighbour's store."""
        raised(north.do, lambda uow: uow.stores.save(evolve(south.store, name="mine")))
        raised(north.do, lambda uow: uow.stores.save(evolve(south.store, tenant_id=north.id)))
        new = evolve(south.store, id=_shop(north, "x"), handle="x")
        raised(north.do, lambda uow: uow.stores.add(new))
        assert south.see(lambda uow: uow.stores.all()) == [south.store]


class SettingsContract(Contract):
    """Setting values: any JSON without floats, replaced in place, platform's shared with all."""

    def test_round_trip(self, north: Place) -> None:
        """Every kind of value comes back equal and of the same types."""
        entries = [_entry(north.id, north.node.id, f"key_{number}", value) for number, value in enumerate(VALUES)]
        put(north, *entries)
        found = north.see(lambda uow: uow.settings.at([north.node.id]))
        assert found == entries
        assert [repr(entry.value) for entry in found] == [repr(value) for value in VALUES]

    def test_a_held_value_is_not_the_stored_one(self, north: Place) -> None:
        """Changing a list that was stored, or one that was read, changes nothing that is stored."""
        value: list[Json] = ["kept"]
        put(north, _entry(north.id, north.node.id, "list", value))
        value.append("later")
        found = north.see(lambda uow: uow.settings.at([north.node.id]))[0].value
        assert found == ["kept"]
        assert isinstance(found, list)
        found.append("later")
        assert north.see(lambda uow: uow.settings.at([north.node.id]))[0].value == ["kept"]

    def test_putting_replaces(self, north: Place) -> None:
        """A second value takes the place of the first, lock included."""
        put(north, _entry(north.id, north.node.id, "a", 1, locked=True))
        put(north, _entry(north.id, north.node.id, "a", 2))
        assert north.see(lambda uow: uow.settings.at([north.node.id])) == [_entry(north.id, north.node.id, "a", 2)]

    def test_removing(self, north: Place) -> None:
        """A removed value is gone, the others stay, and removing it again does nothing."""
        kept = _entry(north.id, north.node.id, "b", 2)
        put(north, _entry(north.id, north.node.id, "a", 1))
        put(north, kept)
        for _ in range(2):
            north.do(lambda uow: uow.settings.remove(north.node.id, "a"))
        assert north.see(lambda uow: uow.settings.at([north.node.id])) == [kept]

    def test_who_sees_what_in_order(self, unit_of_work: UnitOfWorkFactory, north: Place, south: Place) -> None:
        """A tenant reads the platform's values and its own, the platform everyone's, by node and key."""
        upper = north.see(lambda uow: uow.tree.at(["xa"]))[0]
        shared = [_entry(PLATFORM, upper.id, key, key) for key in ("b", "a")]
        with unit_of_work(PlatformScope()) as uow:
            for entry in (*shared, _entry(south.id, south.node.id, "by_platform", value=True)):
                uow.settings.put(entry)
            uow.commit()
        put(north, _entry(north.id, north.node.id, "c", 1))
        asked = [south.node.id, north.node.id, upper.id, upper.id]
        assert [entry.key for entry in north.see(lambda uow: uow.settings.at(asked))] == ["a", "b", "c"]
        assert [entry.key for entry in south.see(lambda uow: uow.settings.at(asked))] == ["a", "b", "by_platform"]
        with unit_of_work(PlatformScope()) as uow:
            assert [entry.key for entry in uow.settings.at(asked)] == ["a", "b", "c", "by_platform"]
            assert uow.settings.at([]) == []

    def test_a_tenant_writes_its_own_only(self, unit_of_work: UnitOfWorkFactory, north: Place, south: Place) -> None:
        """A tenant can neither put nor remove a neighbour's or the platform's value."""
        upper = north.see(lambda uow: uow.tree.at(["xa"]))[0]
        entries = [_entry(PLATFORM, upper.id, "a", 1), _entry(south.id, south.node.id, "a", 1)]
        with unit_of_work(PlatformScope()) as uow:
            for entry in entries:
                uow.settings.put(entry)
            uow.commit()
        for entry in entries:
            raised(put, north, evolve(entry, value="mine"))
            remove(north, entry)
        assert south.see(lambda uow: uow.settings.at([upper.id, south.node.id])) == entries


class RevisionsContract(Contract):
    """The word that tells whether configuration changed."""

    def test_every_kind_of_write_changes_the_word(self, north: Place) -> None:
        """Writes to nodes, stores and settings change what the tenant sees; reading does not."""
        seen = [_word(north)]
        north.do(lambda uow: uow.tree.save([evolve(north.node, name="North")]))
        seen.append(_word(north))
        north.do(lambda uow: uow.stores.save(evolve(north.store, name="Shop")))
        seen.append(_word(north))
        put(north, _entry(north.id, north.node.id, "a", 1))
        seen.append(_word(north))
        north.do(lambda uow: uow.settings.remove(north.node.id, "a"))
        seen.append(_word(north))
        assert len(set(seen)) == len(seen)
        north.do(lambda uow: uow.tree.under())
        assert _word(north) == seen[-1]

    def test_the_platforms_writes_reach_everyone(self, unit_of_work: UnitOfWorkFactory, north: Place) -> None:
        """A write by the platform changes the word of every tenant, and the platform's."""
        before, platform = _word(north), _platform_word(unit_of_work)
        save(unit_of_work, evolve(north.tenant, name="North"))
        assert _word(north) != before
        assert _platform_word(unit_of_work) != platform

    def test_a_neighbours_writes_do_not(self, north: Place, south: Place) -> None:
        """A tenant's own writes leave the neighbour's word as it was."""
        before = _word(south)
        put(north, _entry(north.id, north.node.id, "a", 1))
        assert _word(south) == before

    def test_what_was_changed_and_is_about_to_be_committed_counts(self, north: Place) -> None:
        """Within a unit of work a write changes the word at once."""
        with north.open() as uow:
            before = uow.revisions.current()
            uow.settings.put(_entry(north.id, north.node.id, "a", 1))
            assert uow.revisions.current() != before


def save(unit_of_work: UnitOfWorkFactory, tenant: Tenant) -> None:
    """Save a tenant as the platform."""
    with unit_of_work(PlatformScope()) as uow:
        uow.tenants.save(tenant)
        uow.commit()


def put(place: Place, *entries: SettingEntry) -> None:
    """Put values as a tenant."""
    with place.open() as uow:
        for entry in entries:
            uow.settings.put(entry)
        uow.commit()


def remove(place: Place, entry: SettingEntry) -> None:
    """Remove a value as a tenant."""
    place.do(lambda uow: uow.settings.remove(entry.node_id, entry.key))


def _entry(owner: TenantId, node: NodeId, key: str, value: Json, *, locked: bool = False) -> SettingEntry:
    return SettingEntry(node_id=node, tenant_id=owner, key=key, value=value, locked=locked)


def _word(place: Place) -> str:
    return place.see(lambda uow: uow.revisions.current())


def _platform_word(unit_of_work: UnitOfWorkFactory) -> str:
    with unit_of_work(PlatformScope()) as uow:
        return uow.revisions.current()


def _shop(place: Place, handle: str) -> NodeId:
    """Make a store's node."""
    node = evolve(
        place.node,
        id=NodeId(place.ids.new()),
        parent_id=place.node.id,
        level=Level.STORE,
        handle=handle,
        path=f"{place.node.path}/{handle}",
    )
    place.do(lambda uow: uow.tree.add(node))
    return node.id
