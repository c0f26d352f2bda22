"""What someone holds once they are in: by key, by token, by assignment, on a team, as a customer, as someone else."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest
from attrs import evolve

from cityos_core.access.model import (
    IMPERSONATION_LASTS,
    Admission,
    Assignment,
    Grant,
    Impersonation,
    KeyKind,
    PrincipalKind,
    Reach,
    Resource,
)
from cityos_core.access.placing import Where
from cityos_core.kernel.ids import AssignmentId, ImpersonationId, TenantId
from cityos_core.kernel.scope import Scope, TenantScope
from cityos_core.tenancy.model import Json, Tenant
from cityos_core.vendors.model import Profile, TeamRole
from usecases.door import NORTH, PLATFORM, SYSTEM, Door
from usecases.town import code

SOUTH: Final = "south.city.example"
HOME: Final = frozenset({"north"})
CUSTOMER: Final = Grant(role="customer", reach=Reach.OWN, path=NORTH, subject="customer:4711")
EVERYWHERE: Final = Grant(role="administrator", reach=Reach.PLATFORM)
IN_NORTH: Final = Grant(role="administrator", reach=Reach.TENANT, path=NORTH)


@pytest.fixture
def door() -> Door:
    """A platform with a tenant."""
    found = Door()
    found.tenant("north")
    return found


@pytest.fixture
def north(door: Door) -> Tenant:
    """The tenant."""
    return door.tenants.get("north")


def _held(admission: Admission, besides: Grant | None = CUSTOMER) -> set[Grant]:
    """Give someone's grants, besides being a customer."""
    assert besides is None or besides in admission.principal.grants
    return set(admission.principal.grants) - {besides}


def _assigned(door: Door, scope: Scope, user: str, grant: Grant) -> None:
    """Store an assignment as it is, whatever use cases would say."""
    assignment = Assignment(
        id=AssignmentId(door.dependencies.identifiers.new()),
        tenant_id=scope.tenant_id,
        user=user,
        grant=grant,
        created_at=door.clock.now(),
    )
    with door.dependencies.unit_of_work(scope) as uow:
        uow.assignments.add(assignment)
        uow.commit()


def test_visitors(door: Door, north: Tenant) -> None:
    """Whoever shows a publishable key may look around in its tenant, whatever was stored of the key."""
    key, text = door.key(north.scope, KeyKind.PUBLISHABLE)
    storefront = Grant(role="storefront", reach=Reach.TENANT, path=NORTH)
    assert door.knock(publishable_key=text).principal.grants == (storefront,)
    with door.dependencies.unit_of_work(north.scope) as uow:
        uow.api_keys.save(evolve(uow.api_keys.get(key.id), grant=EVERYWHERE))
        uow.commit()
    admission = door.knock("city.example", publishable_key=text)
    assert (admission.principal.grants, admission.is_outsider) == ((storefront,), False)
    assert not door.knock().principal.grants


def test_keys(door: Door, north: Tenant) -> None:
    """A key may do what its role may where it was given, a restricted one no more than its scopes."""
    door.stores.create(north.scope, "web", name="Web")
    _, whole = door.key(north.scope)
    _, store = door.key(north.scope, KeyKind.RESTRICTED, where=Where(store="web"), scopes={"orders:read"})
    assert door.knock(bearer=whole).principal.grants == (IN_NORTH,)
    assert door.knock(bearer=whole).principal.scopes is None
    found = door.knock(bearer=store).principal
    assert found.grants == (Grant(role="administrator", reach=Reach.STORE, path=f"{NORTH}/web"),)
    assert found.scopes == frozenset({"orders:read"})
    assert not door.knock(bearer=whole).is_outsider


def test_a_restricted_key_that_lost_its_scopes(door: Door, north: Tenant) -> None:
    """A restricted key without scopes may do nothing."""
    key, text = door.key(north.scope, KeyKind.RESTRICTED, scopes={"orders:read"})
    with door.dependencies.unit_of_work(north.scope) as uow:
        uow.api_keys.save(evolve(uow.api_keys.get(key.id), scopes=None))
        uow.commit()
    assert door.knock(bearer=text).principal.scopes == frozenset()


def test_platform_keys(door: Door) -> None:
    """A key of the platform reaches into every tenant, as an outsider; it names none."""
    _, text = door.key(PLATFORM)
    inside, bare = door.knock(bearer=text), door.knock("city.example", text)
    assert inside.principal.grants == bare.principal.grants == (EVERYWHERE,)
    assert (inside.is_outsider, bare.is_outsider, bare.tenant) == (True, False, None)


def test_a_platform_key_below_a_node(door: Door) -> None:
    """A key of the platform for a part of the tree is an outsider there, and a stranger elsewhere."""
    door.tenant("south", parent="fr/city/food/retail")
    _, text = door.key(PLATFORM, where=Where(node="de"))
    grant = Grant(role="administrator", reach=Reach.SUBTREE, path="de")
    assert door.knock(bearer=text).principal.grants == (grant,)
    assert door.knock(bearer=text).is_outsider
    assert not door.knock(SOUTH, text).is_outsider


def test_grants_follow_a_tenant_that_moves(door: Door, north: Tenant) -> None:
    """Keys and assignments of a tenant hold where the tenant is, wherever that was when they were given."""
    door.stores.create(north.scope, "web", name="Web")
    _, text = door.key(north.scope)
    door.access.assign(north.scope, SYSTEM, "4711", "support", Where(store="web"))
    door.tree.add("fr/city/food")
    door.tree.move("de/green-city/food/wholesale", "fr/city/food")
    path = "fr/city/food/wholesale/north"
    assert door.knock(bearer=text).principal.grants == (evolve(IN_NORTH, path=path),)
    assert _held(door.knock(bearer=door.user()), evolve(CUSTOMER, path=path)) == {
        Grant(role="support", reach=Reach.STORE, path=f"{path}/web")
    }


def test_customers(door: Door, north: Tenant) -> None:
    """Every user is a customer of the tenant that the request is for, and nothing on the platform."""
    token = door.user(name="Ann", email="ann@example.com")
    principal = door.knock(bearer=token).principal
    assert (principal.kind, principal.id, principal.name) == (PrincipalKind.USER, "4711", "Ann")
    assert (principal.email, principal.grants) == ("ann@example.com", (CUSTOMER,))
    _, public = door.key(north.scope, KeyKind.PUBLISHABLE)
    assert door.knock("city.example", token, publishable_key=public).principal.grants == (CUSTOMER,)
    assert door.knock("city.example", token).principal.grants == ()


def test_assignments(door: Door, north: Tenant) -> None:
    """Roles are assigned by subject or by verified e-mail address, in this tenant and by the platform."""
    south = door.tenant("south")
    door.access.assign(north.scope, SYSTEM, "4711", "support")
    door.access.assign(north.scope, SYSTEM, "Ann@Example.com", "finance")
    door.access.assign(south.scope, SYSTEM, "4711", "operator")
    support, finance = evolve(IN_NORTH, role="support"), evolve(IN_NORTH, role="finance")
    assert _held(door.knock(bearer=door.user(email="ANN@example.com"))) == {support, finance}
    assert _held(door.knock(bearer=door.user())) == {support}
    other = evolve(CUSTOMER, subject="customer:12")
    assert _held(door.knock(bearer=door.user("12", email="ann@example.com")), other) == {finance}
    assert not door.knock(bearer=door.user(email="ann@example.com")).is_outsider
    door.access.assign(PLATFORM, SYSTEM, "4711", "auditor")
    admission = door.knock(bearer=door.user())
    assert _held(admission) == {support, Grant(role="auditor", reach=Reach.PLATFORM)}
    assert _held(door.knock("city.example", door.user()), None) == {Grant(role="auditor", reach=Reach.PLATFORM)}


def test_a_subject_that_looks_like_an_address(door: Door, north: Tenant) -> None:
    """An address counts only where a token says that it was verified, not as the subject of another one."""
    door.access.assign(north.scope, SYSTEM, "ann@example.com", "administrator")
    token = door.user("ann@example.com", email="eve@example.com")
    assert _held(door.knock(bearer=token), evolve(CUSTOMER, subject="customer:ann@example.com")) == set()


@pytest.mark.parametrize("reach", [Reach.PLATFORM, Reach.SUBTREE])
def test_a_tenant_gives_nothing_beyond_itself(door: Door, north: Tenant, reach: Reach) -> None:
    """Whatever is stored as a tenant's assignment reaches no further than the tenant."""
    _assigned(door, north.scope, "4711", Grant(role="administrator", reach=reach, path="de"))
    _assigned(door, north.scope, "4711", Grant(role="auditor", reach=Reach.TENANT, path="de/green-city/other"))
    assert _held(door.knock(bearer=door.user())) == {evolve(IN_NORTH, role="auditor")}
    assert door.knock("city.example", door.user()).principal.grants == ()


def test_teams(door: Door, north: Tenant) -> None:
    """Members who have joined act for their vendors, by verified address; who is only invited does not."""
    for vendor, role in (("acme", TeamRole.OWNER), ("birch", TeamRole.STAFF), ("cedar", TeamRole.MANAGER)):
        door.vendors.register(north.scope, vendor, Profile(name=vendor))
        door.vendors.invite(north.scope, vendor, "Ann@acme.example", role)
    for vendor in ("acme", "birch"):
        door.vendors.join(north.scope, vendor, "ann@acme.example")
    grants = {
        Grant(role=f"vendor_{role}", reach=Reach.OWN, path=NORTH, subject=f"vendor:{vendor}")
        for vendor, role in (("acme", "owner"), ("birch", "staff"))
    }
    assert _held(door.knock(bearer=door.user(email="ANN@acme.example"))) == grants
    assert _held(door.knock(bearer=door.user())) == set()
    door.tenant("south")
    assert door.knock(SOUTH, door.user(email="ann@acme.example")).principal.grants[1:] == ()


def _map(door: Door, node: str | None, mapping: dict[str, Json]) -> None:
    door.settings.set(PLATFORM, "role_mapping", mapping, node=node)


STAFF: Final[dict[str, Json]] = {
    "boss": {"role": "administrator", "reach": "platform"},
    "country": {"role": "auditor", "reach": "subtree"},
    "market": {"role": "operator", "reach": "tenant"},
}


@pytest.mark.parametrize(
    ("stored_at", "organizations", "held"),
    [
        (None, HOME, {"administrator platform ", "auditor platform ", f"operator tenant {NORTH}"}),
        (None, None, {"administrator platform ", "auditor platform "}),
        ("de", HOME, {"administrator subtree de", "auditor subtree de", f"operator tenant {NORTH}"}),
        ("de", None, {"administrator subtree de", "auditor subtree de"}),
        (NORTH, HOME, {f"{role} tenant {NORTH}" for role in ("administrator", "auditor", "operator")}),
        (NORTH, None, set()),
        ("fr", HOME, set()),
    ],
)
def test_mapped_roles(door: Door, stored_at: str | None, organizations: frozenset[str] | None, held: set[str]) -> None:
    """Roles of a token reach as far as the mapping's own place, and in tenants those of the token's organizations."""
    door.tree.add("fr/city")
    _map(door, stored_at, STAFF)
    token = door.user(roles=frozenset({"boss", "country", "market", "other"}), organizations=organizations)
    found = _held(door.knock(bearer=token))
    assert {f"{grant.role} {grant.reach} {grant.path}" for grant in found} == held


def test_a_tenants_mapping_shuts_nobody_out(door: Door, north: Tenant) -> None:
    """A tenant that maps roles itself replaces what is meant for tenants, and nothing that stands above it."""
    _map(door, None, STAFF)
    door.settings.set(north.scope, "role_mapping", {"market": {"role": "support", "reach": "platform"}})
    token = door.user(roles=frozenset({"boss", "market"}), organizations=HOME)
    assert _held(door.knock(bearer=token)) == {EVERYWHERE, evolve(IN_NORTH, role="support")}


def test_mapped_roles_on_the_platform(door: Door, north: Tenant) -> None:
    """On the platform only the platform's own mapping counts."""
    _map(door, None, STAFF)
    door.settings.set(north.scope, "role_mapping", {"market": {"role": "administrator", "reach": "platform"}})
    token = door.user(roles=frozenset({"boss", "market"}))
    assert door.knock("city.example", token).principal.grants == (EVERYWHERE,)


@pytest.mark.parametrize(
    ("platform", "own", "is_outsider"),
    [
        (None, "administrator", False),
        ("administrator", None, True),
        ("administrator", "catalog_manager", True),
        ("administrator", "administrator", False),
        ("auditor", "administrator", False),
        ("support", "auditor", True),
    ],
)
def test_outsiders(door: Door, north: Tenant, platform: str | None, own: str | None, is_outsider: bool) -> None:
    """Whoever may do more by the platform's word than by the tenant's own is an outsider there."""
    if platform is not None:
        door.access.assign(PLATFORM, SYSTEM, "4711", platform)
    if own is not None:
        door.access.assign(north.scope, SYSTEM, "4711", own)
    token = door.user()
    assert door.knock(bearer=token).is_outsider is is_outsider
    assert not door.knock("city.example", token).is_outsider


def test_an_assignment_of_the_platform_in_one_tenant(door: Door, north: Tenant) -> None:
    """Someone whom the platform placed in a tenant is an outsider there, and nothing elsewhere."""
    door.tenant("south")
    _assigned(door, PLATFORM, "4711", IN_NORTH)
    _assigned(door, PLATFORM, "12", Grant(role="support", reach=Reach.STORE, path=f"{NORTH}/web"))
    token, other = door.user(), door.user("12")
    assert door.knock(bearer=token).is_outsider
    assert door.knock(bearer=other).is_outsider
    assert not door.knock(SOUTH, token).is_outsider


def _begun(door: Door, tenant: Tenant, token: str, user: str = "12") -> Impersonation:
    support = door.knock(f"{tenant.handle}.city.example", token).principal
    grants = door.access.grants_of(tenant.scope, user)
    return door.access.start_impersonation(tenant.scope, support, user, grants, reason="ticket 7")


def test_acting_as_someone(door: Door, north: Tenant) -> None:
    """Support acts as a user, with what the user holds and nothing else; both are told, and that it is an outsider."""
    door.access.assign(PLATFORM, SYSTEM, "4711", "support")
    door.access.assign(north.scope, SYSTEM, "12", "operator")
    token = door.user()
    begun = _begun(door, north, token)
    admission = door.knock(bearer=token, impersonation=str(begun.id))
    principal = admission.principal
    assert set(principal.grants) == {evolve(IN_NORTH, role="operator"), evolve(CUSTOMER, subject="customer:12")}
    assert (principal.label, principal.impersonator, principal.reason) == ("user:12", "user:4711", "ticket 7")
    assert admission.is_outsider
    assert door.knock(bearer=token).principal.label == "user:4711"


def test_acting_by_key(door: Door, north: Tenant) -> None:
    """A restricted key that acts as a user may do no more than its scopes allow."""
    door.access.assign(north.scope, SYSTEM, "12", "administrator")
    _, text = door.key(PLATFORM, KeyKind.RESTRICTED, scopes={"impersonations:start", "orders:read"})
    begun = _begun(door, north, text)
    principal = door.knock(bearer=text, impersonation=str(begun.id)).principal
    assert IN_NORTH in principal.grants
    assert principal.scopes == frozenset({"impersonations:start", "orders:read"})
    orders, vendors = (Resource(kind=kind, path=NORTH) for kind in ("orders", "vendors"))
    door.access.decide(principal, "orders:read", orders)
    assert code(lambda: door.access.decide(principal, "vendors:approve", vendors)) == "forbidden"


def test_when_nobody_acts_as_someone(door: Door, north: Tenant) -> None:
    """An impersonation counts for whoever began it, where it was begun, for half an hour, until it is ended."""
    south = door.tenant("south")
    door.access.assign(PLATFORM, SYSTEM, "4711", "support")
    token, other = door.user(), door.user("12")
    begun, elsewhere = _begun(door, north, token), _begun(door, south, token)
    public = door.key(north.scope, KeyKind.PUBLISHABLE)[1]

    def answer(impersonation: object, bearer: str | None = token, host: str = "north.city.example") -> str:
        return code(lambda: door.knock(host, bearer, impersonation=str(impersonation), publishable_key=public))

    assert answer(begun.id) == "ok"
    assert answer(begun.id, other) == "not_your_impersonation"
    assert answer(begun.id, None) == "not_your_impersonation"
    assert answer(elsewhere.id, other) == "not_your_impersonation"
    assert answer(UUID(int=7)) == "not_your_impersonation"
    assert answer("imp_1") == "not_your_impersonation"
    assert answer(elsewhere.id) == "tenant-mismatch"
    assert code(lambda: door.knock("city.example", token, impersonation=str(begun.id))) == "tenant-mismatch"
    ended = _begun(door, north, token)
    door.access.end_impersonation(north.scope, ImpersonationId(ended.id))
    assert answer(ended.id) == "impersonation_over"
    door.clock.advance(IMPERSONATION_LASTS - timedelta(seconds=1))
    assert answer(begun.id) == "ok"
    door.clock.advance(timedelta(seconds=1))
    assert answer(begun.id) == "impersonation_over"


def test_what_a_user_holds(door: Door, north: Tenant) -> None:
    """What is stored of a user can be told without a token: assignments, teams, and being a customer."""
    door.vendors.register(north.scope, "acme", Profile(name="Acme"))
    door.vendors.invite(north.scope, "acme", "ann@acme.example", TeamRole.OWNER)
    door.vendors.join(north.scope, "acme", "ann@acme.example")
    door.access.assign(north.scope, SYSTEM, "ann@acme.example", "support")
    door.access.assign(PLATFORM, SYSTEM, "4711", "auditor")
    owner = Grant(role="vendor_owner", reach=Reach.OWN, path=NORTH, subject="vendor:acme")
    assert set(door.access.grants_of(north.scope, "Ann@acme.example")) == {evolve(IN_NORTH, role="support"), owner}
    assert set(door.access.grants_of(north.scope, "4711")) == {CUSTOMER, Grant(role="auditor", reach=Reach.PLATFORM)}
    assert code(lambda: door.access.grants_of(TenantScope(TenantId(UUID(int=7))), "4711")) == "tenant_not_found"
