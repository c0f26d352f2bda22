"""Who may hand out what: nobody gives away more than they hold."""

from collections.abc import Iterator

from attrs import evolve

from cityos_core.access.actions import covered
from cityos_core.access.model import Decision, Grant, Principal, Reach
from cityos_core.access.reaches import includes, tenant_path
from cityos_core.access.roles import ROLES
from cityos_core.kernel.errors import Forbidden


def may_grant(principal: Principal, grant: Grant, *, scopes: frozenset[str] | None = None) -> Decision:
    """Say whether a principal may give someone a role, or a key that ``scopes`` narrows.

    Whatever the grant allows, the principal's own grants and scopes must allow, at least as far.
    """
    if principal.impersonator is not None:
        return Decision(allowed=False, reason="someone who acts as another user gives nothing away")
    if grant.role not in ROLES or grant.reach not in ROLES[grant.role].reaches:
        return Decision(allowed=False, reason=f"{grant.role} cannot be given with reach {grant.reach.value}")
    held = [each for own in principal.grants for each in _extents(own, principal.scopes)]
    for actions, extent in _extents(grant, scopes):
        enough = (own for own, reach in held if includes(reach, extent))
        if actions.difference(*enough):
            return Decision(allowed=False, reason=f"{grant.role} there allows more than you may do yourself")
    return Decision(allowed=True)


def require_may_grant(principal: Principal, grant: Grant, *, scopes: frozenset[str] | None = None) -> None:
    """Raise ``Forbidden("beyond_own_access")`` if a principal would give away more than it holds."""
    decision = may_grant(principal, grant, scopes=scopes)
    if not decision.allowed:
        raise Forbidden("beyond_own_access", f"{decision.reason}; ask someone who may do all of it")


def is_within_a_tenant(grant: Grant, tenant: str) -> bool:
    """Tell whether a grant reaches nothing outside the tenant at a path."""
    return bool(tenant) and tenant_path(grant) == tenant


def _extents(grant: Grant, scopes: frozenset[str] | None) -> Iterator[tuple[frozenset[str], Grant]]:
    """List what a grant allows, and how far: as far as itself, and what is shared as far as its tenant."""
    role = ROLES.get(grant.role)
    if role is None or grant.reach not in role.reaches:
        return
    for patterns, extent in (
        (role.permissions, grant),
        (role.shared, evolve(grant, reach=Reach.TENANT, path=tenant_path(grant), subject=None)),
    ):
        actions = covered(patterns)
        yield actions if scopes is None else actions & covered(scopes), extent
