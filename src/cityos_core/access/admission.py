"""The door: which tenant a request is for, who asks, and what they hold there."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from attrs import evolve, frozen

from cityos_core.access import grants
from cityos_core.access.credentials import Keys, Shown, accepted, read
from cityos_core.access.grants import Granted
from cityos_core.access.impersonating import impersonated
from cityos_core.access.key_policy import is_use_news
from cityos_core.access.model import (
    ANONYMOUS,
    Admission,
    ApiKey,
    Claims,
    Impersonation,
    KeyKind,
    Knock,
    Principal,
    PrincipalKind,
)
from cityos_core.access.ports import Tokens
from cityos_core.access.settings import ROLE_MAPPING
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Forbidden, NotFound, Unavailable
from cityos_core.kernel.ids import PLATFORM, ImpersonationId
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.tenancy.hosts import Host, Names, OtherHost, PlatformHost, TenantHost
from cityos_core.tenancy.model import Tenant, TenantStatus
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory


@frozen(kw_only=True)
class Admit:
    """Let a request in, or say why not.

    ``Unauthenticated`` for a credential that proves nothing, ``NotFound("not_found")`` for a name that nobody has,
    ``Forbidden("tenant-mismatch")`` if host, keys and token do not agree, ``Forbidden("tenant-suspended")``.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    names: Names
    tokens: Tokens
    configuration: ConfigurationReader

    def __call__(self, knock: Knock, *, administration: bool = False) -> Admission:
        """Admit a request; only the administration of a tenant is open while the tenant is not."""
        host = None if knock.host is None else self.names.of(knock.host)
        shown, now = read(knock, self.tokens), self.clock.now()
        with self.unit_of_work(PlatformScope()) as uow:
            keys = accepted(uow, shown, knock.address, now)
            tenant = _tenant(uow, host, keys, shown.claims)
            _require_open(tenant, administration=administration)
            granted = _granted(uow, shown, keys, tenant)
            impersonation = _impersonation(uow, knock.impersonation)
        if shown.claims is not None and tenant is not None:
            granted += self._granted_by_tenant(shown.claims, tenant)
        principal = _principal(shown, keys, granted)
        if impersonation is not None:
            principal = _acting(impersonation, principal, tenant, now)
        self._note_use(keys, now)
        return Admission(
            principal=principal,
            tenant=tenant,
            key=keys.secret or keys.publishable,
            is_outsider=granted.is_outsiders(tenant),
        )

    def _granted_by_tenant(self, claims: Claims, tenant: Tenant) -> Granted:
        granted = grants.of_customer(claims.subject, tenant)
        if not claims.roles and claims.email is None:
            return granted
        with self.unit_of_work(tenant.scope) as uow:
            if claims.roles:
                explanation = self.configuration(uow, tenant.id).explain(ROLE_MAPPING)
                granted += grants.of_roles(claims, explanation, tenant)
            return granted + grants.of_team(uow, claims.email, tenant)

    def _note_use(self, keys: Keys, now: datetime) -> None:
        """Write down that keys were used, now and then; a request does not fail because that cannot be done."""
        for key in keys:
            if is_use_news(key, now):
                scope = PlatformScope() if key.tenant_id == PLATFORM else TenantScope(key.tenant_id)
                with suppress(Conflict, Unavailable), self.unit_of_work(scope) as uow:
                    uow.api_keys.touch(key.id, now)
                    uow.commit()


def _tenant(uow: UnitOfWork, host: Host | None, keys: Keys, claims: Claims | None) -> Tenant | None:
    """Find the one tenant that host, keys and token name; none only where the platform itself is asked."""
    organizations = None if claims is None else claims.organizations
    owners = {key.tenant_id for key in keys} - {PLATFORM}
    tenant = _of_host(uow, host)
    if tenant is None and owners:
        tenant = uow.tenants.get(min(owners))
    if tenant is None:
        tenant = _of_organizations(uow, organizations)
        if tenant is None and not isinstance(host, PlatformHost):
            raise _nothing()
        return tenant
    is_strange = organizations is not None and tenant.handle not in organizations
    if is_strange or owners - {tenant.id}:
        raise Forbidden("tenant-mismatch", "host, keys and access token belong to different tenants; use those of one")
    return tenant


def _of_host(uow: UnitOfWork, host: Host | None) -> Tenant | None:
    match host:
        case TenantHost(handle):
            try:
                return uow.tenants.named(handle)
            except NotFound:
                raise _nothing() from None
        case OtherHost(name):
            domain = uow.domains.active(name)
            if domain is None:
                raise _nothing()
            return uow.tenants.get(domain.tenant_id)
        case _:
            return None


def _of_organizations(uow: UnitOfWork, organizations: frozenset[str] | None) -> Tenant | None:
    """Give the tenant of a token's only organization; one that is no tenant names none, and several choose none."""
    if organizations is None or len(organizations) != 1:
        return None
    with suppress(NotFound):
        return uow.tenants.named(*organizations)
    return None


def _require_open(tenant: Tenant | None, *, administration: bool) -> None:
    if tenant is None or tenant.status is TenantStatus.ACTIVE:
        return
    if tenant.status is TenantStatus.ARCHIVED:
        raise _nothing()
    if administration:
        return
    if tenant.status is TenantStatus.PROVISIONING:
        raise _nothing()
    raise Forbidden("tenant-suspended", "this marketplace is closed; only its administration is open")


def _granted(uow: UnitOfWork, shown: Shown, keys: Keys, tenant: Tenant | None) -> Granted:
    """Give what is looked up on the platform: what a key may do, and what was assigned to a user."""
    if keys.secret is not None:
        return grants.of_key(keys.secret, tenant)
    if shown.claims is None:
        return grants.of_visitor(tenant) if keys.publishable is not None else Granted()
    claims = shown.claims
    granted = grants.of_assignments(uow.assignments.of_user(grants.names_of(claims.subject, claims.email)), tenant)
    if tenant is None and claims.roles:
        granted += grants.of_roles(claims, grants.platform_mapping(uow), tenant)
    return granted


def _principal(shown: Shown, keys: Keys, granted: Granted) -> Principal:
    if shown.claims is not None:
        return Principal(
            kind=PrincipalKind.USER,
            id=shown.claims.subject,
            name=shown.claims.name,
            email=shown.claims.email,
            grants=granted.all,
        )
    key = keys.secret or keys.publishable
    if key is None:
        return ANONYMOUS
    return Principal(kind=PrincipalKind.API_KEY, id=str(key.id), name=key.name, grants=granted.all, scopes=_scopes(key))


def _scopes(key: ApiKey) -> frozenset[str] | None:
    return key.scopes or frozenset() if key.kind is KeyKind.RESTRICTED else key.scopes


def _impersonation(uow: UnitOfWork, text: str | None) -> Impersonation | None:
    if text is None:
        return None
    try:
        return uow.impersonations.get(ImpersonationId(UUID(text)))
    except (ValueError, NotFound):
        raise _not_yours() from None


def _acting(impersonation: Impersonation, principal: Principal, tenant: Tenant | None, now: datetime) -> Principal:
    """Give the user as whom a principal acts, in the tenant that it was begun in; a key's scopes go on to count."""
    if impersonation.actor != principal.label:
        raise _not_yours()
    if tenant is None or impersonation.tenant_id != tenant.id:
        raise Forbidden("tenant-mismatch", "that impersonation was begun in another tenant; begin one in this")
    user = impersonated(impersonation, principal, now)
    return evolve(user, grants=grants.seated(user.grants, tenant), scopes=principal.scopes)


def _not_yours() -> Forbidden:
    return Forbidden("not_your_impersonation", "you did not begin that impersonation; begin one and say why")


def _nothing() -> NotFound:
    return NotFound("not_found", "there is nothing here; look at the host, the path and the ids in it")
