"""A tenant's own domains."""

from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.ids import DomainId
from cityos_core.tenancy.domains import DOMAIN_LIFE, RECORD, Domain, DomainStatus
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes, Steps
from cityos_http.schema import about
from cityos_http.schemas.stores import STORE_HANDLE

routes = Routes("/admin/domains", tag="Domains")


@frozen(kw_only=True)
class DomainView:
    """A name that a tenant, or one of its stores, answers to."""

    id: DomainId
    name: str
    store: str | None
    status: DomainStatus
    reason: str | None
    record_name: str = field(metadata=about("Where the TXT record has to stand."))
    record_value: str = field(metadata=about("What it has to say."))
    created_at: datetime
    proven_at: datetime | None
    check_at: datetime | None = field(metadata=about("When it is looked at next."))
    allowed_actions: tuple[str, ...]
    version: int

    @classmethod
    def of(cls, domain: Domain) -> Self:
        """Show a domain."""
        return cls(
            id=domain.id,
            name=domain.name,
            store=domain.store,
            status=domain.status,
            reason=domain.reason,
            record_name=f"{RECORD}.{domain.name}",
            record_value=domain.token,
            created_at=domain.created_at,
            proven_at=domain.proven_at,
            check_at=domain.check_at,
            allowed_actions=DOMAIN_LIFE.allowed(domain.status),
            version=domain.version,
        )


@frozen(kw_only=True)
class DomainRequest:
    """A name to answer to."""

    name: str = field(metadata=about("A host name.", example="shop.acme.example", least=1, most=253))
    store: str | None = field(default=None, metadata=STORE_HANDLE)


def _shown(asked: Asked, domain: DomainId) -> DomainView:
    return DomainView.of(asked.city.domains.get(asked.scope, domain))


@routes.get("", action="domains:list")
def list_domains(asked: Asked, query: Paged) -> Listed[DomainView]:
    """List the tenant's domains, by name."""
    return asked.listed(query, asked.city.domains.list(asked.scope, asked.page(query)), DomainView.of)


@routes.post("", action="domains:add")
def add_domain(asked: Asked, body: DomainRequest) -> DomainView:
    """Ask for a domain; it works once its TXT record is found."""
    return _shown(asked, asked.city.domains.add(asked.scope, body.name, store=body.store).id)


@routes.get("/{domain}", action="domains:read")
def get_domain(asked: Asked, domain: DomainId) -> DomainView:
    """Read a domain."""
    return _shown(asked, domain)


@routes.post("/{domain}/verify", action="domains:verify", status=200, steps=Steps.SEVERAL)
def verify_domain(asked: Asked, domain: DomainId) -> DomainView:
    """Look for the TXT record now."""
    asked.city.domains.verify(asked.scope, domain)
    return _shown(asked, domain)


@routes.delete("/{domain}", action="domains:remove")
def remove_domain(asked: Asked, domain: DomainId) -> None:
    """Answer to a domain no more."""
    asked.city.domains.remove(asked.scope, domain)
