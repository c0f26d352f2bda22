"""The domains of tenants and stores: asked for, listed and given back, and which names may have a certificate."""

from collections.abc import Callable, Sequence
from string import ascii_lowercase, digits
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Invalid, NotFound, Refused
from cityos_core.kernel.ids import DomainId, Identifiers
from cityos_core.kernel.paging import Page, PageRequest, every
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.tenancy.domains import Domain, DomainStatus
from cityos_core.tenancy.events import DomainAdded, DomainRemoved
from cityos_core.tenancy.hosts import LONGEST_NAME, Names, OtherHost, PlatformHost, TenantHost, normalized
from cityos_core.tenancy.model import TenantStatus
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

TOKEN_LETTERS: Final = ascii_lowercase + digits
TOKEN_LENGTH: Final = 32

CLOSED: Final = frozenset({TenantStatus.SUSPENDED, TenantStatus.ARCHIVED})
"""Tenants whose own domains get no certificates."""

DomainName = str | DomainId
"""What tells a tenant's domain from its others: its name, however it is spelt, or its id."""


def domain_named(uow: UnitOfWork, name: DomainName) -> Domain:
    """Give a domain by its id, or the one of a name that was not removed; else ``NotFound("domain_not_found")``."""
    if isinstance(name, UUID):
        return uow.domains.get(name)
    wanted = normalized(name)
    for domain in every(uow.domains.page):
        if domain.name == wanted and domain.status is not DomainStatus.REMOVED:
            return domain
    raise NotFound("domain_not_found", f"there is no domain {wanted} here; list the domains to see which there are")


@frozen(kw_only=True)
class AddDomain:
    """Ask for a name; it counts once a record that only its owner can publish has been seen in the DNS."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    names: Names
    pick: Callable[[Sequence[str], int], str]
    """Chooses letters that nobody can guess."""

    def __call__(self, scope: TenantScope, name: str, *, store: str | None = None) -> Domain:
        """Add a name for the tenant, or for one of its stores by handle.

        ``Refused("platform_name")`` for the platform's own names and what is below them, ``Conflict("domain_added")``
        if the tenant has it already.
        """
        now = self.clock.now()
        domain = Domain(
            id=DomainId(self.identifiers.new()),
            tenant_id=scope.tenant_id,
            name=self._free(name),
            store=store,
            token=self.pick(TOKEN_LETTERS, TOKEN_LENGTH),
            created_at=now,
            check_at=now,
        )
        if len(domain.challenge) > LONGEST_NAME:
            raise Invalid("invalid_host", f"{domain.name} is too long: {domain.challenge} would be no name any more")
        with self.unit_of_work(scope) as uow:
            if store is not None:
                uow.stores.named(store)
            uow.domains.add(domain)
            uow.commit([DomainAdded(subject=domain.id, occurred_at=now, domain=domain.name)])
        return domain

    def _free(self, name: str) -> str:
        found = normalized(name)
        if "." not in found:
            raise Invalid("invalid_host", f"{found} is a name of one part, which nobody can own; add shop.example.com")
        if self.names.are_above(found):
            raise Refused(
                "platform_name", f"{found} is the platform's, which gives every tenant a name; add one of your own"
            )
        return found


@frozen
class GetDomain:
    """Give a domain, or ``NotFound("domain_not_found")``."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, name: DomainName) -> Domain:
        """Give a domain."""
        with self.unit_of_work(scope) as uow:
            return domain_named(uow, name)


@frozen
class ListDomains:
    """List a tenant's domains by name, removed ones too, a page at a time."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, request: PageRequest | None = None) -> Page[Domain]:
        """List them."""
        with self.unit_of_work(scope) as uow:
            return uow.domains.page(request or PageRequest())


@frozen
class RemoveDomain:
    """Give a name back; the tenant does not answer to it from now on, and anyone may prove that it is theirs."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: TenantScope, name: DomainName) -> Domain:
        """Remove a domain."""
        with self.unit_of_work(scope) as uow:
            domain = evolve(domain_named(uow, name).step("remove"), check_at=None)
            uow.domains.save(domain)
            uow.commit([DomainRemoved(subject=domain.id, occurred_at=self.clock.now(), domain=domain.name)])
        return domain


@frozen
class MayIssue:
    """Tell a proxy whether it may get a certificate for a name: nobody else can have the platform ask for one."""

    unit_of_work: UnitOfWorkFactory
    names: Names

    def __call__(self, name: str) -> bool:
        """Say yes to the platform's names, to those of its tenants, and to proven domains of tenants in business.

        A suspended tenant keeps its name below the platform's, where it is administered.
        """
        try:
            host = self.names.of(name)
        except Invalid:
            return False
        match host:
            case PlatformHost():
                return True
            case TenantHost(handle):
                return self._status(handle) not in (None, TenantStatus.ARCHIVED)
            case OtherHost(name):
                return self._is_in_business(name)

    def _status(self, handle: str) -> TenantStatus | None:
        with self.unit_of_work(PlatformScope()) as uow:
            try:
                return uow.tenants.named(handle).status
            except NotFound:
                return None

    def _is_in_business(self, name: str) -> bool:
        with self.unit_of_work(PlatformScope()) as uow:
            domain = uow.domains.active(name)
            return domain is not None and uow.tenants.get(domain.tenant_id).status not in CLOSED
