"""Keys, roles and impersonations with something in every field, to try an adapter on."""

from attrs import evolve

from cityos_core.access.model import (
    ApiKey,
    Assignment,
    Environment,
    Grant,
    Impersonation,
    KeyKind,
    RateLimit,
    Reach,
)
from cityos_core.kernel.ids import ApiKeyId, AssignmentId, ImpersonationId
from cityos_core.testing.contracts.examples import AT, LATER, WORDS
from cityos_core.testing.contracts.world import Place

STAFF = Grant(role="vendor_staff", reach=Reach.OWN, path="xa/food/retail/north", subject="vendor:acme")
ADMIN = Grant(role="tenant_admin", reach=Reach.TENANT)


def api_key(place: Place) -> ApiKey:
    """Make up a restricted key with a hash of its own."""
    number = place.ids.new()
    return ApiKey(
        id=ApiKeyId(number),
        tenant_id=place.id,
        name=WORDS,
        kind=KeyKind.RESTRICTED,
        environment=Environment.TEST,
        hash=f"{number.int:064x}",
        last_four="x7Qz",
        grant=STAFF,
        scopes=frozenset({"orders:read", "products:*", "vendors:read"}),
        allow_list=("192.0.2.0/24", "2001:db8::/32"),
        rate_limit=RateLimit(requests=100, seconds=10, burst=20),
        created_at=AT,
        created_by="user:4711",
        expires_at=LATER,
        revoked_at=LATER,
        replaced_by=ApiKeyId(place.ids.new()),
        last_used_at=AT,
    )


def bare_key(place: Place) -> ApiKey:
    """Make up a key of which little is known."""
    key = api_key(place)
    return ApiKey(
        id=key.id,
        tenant_id=key.tenant_id,
        name="",
        kind=KeyKind.SECRET,
        environment=Environment.LIVE,
        hash=key.hash,
        last_four=key.last_four,
        grant=ADMIN,
        created_at=AT,
    )


def assignment(place: Place, *, user: str = "anna@acme.example", grant: Grant = STAFF) -> Assignment:
    """Make up a role that was given to someone."""
    return Assignment(
        id=AssignmentId(place.ids.new()),
        tenant_id=place.id,
        user=user,
        grant=grant,
        created_at=AT,
        created_by="user:4711",
    )


def impersonation(place: Place) -> Impersonation:
    """Make up an impersonation under way."""
    return Impersonation(
        id=ImpersonationId(place.ids.new()),
        tenant_id=place.id,
        actor="user:support",
        user="anna@acme.example",
        grants=(STAFF, evolve(ADMIN, path=place.tenant.path)),
        reason=WORDS,
        started_at=AT,
        expires_at=LATER,
    )
