"""Lists as files, made in the background."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, Self

from attrs import field, frozen

from cityos_core.exports.model import Export, ExportFormat, ExportKind, ExportStatus
from cityos_core.kernel.ids import ExportId
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes
from cityos_http.schema import about

routes = Routes("/admin/exports", tag="Exports")

MEDIA: Final = {ExportFormat.CSV: "text/csv", ExportFormat.JSONL: "application/x-ndjson"}

LISTS: Final = {
    ExportKind.ORDERS: "orders:list",
    ExportKind.COMMISSIONS: "commissions:list",
    ExportKind.JOURNALS: "ledger:list",
    ExportKind.PAYOUTS: "payouts:list",
    ExportKind.AUDIT_LOG: "audit-log:list",
    ExportKind.PRODUCTS: "products:list",
    ExportKind.VENDORS: "vendors:list",
}
"""Who exports a list may also list it."""


@frozen(kw_only=True)
class ExportView:
    """A file in the making, or made."""

    id: ExportId
    kind: ExportKind
    format: ExportFormat
    where: Mapping[str, str]
    requested_by: str
    status: ExportStatus
    rows: int = field(metadata=about("How many are written so far."))
    size: int = field(metadata=about("How many bytes are written so far."))
    reason: str | None
    created_at: datetime
    finished_at: datetime | None
    version: int

    @classmethod
    def of(cls, export: Export) -> Self:
        """Show an export."""
        return cls(
            id=export.id,
            kind=export.kind,
            format=export.format,
            where=dict(export.where),
            requested_by=export.requested_by,
            status=export.status,
            rows=export.rows,
            size=export.size,
            reason=export.reason,
            created_at=export.created_at,
            finished_at=export.finished_at,
            version=export.version,
        )


@frozen(kw_only=True)
class ExportRequest:
    """A list to write to a file."""

    kind: ExportKind
    format: ExportFormat = ExportFormat.CSV
    where: Mapping[str, str] = field(
        factory=dict, metadata=about("The filters of the list, as text.", example={"vendor": "acme"})
    )


def _readable(asked: Asked, export: ExportId) -> Export:
    found = asked.city.exports.get(asked.scope, export)
    asked.require(LISTS[found.kind])
    return found


@routes.get("", action="exports:list")
def list_exports(asked: Asked, query: Paged) -> Listed[ExportView]:
    """List exports, newest first."""
    return asked.listed(query, asked.city.exports.list(asked.scope, asked.page(query)), ExportView.of)


@routes.post("", action="exports:create", status=202)
def request_export(asked: Asked, body: ExportRequest) -> ExportView:
    """Ask for a list as a file; read the export to see how far it is."""
    asked.require(LISTS[body.kind])
    made = asked.city.exports.request(asked.scope, body.kind, body.format, body.where, by=asked.principal.label)
    return ExportView.of(made)


@routes.get("/{export}", action="exports:read")
def get_export(asked: Asked, export: ExportId) -> ExportView:
    """Read how far an export is."""
    return ExportView.of(_readable(asked, export))


@routes.get("/{export}/content", action="exports:read", streams=tuple(MEDIA.values()))
def download_export(asked: Asked, export: ExportId) -> Iterator[str]:
    """Download the file; 409 while it is in the making."""
    found = _readable(asked, export)
    asked.headers.append(("content-type", MEDIA[found.format]))
    asked.headers.append(("content-disposition", f'attachment; filename="{found.file_name}"'))
    return asked.city.exports.read(asked.scope, export)
