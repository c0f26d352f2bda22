"""The chain of one tenant: what was done there, each link sealed over the one before."""

from collections.abc import Iterator

from attrs import frozen

from cityos_adapters.memory.paging import page
from cityos_adapters.memory.rows import require_own
from cityos_adapters.memory.storage import AuditRow
from cityos_adapters.memory.tables import View
from cityos_adapters.serialization.audit import Columns, body_by, body_of, columns_of, entry_of
from cityos_core.audit.model import GENESIS, Entry, Record
from cityos_core.audit.policy import seal
from cityos_core.audit.ports import AuditFilter, Link
from cityos_core.kernel.ids import TenantId
from cityos_core.kernel.paging import Page, PageRequest


@frozen
class MemoryAudit:
    """Links by sequence; the end of the chain is kept apart."""

    tenant: TenantId
    rows: View[int, AuditRow]
    heads: View[TenantId, tuple[int, str]]

    def append(self, record: Record) -> None:
        require_own(self.tenant, record.tenant_id)
        last, previous = self.head()
        sequence, body = last + 1, body_of(record)
        sealed = seal(sequence, previous, body)
        self.rows.put(sequence, AuditRow(sequence, previous, body, sealed, columns_of(record)))
        self.heads.put(self.tenant, (sequence, sealed))

    def page(self, where: AuditFilter, request: PageRequest) -> Page[Entry]:
        found = page(self._found(where), lambda row: (f"{row.sequence:020}",), request, newest_first=True)
        return Page(tuple(map(self._entry, found.items)), found.after)

    def export(self, where: AuditFilter) -> Iterator[Entry]:
        for row in self._found(where):
            yield self._entry(row)

    def links(self) -> Iterator[Link]:
        for row in self._found(AuditFilter()):
            yield Link(row.sequence, row.previous, row.body, row.hash, body_by(row.columns, row.body))

    def head(self) -> tuple[int, str]:
        return self.heads.get(self.tenant) or (0, GENESIS)

    def _found(self, where: AuditFilter) -> list[AuditRow]:
        rows = sorted(self.rows.all(), key=lambda row: row.sequence)
        return [row for row in rows if where.sequence in (None, row.sequence) and _matches(row.columns, where)]

    def _entry(self, row: AuditRow) -> Entry:
        return entry_of(self.tenant, row.sequence, row.body, previous=row.previous, seal=row.hash)


def _matches(columns: Columns, where: AuditFilter) -> bool:
    return (
        where.principal in (None, columns.principal)
        and where.action in (None, columns.action)
        and where.request_id in (None, columns.request_id)
        and (where.since is None or where.since <= columns.occurred_at)
        and (where.until is None or columns.occurred_at < where.until)
        and ((where.kind is None and where.target is None) or _names(columns, where))
    )


def _names(columns: Columns, where: AuditFilter) -> bool:
    return any(where.kind in (None, kind) and where.target in (None, target) for kind, target in columns.targets)
