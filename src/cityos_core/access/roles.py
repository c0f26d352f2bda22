"""Which role may do what: the table, and the built-in policy that reads it."""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from cityos_core.access.actions import ACTIONS, READING, covered, reading
from cityos_core.access.conditions import NOTHING, Condition, any_of, given, holds
from cityos_core.access.model import Decision, Grant, Principal, PrincipalKind, Reach, Resource
from cityos_core.access.reaches import attributes_of, reached, reached_by_tenant, reached_from_above
from cityos_core.tenancy.model import Audience
from cityos_core.vendors.model import TEAM_PERMISSIONS, TeamRole


@frozen(kw_only=True)
class Role:
    """What a role may do. ``audience`` is the part of the platform it is for, ``reaches`` how far it may be granted."""

    name: str
    doc: str
    audience: Audience = Audience.ADMIN
    reaches: frozenset[Reach] = frozenset({Reach.STORE, Reach.TENANT, Reach.SUBTREE, Reach.PLATFORM})
    permissions: tuple[str, ...]
    """Patterns of actions, as far as the grant reaches."""
    shared: tuple[str, ...] = ()
    """Patterns of actions on whatever belongs to the tenant that the grant is in."""


OWN: Final = frozenset({Reach.OWN})

FROM_ABOVE: Final = covered(("tenants:*", "tree:*")) - covered(reading("tenants", "tree"))
"""Actions on a tenant or another place of the tree that are only for those whose grant stands above it."""

_EVERYTHING_READ: Final = tuple(f"*:{verb}" for verb in READING)
_RECKONING: Final = ("*:explain", "commission-rules:lint", "commission-rules:replay", "subscriptions:preview")
_SHOWN_TO_VISITORS: Final = (*reading("products", "categories", "stores", "plans"), "orders:quote")
_SHOWN_TO_VENDORS: Final = reading("categories", "stores")

_OF_EVERY_MEMBER: Final = (*reading("vendors"), "dashboard:read")

_OF_TEAM_PERMISSION: Final[Mapping[str, tuple[str, ...]]] = {
    "products": ("products:*", "stock:*"),
    "orders": (*reading("orders"), "orders:fulfil", "orders:deliver"),
    "refunds": ("orders:refund", "refunds:create", *reading("refunds", "disputes")),
    "payouts": (*reading("payouts", "statements", "commissions"), "payouts:request"),
    "payout_account": (*reading("payout-account"), "payout-account:change"),
    "team": ("team:*",),
    "profile": ("vendors:change", "vendors:submit", *reading("onboarding"), "onboarding:submit"),
}
"""What a permission of a vendor's team comes to."""


def team_role(role: TeamRole) -> str:
    """Name the role that a member of a vendor's team has."""
    return f"vendor_{role.value}"


def _of_team(role: TeamRole) -> Role:
    permitted = (pattern for name in sorted(TEAM_PERMISSIONS[role]) for pattern in _OF_TEAM_PERMISSION[name])
    return Role(
        name=team_role(role),
        doc=f"Someone on a vendor's team, as {role.value}: what is the vendor's own.",
        audience=Audience.VENDOR,
        reaches=OWN,
        permissions=(*_OF_EVERY_MEMBER, *permitted),
        shared=_SHOWN_TO_VENDORS,
    )


ADMINISTRATOR: Final = Role(name="administrator", doc="Everything.", permissions=("*:*",))

STOREFRONT: Final = Role(
    name="storefront",
    doc="What any visitor of a storefront may see.",
    audience=Audience.STOREFRONT,
    reaches=frozenset({Reach.TENANT}),
    permissions=_SHOWN_TO_VISITORS,
)

CUSTOMER: Final = Role(
    name="customer",
    doc="Someone who buys: their own orders and subscriptions, and what any visitor may see.",
    audience=Audience.STOREFRONT,
    reaches=OWN,
    permissions=(
        *(*reading("orders", "subscriptions", "invoices"), "orders:place", "invoices:pay"),
        *("subscriptions:create", "subscriptions:preview", "subscriptions:change", "subscriptions:pause"),
        *("subscriptions:resume", "subscriptions:cancel", "subscriptions:undo"),
    ),
    shared=_SHOWN_TO_VISITORS,
)

_STAFF: Final = (
    ADMINISTRATOR,
    Role(
        name="operator",
        doc="The business of every day: vendors, products, orders, subscriptions.",
        permissions=(
            *("products:*", "stock:*", "categories:*", "vendors:*", "team:*", "onboarding:*"),
            *("plans:*", "subscriptions:*", "usage:*", "billing-cycles:*", *reading("invoices", "billing-runs")),
            *("orders:*", "refunds:*", "disputes:*", *_RECKONING),
            *reading("stores", "portals", "tenants", "tree", "domains", "settings", "payout-account", "dashboard"),
            *reading("commission-rules", "commissions", "payouts", "payout-batches", "statements", "exports", "jobs"),
            "exports:create",
        ),
    ),
    Role(
        name="finance",
        doc="Money: payouts, the ledger, commission, refunds and billing; the rest to read.",
        permissions=(
            *(*_EVERYTHING_READ, *_RECKONING),
            *("payouts:*", "payout-batches:*", "ledger:*", "statements:*", "commission-rules:*", "commissions:*"),
            *("refunds:*", "disputes:*", "orders:refund", "orders:export", "payout-account:verify", "exports:create"),
            *("plans:*", "subscriptions:*", "usage:*", "invoices:*", "billing-runs:*", "billing-cycles:*", "mrr:*"),
        ),
    ),
    Role(
        name="support",
        doc="Help: everything to read, and acting as a user of a tenant for a stated reason.",
        permissions=(*_EVERYTHING_READ, *_RECKONING, "impersonations:start", "impersonations:end"),
    ),
    Role(
        name="auditor",
        doc="Looking after the others: everything to read, to export and to verify.",
        permissions=(
            *(*_EVERYTHING_READ, *_RECKONING, "ledger:verify", "audit-log:verify", "exports:create"),
            *("audit-log:export", "orders:export", "commissions:export", "ledger:export", "payouts:export"),
        ),
    ),
    Role(
        name="catalog_manager",
        doc="What is for sale.",
        permissions=(
            "products:*",
            "stock:*",
            "categories:*",
            "plans:*",
            *reading("vendors", "stores"),
            "dashboard:read",
        ),
    ),
)

ROLES: Final[Mapping[str, Role]] = {
    role.name: role for role in (*_STAFF, *map(_of_team, TeamRole), CUSTOMER, STOREFRONT)
}
"""Every role, by name."""


def part_of_the_system(name: str, *, person: str = "") -> Principal:
    """Give a principal for what runs beside the database, such as the command line: it may do everything."""
    everything = Grant(role=ADMINISTRATOR.name, reach=Reach.PLATFORM)
    return Principal(kind=PrincipalKind.SYSTEM, id=name, name=person, grants=(everything,))


def grants_for(principal: Principal, audience: Audience) -> tuple[Grant, ...]:
    """List the grants that count in a part of the platform: those of roles for it, and of staff; on a storefront, all.

    Where vendors work, what someone may see as a visitor does not open the products of other vendors.
    """
    return tuple(
        grant
        for grant in principal.grants
        if grant.role in ROLES
        and (audience is Audience.STOREFRONT or ROLES[grant.role].audience in (audience, Audience.ADMIN))
    )


def extent(grant: Grant, action: str) -> Condition:
    """Give the condition on resources under which a grant allows an action."""
    role = ROLES.get(grant.role)
    if role is None or grant.reach not in role.reaches:
        return NOTHING
    allowed, shared = action in covered(role.permissions), action in covered(role.shared)
    reach = reached_from_above if action in FROM_ABOVE else reached
    return any_of(reach(grant) if allowed else NOTHING, reached_by_tenant(grant) if shared else NOTHING)


@frozen
class RoleTable:
    """Decides by the table of roles, and by a key's scopes. What the table does not allow is a no."""

    def decide(self, principal: Principal, action: str, resource: Resource) -> Decision:
        """Say whether a principal may do something to a resource."""
        condition, reason = _planned(principal, action, resource.kind)
        if condition == NOTHING:
            return Decision(allowed=False, reason=reason)
        if not holds(condition, attributes_of(resource)):
            return Decision(allowed=False, reason=f"the roles that allow it do not reach this {resource.kind} resource")
        return Decision(allowed=True)

    def plan(self, principal: Principal, action: str, resource: Resource) -> Condition:
        """Say for which resources it would be a yes, over ``tenant_path``, ``store``, ``vendor`` and ``customer``.

        What ``resource`` leaves out (none, or an empty path) is asked.
        """
        condition, _ = _planned(principal, action, resource.kind)
        return given(
            condition, {name: value for name, value in attributes_of(resource).items() if value not in ("", None)}
        )


def _planned(principal: Principal, action: str, kind: str) -> tuple[Condition, str]:
    """Give the condition on resources of a kind, and, if it never holds, why."""
    if action not in ACTIONS or action.partition(":")[0] != kind:
        return NOTHING, f"there is no action {action!r} on {kind!r}"
    if principal.scopes is not None and action not in covered(principal.scopes):
        return NOTHING, "the scopes of the key do not include it"
    condition = any_of(*(extent(grant, action) for grant in principal.grants))
    roles = sorted({grant.role for grant in principal.grants})
    return condition, f"no role allows it, of: {', '.join(roles)}" if roles else "no role was granted"
