"""What was done, for administrators and auditors."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.audit.model import Entry, Verification
from cityos_core.audit.ports import AuditFilter
from cityos_core.kernel.ids import AuditEntryId
from cityos_core.tenancy.model import Json
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Needs, Routes
from cityos_http.schema import about

routes = Routes("/admin", tag="Audit")


@frozen(kw_only=True)
class AuditEntryView:
    """A link of the tenant's chain."""

    id: AuditEntryId
    sequence: int
    occurred_at: datetime
    principal: str = field(metadata=about("Who acted."))
    name: str
    on_behalf_of: str | None = field(metadata=about("As whom, where support acted as someone."))
    action: str
    reason: str | None
    request_id: str | None
    address: str | None
    changes: tuple[Mapping[str, Json], ...] = field(
        metadata=about("Each with kind, target, verb, before and after; only the fields that differ.")
    )
    previous: str
    hash: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Show an entry."""
        return cls(
            id=AuditEntryId(entry.id),
            sequence=entry.sequence,
            occurred_at=entry.occurred_at,
            principal=entry.principal,
            name=entry.name,
            on_behalf_of=entry.on_behalf_of,
            action=entry.action,
            reason=entry.reason,
            request_id=entry.request_id,
            address=entry.address,
            changes=tuple(entry.changes),
            previous=entry.previous,
            hash=entry.hash,
        )


@frozen(kw_only=True)
class AuditQuery(Paged):
    """Which entries; instants are of the entry, `[since, until)`."""

    principal: str | None = field(default=None, metadata=about("Who acted, such as user:4711."))
    action: str | None = field(default=None, metadata=about("What was asked for, such as orders:refund."))
    kind: str | None = field(default=None, metadata=about("The kind of a record that changed, such as vendor."))
    target: str | None = field(default=None, metadata=about("The id of a record that changed, as the entry has it."))
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@frozen(kw_only=True)
class VerificationView:
    """What a walk along the chain found."""

    is_whole: bool
    entries: int = field(metadata=about("How many links hold."))
    head: str = field(metadata=about("The hash of the last one; note it elsewhere."))
    broken_at: int | None
    problem: str | None

    @classmethod
    def of(cls, verification: Verification) -> Self:
        """Show a verification."""
        return cls(
            is_whole=verification.is_whole,
            entries=verification.entries,
            head=verification.head,
            broken_at=verification.broken_at,
            problem=verification.problem,
        )


def _listed(asked: Asked, query: AuditQuery) -> Listed[AuditEntryView]:
    where = AuditFilter(
        principal=query.principal,
        action=query.action,
        kind=query.kind,
        target=query.target,
        request_id=query.request_id,
        since=query.since,
        until=query.until,
    )
    return asked.listed(query, asked.city.audit.list(asked.any_scope, where, asked.page(query)), AuditEntryView.of)


@routes.get("/audit-log", action="audit-log:list")
def list_audit_entries(asked: Asked, query: AuditQuery) -> Listed[AuditEntryView]:
    """List what was done in the tenant, newest first."""
    return _listed(asked, query)


@routes.get("/audit-log/verify", action="audit-log:verify")
def verify_audit_log(asked: Asked) -> VerificationView:
    """Walk along the tenant's chain to the first link that does not hold."""
    return VerificationView.of(asked.city.audit.verify(asked.scope))


@routes.get("/tree/audit-log", action="audit-log:list", needs=Needs.PLATFORM)
def list_platform_audit_entries(asked: Asked, query: AuditQuery) -> Listed[AuditEntryView]:
    """List what was done on the platform, newest first."""
    return _listed(asked, query)


@routes.get("/tree/audit-log/verify", action="audit-log:verify", needs=Needs.PLATFORM)
def verify_platform_audit_log(asked: Asked) -> VerificationView:
    """Walk along the platform's chain to the first link that does not hold."""
    return VerificationView.of(asked.city.audit.verify(asked.any_scope))
