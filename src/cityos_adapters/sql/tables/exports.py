"""Exports, and the pieces of their files."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Named,
    Table,
    Text,
    Uuid,
    literal_column,
)

from cityos_adapters.sql.columns import METADATA, Choice, Data, Instant, one_of
from cityos_adapters.sql.tables.owned import Owned, Versioned
from cityos_core.exports.model import ExportFormat, ExportKind, ExportStatus


class ExportColumns(Versioned):
    """A file in the making, or made."""

    kind: Named[ExportKind] = Column(Choice(ExportKind))
    format: Named[ExportFormat] = Column(Choice(ExportFormat))
    filters: Named[object] = Column(Data)
    requested_by: Named[str] = Column(Text)
    status: Named[ExportStatus] = Column(Choice(ExportStatus))
    rows: Named[int] = Column(BigInteger)
    size: Named[int] = Column(BigInteger)
    chunks: Named[int] = Column(Integer)
    attempts: Named[int] = Column(Integer)
    reason: Named[str | None] = Column(Text)
    leased_until: Named[datetime | None] = Column(Instant)
    created_at: Named[datetime] = Column(Instant)
    finished_at: Named[datetime | None] = Column(Instant)


exports: Final = Table(
    "exports",
    METADATA,
    ExportColumns,
    one_of("kind", ExportKind),
    one_of("format", ExportFormat),
    one_of("status", ExportStatus),
)
IS_UNFINISHED: Final = literal_column("status IN ('queued', 'running')", Boolean())
Index(None, exports.c.tenant_id, exports.c.created_at, exports.c.id)
Index(
    "ix_exports_unfinished",
    exports.c.tenant_id,
    exports.c.created_at,
    exports.c.id,
    postgresql_where=IS_UNFINISHED,
    sqlite_where=IS_UNFINISHED,
)


class ChunkColumns(Owned):
    """A piece of an export's file."""

    export_id: Named[UUID] = Column(Uuid, primary_key=True)
    number: Named[int] = Column(Integer, primary_key=True)
    text: Named[str] = Column(Text)


export_chunks: Final = Table(
    "export_chunks",
    METADATA,
    ChunkColumns,
    ForeignKeyConstraint(["tenant_id", "export_id"], ["exports.tenant_id", "exports.id"]),
)
