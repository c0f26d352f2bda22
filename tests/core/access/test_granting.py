"""Handing out access: never more than one's own."""

import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cityos_core.access.granting import is_within_a_tenant, may_grant, require_may_grant
from cityos_core.access.model import Grant, Principal, Reach
from cityos_core.access.reaches import tenant_path
from cityos_core.access.roles import RoleTable, part_of_the_system
from cityos_core.kernel.errors import Forbidden
from core.access.people import (
    NORTH,
    TENANTS,
    TREE,
    actions,
    grants,
    principals,
    resources,
    scopes,
    someone,
    tenant_role,
)

TABLE = RoleTable()
RULERS = st.sampled_from(
    [
        *(tenant_role(role, path) for role in ("administrator", "operator") for path in TENANTS),
        *(Grant(role="administrator", reach=Reach.SUBTREE, path=path) for path in TREE),
    ]
)
EVERYTHING = Grant(role="administrator", reach=Reach.PLATFORM)


@settings(max_examples=300)
@given(principals(), grants(), scopes(), st.data())
def test_nobody_grants_more_than_they_hold(
    giver: Principal, grant: Grant, narrowed: frozenset[str] | None, data: st.DataObject
) -> None:
    """Whatever a grant that may be given allows, whoever gives it may do themselves."""
    giver = evolve(giver, grants=(*giver.grants, data.draw(RULERS)))
    action = data.draw(st.one_of(st.sampled_from(("orders:read", "products:change", "payouts:list")), actions()))
    resource = data.draw(resources(action.partition(":")[0]))
    resource = evolve(resource, path=tenant_path(grant) or resource.path)
    receiver = someone(grant, scopes=narrowed)
    if may_grant(giver, grant, scopes=narrowed).allowed and TABLE.decide(receiver, action, resource).allowed:
        assert TABLE.decide(giver, action, resource).allowed


@given(grants())
def test_one_may_pass_on_ones_own(grant: Grant) -> None:
    """Someone may give what they hold, if it reaches anything at all."""
    assume(grant.path or grant.reach is Reach.PLATFORM)
    fits = may_grant(part_of_the_system("test"), grant).allowed
    assert may_grant(someone(grant), grant).allowed is fits


@pytest.mark.parametrize(
    ("held", "given_away", "answer"),
    [
        (EVERYTHING, EVERYTHING, True),
        (EVERYTHING, tenant_role("operator"), True),
        (tenant_role("administrator"), tenant_role("finance"), True),
        (tenant_role("administrator"), tenant_role("administrator"), True),
        (tenant_role("administrator"), tenant_role("operator", TENANTS[1]), False),
        (tenant_role("administrator"), EVERYTHING, False),
        (tenant_role("administrator"), Grant(role="auditor", reach=Reach.SUBTREE, path=NORTH), False),
        (tenant_role("administrator"), Grant(role="support", reach=Reach.STORE, path=f"{NORTH}/web"), True),
        (tenant_role("administrator"), Grant(role="support", reach=Reach.STORE, path=f"{TENANTS[1]}/web"), False),
        (tenant_role("administrator"), tenant_role("storefront"), True),
        (tenant_role("operator"), tenant_role("catalog_manager"), True),
        (tenant_role("operator"), tenant_role("finance"), False),
        (tenant_role("finance"), tenant_role("operator"), False),
        (tenant_role("support"), tenant_role("administrator"), False),
        (Grant(role="administrator", reach=Reach.SUBTREE, path="de/a"), tenant_role("administrator"), True),
        (
            Grant(role="administrator", reach=Reach.SUBTREE, path="de/a"),
            Grant(role="administrator", reach=Reach.SUBTREE, path="de/ab"),
            False,
        ),
        (
            Grant(role="administrator", reach=Reach.SUBTREE, path="de/a"),
            Grant(role="administrator", reach=Reach.SUBTREE, path="de/a/b"),
            True,
        ),
        (
            Grant(role="vendor_owner", reach=Reach.OWN, path=NORTH, subject="vendor:acme"),
            Grant(role="vendor_staff", reach=Reach.OWN, path=NORTH, subject="vendor:acme"),
            True,
        ),
        (
            Grant(role="vendor_owner", reach=Reach.OWN, path=NORTH, subject="vendor:acme"),
            Grant(role="vendor_staff", reach=Reach.OWN, path=NORTH, subject="vendor:birch"),
            False,
        ),
        (
            Grant(role="vendor_staff", reach=Reach.OWN, path=NORTH, subject="vendor:acme"),
            Grant(role="vendor_owner", reach=Reach.OWN, path=NORTH, subject="vendor:acme"),
            False,
        ),
        (EVERYTHING, Grant(role="vendor_owner", reach=Reach.TENANT, path=NORTH), False),
        (EVERYTHING, tenant_role("nobody"), False),
    ],
)
def test_who_may_give_what(held: Grant, given_away: Grant, answer: bool) -> None:
    """A tenant's administrator gives within its tenant, whoever stands above within the subtree, others what they hold."""
    assert may_grant(someone(held), given_away).allowed is answer


def test_scopes_count_on_both_sides() -> None:
    """A restricted key makes keys that can do no more than its scopes, and anyone a key that scopes keep within theirs."""
    narrow = someone(tenant_role("administrator"), scopes=frozenset({"api-keys:*", "orders:read"}))
    assert not may_grant(narrow, tenant_role("administrator")).allowed
    assert not may_grant(narrow, tenant_role("administrator"), scopes=frozenset({"orders:*"})).allowed
    assert may_grant(narrow, tenant_role("administrator"), scopes=frozenset({"orders:read"})).allowed
    clerk = someone(tenant_role("operator"))
    assert may_grant(clerk, tenant_role("administrator"), scopes=frozenset({"orders:read"})).allowed
    assert not may_grant(clerk, tenant_role("administrator"), scopes=frozenset({"payouts:*"})).allowed


def test_nobody_gives_access_away_as_someone_else() -> None:
    """What outlasts an impersonation cannot be made in it."""
    acting = evolve(someone(EVERYTHING), impersonator="user:support")
    assert not may_grant(acting, tenant_role("storefront")).allowed
    with pytest.raises(Forbidden, match="acts as another user"):
        require_may_grant(acting, tenant_role("storefront"))


def test_within_a_tenant() -> None:
    """A grant is within a tenant if all it reaches is in it."""
    assert is_within_a_tenant(tenant_role("operator"), NORTH)
    assert is_within_a_tenant(Grant(role="operator", reach=Reach.STORE, path=f"{NORTH}/web"), NORTH)
    assert is_within_a_tenant(Grant(role="vendor_staff", reach=Reach.OWN, path=NORTH, subject="vendor:acme"), NORTH)
    assert not is_within_a_tenant(tenant_role("operator", TENANTS[1]), NORTH)
    assert not is_within_a_tenant(Grant(role="operator", reach=Reach.SUBTREE, path=NORTH), NORTH)
    assert not is_within_a_tenant(EVERYTHING, NORTH)
    assert not is_within_a_tenant(EVERYTHING, "")
