"""The audit: a chain of entries per tenant, what each is about, and where each chain ends."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Named, Table, Text, UniqueConstraint, Uuid

from cityos_adapters.sql.columns import KEY, METADATA, Instant
from cityos_adapters.sql.tables.owned import Identified, Owned


class AuditEntryColumns(Identified):
    """A link. On PostgreSQL a trigger gives it its place and its seal, whatever it is added with."""

    sequence: Named[int] = Column(BigInteger)
    previous: Named[str] = Column(Text)
    hash: Named[str] = Column(Text)
    body: Named[str] = Column(Text)
    """What is sealed; the columns below repeat parts of it."""
    occurred_at: Named[datetime] = Column(Instant)
    principal: Named[str] = Column(KEY)
    action: Named[str] = Column(KEY)
    request_id: Named[str | None] = Column(KEY)


audit_entries: Final = Table("audit_entries", METADATA, AuditEntryColumns, UniqueConstraint("tenant_id", "sequence"))
_c = audit_entries.c
_FROM_REQUEST = _c.request_id.is_not(None)
Index(None, _c.tenant_id, _c.occurred_at)
Index(None, _c.tenant_id, _c.principal, _c.sequence)
Index(None, _c.tenant_id, _c.action, _c.sequence)
Index(None, _c.tenant_id, _c.request_id, postgresql_where=_FROM_REQUEST, sqlite_where=_FROM_REQUEST)


class AuditTargetColumns(Owned):
    """Something that an entry is about, and is found by."""

    entry_id: Named[UUID] = Column(Uuid, primary_key=True)
    kind: Named[str] = Column(KEY, primary_key=True)
    target: Named[str] = Column(KEY, primary_key=True)


audit_targets: Final = Table(
    "audit_targets",
    METADATA,
    AuditTargetColumns,
    ForeignKeyConstraint(["tenant_id", "entry_id"], ["audit_entries.tenant_id", "audit_entries.id"]),
)
Index(None, audit_targets.c.tenant_id, audit_targets.c.kind, audit_targets.c.target)


class AuditHeadColumns(Owned):
    """The last link of a chain."""

    sequence: Named[int] = Column(BigInteger)
    previous: Named[str] = Column(Text)
    hash: Named[str] = Column(Text)


audit_heads: Final = Table("audit_heads", METADATA, AuditHeadColumns)
