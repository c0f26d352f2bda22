"""Domains of tenants: asked for, proven in the DNS, looked at again, given back."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from attrs import evolve, field, frozen

from cityos_adapters.memory.names import ScriptedNames
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import DomainId
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.tenancy.domains import PATIENCE, RECHECKED, Domain, DomainStatus
from cityos_core.tenancy.events import DomainActivated, DomainAdded, DomainFailed, DomainRemoved
from cityos_core.tenancy.naming import TOKEN_LENGTH
from cityos_core.tenancy.proving import CHUNK, RETRIED, STANDS_IN_LINE, Verified
from cityos_core.tenancy.service import DomainUseCases
from cityos_core.testing.randomness import SequentialRandomness
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.door import Counted, Door
from usecases.town import Town, code, detail

SHOP = "shop.example"
WEEK = timedelta(days=7)


@frozen
class Names:
    """A town whose tenants can have names, and the DNS."""

    town: Town = field(factory=Town.empty)
    dns: ScriptedNames = field(factory=ScriptedNames)
    domains: DomainUseCases = field(init=False)

    @domains.default
    def _domains(self) -> DomainUseCases:
        return DomainUseCases.of(
            evolve(
                self.town.dependencies,
                names=self.dns,
                randomness=SequentialRandomness(),
                platform_domains=("city.example", "city.test"),
            )
        )

    def publish(self, *domains: Domain) -> None:
        """Let the owner of a name publish what these ask for."""
        self.dns.publish(domains[0].challenge, *(domain.token for domain in domains))

    def proven(self, scope: TenantScope, name: str = SHOP) -> Domain:
        """Add a name and prove it."""
        domain = self.domains.add(scope, name)
        self.publish(domain)
        return self.domains.verify(scope, domain.id)

    def status(self, scope: TenantScope, name: str = SHOP) -> tuple[DomainStatus, timedelta | None]:
        """Give where a domain stands, and how long it is until it is looked at again."""
        domain = self.domains.get(scope, name)
        return domain.status, None if domain.check_at is None else domain.check_at - self.town.clock.now()


@pytest.fixture
def names() -> Names:
    """A town without tenants."""
    return Names()


def test_adding(names: Names) -> None:
    """A name is taken in one form, with a token of its own, and is due to be looked at."""
    north = names.town.scope()
    names.town.stores.create(north, "web", name="Web")
    domain = names.domains.add(north, "WWW.Shop.Example.:443", store="web")
    other = names.domains.add(north, "other.example")
    assert (domain.name, domain.store, domain.status) == ("www.shop.example", "web", DomainStatus.PENDING_DNS)
    assert domain.challenge == "_cityos-challenge.www.shop.example"
    assert domain.created_at == domain.check_at == names.town.clock.now()
    assert len(domain.token) == len(other.token) == TOKEN_LENGTH
    assert domain.token != other.token
    assert names.domains.get(north, domain.id) == names.domains.get(north, "www.shop.EXAMPLE") == domain
    assert names.domains.list(north).items == (other, domain)
    (added, _) = names.town.happened(DomainAdded)
    assert (added.subject, added.name) == (domain.id, "domain.added")


@pytest.mark.parametrize("name", ["city.example", "City.Test", "south.city.example", "www.south.city.example"])
def test_the_names_of_the_platform(names: Names, name: str) -> None:
    """Nobody can add a name of the platform, or one below it."""
    assert code(lambda: names.domains.add(names.town.scope(), name)) == "platform_name"


@pytest.mark.parametrize("name", ["intranet", "127.0.0.1", "münchen.example", "_x.example", f"{'a.' * 120}example"])
def test_what_is_no_name(names: Names, name: str) -> None:
    """Addresses, names of one part, names that are not in their ASCII form or too long for a record are invalid."""
    assert code(lambda: names.domains.add(names.town.scope(), name)) == "invalid_host"


def test_adding_again(names: Names) -> None:
    """A tenant adds a name once, until it was removed; another tenant may ask for the same one."""
    north, south = names.town.scope("north"), names.town.scope("south")
    first = names.domains.add(north, SHOP)
    assert code(lambda: names.domains.add(north, SHOP)) == "domain_added"
    names.domains.add(south, SHOP)
    names.domains.remove(north, SHOP)
    assert names.domains.add(north, SHOP).id != first.id
    assert code(lambda: names.domains.add(north, "b.example", store="web")) == "store_not_found"
    assert code(lambda: names.domains.get(north, "b.example")) == "domain_not_found"


def test_proving(names: Names) -> None:
    """A domain whose record is there is active, among whatever else stands there, and is looked at in a week."""
    north = names.town.scope()
    domain = names.domains.add(north, SHOP)
    names.dns.publish(domain.challenge, "v=spf1 -all", f" {domain.token} ")
    verified = names.domains.verify(north, SHOP)
    assert (verified.status, verified.reason) == (DomainStatus.ACTIVE, None)
    assert verified.proven_at == names.town.clock.now()
    assert names.status(north) == (DomainStatus.ACTIVE, RECHECKED)
    assert names.dns.asked == ["_cityos-challenge.shop.example"]
    assert [event.subject for event in names.town.happened(DomainActivated)] == [domain.id]


@pytest.mark.parametrize("record", [None, "", "something else", "TOKEN"])
def test_a_record_that_is_not_there(names: Names, record: str | None) -> None:
    """Nothing, or anything but the very token, is no proof; the reason says what to publish where."""
    north = names.town.scope()
    domain = names.domains.add(north, SHOP)
    if record is not None:
        names.dns.publish(domain.challenge, record.replace("TOKEN", domain.token.upper()))
        names.dns.publish(SHOP, domain.token)
    verified = names.domains.verify(north, domain.id)
    assert domain.challenge in (verified.reason or "")
    assert domain.token in (verified.reason or "")
    assert names.status(north) == (DomainStatus.PENDING_DNS, RETRIED)


def test_patience_ends(names: Names) -> None:
    """A record that does not come is waited for, for a week; then the domain fails, until someone verifies it again."""
    north, clock = names.town.scope(), names.town.clock
    domain = names.domains.add(north, SHOP)
    clock.advance(PATIENCE - timedelta(seconds=1))
    assert names.domains.verify_due() == Verified(waiting=1)
    clock.advance(timedelta(seconds=1))
    assert names.domains.verify_due() == Verified()
    clock.advance(RETRIED)
    assert names.domains.verify_due() == Verified(failed=1)
    assert names.status(north) == (DomainStatus.FAILED, None)
    assert "TXT" in (names.town.happened(DomainFailed)[0].reason or "")  # type: ignore[attr-defined]
    clock.advance(4 * WEEK)
    assert names.domains.verify_due() == Verified()
    assert names.domains.verify(north, SHOP).status is DomainStatus.FAILED
    names.publish(domain)
    assert names.domains.verify(north, SHOP).status is DomainStatus.ACTIVE


def test_a_silent_dns_proves_nothing(names: Names) -> None:
    """Without an answer nothing fails, however long it takes: it is asked again in a quarter of an hour."""
    north, clock = names.town.scope(), names.town.clock
    names.proven(north)
    names.domains.add(north, "new.example")
    clock.advance(WEEK)
    names.dns.is_silent = True
    for _ in range(2 * 7 * 24 * 4):
        assert names.domains.verify_due() == Verified(active=1, waiting=1)
        clock.advance(RETRIED)
    assert names.domains.get(north, SHOP).status is DomainStatus.ACTIVE
    assert "no answer" in (names.domains.get(north, SHOP).reason or "")
    assert names.domains.get(north, "new.example").status is DomainStatus.VERIFYING
    names.dns.is_silent = False
    assert names.domains.verify_due() == Verified(active=1, failed=1)
    assert names.domains.get(north, SHOP).reason is None


def test_a_failed_domain_and_a_silent_dns(names: Names) -> None:
    """A failed domain that someone verifies while nobody answers is verified again by itself."""
    north, clock = names.town.scope(), names.town.clock
    names.domains.add(north, SHOP)
    clock.advance(PATIENCE)
    assert names.domains.verify(north, SHOP).status is DomainStatus.FAILED
    names.dns.is_silent = True
    names.domains.verify(north, SHOP)
    assert names.status(north) == (DomainStatus.VERIFYING, RETRIED)


def test_looking_again_every_week(names: Names) -> None:
    """An active domain is looked at every week, tells nobody while its record stands, and fails when it is gone."""
    north, clock = names.town.scope(), names.town.clock
    domain = names.proven(north)
    for _ in range(3):
        clock.advance(WEEK - timedelta(seconds=1))
        assert names.domains.verify_due() == Verified()
        clock.advance(timedelta(seconds=1))
        assert names.domains.verify_due() == Verified(active=1)
    assert len(names.town.happened(DomainActivated)) == 1
    names.dns.withdraw(domain.challenge)
    clock.advance(WEEK)
    assert names.domains.verify_due() == Verified(failed=1)
    assert names.status(north) == (DomainStatus.FAILED, None)


def test_who_proves_first(names: Names) -> None:
    """A name is one tenant's; another one that proves it too waits until it is free."""
    north, south = names.town.scope("north"), names.town.scope("south")
    mine, theirs = names.domains.add(north, SHOP), names.domains.add(south, SHOP)
    names.publish(mine, theirs)
    assert names.domains.verify(north, SHOP).status is DomainStatus.ACTIVE
    late = names.domains.verify(south, SHOP)
    assert "another tenant" in (late.reason or "")
    assert names.status(south) == (DomainStatus.PENDING_DNS, STANDS_IN_LINE)
    names.domains.remove(north, SHOP)
    assert names.domains.verify(south, SHOP).status is DomainStatus.ACTIVE
    assert names.domains.may_issue(SHOP)


def test_a_name_changes_hands(names: Names) -> None:
    """Who owned a name loses it at the next look after the record is gone; the new owner waits for that every day."""
    north, south, clock = names.town.scope("north"), names.town.scope("south"), names.town.clock
    names.proven(north)
    clock.advance(timedelta(seconds=1))
    names.publish(names.domains.add(south, SHOP))
    for _ in range(7):
        assert names.domains.verify_due() == Verified(waiting=1)
        clock.advance(STANDS_IN_LINE)
    assert names.domains.verify_due() == Verified(failed=1, active=1)
    assert names.domains.get(north, SHOP).status is DomainStatus.FAILED
    assert names.domains.get(south, SHOP).status is DomainStatus.ACTIVE


def test_removing(names: Names) -> None:
    """A removed domain is not answered to, not looked at, and not verified; it stays in the list."""
    north = names.town.scope()
    domain = names.proven(north)
    removed = names.domains.remove(north, SHOP)
    assert (removed.status, removed.check_at) == (DomainStatus.REMOVED, None)
    asked = len(names.dns.asked)
    assert code(lambda: names.domains.verify(north, domain.id)) == "invalid_state"
    assert code(lambda: names.domains.remove(north, domain.id)) == "invalid_state"
    assert code(lambda: names.domains.verify(north, SHOP)) == "domain_not_found"
    names.town.clock.advance(WEEK)
    assert names.domains.verify_due() == Verified()
    assert len(names.dns.asked) == asked
    assert [each.status for each in names.domains.list(north).items] == [DomainStatus.REMOVED]
    assert [event.subject for event in names.town.happened(DomainRemoved)] == [domain.id]


def test_each_tenant_has_its_own(names: Names) -> None:
    """Another tenant's domain is not found, whatever is done with it."""
    north, south = names.town.scope("north"), names.town.scope("south")
    domain = names.proven(north)
    for use_case in (names.domains.get, names.domains.verify, names.domains.remove):
        assert code(lambda use_case=use_case: use_case(south, domain.id)) == "domain_not_found"  # type: ignore[misc]
    assert names.domains.list(south).items == ()


def test_all_tenants_are_looked_after(names: Names) -> None:
    """Whatever is due is verified, of every tenant, also if it is more than is looked up at a time."""
    scopes = [names.town.scope("north"), names.town.scope("south")]
    count = CHUNK // 2 + 1
    for scope in scopes:
        for number in range(count):
            names.publish(names.domains.add(scope, f"{number}.{scope.tenant_id}.example"))
    assert names.domains.verify_due() == Verified(active=2 * count)
    assert len(names.domains.list(scopes[0], PageRequest(100)).items) == count


def test_looking_happens_outside_of_transactions(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the DNS is asked no transaction is open, and what others do meanwhile counts."""
    north = names.town.scope()
    domain = names.domains.add(north, SHOP)

    def texts(_name: str) -> tuple[str, ...]:
        names.domains.remove(north, SHOP)
        return (domain.token,)

    monkeypatch.setattr(ScriptedNames, "texts", lambda _self, name: texts(name))
    assert names.domains.verify_due() == Verified()
    assert names.domains.get(north, domain.id).status is DomainStatus.REMOVED
    assert code(lambda: names.domains.verify(north, domain.id)) == "invalid_state"


def test_another_conflict_is_passed_on(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    """A domain that someone else changed at the same moment is left to them."""
    north = names.town.scope()
    domain = names.domains.add(north, SHOP)

    def stale(_self: object, _row: object) -> None:
        raise Conflict("stale", "someone else changed this")

    monkeypatch.setattr("cityos_adapters.memory.domains.MemoryDomains.save", stale)
    assert code(lambda: names.domains.verify(north, domain.id)) == "stale"
    assert names.domains.verify_due() == Verified()


def _deaths(run: Callable[[], object]) -> Iterator[str]:
    """List the fault points that a call passes."""
    passed: list[str] = []
    with faults.hooked(passed.append):
        run()
    yield from passed


def test_dying_anywhere(names: Names) -> None:
    """A process that dies while it verifies leaves a domain that the next one verifies."""
    north = names.town.scope()
    points = list(_deaths(lambda: names.proven(north, "first.example")))
    assert "domains.verify.answered" in points
    for number, _ in enumerate(points):
        domain = names.domains.add(north, f"{number}.example")
        names.publish(domain)
        left = iter(range(number))

        def die(_point: str, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise faults.Crash

        try:
            with faults.hooked(die):
                names.domains.verify_due()
        except faults.Crash:
            pass
        names.domains.verify_due()
        assert names.domains.get(north, domain.id).status is DomainStatus.ACTIVE


def test_the_platform_may_verify_any(names: Names) -> None:
    """Work for all tenants names domains by id."""
    domain = names.domains.add(names.town.scope(), SHOP)
    names.publish(domain)
    assert names.domains.verify(PlatformScope(), domain.id).status is DomainStatus.ACTIVE
    assert code(lambda: names.domains.verify(PlatformScope(), DomainId(UUID(int=7)))) == "domain_not_found"


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("city.example", True),
        ("CITY.test.", True),
        ("north.city.example", True),
        ("north.city.test", True),
        (SHOP, True),
        ("Shop.Example", True),
        ("nobody.city.example", False),
        ("www.north.city.example", False),
        ("new.example", False),
        ("gone.example", False),
        ("www.shop.example", False),
        ("other.example", False),
        ("*.city.example", False),
        ("127.0.0.1", False),
        ("", False),
    ],
)
def test_certificates(names: Names, name: str, may: bool) -> None:
    """A proxy may get one for the platform, its tenants, and their proven domains; for nothing else."""
    north = names.town.scope()
    names.proven(north)
    names.domains.add(north, "new.example")
    names.proven(north, "gone.example")
    names.domains.remove(north, "gone.example")
    assert names.domains.may_issue(name) is may


def test_certificates_follow_the_tenant(names: Names) -> None:
    """A suspended tenant keeps its name below the platform's only, an archived one nothing."""
    north, tenants = names.town.scope(), names.town.tenants
    names.proven(north)

    def issued() -> tuple[bool, bool]:
        return names.domains.may_issue(SHOP), names.domains.may_issue("north.city.example")

    assert issued() == (True, True)
    tenants.suspend("north", reason="audit")
    assert issued() == (False, True)
    tenants.offboard("north", reason="leaving")
    assert issued() == (True, True)
    tenants.archive("north")
    assert issued() == (False, False)


def test_without_dns_nothing_is_proven() -> None:
    """Where no DNS is configured a domain waits, and says why; without randomness it cannot be added."""
    town = Town.empty()
    bare = DomainUseCases.of(town.dependencies)
    scope = town.scope()
    assert code(lambda: bare.add(scope, SHOP)) == "no_randomness"
    domains = DomainUseCases.of(evolve(town.dependencies, randomness=SequentialRandomness()))
    domain = domains.add(scope, SHOP)
    assert "name server" in (domains.verify(scope, domain.id).reason or "")
    assert "localhost" in detail(lambda: domains.add(scope, "south.localhost"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_on_databases(make_database: Callable[[str], UnitOfWorkFactory], kind: str) -> None:
    """Two tenants that prove one name, and what is due, are the same where the records are in a database."""
    door = Door(Counted(make_database(kind)))
    north, south = door.tenant("north", domain=SHOP).scope, door.tenant("south").scope
    theirs = door.domains.add(south, SHOP)
    door.dns.publish(theirs.challenge, theirs.token)
    assert door.domains.verify(south, SHOP).status is DomainStatus.PENDING_DNS
    assert code(lambda: door.domains.add(south, SHOP)) == "domain_added"
    door.clock.advance(WEEK)
    assert door.domains.verify_due().failed == 1
    assert door.domains.verify(south, SHOP).status is DomainStatus.ACTIVE
    assert door.domains.remove(north, SHOP).status is DomainStatus.REMOVED
    names = [(domain.name, domain.status) for domain in door.domains.list(north).items]
    assert names == [(SHOP, DomainStatus.REMOVED)]
    assert door.domains.may_issue(SHOP)
