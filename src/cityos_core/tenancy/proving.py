"""Proving that a domain is its tenant's: asking the DNS, and what follows from the answer."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, NotFound, Unavailable
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import DomainId
from cityos_core.kernel.scope import PlatformScope, Scope, TenantScope
from cityos_core.tenancy.domains import PATIENCE, RECHECKED, Domain, DomainStatus, NameSystem
from cityos_core.tenancy.events import DomainActivated, DomainFailed
from cityos_core.tenancy.naming import DomainName, domain_named
from cityos_core.unit_of_work import UnitOfWorkFactory

RETRIED: Final = timedelta(minutes=15)
"""When a domain is looked at again that is not proven yet, or about which nobody answered."""

STANDS_IN_LINE: Final = timedelta(days=1)
"""When a domain is looked at again that is proven, but still another tenant's."""

CHUNK: Final = 100
"""How many due domains are looked up at a time."""


class Proof(StrEnum):
    """What the DNS says about a domain."""

    GIVEN = "given"
    MISSING = "missing"
    UNKNOWN = "unknown"
    """Nobody answered, which says nothing."""
    LATE = "late"
    """The record is there, but the name is another tenant's."""


@frozen
class Finding:
    """What was found, and what to do about it if it is not a proof."""

    proof: Proof
    reason: str | None = None


def in_question(domain: Domain) -> Domain:
    """Take a domain to where it can be proven or fail; one that was removed cannot be."""
    is_there = domain.status in (DomainStatus.ACTIVE, DomainStatus.VERIFYING)
    return domain if is_there else domain.step("check")


def judged(domain: Domain, finding: Finding, now: datetime) -> Domain:
    """Give a domain as it is after it was looked at, and when it is looked at next.

    No answer leaves it as it stands. A missing record ends what was proven once; what never was has time until
    ``PATIENCE`` is over. Who proves a name that another tenant has waits for it.
    """
    asked = in_question(domain)
    if finding.proof is Proof.GIVEN:
        return evolve(asked.step("prove"), proven_at=now, check_at=now + RECHECKED)
    if finding.proof is Proof.UNKNOWN:
        return evolve(asked, reason=finding.reason, check_at=now + RETRIED)
    if finding.proof is Proof.LATE:
        return evolve(asked.step("wait", reason=finding.reason), check_at=now + STANDS_IN_LINE)
    if domain.proven_at is None and now < domain.created_at + PATIENCE:
        return evolve(asked.step("wait", reason=finding.reason), check_at=now + RETRIED)
    return evolve(asked.step("fail", reason=finding.reason), check_at=None)


@frozen
class VerifyDomain:
    """Look for a domain's record in the DNS, outside of any transaction, and store what follows from it.

    Whoever proves a name first has it. Nothing is raised for what the DNS says: the domain's status and reason tell.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    dns: NameSystem

    def __call__(self, scope: Scope, name: DomainName) -> Domain:
        """Verify a domain now; ``Conflict("invalid_state")`` if it was removed."""
        with self.unit_of_work(scope) as uow:
            domain = domain_named(uow, name)
        in_question(domain)
        finding = self._look(domain)
        faults.point("domains.verify.answered")
        try:
            return self._record(domain, finding)
        except Conflict as error:
            if error.code != "domain_taken":
                raise
        return self._record(domain, Finding(Proof.LATE, _LATE.format(domain.name)))

    def _look(self, domain: Domain) -> Finding:
        try:
            texts = self.dns.texts(domain.challenge)
        except Unavailable as error:
            return Finding(Proof.UNKNOWN, error.detail)
        if domain.token in (text.strip() for text in texts):
            return Finding(Proof.GIVEN)
        return Finding(Proof.MISSING, _MISSING.format(domain.challenge, domain.token))

    def _record(self, domain: Domain, finding: Finding) -> Domain:
        now = self.clock.now()
        with self.unit_of_work(TenantScope(domain.tenant_id)) as uow:
            before = uow.domains.get(domain.id)
            after = judged(before, finding, now)
            uow.domains.save(after)
            uow.commit(_told(before, after, now))
        return after


_MISSING: Final = (
    "there is no TXT record at {} that says {}; publish it, or wait until it can be seen, and verify again"
)
_LATE: Final = (
    "{} is another tenant's domain; it is free once that tenant removes it, or its record is missing at a weekly look"
)


def _told(before: Domain, after: Domain, now: datetime) -> list[Event]:
    if after.status is before.status:
        return []
    if after.status is DomainStatus.ACTIVE:
        return [DomainActivated(subject=after.id, occurred_at=now, domain=after.name)]
    if after.status is DomainStatus.FAILED:
        return [DomainFailed(subject=after.id, occurred_at=now, domain=after.name, reason=after.reason)]
    return []


@frozen
class Verified:
    """How many domains were looked at, by what they are now; waiting ones are looked at again in a while."""

    active: int = 0
    waiting: int = 0
    failed: int = 0


@frozen
class VerifyDueDomains:
    """Verify every domain whose time has come, of all tenants, each in transactions of its own.

    It can be stopped anywhere and run again, by any number of workers at once: what was looked at is not due any more.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    verify: VerifyDomain

    def __call__(self) -> Verified:
        """Verify them all."""
        now, seen, found = self.clock.now(), set[DomainId](), list[DomainStatus]()
        while due := [domain_id for domain_id in self._due(now) if domain_id not in seen]:
            seen.update(due)
            found += [domain.status for domain in map(self._one, due) if domain is not None]
        failed, active = found.count(DomainStatus.FAILED), found.count(DomainStatus.ACTIVE)
        return Verified(active=active, waiting=len(found) - active - failed, failed=failed)

    def _due(self, now: datetime) -> list[DomainId]:
        with self.unit_of_work(PlatformScope()) as uow:
            return uow.domains.due(now, limit=CHUNK)

    def _one(self, domain_id: DomainId) -> Domain | None:
        """Verify a domain; nothing if somebody changed it meanwhile."""
        try:
            return self.verify(PlatformScope(), domain_id)
        except (Conflict, NotFound):
            return None
