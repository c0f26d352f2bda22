"""The contract of domains: many may ask for a name, one has it."""

from datetime import datetime, timedelta

from attrs import evolve

from cityos_core.kernel.ids import DomainId
from cityos_core.kernel.paging import PageRequest
from cityos_core.tenancy.domains import Domain, DomainStatus
from cityos_core.testing.contracts.examples import AT, LATER, WORDS
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, nobody, pages, raised

HOUR = timedelta(hours=1)


class DomainsContract(Contract):
    """Domains: a tenant's own by name, all of them for the platform, each active once."""

    def test_round_trip(self, north: Place) -> None:
        """A domain comes back with every field, and with none where nothing is known."""
        bare = evolve(domain(north, "bare.example"), store=None, reason=None, proven_at=None, check_at=None)
        for made in (domain(north), bare):
            add(north, made)
            assert get(north, made) == made

    def test_saving_counts_versions(self, north: Place) -> None:
        """A saved domain is one version up; the one read before is stale, and so is one that was never added."""
        made = added(north)
        changed = evolve(made, status=DomainStatus.ACTIVE, reason=None, proven_at=AT, check_at=AT)
        save(north, changed)
        assert get(north, made) == evolve(changed, version=2)
        assert raised(save, north, made) == "stale"
        assert raised(save, north, domain(north, "new.example")) == "stale"

    def test_a_tenant_adds_a_name_once(self, north: Place, south: Place) -> None:
        """A name is refused that the tenant has already, unless that one was removed; a neighbour's does not count."""
        made = added(north)
        added(south)
        assert raised(added, north) == "domain_added"
        save(north, evolve(made, status=DomainStatus.REMOVED))
        again = added(north)
        assert raised(added, north) == "domain_added"
        assert {found.id for found in listed(north)} == {made.id, again.id}

    def test_one_tenant_has_a_name(self, north: Place, south: Place) -> None:
        """Two tenants may ask for a name, but not both have it; who gives it up leaves it to the other."""
        ours, theirs = added(north), added(south)
        save(north, evolve(ours, status=DomainStatus.ACTIVE))
        assert raised(save, south, evolve(theirs, status=DomainStatus.ACTIVE)) == "domain_taken"
        assert get(south, theirs) == theirs
        save(north, evolve(get(north, ours), status=DomainStatus.FAILED))
        save(south, evolve(theirs, status=DomainStatus.ACTIVE))
        assert raised(save, north, evolve(get(north, ours), status=DomainStatus.ACTIVE)) == "domain_taken"

    def test_one_of_two_proves_it_first(self, north: Place, south: Place) -> None:
        """Of two tenants that prove a name at the same moment, exactly one has it."""
        made = [(north, added(north)), (south, added(south))]

        def prove(number: int) -> None:
            place, asked = made[number]
            save(place, evolve(asked, status=DomainStatus.ACTIVE))

        assert codes(at_once(prove, times=2)) == ["domain_taken"]

    def test_active(self, north: Place, south: Place) -> None:
        """The platform sees whose a name is; a tenant sees its own, and nobody's asking counts."""
        ours, theirs = added(north), added(south)
        assert north.see(lambda uow: uow.domains.active("shop.example")) is None
        save(south, evolve(theirs, status=DomainStatus.ACTIVE))
        active = evolve(theirs, status=DomainStatus.ACTIVE, version=2)
        assert south.see(lambda uow: uow.domains.active("shop.example")) == active
        assert north.see(lambda uow: uow.domains.active("shop.example")) is None
        assert north.above(lambda uow: uow.domains.active("shop.example")) == active
        assert north.above(lambda uow: uow.domains.active("other.example")) is None
        assert get(north, ours) == ours

    def test_pages_by_name(self, north: Place, south: Place) -> None:
        """Pages follow the names character by character, removed domains included, whatever their size."""
        names = ["b.example", "a-b.example", "a.example", "a0.example"]
        for name in names:
            added(north, name)
        gone = evolve(get(north, listed(north)[0]), status=DomainStatus.REMOVED)
        save(north, gone)
        added(north, gone.name)
        added(south, "c.example")
        for limit in (1, 2, 100):
            found = pages(lambda request: north.see(lambda uow: uow.domains.page(request)), limit=limit)
            assert [one.name for one in found] == sorted([*names, gone.name])
            assert len({one.id for one in found}) == 5
        assert north.above(lambda uow: uow.domains.page(PageRequest())).items == ()
        assert raised(north.see, lambda uow: uow.domains.page(PageRequest(5, "garbage"))) == "invalid_cursor"

    def test_due(self, north: Place, south: Place) -> None:
        """Due is whose hour has come, earliest first; the platform sees everyone's, a tenant its own."""
        hours = {"c": LATER, "a": LATER - HOUR, "d": LATER + timedelta(microseconds=1), "e": None}
        ours = {name: added(north, f"{name}.example", check_at=at) for name, at in hours.items()}
        theirs = added(south, "b.example", check_at=LATER - HOUR / 2)
        everyone = [ours["a"].id, theirs.id, ours["c"].id]
        assert north.above(lambda uow: uow.domains.due(LATER, limit=9)) == everyone
        assert north.above(lambda uow: uow.domains.due(LATER, limit=2)) == everyone[:2]
        assert north.see(lambda uow: uow.domains.due(LATER, limit=9)) == [ours["a"].id, ours["c"].id]

    def test_the_platform_reaches_every_domain(self, north: Place) -> None:
        """The platform reads and changes a tenant's domains."""
        made = added(north)
        north.above(lambda uow: uow.domains.save(evolve(uow.domains.get(made.id), reason="checked")))
        assert get(north, made) == evolve(made, reason="checked", version=2)

    def test_others_are_out_of_reach(self, north: Place, south: Place) -> None:
        """A neighbour's domain reads as none and cannot be written, under either tenant's name."""
        theirs = added(south)
        assert raised(get, north, theirs) == "domain_not_found"
        assert raised(get, north, evolve(theirs, id=DomainId(nobody()))) == "domain_not_found"
        raised(save, north, evolve(theirs, reason="mine"))
        raised(save, north, evolve(theirs, reason="mine", tenant_id=north.id))
        raised(add, north, domain(south, "new.example"))
        assert listed(south) == [theirs]


def domain(place: Place, name: str = "shop.example") -> Domain:
    """Make up a domain with something in every field, not proven yet."""
    return Domain(
        id=DomainId(place.ids.new()),
        tenant_id=place.id,
        name=name,
        store="web",
        token="cityos-7f3a",  # noqa: S106  everyone may read it in the DNS
        status=DomainStatus.VERIFYING,
        reason=WORDS,
        created_at=AT,
        proven_at=LATER,
        check_at=LATER,
    )


def added(place: Place, name: str = "shop.example", *, check_at: datetime | None = LATER) -> Domain:
    """Make up a domain and add it."""
    made = evolve(domain(place, name), check_at=check_at)
    add(place, made)
    return made


def add(place: Place, made: Domain) -> None:
    """Add a domain."""
    place.do(lambda uow: uow.domains.add(made))


def save(place: Place, made: Domain) -> None:
    """Save a domain."""
    place.do(lambda uow: uow.domains.save(made))


def get(place: Place, made: Domain) -> Domain:
    """Read a domain."""
    return place.see(lambda uow: uow.domains.get(made.id))


def listed(place: Place) -> list[Domain]:
    """List the tenant's domains."""
    return list(place.see(lambda uow: uow.domains.page(PageRequest(100))).items)
