"""What someone holds in a tenant, and by whose word: the tenant's own, or the platform's."""

from collections.abc import Iterable, Iterator
from typing import Final

from attrs import evolve, frozen

from cityos_core.access.assigning import user_name
from cityos_core.access.granting import is_within_a_tenant, may_grant
from cityos_core.access.mapping import mapped_grants
from cityos_core.access.model import ApiKey, Assignment, Claims, Grant, Principal, PrincipalKind, Reach
from cityos_core.access.reaches import includes
from cityos_core.access.roles import CUSTOMER, STOREFRONT, team_role
from cityos_core.access.settings import ROLE_MAPPING
from cityos_core.kernel.ids import PLATFORM
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.tenancy.model import Tenant
from cityos_core.tenancy.settings import ROOT, TOP, Explanation, effective, held
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

WIDE: Final = frozenset({Reach.SUBTREE, Reach.PLATFORM})
"""Reaches that only the platform gives."""


@frozen
class Granted:
    """Grants, by who gave them."""

    own: tuple[Grant, ...] = ()
    """What the tenant itself gives, and what everyone has who comes in."""
    platform: tuple[Grant, ...] = ()

    def __add__(self, other: "Granted") -> "Granted":
        return Granted(self.own + other.own, self.platform + other.platform)

    @property
    def all(self) -> tuple[Grant, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys(self.own + self.platform))

    def is_outsiders(self, tenant: Tenant | None) -> bool:
        """Tell whether someone may do things in a tenant by the platform's word that the tenant itself does not allow."""
        if tenant is None:
            return False
        whole = Grant(role="", reach=Reach.TENANT, path=tenant.path)
        insider = Principal(kind=PrincipalKind.USER, id="", grants=self.own)
        for grant in self.platform:
            if includes(grant, whole):
                held = evolve(grant, reach=Reach.TENANT, path=tenant.path)
            elif is_within_a_tenant(grant, tenant.path):
                held = grant
            else:
                continue
            if not may_grant(insider, held).allowed:
                return True
        return False


def of_key(key: ApiKey, tenant: Tenant | None) -> Granted:
    """Give what a secret or restricted key may do."""
    return Granted(platform=(key.grant,)) if key.tenant_id == PLATFORM else Granted(seated([key.grant], tenant))


def of_visitor(tenant: Tenant | None) -> Granted:
    """Give what whoever shows a publishable key may do, whatever is stored of it: anyone can read it in a page."""
    return Granted() if tenant is None else Granted((_whole(STOREFRONT.name, tenant),))


def of_customer(subject: str, tenant: Tenant) -> Granted:
    """Give what every user may do in a tenant: buy, and look after what they bought."""
    return Granted((Grant(role=CUSTOMER.name, reach=Reach.OWN, path=tenant.path, subject=f"customer:{subject}"),))


def names_of(subject: str, email: str | None) -> frozenset[str]:
    """List what assignments may call a user.

    An address counts only where it was verified: a subject that looks like one is nobody's address.
    """
    return frozenset({*([] if "@" in subject else [subject]), *([] if email is None else [email.lower()])})


def of_assignments(assignments: Iterable[Assignment], tenant: Tenant | None) -> Granted:
    """Give what was assigned by the platform and by this tenant; what other tenants assigned holds there."""
    found = tuple(assignments)
    return Granted(
        own=seated((each.grant for each in found if tenant is not None and each.tenant_id == tenant.id), tenant),
        platform=tuple(each.grant for each in found if each.tenant_id == PLATFORM),
    )


def of_team(uow: UnitOfWork, email: str | None, tenant: Tenant) -> Granted:
    """Give what someone may do for the vendors whose teams they have joined; an invitation alone is nothing."""
    if email is None:
        return Granted()
    return Granted(
        tuple(
            Grant(role=team_role(member.role), reach=Reach.OWN, path=tenant.path, subject=f"vendor:{vendor}")
            for vendor, member in uow.team_members.of(email.lower())
            if member.joined_at is not None
        )
    )


def of_roles(claims: Claims, explanation: Explanation, tenant: Tenant | None) -> Granted:
    """Give what the roles of a token stand for.

    They count in the tenants of its organizations, and elsewhere only as far as the platform has them reach.
    """
    mapped = mapped_grants(explanation, claims.roles, subject=claims.subject)
    is_at_home = tenant is not None and claims.organizations is not None and tenant.handle in claims.organizations
    return Granted(
        own=tuple(grant for grant in mapped if is_at_home and grant.reach not in WIDE),
        platform=tuple(grant for grant in mapped if grant.reach in WIDE),
    )


def platform_mapping(uow: UnitOfWork) -> Explanation:
    """Give the role mapping of the platform itself."""
    stored = held(uow.settings.at([ROOT]), [TOP])
    return effective(ROLE_MAPPING, stored.get(ROLE_MAPPING.key, ()), path=TOP.path)


def seated(grants: Iterable[Grant], tenant: Tenant | None) -> tuple[Grant, ...]:
    """Give a tenant's own grants where the tenant is now, and nothing beyond it, whatever is stored."""
    return tuple(_seats(grants, tenant)) if tenant is not None else ()


def _seats(grants: Iterable[Grant], tenant: Tenant) -> Iterator[Grant]:
    for grant in grants:
        if grant.reach is Reach.STORE:
            yield evolve(grant, path=f"{tenant.path}/{grant.path.rpartition('/')[2]}")
        elif grant.reach not in WIDE:
            yield evolve(grant, path=tenant.path)


def _whole(role: str, tenant: Tenant) -> Grant:
    return Grant(role=role, reach=Reach.TENANT, path=tenant.path)


@frozen
class GrantsOf:
    """Say what a user may do in a tenant, as far as it is stored here; what an access token adds is not known."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, user: str) -> tuple[Grant, ...]:
        """Give the grants of a user, by subject or e-mail address, the platform's too."""
        name = user_name(user)
        subject, email = (None, name) if "@" in name else (name, None)
        with self.unit_of_work(PlatformScope()) as uow:
            tenant = uow.tenants.get(scope.tenant_id)
            granted = of_assignments(uow.assignments.of_user([name]), tenant)
        with self.unit_of_work(scope) as uow:
            granted += of_team(uow, email, tenant)
        return (granted + (of_customer(subject, tenant) if subject else Granted())).all
