"""Roles given to users, support acting as them, and what the policy says of all of it."""

from datetime import timedelta
from functools import partial
from typing import Final

import pytest
from attrs import evolve, frozen

from cityos_core.access.conditions import EVERYTHING, Condition
from cityos_core.access.deciding import Decide, Plan
from cityos_core.access.impersonating import caller_of, impersonated
from cityos_core.access.model import (
    ANONYMOUS,
    IMPERSONATION_LASTS,
    Decision,
    Grant,
    ImpersonationStatus,
    KeyKind,
    Principal,
    PrincipalKind,
    RateLimit,
    Reach,
    Resource,
)
from cityos_core.access.placing import Where
from cityos_core.audit.ports import AuditFilter
from cityos_core.kernel.caller import acting
from cityos_core.kernel.errors import Forbidden
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.tenancy.model import Audience
from usecases.door import NORTH, PLATFORM, SYSTEM, Door
from usecases.town import code

CLERK: Final = Grant(role="operator", reach=Reach.TENANT, path=NORTH)
SUPPORT: Final = Principal(
    kind=PrincipalKind.USER, id="help", grants=(Grant(role="support", reach=Reach.PLATFORM),), name="Hel P."
)
BOSS: Final = Principal(
    kind=PrincipalKind.USER, id="boss", grants=(Grant(role="administrator", reach=Reach.TENANT, path=NORTH),)
)


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


def test_a_role_is_given_and_taken(door: Door, north: TenantScope) -> None:
    """A user has a role from the moment it is assigned until it is taken away."""
    given = door.access.assign(north, BOSS, "Ann@North.example", "operator")
    assert (given.user, given.grant, given.created_by) == ("ann@north.example", CLERK, "user:boss")
    assert door.access.assignments(north).items == (given,)
    assert door.access.grants_of(north, "ann@north.example") == (CLERK,)
    assert code(lambda: door.access.assign(north, BOSS, "ann@north.example", "operator")) == "assigned"
    door.access.unassign(north, given.id)
    assert door.access.assignments(north).items == ()
    assert code(lambda: door.access.unassign(north, given.id)) == "assignment_not_found"


def test_where_a_role_is_given(door: Door, north: TenantScope) -> None:
    """A tenant gives roles in itself and its stores, the platform over all or below a node."""
    door.stores.create(north, "web", name="Web")
    assert door.access.assign(north, BOSS, "ann", "support", Where(store="web")).grant == Grant(
        role="support", reach=Reach.STORE, path=f"{NORTH}/web"
    )
    over_all = door.access.assign(PLATFORM, SYSTEM, "ann", "auditor")
    below = door.access.assign(PLATFORM, SYSTEM, "ann", "administrator", Where(node="de/green-city"))
    assert over_all.grant == Grant(role="auditor", reach=Reach.PLATFORM)
    assert below.grant == Grant(role="administrator", reach=Reach.SUBTREE, path="de/green-city")
    assert door.access.assignments(PLATFORM, PageRequest(1)).items == (over_all,)
    assert len(door.access.assignments(north).items) == 1
    for scope in (door.tenants.get("south").scope, PLATFORM):
        inside = door.access.assignments(north).items[0].id
        assert code(partial(door.access.unassign, scope, inside)) == "assignment_not_found"


@pytest.mark.parametrize(
    ("user", "role", "expected"),
    [
        ("", "operator", "invalid_user"),
        ("ann north", "operator", "invalid_user"),
        ("ann\x00", "operator", "invalid_user"),
        ("x" * 256, "operator", "invalid_user"),
        ("ann@", "operator", "invalid_email"),
        ("ann", "nobody", "unknown_role"),
        ("ann", "vendor_owner", "unassignable_role"),
        ("ann", "customer", "unassignable_role"),
        ("ann", "storefront", "unassignable_role"),
    ],
)
def test_roles_that_are_not_given(door: Door, north: TenantScope, user: str, role: str, expected: str) -> None:
    """A user has a name, a role is one of the staff's."""
    assert code(lambda: door.access.assign(north, BOSS, user, role)) == expected


def test_nobody_gives_more_than_they_hold(door: Door, north: TenantScope) -> None:
    """A clerk makes no administrators, and a tenant's administrator none elsewhere."""
    clerk = evolve(BOSS, grants=(CLERK,))
    assert code(lambda: door.access.assign(north, clerk, "ann", "administrator")) == "beyond_own_access"
    assert code(lambda: door.access.assign(north, clerk, "ann", "catalog_manager")) == "ok"
    assert code(lambda: door.access.assign(north, SUPPORT, "ann", "operator")) == "beyond_own_access"
    south = door.tenants.get("south").scope
    assert code(lambda: door.access.assign(south, BOSS, "ann", "auditor")) == "beyond_own_access"
    assert code(lambda: door.access.assign(PLATFORM, BOSS, "boss", "administrator")) == "beyond_own_access"
    assert code(lambda: door.access.assign(PLATFORM, BOSS, "ann", "auditor", Where(node=NORTH))) == "beyond_own_access"


def test_support_acts_as_a_user(door: Door, north: TenantScope) -> None:
    """For half an hour and a stated reason; whoever acts is on record, and on whose behalf."""
    began = door.access.start_impersonation(north, SUPPORT, "ann", [CLERK], reason=" ticket 7 ")
    assert (began.actor, began.user, began.grants, began.reason) == ("user:help", "ann", (CLERK,), "ticket 7")
    assert began.expires_at - began.started_at == IMPERSONATION_LASTS == timedelta(minutes=30)
    now = door.clock.now()
    as_ann = impersonated(began, SUPPORT, now)
    assert (as_ann.label, as_ann.grants, as_ann.impersonator, as_ann.reason) == (
        *("user:ann", (CLERK,), "user:help", "ticket 7"),
    )
    with acting(caller_of(as_ann, action="stores:create", request_id="r1", address="192.0.2.1")):
        door.stores.create(north, "web", name="Web")
    with door.dependencies.unit_of_work(north) as uow:
        entry = next(iter(uow.audit.export(AuditFilter(action="stores:create"))))
    assert (entry.principal, entry.on_behalf_of, entry.reason) == ("user:help", "user:ann", "ticket 7")
    assert (entry.request_id, entry.address) == ("r1", "192.0.2.1")


def test_an_impersonation_is_over(door: Door, north: TenantScope) -> None:
    """It ends when it is ended, or by itself; and it is nobody else's."""
    began = door.access.start_impersonation(north, SUPPORT, "ann", [CLERK], reason="ticket 7")
    now = door.clock.now()
    assert code(lambda: impersonated(began, BOSS, now)) == "not_your_impersonation"
    assert code(lambda: impersonated(began, SUPPORT, now + IMPERSONATION_LASTS)) == "impersonation_over"
    ended = door.access.end_impersonation(north, began.id)
    assert ended.status is ImpersonationStatus.ENDED
    assert code(lambda: impersonated(ended, SUPPORT, now)) == "impersonation_over"
    assert code(lambda: door.access.end_impersonation(north, began.id)) == "invalid_state"
    door.clock.advance(timedelta(days=1))
    again = door.access.start_impersonation(north, SUPPORT, "ann", [CLERK], reason="ticket 8")
    assert [each.id for each in door.access.impersonations(north).items] == [again.id, began.id]


def test_impersonations_that_are_not_begun(door: Door, north: TenantScope) -> None:
    """Not without a reason, nor as someone who is nobody here or somebody elsewhere, nor by someone who acts already."""

    def begin(principal: Principal = SUPPORT, *grants: Grant, reason: str = "ticket 7") -> str:
        return code(lambda: door.access.start_impersonation(north, principal, "ann", grants, reason=reason))

    assert begin(SUPPORT, CLERK, reason="  ") == "missing_reason"
    assert begin(SUPPORT, CLERK, reason="x" * 501) == "missing_reason"
    assert begin(SUPPORT) == "no_role_here"
    assert begin(SUPPORT, CLERK, Grant(role="auditor", reach=Reach.PLATFORM)) == "beyond_the_tenant"
    assert begin(SUPPORT, Grant(role="auditor", reach=Reach.SUBTREE, path=NORTH)) == "beyond_the_tenant"
    assert begin(SUPPORT, evolve(CLERK, path=door.tenants.get("south").path)) == "beyond_the_tenant"
    assert begin(evolve(SUPPORT, impersonator="user:other"), CLERK) == "impersonating"
    assert begin(SUPPORT, Grant(role="vendor_owner", reach=Reach.OWN, path=NORTH, subject="vendor:acme")) == "ok"


def test_someone_acts_for_themselves() -> None:
    """Without an impersonation the audit names whoever asks, and nobody besides."""
    who = caller_of(SUPPORT, action="orders:list")
    assert (who.principal, who.name, who.on_behalf_of, who.action) == ("user:help", "Hel P.", None, "orders:list")


def test_decisions(door: Door) -> None:
    """What may be done passes silently, what may not says why and what to do, also for whole lists."""
    order = Resource(kind="orders", path=NORTH)
    door.access.decide(BOSS, "orders:refund", order)
    assert door.access.plan(BOSS, "orders:list", order) == EVERYTHING
    with pytest.raises(Forbidden, match=r"orders:refund.*support.*ask an administrator") as caught:
        door.access.decide(SUPPORT, "orders:refund", order)
    assert caught.value.code == "forbidden"
    with pytest.raises(Forbidden, match="orders:list"):
        door.access.plan(ANONYMOUS, "orders:list", order)
    assert door.access.enter(SUPPORT, Audience.ADMIN) == SUPPORT
    assert code(lambda: door.access.enter(ANONYMOUS, Audience.STOREFRONT)) == "forbidden"


@frozen
class Broken:
    """A policy that cannot be asked, or that answers nonsense."""

    answer: object = None

    def decide(self, principal: Principal, action: str, resource: Resource) -> Decision:
        """Fail, or say something."""
        if self.answer is None:
            raise ConnectionError("secret.example:3592 refused")
        return Decision(allowed=self.answer)  # type: ignore[arg-type]

    def plan(self, principal: Principal, action: str, resource: Resource) -> Condition:
        """Fail."""
        raise TimeoutError


def test_a_policy_that_fails_says_no() -> None:
    """Whatever goes wrong while deciding is a no that tells nothing of how; only a clear yes is one."""
    order = Resource(kind="orders", path=NORTH)
    with pytest.raises(Forbidden) as caught:
        Decide(Broken())(SYSTEM, "orders:read", order)
    assert caught.value.code == "forbidden"
    assert "secret.example" not in str(caught.value)
    with pytest.raises(Forbidden):
        Plan(Broken())(SYSTEM, "orders:read", order)
    with pytest.raises(Forbidden):
        Decide(Broken("yes"))(SYSTEM, "orders:read", order)


def test_whose_limit_holds(door: Door, north: TenantScope) -> None:
    """A key's limit is for who comes by that key; beside an access token a publishable key says nothing of limits."""
    limit = RateLimit(requests=7)
    _, web = door.key(north, KeyKind.PUBLISHABLE, rate_limit=limit)
    visitor, user = door.knock(publishable_key=web), door.knock(bearer=door.user(), publishable_key=web)
    assert door.access.rate_limit(visitor) == limit
    assert door.access.rate_limit(user) == RateLimit(requests=600)
    _, own = door.key(north, rate_limit=limit)
    assert door.access.rate_limit(door.knock(bearer=own, publishable_key=web)) == limit
