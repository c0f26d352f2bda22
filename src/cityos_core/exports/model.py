"""Exports: a list written to a file by a worker, with its progress."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from cityos_core.kernel.ids import ExportId, TenantId
from cityos_core.kernel.states import Machine


class ExportFormat(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSONL = "jsonl"


class ExportKind(StrEnum):
    """What can be exported."""

    ORDERS = "orders"
    COMMISSIONS = "commissions"
    JOURNALS = "journals"
    PAYOUTS = "payouts"
    AUDIT_LOG = "audit-log"
    PRODUCTS = "products"
    VENDORS = "vendors"


class ExportStatus(StrEnum):
    """The life of an export."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


EXPORT_LIFE: Final = Machine(
    "export",
    {
        (ExportStatus.QUEUED, "start"): ExportStatus.RUNNING,
        (ExportStatus.RUNNING, "start"): ExportStatus.RUNNING,
        (ExportStatus.RUNNING, "succeed"): ExportStatus.SUCCEEDED,
        (ExportStatus.RUNNING, "fail"): ExportStatus.FAILED,
        (ExportStatus.FAILED, "start"): ExportStatus.RUNNING,
    },
)
"""A worker that died left its export running; another one starts it again when the lease has ended."""

LEASE: Final = timedelta(minutes=2)
"""How long a worker that shows no progress keeps an export from others."""

MOST_ATTEMPTS: Final = 3
"""How often an export is started before it stays failed."""


@frozen(kw_only=True)
class Export:
    """A file in the making, or made. ``rows`` counts what is written so far."""

    id: ExportId
    tenant_id: TenantId
    kind: ExportKind
    format: ExportFormat
    where: Mapping[str, str]
    """The filters, as the list takes them."""
    requested_by: str
    status: ExportStatus = ExportStatus.QUEUED
    rows: int = 0
    size: int = 0
    """Bytes written so far."""
    chunks: int = 0
    attempts: int = 0
    reason: str | None = None
    leased_until: datetime | None = None
    created_at: datetime
    finished_at: datetime | None = None
    version: int = 1

    @property
    def file_name(self) -> str:
        """What the file is called outside."""
        return f"{self.kind.value}-{self.created_at:%Y%m%d}-{self.id}.{self.format.value}"

    def is_due(self, now: datetime) -> bool:
        """True if a worker may take it: nobody has it, or nobody has shown progress for the length of a lease."""
        if self.status is ExportStatus.RUNNING:
            return self.leased_until is None or self.leased_until <= now
        return self.status is ExportStatus.QUEUED

    def grown(self, *, rows: int, size: int, at: datetime) -> "Export":
        """Add a chunk of so many rows and bytes, and hold the export for another :data:`LEASE`."""
        return evolve(
            self,
            rows=self.rows + rows,
            size=self.size + size,
            chunks=self.chunks + 1,
            leased_until=at + LEASE,
        )

    def step(self, action: str, *, at: datetime, reason: str | None = None) -> "Export":
        """Take a step of the export's life; whoever starts it holds it for :data:`LEASE`."""
        status = EXPORT_LIFE.next(self.status, action)
        runs = status is ExportStatus.RUNNING
        return evolve(
            self,
            status=status,
            reason=reason,
            attempts=self.attempts + runs,
            leased_until=at + LEASE if runs else None,
            finished_at=None if runs else at,
        )


@frozen
class Chunk:
    """A piece of an export's file."""

    export_id: UUID
    number: int
    text: str
