"""API keys: made once, rotated with an overlap, revoked for good, and never worth more than their maker."""

from datetime import timedelta
from functools import partial
from typing import Final

import pytest

from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.key_text import hashed, parse
from cityos_core.access.model import Environment, Grant, KeyKind, Principal, PrincipalKind, RateLimit, Reach
from cityos_core.access.placing import Where
from cityos_core.audit.ports import AuditFilter
from cityos_core.kernel.errors import Conflict, Forbidden, Invalid
from cityos_core.kernel.ids import PLATFORM as PLATFORM_ID
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.vendors.model import Profile
from usecases.door import NORTH, PLATFORM, SYSTEM, Door
from usecases.town import code

DAY: Final = timedelta(days=1)
TILL: Final = KeyDraft(name=" Till ", role="operator")


@pytest.fixture
def door() -> Door:
    """A platform with two tenants."""
    door = Door()
    door.tenant("north")
    door.tenant("south")
    return door


@pytest.fixture
def north(door: Door) -> TenantScope:
    """The scope of a tenant."""
    return door.tenants.get("north").scope


def administrator(door: Door, *, role: str = "administrator", scopes: frozenset[str] | None = None) -> Principal:
    """Give someone who has a role in the tenant north."""
    grant = Grant(role=role, reach=Reach.TENANT, path=door.tenants.get("north").path)
    return Principal(kind=PrincipalKind.USER, id="4711", grants=(grant,), scopes=scopes)


def test_a_key_is_shown_once(door: Door, north: TenantScope) -> None:
    """Making a key gives its text; what is stored and listed is its hash and its last four characters."""
    key, text = door.access.create_key(north, administrator(door), TILL)
    parsed = parse(text)
    assert (key.name, key.prefix, key.last_four, key.hash) == ("Till", "csk_live_", text[-4:], hashed(text))
    assert (parsed.kind, parsed.environment) == (KeyKind.SECRET, Environment.LIVE)
    assert key.grant == Grant(role="operator", reach=Reach.TENANT, path=NORTH)
    assert key.created_by == "user:4711"
    assert door.access.key(north, key.id) == key
    assert door.access.keys(north).items == (key,)
    assert text not in repr(door.access.keys(north))
    assert door.access.create_key(north, SYSTEM, TILL)[1] != text


def test_a_key_is_in_the_audit_without_its_text(door: Door, north: TenantScope) -> None:
    """Making, rotating and revoking are written down; the text of a key is nowhere."""
    key, text = door.access.create_key(north, SYSTEM, TILL)
    new, other = door.access.rotate_key(north, SYSTEM, key.id)
    door.access.revoke_key(north, new.id)
    with door.dependencies.unit_of_work(north) as uow:
        entries = list(uow.audit.export(AuditFilter(kind="api_key")))
    assert [change["verb"] for entry in entries for change in entry.changes] == ["added", "added", "changed", "changed"]
    assert not any(secret in repr(entries) for secret in (text, other))


def test_every_kind_of_key(door: Door, north: TenantScope) -> None:
    """A publishable key shows a storefront, a restricted one has scopes; each has the limits that were asked for."""
    shown, text = door.access.create_key(north, SYSTEM, KeyDraft(name="Web", kind=KeyKind.PUBLISHABLE))
    assert text.startswith("cpk_live_")
    assert shown.grant == Grant(role="storefront", reach=Reach.TENANT, path=NORTH)
    draft = KeyDraft(
        name="Robot",
        kind=KeyKind.RESTRICTED,
        environment=Environment.TEST,
        role="finance",
        scopes=frozenset({"payouts:list"}),
        allow_list=("192.0.2.1", "203.0.113.0/24"),
        rate_limit=RateLimit(requests=10),
        expires_at=door.clock.now() + DAY,
    )
    narrow, text = door.access.create_key(north, SYSTEM, draft)
    assert text.startswith("crk_test_")
    assert (narrow.scopes, narrow.allow_list) == (draft.scopes, ("192.0.2.1/32", "203.0.113.0/24"))
    assert (narrow.rate_limit, narrow.expires_at) == (draft.rate_limit, draft.expires_at)
    assert narrow.works(door.clock.now())
    assert not narrow.works(door.clock.now() + DAY)


def test_where_a_key_works(door: Door, north: TenantScope) -> None:
    """A key is for a tenant, one of its stores or one of its vendors; the platform's for a subtree or for everything."""
    door.stores.create(north, "web", name="Web")
    door.vendors.register(north, "acme", Profile(name="Acme"))
    make = door.access.create_key

    def grant(where: Where, *, role: str = "operator") -> Grant:
        return make(north, SYSTEM, KeyDraft(name="a", role=role, where=where))[0].grant

    def platform_grant(where: Where) -> Grant:
        return make(PLATFORM, SYSTEM, KeyDraft(name="a", role="support", where=where))[0].grant

    assert grant(Where(store="web")) == Grant(role="operator", reach=Reach.STORE, path=f"{NORTH}/web")
    assert grant(Where(vendor="acme"), role="vendor_manager") == Grant(
        role="vendor_manager", reach=Reach.OWN, path=NORTH, subject="vendor:acme"
    )
    assert platform_grant(Where()) == Grant(role="support", reach=Reach.PLATFORM)
    assert platform_grant(Where(node="de")) == Grant(role="support", reach=Reach.SUBTREE, path="de")
    assert code(lambda: grant(Where(store="shop"))) == "store_not_found"
    assert code(lambda: grant(Where(vendor="birch"), role="vendor_staff")) == "vendor_not_found"
    assert code(lambda: grant(Where(vendor="acme"))) == "role_does_not_fit"
    assert code(lambda: grant(Where(), role="vendor_staff")) == "role_does_not_fit"
    assert code(lambda: grant(Where(node="de"))) == "not_in_a_tenant"
    assert code(lambda: grant(Where(vendor="acme", store="web"))) == "ambiguous_place"
    assert code(lambda: platform_grant(Where(store="web"))) == "not_on_the_platform"
    assert code(lambda: platform_grant(Where(node="atlantis"))) == "node_not_found"


def test_keys_that_are_not_made(door: Door, north: TenantScope) -> None:
    """Every mistake is named; a publishable key of the platform would name nothing."""
    with pytest.raises(Invalid) as caught:
        door.access.create_key(north, SYSTEM, KeyDraft(name="", role="nobody", expires_at=door.clock.now()))
    assert [error.path for error in caught.value.errors] == ["$.name", "$.role", "$.expires_at"]
    web = KeyDraft(name="Web", kind=KeyKind.PUBLISHABLE)
    assert code(lambda: door.access.create_key(PLATFORM, SYSTEM, web)) == "not_on_the_platform"
    assert door.access.keys(north).items == ()


@pytest.mark.parametrize(
    ("role", "scopes", "wanted"),
    [
        ("operator", None, KeyDraft(name="a", role="administrator")),
        ("finance", None, KeyDraft(name="a", role="operator")),
        ("administrator", frozenset({"api-keys:*"}), KeyDraft(name="a", role="operator")),
    ],
)
def test_no_key_is_worth_more_than_its_maker(
    door: Door, north: TenantScope, role: str, scopes: frozenset[str] | None, wanted: KeyDraft
) -> None:
    """Nobody makes a key, or is shown a new one in place of another, that may do what they may not."""
    maker = administrator(door, role=role, scopes=scopes)
    with pytest.raises(Forbidden) as caught:
        door.access.create_key(north, maker, wanted)
    assert caught.value.code == "beyond_own_access"
    existing, _ = door.access.create_key(north, SYSTEM, wanted)
    assert code(lambda: door.access.rotate_key(north, maker, existing.id)) == "beyond_own_access"


def test_a_tenants_administrator_makes_keys_within_its_tenant(door: Door, north: TenantScope) -> None:
    """A tenant's administrator makes no key of another tenant, nor one of the platform."""
    maker = administrator(door)
    south = door.tenants.get("south").scope
    door.access.create_key(north, maker, KeyDraft(name="a", role="administrator"))
    for scope in (south, PLATFORM):
        draft = KeyDraft(name="a", role="auditor")
        assert code(partial(door.access.create_key, scope, maker, draft)) == "beyond_own_access"


def test_rotating(door: Door, north: TenantScope) -> None:
    """The new key may do the same; the old one works for a day more, or as long as was said, and not longer."""
    draft = KeyDraft(name="Till", role="operator", expires_at=door.clock.now() + 90 * DAY)
    old, text = door.access.create_key(north, SYSTEM, draft)
    door.clock.advance(10 * DAY)
    new, other = door.access.rotate_key(north, SYSTEM, old.id)
    now = door.clock.now()
    replaced = door.access.key(north, old.id)
    assert other != text
    assert (new.grant, new.name, new.expires_at) == (old.grant, old.name, now + 90 * DAY)
    assert (replaced.replaced_by, replaced.expires_at) == (new.id, now + DAY)
    assert replaced.works(now)
    assert not replaced.works(now + DAY)
    with pytest.raises(Conflict) as caught:
        door.access.rotate_key(north, SYSTEM, old.id)
    assert caught.value.code == "key_rotated"
    at_once, _ = door.access.rotate_key(north, SYSTEM, new.id, works_until=now)
    assert not door.access.key(north, new.id).works(now)
    assert (
        code(lambda: door.access.rotate_key(north, SYSTEM, at_once.id, works_until=now + 31 * DAY)) == "invalid_overlap"
    )
    assert code(lambda: door.access.rotate_key(north, SYSTEM, at_once.id, works_until=now - DAY)) == "invalid_overlap"


def test_revoking(door: Door, north: TenantScope) -> None:
    """A revoked key works no more, is listed on, and is neither rotated nor revoked again."""
    key, _ = door.access.create_key(north, SYSTEM, TILL)
    door.access.revoke_key(north, key.id)
    assert not door.access.key(north, key.id).works(door.clock.now())
    assert code(lambda: door.access.revoke_key(north, key.id)) == "key_revoked"
    assert code(lambda: door.access.rotate_key(north, SYSTEM, key.id)) == "key_does_not_work"
    assert len(door.access.keys(north).items) == 1


def test_keys_are_looked_after_where_they_belong(door: Door, north: TenantScope) -> None:
    """Another tenant's key is not there, and the platform looks after its own only."""
    key, _ = door.access.create_key(north, SYSTEM, TILL)
    own, _ = door.access.create_key(PLATFORM, SYSTEM, TILL)
    for scope in (door.tenants.get("south").scope, PLATFORM):
        assert code(partial(door.access.key, scope, key.id)) == "api_key_not_found"
        assert code(partial(door.access.revoke_key, scope, key.id)) == "api_key_not_found"
        assert code(partial(door.access.rotate_key, scope, SYSTEM, key.id)) == "api_key_not_found"
    assert code(lambda: door.access.key(north, own.id)) == "api_key_not_found"
    assert door.access.keys(PLATFORM).items == (own,)
    assert own.tenant_id == PLATFORM_ID


def test_keys_are_listed_in_pages(door: Door, north: TenantScope) -> None:
    """Oldest first, a page at a time."""
    made = []
    for _ in range(3):
        made.append(door.access.create_key(north, SYSTEM, TILL)[0])
        door.clock.advance(DAY)
    first = door.access.keys(north, PageRequest(2))
    rest = door.access.keys(north, PageRequest(2, first.after))
    assert [*first.items, *rest.items] == made
    assert rest.after is None
