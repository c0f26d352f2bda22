"""Exports of one tenant, and the pieces of their files."""

from datetime import datetime
from typing import Final

from attrs import frozen
from sqlalchemy import bindparam, or_, select

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.growth import growth, replacing
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import ID, OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.exports import IS_UNFINISHED, export_chunks, exports
from cityos_core.exports.model import Chunk, Export, ExportStatus
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import ExportId
from cityos_core.kernel.paging import Page, PageRequest

_e = exports.c
_EXPORTS: Final = select(exports).where(_e.tenant_id == OWNER)
_BY_ID: Final = _EXPORTS.where(_e.id == ID)
_DUE: Final = (
    select(_e.id)
    .where(
        _e.tenant_id == OWNER,
        IS_UNFINISHED,
        or_(
            _e.status == ExportStatus.QUEUED,
            _e.leased_until.is_(None),
            _e.leased_until <= bindparam("now", type_=Instant()),
        ),
    )
    .order_by(_e.created_at, _e.id)
    .limit(bindparam("most"))
)
_NEW: Final = growth(exports)


@frozen
class SqlExports:
    """Exports by id."""

    session: Session

    def add(self, export: Export) -> None:
        self.session.require_own(export.tenant_id)
        self.session.grow((_NEW, [_export_row(export)]))

    def get(self, export_id: ExportId) -> Export:
        row = self.session.first(_BY_ID, id_=export_id)
        if row is None:
            raise NotFound("export_not_found", f"there is no export {export_id}")
        return _export(row)

    def save(self, export: Export) -> None:
        self.session.require_own(export.tenant_id)
        self.session.save(exports, [_export_row(export)])

    def page(self, request: PageRequest) -> Page[Export]:
        keys = (_e.created_at, _e.id)
        return page(
            self.session, _EXPORTS, keys, request, lambda rows: [_export(row) for row in rows], newest_first=True
        )

    def due(self, now: datetime, *, limit: int) -> list[ExportId]:
        return [row.id for row in self.session.all(_DUE, now=now, most=limit)]


_CHUNK: Final = select(export_chunks.c.text).where(
    export_chunks.c.tenant_id == OWNER,
    export_chunks.c.export_id == ID,
    export_chunks.c.number == bindparam("wanted"),
)
_PUT: Final = replacing(export_chunks)


@frozen
class SqlFiles:
    """Pieces of text by export and number."""

    session: Session

    def write(self, chunk: Chunk) -> None:
        row = {
            "tenant_id": self.session.tenant,
            "export_id": chunk.export_id,
            "number": chunk.number,
            "text": chunk.text,
        }
        self.session.grow((_PUT, [row]))

    def read(self, export_id: ExportId, number: int) -> str:
        row = self.session.first(_CHUNK, id_=export_id, wanted=number)
        if row is None:
            raise NotFound("export_not_found", f"there is no piece {number} of export {export_id}")
        return str(row.text)


def _export_row(export: Export) -> Values:
    return {
        "tenant_id": export.tenant_id,
        "id": export.id,
        "version": export.version,
        "kind": export.kind,
        "format": export.format,
        "filters": dict(export.where),
        "requested_by": export.requested_by,
        "status": export.status,
        "rows": export.rows,
        "size": export.size,
        "chunks": export.chunks,
        "attempts": export.attempts,
        "reason": export.reason,
        "leased_until": export.leased_until,
        "created_at": export.created_at,
        "finished_at": export.finished_at,
    }


def _export(row: AnyRow) -> Export:
    return Export(
        id=row.id,
        tenant_id=row.tenant_id,
        kind=row.kind,
        format=row.format,
        where=row.filters,
        requested_by=row.requested_by,
        status=row.status,
        rows=row.rows,
        size=row.size,
        chunks=row.chunks,
        attempts=row.attempts,
        reason=row.reason,
        leased_until=row.leased_until,
        created_at=row.created_at,
        finished_at=row.finished_at,
        version=row.version,
    )
