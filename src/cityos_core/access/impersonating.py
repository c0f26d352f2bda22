"""Support acting as a user of a tenant: for a stated reason, for half an hour, under two names.

What is done meanwhile is done by the one who acts, on behalf of the user: the audit's ``principal`` is the support
principal, its ``on_behalf_of`` the user. Nobody is blamed for what someone else did as them.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from attrs import frozen

from cityos_core.access.assigning import user_name
from cityos_core.access.granting import is_within_a_tenant
from cityos_core.access.model import IMPERSONATION_LASTS, Grant, Impersonation, Principal, PrincipalKind
from cityos_core.kernel.caller import Caller
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Forbidden, Invalid, Refused
from cityos_core.kernel.ids import Identifiers, ImpersonationId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.unit_of_work import UnitOfWorkFactory

LONGEST_REASON: Final = 500


@frozen(kw_only=True)
class StartImpersonation:
    """Let someone act as a user of a tenant for half an hour."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(
        self, scope: TenantScope, principal: Principal, user: str, grants: Collection[Grant], *, reason: str
    ) -> Impersonation:
        """Start it; ``grants`` are what the user may do.

        Raises ``Refused`` for a user who has no role in the tenant or one beyond it, ``Forbidden`` for someone who acts
        as another already.
        """
        name, why = user_name(user), reason.strip()
        if not 1 <= len(why) <= LONGEST_REASON:
            raise Invalid.at("$.reason", "missing_reason", f"say why, in 1 to {LONGEST_REASON} characters")
        if principal.impersonator is not None:
            raise Forbidden("impersonating", "you act as another user already; end that first")
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            tenant = uow.tenants.get(scope.tenant_id).path
            if not grants:
                raise Refused("no_role_here", f"{name} has no role in this tenant; there is nothing to act as")
            if not all(is_within_a_tenant(grant, tenant) for grant in grants):
                raise Refused("beyond_the_tenant", f"{name} may do things outside this tenant; nobody acts as them")
            impersonation = Impersonation(
                id=ImpersonationId(self.identifiers.new()),
                tenant_id=scope.tenant_id,
                actor=principal.label,
                user=name,
                grants=tuple(grants),
                reason=why,
                started_at=now,
                expires_at=now + IMPERSONATION_LASTS,
            )
            uow.impersonations.add(impersonation)
            uow.commit()
        return impersonation


@frozen
class EndImpersonation:
    """End an impersonation before its time is over."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, impersonation_id: ImpersonationId) -> Impersonation:
        """End it, or raise ``Conflict`` if it was ended before."""
        with self.unit_of_work(scope) as uow:
            ended = uow.impersonations.get(impersonation_id).step("end")
            uow.impersonations.save(ended)
            uow.commit()
        return ended


@frozen
class ListImpersonations:
    """List who acted as whom in a tenant, newest first."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, request: PageRequest | None = None) -> Page[Impersonation]:
        """List impersonations."""
        with self.unit_of_work(scope) as uow:
            return uow.impersonations.page(request or PageRequest())


def impersonated(impersonation: Impersonation, principal: Principal, at: datetime) -> Principal:
    """Give the user as whom a principal acts, or raise ``Forbidden`` if it is over or someone else's."""
    if impersonation.actor != principal.label:
        raise Forbidden("not_your_impersonation", "someone else began that impersonation; begin one of your own")
    if not impersonation.is_active(at):
        raise Forbidden("impersonation_over", "that impersonation is over; begin another one and say why")
    return Principal(
        kind=PrincipalKind.USER,
        id=impersonation.user,
        grants=impersonation.grants,
        impersonator=principal.label,
        reason=impersonation.reason,
    )


def caller_of(
    principal: Principal, *, action: str = "", request_id: str | None = None, address: str | None = None
) -> Caller:
    """Say for the audit who acts: the principal, or, where it is impersonated, whoever really does on its behalf."""
    who, whom = principal.impersonator or principal.label, principal.label if principal.impersonator else None
    return Caller(
        principal=who,
        name=principal.name,
        on_behalf_of=whom,
        action=action,
        reason=principal.reason,
        request_id=request_id,
        address=address,
    )
