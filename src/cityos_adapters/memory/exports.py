"""Exports of one tenant and what they hold."""

from datetime import datetime
from uuid import UUID

from attrs import frozen

from cityos_adapters.memory.paging import Words, moment, page
from cityos_adapters.memory.rows import require_own, save
from cityos_adapters.memory.tables import View
from cityos_core.exports.model import Chunk, Export
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import ExportId, TenantId
from cityos_core.kernel.paging import Page, PageRequest


@frozen
class MemoryExports:
    """Exports by id."""

    tenant: TenantId
    exports: View[ExportId, Export]

    def add(self, export: Export) -> None:
        require_own(self.tenant, export.tenant_id)
        self.exports.put(export.id, export)

    def get(self, export_id: ExportId) -> Export:
        export = self.exports.get(export_id)
        if export is None:
            raise NotFound("export_not_found", f"there is no export {export_id}")
        return export

    def save(self, export: Export) -> None:
        require_own(self.tenant, export.tenant_id)
        save(self.exports, export.id, export)

    def page(self, request: PageRequest) -> Page[Export]:
        return page(self.exports.all(), _words, request, newest_first=True)

    def due(self, now: datetime, *, limit: int) -> list[ExportId]:
        waiting = sorted((export for export in self.exports.all() if export.is_due(now)), key=_words)
        return [export.id for export in waiting[:limit]]


@frozen
class MemoryFiles:
    """Pieces of files by export and number."""

    pieces: View[tuple[UUID, int], str]

    def write(self, chunk: Chunk) -> None:
        self.pieces.put((chunk.export_id, chunk.number), chunk.text)

    def read(self, export_id: ExportId, number: int) -> str:
        text = self.pieces.get((export_id, number))
        if text is None:
            raise NotFound("export_not_found", f"export {export_id} has no piece {number}")
        return text


def _words(export: Export) -> Words:
    return moment(export.created_at), str(export.id)
