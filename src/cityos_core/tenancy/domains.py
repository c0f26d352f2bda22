"""Domains of their own for tenants and stores: asked for, proven by a record in the DNS, looked at again every week."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from attrs import evolve, frozen

from cityos_core.kernel.ids import DomainId, TenantId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.states import Machine


class DomainStatus(StrEnum):
    """The life of a domain."""

    PENDING_DNS = "pending_dns"
    VERIFYING = "verifying"
    ACTIVE = "active"
    FAILED = "failed"
    REMOVED = "removed"


_D = DomainStatus

DOMAIN_LIFE: Final = Machine(
    "domain",
    {
        (_D.PENDING_DNS, "check"): _D.VERIFYING,
        (_D.PENDING_DNS, "remove"): _D.REMOVED,
        (_D.VERIFYING, "wait"): _D.PENDING_DNS,
        (_D.VERIFYING, "prove"): _D.ACTIVE,
        (_D.VERIFYING, "fail"): _D.FAILED,
        (_D.VERIFYING, "remove"): _D.REMOVED,
        (_D.ACTIVE, "prove"): _D.ACTIVE,
        (_D.ACTIVE, "fail"): _D.FAILED,
        (_D.ACTIVE, "remove"): _D.REMOVED,
        (_D.FAILED, "check"): _D.VERIFYING,
        (_D.FAILED, "remove"): _D.REMOVED,
    },
)

RECHECKED: Final = timedelta(days=7)
"""How long a proven domain is believed."""

PATIENCE: Final = timedelta(days=7)
"""How long the record may be missing at first before the domain counts as failed."""

RECORD: Final = "_cityos-challenge"
"""The name below the domain at which the TXT record stands."""


@frozen(kw_only=True)
class Domain:
    """A name that a tenant, or one of its stores, answers to. ``name`` is lower case, in its ASCII (IDNA) form."""

    id: DomainId
    tenant_id: TenantId
    name: str
    store: str | None = None
    token: str
    """What the TXT record has to say."""
    status: DomainStatus = DomainStatus.PENDING_DNS
    reason: str | None = None
    created_at: datetime
    proven_at: datetime | None = None
    check_at: datetime | None = None
    """When it is looked at next."""
    version: int = 1

    @property
    def challenge(self) -> str:
        """The name at which the TXT record stands."""
        return f"{RECORD}.{self.name}"

    def step(self, action: str, *, reason: str | None = None) -> "Domain":
        """Take a step of the domain's life."""
        return evolve(self, status=DOMAIN_LIFE.next(self.status, action), reason=reason)


class Domains(Protocol):
    """Domains: a tenant's own, and all of them for the platform. Many may ask for a name; who proves it first has it."""

    def add(self, domain: Domain) -> None:
        """Store a new domain; ``Conflict("domain_added")`` if the tenant has one of that name that is not removed."""
        ...

    def save(self, domain: Domain) -> None:
        """Store a changed domain, one version up; ``Conflict("stale")`` if someone was first.

        ``Conflict("domain_taken")`` if it would be the second active one of its name on the platform.
        """
        ...

    def get(self, domain_id: DomainId) -> Domain:
        """Give a domain, or ``NotFound("domain_not_found")``."""
        ...

    def active(self, name: str) -> Domain | None:
        """Give the active domain of that name, if the scope sees one."""
        ...

    def page(self, request: PageRequest) -> Page[Domain]:
        """List the scope's own domains by name, removed ones too."""
        ...

    def due(self, now: datetime, *, limit: int) -> list[DomainId]:
        """List the domains whose ``check_at`` has come, earliest first."""
        ...


class NameSystem(Protocol):
    """The DNS. Fails closed: ``Unavailable`` if nobody answers, which proves nothing either way."""

    def texts(self, name: str) -> tuple[str, ...]:
        """Give the TXT records at a name; none if there is no such name."""
        ...
