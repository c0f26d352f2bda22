"""The table of roles: what each may do, how far it reaches, and that a plan agrees with every single decision."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_core.access.actions import ACTIONS, READING, covered, is_pattern
from cityos_core.access.conditions import EVERYTHING, NOTHING, holds
from cityos_core.access.deciding import Enter
from cityos_core.access.model import ANONYMOUS, Grant, Principal, Reach, Resource
from cityos_core.access.reaches import attributes_of, reached, tenant_path
from cityos_core.access.roles import (
    FROM_ABOVE,
    ROLES,
    RoleTable,
    grants_for,
    part_of_the_system,
    team_role,
)
from cityos_core.kernel.errors import Forbidden
from cityos_core.tenancy.model import Audience
from cityos_core.vendors.model import TEAM_PERMISSIONS, TeamRole
from core.access.people import NORTH, TENANTS, actions, principals, resources, scopes, someone, tenant_role

TABLE = RoleTable()
ACME = Grant(role="vendor_owner", reach=Reach.OWN, path=NORTH, subject="vendor:acme")
BUYER = Grant(role="customer", reach=Reach.OWN, path=NORTH, subject="customer:4711")


def allowed(principal: Principal, action: str, **about: Any) -> bool:
    """Decide on something in the tenant north, unless told otherwise."""
    resource = Resource(kind=action.partition(":")[0], path=NORTH)
    return TABLE.decide(principal, action, evolve(resource, **about)).allowed


def role_allows(role: str, action: str) -> bool:
    """Decide for a role that is granted in the whole tenant."""
    return allowed(someone(tenant_role(role)), action)


def _reaches(grant: Grant, action: str, resource: Resource) -> bool:
    """Say what the specification of reaches says, in other words than the code."""
    in_tenant = bool(grant.path) and resource.path == tenant_path(grant)
    parts, above = resource.path.split("/"), grant.path.split("/")
    match grant.reach:
        case Reach.PLATFORM:
            return True
        case Reach.SUBTREE:
            strictly = action in FROM_ABOVE
            return bool(grant.path) and parts[: len(above)] == above and (len(parts) > len(above) or not strictly)
        case Reach.TENANT:
            return in_tenant
        case Reach.STORE:
            return in_tenant and resource.store == grant.path.split("/")[-1]
        case _:
            kind, _, owner = (grant.subject or "").partition(":")
            return (
                in_tenant and bool(owner) and owner == {"vendor": resource.vendor, "customer": resource.customer}[kind]
            )


def _expected(principal: Principal, action: str, resource: Resource) -> bool:
    if principal.scopes is not None and action not in covered(principal.scopes):
        return False
    for grant in principal.grants:
        role = ROLES.get(grant.role)
        if role is None or grant.reach not in role.reaches:
            continue
        if grant.reach not in {Reach.PLATFORM, Reach.SUBTREE} and action in FROM_ABOVE:
            continue
        if action in covered(role.permissions) and _reaches(grant, action, resource):
            return True
        if action in covered(role.shared) and grant.path and resource.path == tenant_path(grant):
            return True
    return False


@settings(max_examples=300)
@given(principals(), actions(), st.data())
def test_decisions_follow_the_table(principal: Principal, action: str, data: st.DataObject) -> None:
    """A decision is yes exactly if a role allows the action, its grant reaches the resource, and the scopes include it."""
    resource = data.draw(resources(action.partition(":")[0]))
    assert TABLE.decide(principal, action, resource).allowed == _expected(principal, action, resource)


@settings(max_examples=300)
@given(principals(), actions(), st.data())
def test_a_plan_agrees_with_every_decision(principal: Principal, action: str, data: st.DataObject) -> None:
    """Whatever was known when planning: the plan holds for a resource exactly if the decision on it is yes."""
    resource = data.draw(resources(action.partition(":")[0]))
    known = {name for name in ("path", "store", "vendor", "customer") if data.draw(st.booleans(), label=name)}
    blank: dict[str, Any] = {"path": "", "store": None, "vendor": None, "customer": None}
    asked = evolve(resource, **{name: value for name, value in blank.items() if name not in known})
    plan = TABLE.plan(principal, action, asked)
    assert holds(plan, attributes_of(resource)) == TABLE.decide(principal, action, resource).allowed


@given(principals(), actions(), scopes(), st.data())
def test_scopes_only_narrow(
    principal: Principal, action: str, narrowed: frozenset[str] | None, data: st.DataObject
) -> None:
    """With scopes nothing is allowed that is not without them."""
    resource = data.draw(resources(action.partition(":")[0]))
    free = evolve(principal, scopes=None)
    if TABLE.decide(evolve(principal, scopes=narrowed), action, resource).allowed:
        assert TABLE.decide(free, action, resource).allowed


@pytest.mark.parametrize(
    ("role", "action", "answer"),
    [
        ("administrator", "api-keys:create", True),
        ("administrator", "users:add", True),
        ("administrator", "tenants:read", True),
        ("administrator", "tenants:activate", False),
        ("administrator", "tree:move", False),
        ("operator", "vendors:approve", True),
        ("operator", "products:import", True),
        ("operator", "orders:refund", True),
        ("operator", "payouts:list", True),
        ("operator", "payouts:run", False),
        ("operator", "api-keys:list", False),
        ("operator", "users:add", False),
        ("operator", "settings:change", False),
        ("operator", "payout-account:change", False),
        ("finance", "payout-batches:run", True),
        ("finance", "ledger:verify", True),
        ("finance", "commission-rules:import", True),
        ("finance", "orders:refund", True),
        ("finance", "products:read", True),
        ("finance", "products:change", False),
        ("finance", "payout-account:change", False),
        ("finance", "users:add", False),
        ("support", "orders:read", True),
        ("support", "settings:list", True),
        ("support", "settings:explain", True),
        ("support", "impersonations:start", True),
        ("support", "orders:refund", False),
        ("support", "vendors:approve", False),
        ("auditor", "audit-log:list", True),
        ("auditor", "audit-log:verify", True),
        ("auditor", "payout-account:verify", False),
        ("auditor", "domains:verify", False),
        ("auditor", "impersonations:start", False),
        ("catalog_manager", "categories:add", True),
        ("catalog_manager", "orders:list", False),
        ("catalog_manager", "vendors:approve", False),
        ("operator", "subscriptions:change", True),
        ("operator", "invoices:void", False),
        ("operator", "billing-runs:run", False),
        ("finance", "invoices:void", True),
        ("finance", "billing-runs:run", True),
        ("support", "subscriptions:preview", True),
        ("support", "subscriptions:change", False),
        ("catalog_manager", "plans:retire", True),
        ("catalog_manager", "subscriptions:list", False),
        ("storefront", "plans:list", True),
        ("storefront", "subscriptions:list", False),
        ("storefront", "products:list", True),
        ("storefront", "stores:read", True),
        ("storefront", "orders:quote", True),
        ("storefront", "orders:list", False),
        ("storefront", "orders:place", False),
    ],
)
def test_what_roles_may_do(role: str, action: str, answer: bool) -> None:
    """Each role may do its own work, and not what would let it help itself."""
    assert role_allows(role, action) is answer


@pytest.mark.parametrize("role", ["support", "auditor", "storefront"])
def test_some_roles_change_nothing(role: str) -> None:
    """What these may do beyond reading is reckoning, looking after others, and writing files for themselves."""
    rest = {action for action in covered(ROLES[role].permissions) if action.partition(":")[2] not in READING}
    harmless = {"explain", "lint", "replay", "quote", "preview", "export"}
    assert {action for action in rest if action.partition(":")[2] not in harmless} <= {
        *("impersonations:start", "impersonations:end", "exports:create", "ledger:verify", "audit-log:verify")
    }


@pytest.mark.parametrize("role", TeamRole)
def test_a_vendors_team_works_for_its_vendor(role: TeamRole) -> None:
    """What a member may do follows from the team's permissions, and reaches its own vendor only."""
    member = someone(evolve(ACME, role=team_role(role)))
    actions = {
        "products": "products:change",
        "orders": "orders:fulfil",
        "refunds": "orders:refund",
        "payouts": "payouts:request",
        "payout_account": "payout-account:change",
        "team": "team:add",
        "profile": "vendors:change",
    }
    for permission, action in actions.items():
        assert allowed(member, action, vendor="acme") is (permission in TEAM_PERMISSIONS[role])
        assert not allowed(member, action, vendor="birch")
        assert not allowed(member, action)
        assert not allowed(member, action, vendor="acme", path=TENANTS[1])
    assert allowed(member, "stores:list")
    assert allowed(member, "dashboard:read", vendor="acme")
    assert not allowed(member, "payout-account:verify", vendor="acme")
    assert not allowed(member, "vendors:approve", vendor="acme")


def test_a_customer_has_its_own_orders() -> None:
    """A customer places and reads its own orders, and reads what every visitor may."""
    buyer = someone(BUYER)
    assert allowed(buyer, "orders:place", customer="4711")
    assert allowed(buyer, "orders:read", customer="4711")
    assert not allowed(buyer, "orders:read", customer="4712")
    assert not allowed(buyer, "orders:read")
    assert not allowed(buyer, "orders:refund", customer="4711")
    assert allowed(buyer, "products:list")
    assert not allowed(buyer, "products:list", path=TENANTS[1])


def test_a_subtree_ends_at_whole_handles() -> None:
    """Below de/a is not de/ab; a tenant is in its own subtree, but not above itself."""
    manager = someone(Grant(role="administrator", reach=Reach.SUBTREE, path="de/a"))
    assert allowed(manager, "orders:read", path="de/a/b/c/north")
    assert not allowed(manager, "orders:read", path="de/ab/b/c/south")
    assert allowed(manager, "tenants:suspend", path="de/a/b/c/north")
    assert allowed(manager, "tree:add", path="de/a/x")
    assert not allowed(manager, "tree:move", path="de/a")
    own = someone(Grant(role="administrator", reach=Reach.SUBTREE, path=NORTH))
    assert allowed(own, "settings:change")
    assert not allowed(own, "tenants:suspend")


def test_what_nobody_may() -> None:
    """Actions there are not, actions on something else, and people without a role: no, each with its reason."""
    system = part_of_the_system("test")
    order = Resource(kind="orders", path=NORTH)
    assert TABLE.decide(system, "orders:read", order).allowed
    assert "no action" in TABLE.decide(system, "orders:burn", order).reason
    assert "no action" in TABLE.decide(system, "payouts:run", order).reason
    assert "no action" in TABLE.decide(system, "orders:*", order).reason
    assert TABLE.decide(ANONYMOUS, "orders:read", order).reason == "no role was granted"
    narrow = someone(tenant_role("operator"), scopes=frozenset({"products:*"}))
    assert "scopes" in TABLE.decide(narrow, "orders:read", order).reason
    assert (
        "operator"
        in TABLE.decide(someone(tenant_role("operator")), "payouts:run", evolve(order, kind="payouts")).reason
    )
    elsewhere = TABLE.decide(someone(tenant_role("operator")), "orders:read", evolve(order, path=TENANTS[2]))
    assert "do not reach" in elsewhere.reason


def test_plans_are_folded() -> None:
    """What is known when planning is not asked again."""
    order = Resource(kind="orders", path=NORTH)
    staff, clerk = someone(tenant_role("operator")), someone(ACME)
    assert TABLE.plan(staff, "orders:list", order) == EVERYTHING
    assert TABLE.plan(staff, "orders:list", evolve(order, path=TENANTS[1])) == NOTHING
    assert TABLE.plan(clerk, "orders:list", evolve(order, vendor="acme")) == EVERYTHING
    assert TABLE.plan(clerk, "orders:list", evolve(order, vendor="birch")) == NOTHING
    assert TABLE.plan(clerk, "orders:list", order) not in (EVERYTHING, NOTHING)


def test_parts_of_the_platform() -> None:
    """Staff's grants count everywhere, a vendor's where vendors work and on storefronts, a visitor's on storefronts."""
    staff, visitor = tenant_role("support"), tenant_role("storefront")
    everyone = someone(staff, ACME, BUYER, visitor, tenant_role("nobody"))
    assert grants_for(everyone, Audience.STOREFRONT) == (staff, ACME, BUYER, visitor)
    assert grants_for(everyone, Audience.VENDOR) == (staff, ACME)
    assert grants_for(everyone, Audience.ADMIN) == grants_for(everyone, Audience.COMPANY) == (staff,)
    assert grants_for(ANONYMOUS, Audience.STOREFRONT) == ()


def test_a_vendor_who_also_buys_does_not_read_other_vendors_products() -> None:
    """Among vendors, what a customer may see of all products does not count."""
    both = someone(ACME, BUYER)
    assert allowed(both, "products:list", vendor="birch")
    inside = Enter()(both, Audience.VENDOR)
    assert not allowed(inside, "products:list", vendor="birch")
    assert allowed(inside, "products:list", vendor="acme")
    with pytest.raises(Forbidden, match="staff"):
        Enter()(both, Audience.ADMIN)


def test_the_table_is_made_of_patterns() -> None:
    """Every pattern of every role names a resource and a verb that there are; every action is somebody's."""
    for role in ROLES.values():
        assert all(map(is_pattern, (*role.permissions, *role.shared)))
        assert Reach.COMPANY not in role.reaches
    assert reached(Grant(role="administrator", reach=Reach.COMPANY, path=NORTH)) == NOTHING
    assert covered(ROLES["administrator"].permissions) == ACTIONS
    assert not any(map(is_pattern, ("orders", "orders:", ":read", "orders:burn", "all:*", "orders:read:own", "")))
