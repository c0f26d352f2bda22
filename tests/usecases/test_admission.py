"""Which tenant a request is for, and who comes in: host, keys and token in every combination."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Self

import pytest
from attrs import frozen

from cityos_core.access.key_policy import NOTED_EVERY
from cityos_core.access.key_text import make
from cityos_core.access.model import ANONYMOUS, Admission, ApiKey, Environment, KeyKind, PrincipalKind
from cityos_core.kernel.errors import CityOSError, Conflict, Unauthenticated, Unavailable
from cityos_core.tenancy.model import TenantStatus
from cityos_core.testing.randomness import SequentialRandomness
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.door import PLATFORM, Counted, Door
from usecases.town import code, detail

SHOP = "shop.example"

HOSTS = {
    None: None,
    "city.example": None,
    "CITY.example.:443": None,
    "north.city.example": "north",
    "NORTH.city.example:8080": "north",
    SHOP: "north",
    "south.city.example": "south",
    "nobody.city.example": "unknown",
    "www.north.city.example": "unknown",
    "other.example": "unknown",
}
"""Hosts, and the tenants that they name."""

PUBLISHABLE = {None: None, "north": "north", "south": "south", "unknown": "unknown"}
"""Publishable keys, and the tenants that they name."""

SECRETS = {"north": "north", "south": "south", "platform": None, "unknown": "unknown"}
"""Secret keys, likewise."""

TOKENS = {
    "silent": None,
    "of none": frozenset[str](),
    "of north": frozenset({"north"}),
    "of south": frozenset({"south"}),
    "of both": frozenset({"north", "south"}),
    "of staff": frozenset({"staff"}),
    "of north and staff": frozenset({"north", "staff"}),
}
"""Access tokens, and their organizations."""

BEARERS = [None, *(f"key {name}" for name in SECRETS), *(f"token {name}" for name in TOKENS), "token forged"]


@frozen
class World:
    """Two tenants, and everything that names them."""

    door: Door
    texts: Mapping[str, str]
    """What is shown, by what it is called here."""

    @classmethod
    def built(cls, door: Door) -> Self:
        """Build it: ``north`` has a domain of its own, the platform a key."""
        north, south = door.tenant("north", domain=SHOP), door.tenant("south")
        scopes = {"north": north.scope, "south": south.scope}
        unknown = SequentialRandomness(10**9)
        texts = {
            "token forged": "forged",
            "key unknown": make(KeyKind.SECRET, Environment.LIVE, unknown),
            "publishable unknown": make(KeyKind.PUBLISHABLE, Environment.LIVE, unknown),
            "key platform": door.key(PLATFORM)[1],
        }
        for name, scope in scopes.items():
            texts[f"key {name}"] = door.key(scope)[1]
            texts[f"publishable {name}"] = door.key(scope, KeyKind.PUBLISHABLE)[1]
        for name, organizations in TOKENS.items():
            texts[f"token {name}"] = door.user(organizations=organizations)
        return cls(door, texts)

    def knock(
        self, host: str | None, publishable: str | None, bearer: str | None, *, administration: bool
    ) -> Admission:
        """Show what is called so."""
        return self.door.knock(
            host,
            None if bearer is None else self.texts[bearer],
            publishable_key=None if publishable is None else self.texts[f"publishable {publishable}"],
            administration=administration,
        )


@pytest.fixture(scope="module")
def world() -> World:
    """A world that tests look at and do not change, but for the status of ``north``."""
    return World.built(Door())


def named_by(host: str | None, publishable: str | None, bearer: str | None) -> str:
    """Say by the words of the specification which tenant is named, or why none is."""
    kind, _, which = (bearer or "").partition(" ")
    organizations = TOKENS.get(which) if kind == "token" else None
    key = SECRETS[which] if kind == "key" else None
    if which == "forged":
        return "invalid_token"
    if "unknown" in (PUBLISHABLE[publishable], key):
        return "invalid_api_key"
    if HOSTS[host] == "unknown":
        return "not_found"
    named = frozenset(each for each in (HOSTS[host], PUBLISHABLE[publishable], key) if each is not None)
    if len(named) > 1 or (named and organizations is not None and not named & organizations):
        return "tenant-mismatch"
    if not named and organizations is not None and len(organizations) == 1:
        named = organizations & {"north", "south"}
    if named:
        return str(*named)
    return "platform" if host in {"city.example", "CITY.example.:443"} else "not_found"


def expected(named: str, status: TenantStatus, *, administration: bool) -> str:
    """Say what comes of it if ``north`` has a status."""
    if named != "north" or status is TenantStatus.ACTIVE:
        return named
    if status is TenantStatus.ARCHIVED:
        return "not_found"
    if administration:
        return named
    return "not_found" if status is TenantStatus.PROVISIONING else "tenant-suspended"


def outcome(admission: Admission) -> str:
    """Say where someone was let in."""
    return admission.tenant.handle if admission.tenant else "platform"


@pytest.mark.parametrize("administration", [False, True])
@pytest.mark.parametrize("status", TenantStatus)
def test_every_combination(world: World, status: TenantStatus, administration: bool) -> None:
    """Everything that is shown agrees on one tenant, which is open, or nobody comes in."""
    world.door.become("north", status)
    check_combinations(world, status, administration=administration)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_combination_on_databases(make_database: Callable[[str], UnitOfWorkFactory], kind: str) -> None:
    """The same holds where the records are in a database."""
    world = World.built(Door(Counted(make_database(kind))))
    check_combinations(world, TenantStatus.ACTIVE, administration=False)


def check_combinations(world: World, status: TenantStatus, *, administration: bool) -> None:
    """Compare what happens with what should, for everything that can be shown."""
    for host, publishable, bearer in product(HOSTS, PUBLISHABLE, BEARERS):
        try:
            found = outcome(world.knock(host, publishable, bearer, administration=administration))
        except CityOSError as error:
            found = error.code
        named = named_by(host, publishable, bearer)
        assert found == expected(named, status, administration=administration), (host, publishable, bearer)


@pytest.mark.parametrize(
    ("publishable", "bearer", "kind", "name"),
    [
        (None, None, PrincipalKind.ANONYMOUS, ""),
        ("north", None, PrincipalKind.API_KEY, "publishable"),
        (None, "key north", PrincipalKind.API_KEY, "secret"),
        ("north", "key north", PrincipalKind.API_KEY, "secret"),
        (None, "token of north", PrincipalKind.USER, ""),
        ("north", "token of north", PrincipalKind.USER, "publishable"),
        (None, "key platform", PrincipalKind.API_KEY, "secret"),
    ],
)
def test_who_it_is(world: World, publishable: str | None, bearer: str | None, kind: PrincipalKind, name: str) -> None:
    """A user before a secret key before a publishable one; the key that was shown is told."""
    world.door.become("north", TenantStatus.ACTIVE)
    admission = world.knock("north.city.example", publishable, bearer, administration=False)
    assert admission.principal.kind is kind
    assert (admission.key.kind.name.lower() if admission.key else "") == name
    if kind is PrincipalKind.API_KEY and admission.key:
        assert (admission.principal.id, admission.principal.name) == (str(admission.key.id), "a key")
    if kind is PrincipalKind.ANONYMOUS:
        assert admission.principal == ANONYMOUS


@pytest.mark.parametrize(
    "host", ["", "127.0.0.1", "[::1]:80", "north_.city.example", "user@north.city.example", "münchen"]
)
def test_hosts_that_are_no_names(world: World, host: str) -> None:
    """A host that is no name is invalid, whatever else is shown."""
    assert code(lambda: world.knock(host, None, None, administration=False)) == "invalid_host"
    assert code(lambda: world.knock(host, None, "key north", administration=False)) == "invalid_host"


def test_nothing_is_hinted(world: World) -> None:
    """Hosts without a tenant, of one that is being made, and of one that is gone read the same."""
    told = set()
    for status in (TenantStatus.PROVISIONING, TenantStatus.ARCHIVED):
        world.door.become("north", status)
        for host in ("north.city.example", SHOP, "nobody.city.example", "other.example", None):
            told.add(detail(partial(world.knock, host, None, None, administration=False)))
    assert len(told) == 1


def _failing(door: Door, **words: object) -> tuple[ApiKey, str]:
    return door.key(door.tenants.get("north").scope, **words)  # type: ignore[arg-type]


def test_keys_that_do_not_work() -> None:
    """Unknown, revoked, expired and far-away keys are refused in the same words; a wrong checksum before any query."""
    door = Door()
    scope = door.tenant("north").scope
    soon = door.clock.now() + timedelta(hours=1)
    expiring, revoked = _failing(door, expires_at=soon), _failing(door)
    near = _failing(door, allow_list=("203.0.113.0/24",))[1]
    door.access.revoke_key(scope, revoked[0].id)
    unknown = make(KeyKind.SECRET, Environment.LIVE, SequentialRandomness(10**9))
    assert outcome(door.knock(bearer=expiring[1])) == "north"
    assert outcome(door.knock(bearer=near, address="203.0.113.7")) == "north"
    door.clock.set(soon)
    texts = [(expiring[1], None), (revoked[1], None), (near, "198.51.100.1"), (near, None), (unknown, "203.0.113.7")]
    for text, address in texts:
        with pytest.raises(Unauthenticated) as told:
            door.knock(bearer=text, address=address)
        assert (told.value.code, str(told.value)) == ("invalid_api_key", detail(lambda: door.knock(bearer=unknown)))
    door.database.scopes.clear()
    for text in (near[:-1] + "!", near[:-1], f"{near[:-1]}{'1' if near[-1] == '0' else '0'}", "csk_", "crk_live_x"):
        assert code(partial(door.knock, bearer=text)) == "invalid_api_key"
        assert code(partial(door.knock, publishable_key=text)) == "invalid_api_key"
    assert door.database.scopes == []


def test_keys_in_the_wrong_place() -> None:
    """A publishable key proves nothing as a bearer, and a secret key has no place where pages show theirs."""
    door = Door()
    scope = door.tenant("north").scope
    public, secret = door.key(scope, KeyKind.PUBLISHABLE)[1], door.key(scope)[1]
    for knock in (partial(door.knock, bearer=public), partial(door.knock, publishable_key=secret)):
        with pytest.raises(Unauthenticated) as told:
            knock()
        assert told.value.code == "misplaced_api_key"
        assert public not in str(told.value)
        assert secret not in str(told.value)
    assert code(lambda: door.knock(publishable_key=door.user())) == "invalid_api_key"


def test_a_rotated_key_works_for_a_while() -> None:
    """Old and new key name the same tenant and may do the same until the overlap ends."""
    door = Door()
    scope = door.tenant("north").scope
    old, text = door.key(scope)
    _, new = door.access.rotate_key(scope, door.knock(bearer=text).principal, old.id)
    assert door.knock(bearer=new).principal.grants == door.knock(bearer=text).principal.grants
    door.clock.advance(timedelta(days=1))
    assert code(lambda: door.knock(bearer=text)) == "invalid_api_key"
    assert outcome(door.knock(bearer=new)) == "north"


def _used(door: Door, key: ApiKey, scope: object) -> object:
    return door.access.key(scope, key.id).last_used_at  # type: ignore[arg-type]


def test_uses_are_noted_now_and_then() -> None:
    """When keys were used is written down, the platform's too, at most every few minutes; refused uses are not."""
    door = Door()
    scope = door.tenant("north").scope
    door.tenant("south")
    secret, public, wide = door.key(scope), door.key(scope, KeyKind.PUBLISHABLE), door.key(PLATFORM)
    assert code(lambda: door.knock("south.city.example", secret[1])) == "tenant-mismatch"
    assert _used(door, secret[0], scope) is None
    start = door.clock.now()
    door.knock(bearer=secret[1], publishable_key=public[1])
    door.knock(bearer=wide[1])
    for key, where in ((secret, scope), (public, scope), (wide, PLATFORM)):
        assert _used(door, key[0], where) == start
    door.clock.advance(NOTED_EVERY - timedelta(seconds=1))
    door.knock(bearer=secret[1])
    assert _used(door, secret[0], scope) == start
    now = door.clock.advance(timedelta(seconds=1))
    door.knock(bearer=secret[1])
    assert _used(door, secret[0], scope) == now
    assert door.access.key(scope, secret[0].id).version == 1


@pytest.mark.parametrize("failure", [Conflict("stale", "someone was first"), Unavailable("busy", "try again")])
def test_a_use_that_cannot_be_noted(failure: CityOSError, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request is served even if nobody can write down that its key was used."""
    door = Door()
    _, text = door.key(door.tenant("north").scope)

    def refuse(*_: object) -> None:
        raise failure

    monkeypatch.setattr("cityos_adapters.memory.access.MemoryApiKeys.touch", refuse)
    assert outcome(door.knock(bearer=text)) == "north"


def test_few_transactions() -> None:
    """One on the platform, and one more in the tenant where its settings and vendors have to be asked."""
    door = Door()
    scope = door.tenant("north", domain=SHOP).scope
    secret, public = door.key(scope)[1], door.key(scope, KeyKind.PUBLISHABLE)[1]
    door.knock(bearer=secret, publishable_key=public)
    plain, rich = door.user(), door.user(email="ann@acme.example", roles=frozenset({"x"}))
    for bearer, more in ((None, []), (secret, []), (plain, []), (rich, [scope])):
        door.database.scopes.clear()
        door.knock(SHOP, bearer, publishable_key=public)
        assert door.database.scopes == [PLATFORM, *more]


def test_without_an_identity_provider(world: World) -> None:
    """A bearer that is no key goes to the identity provider, also an empty one; nobody guesses what it means."""
    for bearer in ("", "cpk", "csk-live", "Basic eA==", "CSK_live_x"):
        assert code(partial(world.door.knock, "city.example", bearer)) == "invalid_token"
