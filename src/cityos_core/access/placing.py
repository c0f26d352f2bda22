"""Where a role is given: from the words of a request to a place of the tree that is there."""

from attrs import evolve, frozen

from cityos_core.access.model import Grant, Reach
from cityos_core.access.roles import ROLES, Role
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.scope import PlatformScope, Scope
from cityos_core.tenancy.records import StoreName, store_named
from cityos_core.tenancy.tree import node_at
from cityos_core.unit_of_work import UnitOfWork
from cityos_core.vendors.records import VendorName, vendor_named


@frozen(kw_only=True)
class Where:
    """Where a role holds: for one vendor or in one store of a tenant, below one node of the platform's tree, or all over.

    At most one is given, by handle, id or path.
    """

    vendor: VendorName | None = None
    store: StoreName | None = None
    node: str | None = None


EVERYWHERE = Where()
"""In the whole tenant, or on the whole platform."""


def role_named(name: str) -> Role:
    """Give the role with a name, or ``Invalid("unknown_role")``."""
    try:
        return ROLES[name]
    except KeyError:
        raise Invalid("unknown_role", f"there is no role {name!r}; the roles are {', '.join(ROLES)}") from None


def placed(uow: UnitOfWork, scope: Scope, name: str, where: Where) -> Grant:
    """Give a role at a place that the scope has, or raise ``Invalid`` or ``NotFound`` saying what does not fit."""
    role, grant = role_named(name), _reaching(uow, scope, Grant(role=name, reach=Reach.PLATFORM), where)
    if grant.reach not in role.reaches:
        fitting = ", ".join(sorted(role.reaches))
        raise Invalid(
            "role_does_not_fit",
            f"{name} cannot be given for {grant.reach.value} but for {fitting}: name a vendor for a vendor's role,"
            " and none for any other",
        )
    return grant


def _reaching(uow: UnitOfWork, scope: Scope, grant: Grant, where: Where) -> Grant:
    if [where.vendor, where.store, where.node].count(None) < 2:
        raise Invalid("ambiguous_place", "name a vendor, a store or a node, not several of them")
    if isinstance(scope, PlatformScope):
        if where.vendor is not None or where.store is not None:
            raise Invalid("not_on_the_platform", "vendors and stores are a tenant's; give the role in the tenant")
        return grant if where.node is None else evolve(grant, reach=Reach.SUBTREE, path=node_at(uow, where.node).path)
    if where.node is not None:
        raise Invalid("not_in_a_tenant", "a role below a node is the platform's to give; in a tenant name none")
    tenant = uow.tenants.get(scope.tenant_id).path
    if where.store is not None:
        return evolve(grant, reach=Reach.STORE, path=f"{tenant}/{store_named(uow, where.store).handle}")
    if where.vendor is not None:
        handle = vendor_named(uow, where.vendor).handle
        return evolve(grant, reach=Reach.OWN, path=tenant, subject=f"vendor:{handle}")
    return evolve(grant, reach=Reach.TENANT, path=tenant)
