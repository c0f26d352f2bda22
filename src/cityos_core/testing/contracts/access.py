"""The contract of API keys, assignments and impersonations: a tenant's own, and all of them for the platform."""

from datetime import datetime, timedelta

from attrs import evolve

from cityos_core.access.model import ApiKey, Assignment, Impersonation, ImpersonationStatus, Reach
from cityos_core.kernel.ids import PLATFORM, ApiKeyId, ImpersonationId
from cityos_core.kernel.paging import PageRequest
from cityos_core.testing.contracts.credentials import ADMIN, STAFF, api_key, assignment, bare_key, impersonation
from cityos_core.testing.contracts.examples import AT, LATER, WORDS
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages, raised

HOUR = timedelta(hours=1)


class ApiKeysContract(Contract):
    """API keys: found by their hashes, optimistic versions."""

    def test_round_trip(self, north: Place) -> None:
        """A key comes back with what it may do, from where and how often."""
        full, bare = api_key(north), bare_key(north)
        for key in (full, bare):
            add_key(north, key)
            assert get_key(north, key) == key

    def test_saving_counts_versions(self, north: Place) -> None:
        """A saved key is one version up; the one read before is stale, and so is one that was never added."""
        key = added_key(north)
        changed = evolve(
            key, name="new", allow_list=(), rate_limit=None, expires_at=None, revoked_at=LATER, replaced_by=None
        )
        save_key(north, changed)
        assert get_key(north, key) == evolve(changed, version=2)
        assert raised(save_key, north, key) == "stale"
        assert raised(save_key, north, api_key(north)) == "stale"

    def test_one_of_many_writers_wins(self, north: Place) -> None:
        """Of writers that read the same version, exactly one saves."""
        key = added_key(north)
        assert codes(at_once(lambda number: save_key(north, evolve(key, name=f"{number}")), times=4)) == ["stale"] * 3

    def test_hashes(self, north: Place, south: Place) -> None:
        """Keys are found by their hashes at once; the platform finds everyone's, a tenant its own."""
        ours, other, theirs, above = added_key(north), added_key(north), added_key(south), platform_key(north)
        asked = [key.hash for key in (theirs, ours, above, ours)] + ["unknown"]
        assert north.see(lambda uow: uow.api_keys.with_hashes(asked)) == {ours.hash: ours}
        assert north.see(lambda uow: uow.api_keys.with_hashes([])) == {}
        found = north.above(lambda uow: uow.api_keys.with_hashes(asked))
        assert found == {key.hash: key for key in (ours, theirs, above)}
        assert other.hash not in found

    def test_pages_oldest_first(self, north: Place, south: Place) -> None:
        """Pages hold the scope's own keys by age, whatever their size: the platform's are not the tenants'."""
        made = [added_key(north, created_at=AT + step * HOUR) for step in (2, 0, 3, 1)]
        added_key(south)
        above = platform_key(north)
        for limit in (1, 3, 100):
            found = pages(lambda request: north.see(lambda uow: uow.api_keys.page(request)), limit=limit)
            assert found == sorted(made, key=lambda key: key.created_at)
        assert north.above(lambda uow: uow.api_keys.page(PageRequest())).items == (above,)
        assert raised(north.see, lambda uow: uow.api_keys.page(PageRequest(5, "garbage"))) == "invalid_cursor"

    def test_touching(self, north: Place, south: Place) -> None:
        """Use is remembered and is no change: the version stays."""
        key, theirs = added_key(north), added_key(south)
        for at in (AT, LATER):
            touch(north, key, at)
        assert get_key(north, key) == evolve(key, last_used_at=LATER)
        north.above(lambda uow: uow.api_keys.touch(theirs.id, AT + HOUR))
        assert south.see(lambda uow: uow.api_keys.get(theirs.id)) == evolve(theirs, last_used_at=AT + HOUR)

    def test_the_platform_reaches_every_key(self, north: Place) -> None:
        """The platform reads and changes a tenant's keys."""
        key = added_key(north)
        north.above(lambda uow: uow.api_keys.save(evolve(uow.api_keys.get(key.id), name="checked")))
        assert get_key(north, key) == evolve(key, name="checked", version=2)

    def test_others_are_out_of_reach(self, north: Place, south: Place) -> None:
        """A neighbour's key and the platform's read as none and cannot be written, under anyone's name."""
        for key, owner in ((added_key(south), south.id), (platform_key(north), PLATFORM)):
            assert raised(get_key, north, key) == "api_key_not_found"
            raised(save_key, north, evolve(key, name="mine"))
            raised(save_key, north, evolve(key, name="mine", tenant_id=north.id))
            raised(add_key, north, evolve(api_key(north), tenant_id=owner))
            touch(north, key, LATER + HOUR)
            assert seen_from_above(north, key) == key
        assert raised(get_key, north, evolve(key, id=ApiKeyId(nobody()))) == "api_key_not_found"


class AssignmentsContract(Contract):
    """Assignments: each once, found by the names a user goes by."""

    def test_round_trip(self, north: Place) -> None:
        """An assignment comes back with its role and where it holds."""
        for made in (assignment(north), assignment(north, user=WORDS, grant=ADMIN)):
            add(north, made)
            assert get(north, made) == made

    def test_the_same_is_given_once(self, north: Place, south: Place) -> None:
        """The same role at the same place is refused a second time; whatever differs is another assignment."""
        for grant in (STAFF, ADMIN):
            add(north, assignment(north, grant=grant))
            assert raised(add, north, assignment(north, grant=grant)) == "assigned"
            add(south, assignment(south, grant=grant))
            add(north, assignment(north, user="someone else", grant=grant))
        for other in (
            evolve(STAFF, role="vendor_owner"),
            evolve(STAFF, reach=Reach.COMPANY),
            evolve(STAFF, path="xa/food/retail/north/web"),
            evolve(STAFF, subject="vendor:birch"),
            evolve(STAFF, subject=None),
        ):
            add(north, assignment(north, grant=other))

    def test_one_of_many_gives_it(self, north: Place) -> None:
        """Of those who give the same at once, exactly one does."""
        made = [assignment(north) for _ in range(4)]
        assert codes(at_once(lambda number: add(north, made[number]), times=4)) == ["assigned"] * 3

    def test_removing(self, north: Place) -> None:
        """What was taken away is gone, may be given again, and cannot be taken away twice."""
        made, kept = assignment(north), assignment(north, grant=ADMIN)
        add(north, made)
        add(north, kept)
        remove(north, made)
        assert raised(remove, north, made) == "assignment_not_found"
        assert raised(get, north, made) == "assignment_not_found"
        assert north.see(lambda uow: uow.assignments.of_user([made.user])) == [kept]
        add(north, assignment(north))

    def test_of_user(self, north: Place, south: Place) -> None:
        """A user is found under every name, each as it is written; the platform finds what all tenants gave."""
        ours = [assignment(north), assignment(north, user="4711", grant=ADMIN)]
        theirs, above = assignment(south), evolve(assignment(north), tenant_id=PLATFORM)
        for made, place in ((ours[0], north), (ours[1], north), (theirs, south)):
            add(place, made)
        add(north, assignment(north, user="Anna@acme.example"))
        north.above(lambda uow: uow.assignments.add(above))
        names = ["anna@acme.example", "4711", "4711", "nobody"]
        found = north.see(lambda uow: uow.assignments.of_user(names))
        assert sorted(found, key=lambda one: one.id) == ours
        everyone = north.above(lambda uow: uow.assignments.of_user(names))
        assert {one.id for one in everyone} == {one.id for one in (*ours, theirs, above)}
        assert north.see(lambda uow: uow.assignments.of_user([])) == []

    def test_pages_oldest_first(self, north: Place, south: Place) -> None:
        """Pages hold the scope's own assignments by age, whatever their size."""
        made = [evolve(assignment(north, user=f"{step}"), created_at=AT + step * HOUR) for step in (2, 0, 3, 1)]
        for one in made:
            add(north, one)
        add(south, assignment(south))
        above = evolve(assignment(north), tenant_id=PLATFORM)
        north.above(lambda uow: uow.assignments.add(above))
        for limit in (1, 3, 100):
            found = pages(lambda request: north.see(lambda uow: uow.assignments.page(request)), limit=limit)
            assert found == sorted(made, key=lambda one: one.created_at)
        assert north.above(lambda uow: uow.assignments.page(PageRequest())).items == (above,)
        assert raised(north.see, lambda uow: uow.assignments.page(PageRequest(5, "garbage"))) == "invalid_cursor"

    def test_others_are_out_of_reach(self, north: Place, south: Place) -> None:
        """What a neighbour or the platform gave reads as none, and can neither be taken away nor given here."""
        theirs, above = assignment(south), evolve(assignment(north), tenant_id=PLATFORM)
        add(south, theirs)
        north.above(lambda uow: uow.assignments.add(above))
        for made in (theirs, above):
            assert raised(get, north, made) == "assignment_not_found"
            assert raised(remove, north, made) == "assignment_not_found"
            raised(add, north, evolve(assignment(north, user="mine"), tenant_id=made.tenant_id))
            assert given_from_above(north, made) == made
        north.above(lambda uow: uow.assignments.remove(theirs.id))
        assert south.see(lambda uow: uow.assignments.page(PageRequest())).items == ()


class ImpersonationsContract(Contract):
    """Impersonations: newest first, optimistic versions."""

    def test_round_trip(self, north: Place) -> None:
        """An impersonation comes back with what the user may do, and with nothing where that is nothing."""
        for made in (impersonation(north), evolve(impersonation(north), grants=())):
            begin(north, made)
            assert acting(north, made) == made

    def test_saving_counts_versions(self, north: Place) -> None:
        """A saved one is one version up; the one read before is stale, and so is one that was never added."""
        made = impersonation(north)
        begin(north, made)
        ended = evolve(made, status=ImpersonationStatus.ENDED, expires_at=AT)
        end(north, ended)
        assert acting(north, made) == evolve(ended, version=2)
        assert raised(end, north, made) == "stale"
        assert raised(end, north, impersonation(north)) == "stale"

    def test_pages_newest_first(self, north: Place, south: Place) -> None:
        """Pages hold the scope's own, the latest first, whatever their size."""
        made = [evolve(impersonation(north), started_at=AT + step * HOUR) for step in (2, 0, 3, 1)]
        for one in made:
            begin(north, one)
        begin(south, impersonation(south))
        for limit in (1, 3, 100):
            found = pages(lambda request: north.see(lambda uow: uow.impersonations.page(request)), limit=limit)
            assert found == sorted(made, key=lambda one: one.started_at, reverse=True)
        assert north.above(lambda uow: uow.impersonations.page(PageRequest())).items == ()
        assert raised(north.see, lambda uow: uow.impersonations.page(PageRequest(5, "garbage"))) == "invalid_cursor"

    def test_the_platform_reaches_all(self, north: Place) -> None:
        """The platform begins and ends impersonations in a tenant, and reads those that the tenant has."""
        made = impersonation(north)
        north.above(lambda uow: uow.impersonations.add(made))
        assert acting(north, made) == made
        north.above(lambda uow: uow.impersonations.save(evolve(made, status=ImpersonationStatus.ENDED)))
        assert acting(north, made).version == 2

    def test_others_are_out_of_reach(self, north: Place, south: Place) -> None:
        """A neighbour's reads as none and cannot be written, under either tenant's name."""
        theirs = impersonation(south)
        begin(south, theirs)
        assert raised(acting, north, theirs) == "impersonation_not_found"
        assert raised(acting, north, evolve(theirs, id=ImpersonationId(nobody()))) == "impersonation_not_found"
        raised(end, north, evolve(theirs, reason="mine"))
        raised(end, north, evolve(theirs, reason="mine", tenant_id=north.id))
        raised(begin, north, impersonation(south))
        assert south.see(lambda uow: uow.impersonations.page(PageRequest())).items == (theirs,)


def added_key(place: Place, *, created_at: datetime = AT) -> ApiKey:
    """Make up a key and add it."""
    key = evolve(api_key(place), created_at=created_at)
    add_key(place, key)
    return key


def platform_key(place: Place) -> ApiKey:
    """Make up a key of the platform and add it."""
    key = evolve(api_key(place), tenant_id=PLATFORM)
    place.above(lambda uow: uow.api_keys.add(key))
    return key


def add_key(place: Place, key: ApiKey) -> None:
    """Add a key."""
    place.do(lambda uow: uow.api_keys.add(key))


def save_key(place: Place, key: ApiKey) -> None:
    """Save a key."""
    place.do(lambda uow: uow.api_keys.save(key))


def get_key(place: Place, key: ApiKey) -> ApiKey:
    """Read a key."""
    return place.see(lambda uow: uow.api_keys.get(key.id))


def seen_from_above(place: Place, key: ApiKey) -> ApiKey:
    """Read a key as the platform."""
    return place.above(lambda uow: uow.api_keys.get(key.id))


def touch(place: Place, key: ApiKey, at: datetime) -> None:
    """Use a key."""
    place.do(lambda uow: uow.api_keys.touch(key.id, at))


def add(place: Place, made: Assignment) -> None:
    """Add an assignment."""
    place.do(lambda uow: uow.assignments.add(made))


def remove(place: Place, made: Assignment) -> None:
    """Take an assignment away."""
    place.do(lambda uow: uow.assignments.remove(made.id))


def get(place: Place, made: Assignment) -> Assignment:
    """Read an assignment."""
    return place.see(lambda uow: uow.assignments.get(made.id))


def given_from_above(place: Place, made: Assignment) -> Assignment:
    """Read an assignment as the platform."""
    return place.above(lambda uow: uow.assignments.get(made.id))


def begin(place: Place, made: Impersonation) -> None:
    """Add an impersonation."""
    place.do(lambda uow: uow.impersonations.add(made))


def end(place: Place, made: Impersonation) -> None:
    """Save an impersonation."""
    place.do(lambda uow: uow.impersonations.save(made))


def acting(place: Place, made: Impersonation) -> Impersonation:
    """Read an impersonation."""
    return place.see(lambda uow: uow.impersonations.get(made.id))
