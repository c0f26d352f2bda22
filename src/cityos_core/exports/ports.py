"""What exports need from storage."""

from datetime import datetime
from typing import Protocol

from cityos_core.exports.model import Chunk, Export
from cityos_core.kernel.ids import ExportId
from cityos_core.kernel.paging import Page, PageRequest


class Exports(Protocol):
    """The exports of one tenant."""

    def add(self, export: Export) -> None:
        """Store a new export."""
        ...

    def get(self, export_id: ExportId) -> Export:
        """Give an export, or ``NotFound("export_not_found")``."""
        ...

    def save(self, export: Export) -> None:
        """Store a changed export, one version up; ``Conflict("stale")`` if another worker was first."""
        ...

    def page(self, request: PageRequest) -> Page[Export]:
        """List exports, newest first."""
        ...

    def due(self, now: datetime, *, limit: int) -> list[ExportId]:
        """List exports that are queued, or running with a lease that has ended; oldest first."""
        ...


class Files(Protocol):
    """The content of exports, in pieces."""

    def write(self, chunk: Chunk) -> None:
        """Store a piece, in place of one with the same number."""
        ...

    def read(self, export_id: ExportId, number: int) -> str:
        """Give a piece, or ``NotFound("export_not_found")``."""
        ...
