"""The contract of vendors and their teams."""

import pytest
from attrs import evolve

from cityos_core.kernel.ids import VendorId
from cityos_core.kernel.paging import PageRequest
from cityos_core.testing.contracts import examples
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages, raised
from cityos_core.vendors.model import Member, Profile, TeamRole, Vendor, VendorStatus


class VendorsContract(Contract):
    """Vendors of one tenant: by handle, unique handles, optimistic versions."""

    def test_round_trip(self, north: Place) -> None:
        """A vendor comes back with its profile, requirements, team and payout account."""
        assert north.see(lambda uow: uow.vendors.get(north.acme.id)) == north.acme

    def test_what_is_empty_stays_empty(self, north: Place) -> None:
        """A vendor of which little is known comes back so."""
        bare = Vendor(
            id=VendorId(north.ids.new()),
            tenant_id=north.id,
            handle="bare",
            profile=Profile(name="Bare"),
            created_at=examples.AT,
        )
        add(north, bare)
        assert north.see(lambda uow: uow.vendors.get(bare.id)) == bare

    def test_named(self, north: Place, south: Place) -> None:
        """Handles are looked up at once; unknown ones are absent, and a neighbour's vendor is another one."""
        found = north.see(lambda uow: uow.vendors.named(["birch", "acme", "acme", "nobody"]))
        assert found == {"acme": north.acme, "birch": north.birch}
        assert south.see(lambda uow: uow.vendors.named(iter(["acme"]))) == {"acme": south.acme}
        assert north.see(lambda uow: uow.vendors.named([])) == {}

    def test_known(self, north: Place, south: Place) -> None:
        """Ids are looked up at once; unknown ones and a neighbour's are absent."""
        asked = [north.birch.id, north.acme.id, north.acme.id, south.acme.id, VendorId(nobody())]
        found = north.see(lambda uow: uow.vendors.known(iter(asked)))
        assert found == {north.acme.id: north.acme, north.birch.id: north.birch}
        assert north.see(lambda uow: uow.vendors.known([])) == {}

    def test_handles_are_unique_within_the_tenant(self, north: Place) -> None:
        """A second vendor of one handle is refused, at first and by a change."""
        twin = evolve(north.acme, id=VendorId(north.ids.new()))
        assert raised(add, north, twin) == "handle_taken"
        assert raised(save, north, evolve(north.birch, handle="acme")) == "handle_taken"
        assert north.see(lambda uow: uow.vendors.named(["acme", "birch"])) == {
            "acme": north.acme,
            "birch": north.birch,
        }

    def test_saving_counts_versions(self, north: Place) -> None:
        """A saved vendor is one version up, with every field changed; the one read before is stale."""
        changed = evolve(
            examples.vendor(north.acme.id, north.id, "acme-2"),
            profile=Profile(name="New"),
            status=VendorStatus.SUSPENDED,
            reason=None,
            requirements=north.acme.requirements[1:],
            team=(),
            stores=(),
            payout_account=None,
            payout_schedule=None,
        )
        save(north, changed)
        assert north.see(lambda uow: uow.vendors.get(north.acme.id)) == evolve(changed, version=2)
        assert raised(save, north, north.acme) == "stale"
        assert north.see(lambda uow: uow.vendors.named(["acme"])) == {}

    def test_a_vendor_that_is_not_there_cannot_be_saved(self, north: Place) -> None:
        """Saving what was never added is stale."""
        assert raised(save, north, evolve(north.acme, id=VendorId(nobody()), handle="new")) == "stale"

    def test_one_of_many_writers_wins(self, north: Place) -> None:
        """Of writers that read the same version, exactly one saves."""
        answers = at_once(lambda number: save(north, evolve(north.acme, reason=f"{number}")), times=4)
        assert codes(answers) == ["stale"] * 3
        assert north.see(lambda uow: uow.vendors.get(north.acme.id).version) == 2

    def test_pages_by_handle(self, north: Place, south: Place) -> None:
        """Pages follow the handles character by character, whatever the size, those of one status if asked."""
        handles = ["a-b", "ab", "a0", "zz", "b-1", "b1"]
        for handle in handles:
            add(north, evolve(north.acme, id=VendorId(north.ids.new()), handle=handle, status=VendorStatus.PENDING))
        expected = sorted([*handles, "acme", "birch"])
        for limit in (1, 3, 8, 100):
            found = pages(lambda request: north.see(lambda uow: uow.vendors.page(request)), limit=limit)
            assert [vendor.handle for vendor in found] == expected
        pending = pages(
            lambda request: north.see(lambda uow: uow.vendors.page(request, status=VendorStatus.PENDING)), limit=2
        )
        assert [vendor.handle for vendor in pending] == sorted(handles)
        assert south.see(lambda uow: uow.vendors.page(PageRequest(), status=VendorStatus.PENDING)).items == ()

    def test_a_page_continues_where_its_item_was(self, north: Place) -> None:
        """Vendors that come in before the cursor do not shift the pages after it."""
        first = north.see(lambda uow: uow.vendors.page(PageRequest(1)))
        assert first.items == (north.acme,)
        add(north, evolve(north.acme, id=VendorId(north.ids.new()), handle="aaa"))
        assert north.see(lambda uow: uow.vendors.page(PageRequest(1, first.after))).items == (north.birch,)

    @pytest.mark.parametrize("cursor", ["", "garbage", "eyJ9", "[1]", "\x00", "9" * 400])
    def test_a_made_up_cursor_is_refused_or_harmless(self, north: Place, cursor: str) -> None:
        """A cursor that no page gave is invalid."""
        request = PageRequest(5, cursor)
        assert raised(north.see, lambda uow: uow.vendors.page(request)) == "invalid_cursor"

    def test_a_neighbours_vendor_is_out_of_reach(self, north: Place, south: Place) -> None:
        """Another tenant's vendor reads as none and cannot be written, under either tenant's name."""
        assert raised(north.see, lambda uow: uow.vendors.get(south.acme.id)) == "vendor_not_found"
        assert raised(north.see, lambda uow: uow.vendors.get(VendorId(nobody()))) == "vendor_not_found"
        raised(save, north, evolve(south.acme, reason="mine"))
        raised(save, north, evolve(south.acme, reason="mine", tenant_id=north.id))
        raised(add, north, evolve(south.acme, id=VendorId(north.ids.new()), handle="new"))
        assert south.see(lambda uow: uow.vendors.page(PageRequest())).items == (south.acme, south.birch)


class TeamMembersContract(Contract):
    """Who is on which team: always what the stored vendors say."""

    def test_of(self, north: Place, south: Place) -> None:
        """A member is found on every team by handle, whether they have joined or not; a neighbour's are others."""
        anna, bo = north.acme.team
        assert members(north, anna.email) == [("acme", anna), ("birch", anna)]
        assert members(north, bo.email) == [("acme", bo), ("birch", bo)]
        assert members(north, "nobody@acme.example") == []
        added = evolve(south.acme, id=VendorId(south.ids.new()), handle="a-b", team=(bo,))
        add(south, added)
        assert members(south, bo.email) == [("a-b", bo), ("acme", bo), ("birch", bo)]
        assert members(north, bo.email) == [("acme", bo), ("birch", bo)]

    def test_case_makes_no_difference(self, north: Place) -> None:
        """An address is found however its letters are written, here and there."""
        cyd = Member(email="Cyd@Acme.example", role=TeamRole.STAFF, invited_at=examples.AT)
        save(north, evolve(north.birch, team=(cyd,)))
        for written in ("cyd@acme.example", "Cyd@Acme.example", "CYD@ACME.EXAMPLE"):
            assert members(north, written) == [("birch", cyd)]
        assert members(north, "ANNA@acme.example") == [("acme", north.acme.team[0])]

    def test_it_follows_the_vendors(self, north: Place) -> None:
        """A change of role, a removal and a new handle show at once, and are undone with what they came from."""
        anna, bo = north.acme.team
        with north.open() as uow:
            uow.vendors.save(evolve(north.acme, team=()))
            assert uow.team_members.of(anna.email) == [("birch", anna)]
        assert members(north, anna.email) == [("acme", anna), ("birch", anna)]
        promoted = evolve(bo, role=TeamRole.MANAGER, joined_at=examples.LATER)
        save(north, evolve(north.acme, handle="zebra", team=(promoted,)))
        assert members(north, anna.email) == [("birch", anna)]
        assert members(north, bo.email) == [("birch", bo), ("zebra", promoted)]
        save(north, evolve(north.acme, handle="acme", team=(anna,), version=2))
        assert members(north, anna.email) == [("acme", anna), ("birch", anna)]
        assert members(north, bo.email) == [("birch", bo)]

    def test_a_refused_change_changes_no_team(self, north: Place) -> None:
        """A vendor that was stale leaves its team as it was."""
        save(north, evolve(north.acme, team=()))
        assert raised(save, north, north.acme) == "stale"
        assert members(north, north.acme.team[0].email) == [("birch", north.birch.team[0])]


def members(place: Place, email: str) -> list[tuple[str, Member]]:
    """List who has an address."""
    return place.see(lambda uow: uow.team_members.of(email))


def add(place: Place, vendor: Vendor) -> None:
    """Add a vendor."""
    place.do(lambda uow: uow.vendors.add(vendor))


def save(place: Place, vendor: Vendor) -> None:
    """Save a vendor."""
    place.do(lambda uow: uow.vendors.save(vendor))
