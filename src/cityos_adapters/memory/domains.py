"""Domains of tenants; two may ask for a name, one may have it."""

from datetime import datetime

from attrs import frozen

from cityos_adapters.memory.paging import page
from cityos_adapters.memory.rows import save
from cityos_adapters.memory.shared import Shared
from cityos_core.kernel.errors import Conflict, NotFound
from cityos_core.kernel.ids import DomainId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.tenancy.domains import Domain, DomainStatus


@frozen
class MemoryDomains:
    """Domains by id and name."""

    domains: Shared[DomainId, Domain]

    def add(self, domain: Domain) -> None:
        for other in self.domains.find("name", domain.name):
            if other.tenant_id == domain.tenant_id and other.status is not DomainStatus.REMOVED:
                raise Conflict("domain_added", f"{domain.name} was added before; check it, or remove it first")
        self.domains.put(domain.id, domain)

    def save(self, domain: Domain) -> None:
        save(self.domains, domain.id, domain)

    def get(self, domain_id: DomainId) -> Domain:
        domain = self.domains.get(domain_id)
        if domain is None:
            raise NotFound("domain_not_found", f"there is no domain {domain_id}")
        return domain

    def active(self, name: str) -> Domain | None:
        return next(iter(self.domains.find("domain", name)), None)

    def page(self, request: PageRequest) -> Page[Domain]:
        return page(self.domains.own(), lambda domain: (domain.name, str(domain.id)), request)

    def due(self, now: datetime, *, limit: int) -> list[DomainId]:
        waiting = ((domain.check_at, domain.id) for domain in self.domains.all())
        due = sorted((moment, domain_id) for moment, domain_id in waiting if moment is not None and moment <= now)
        return [domain_id for _, domain_id in due[:limit]]
