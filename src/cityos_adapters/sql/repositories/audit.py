"""The chain of one tenant."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from attrs import frozen
from sqlalchemy import exists, select

from cityos_adapters.serialization.audit import Columns, Target, body_by, body_of, columns_of, entry_of
from cityos_adapters.sql.growth import growth, replacing
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.audit import audit_entries, audit_heads, audit_targets
from cityos_core.audit.model import GENESIS, Entry, Record
from cityos_core.audit.policy import seal
from cityos_core.audit.ports import AuditFilter, Link
from cityos_core.kernel.ids import TenantId
from cityos_core.kernel.paging import Page, PageRequest, every

_e, _t = audit_entries.c, audit_targets.c
_ENTRIES: Final = select(audit_entries).where(_e.tenant_id == OWNER)
_TARGETS_OF: Final = (
    select(_t.entry_id, _t.kind, _t.target)
    .where(_t.tenant_id == OWNER, among(_t.entry_id))
    .order_by(_t.entry_id, _t.kind, _t.target)
)
_HEAD: Final = select(audit_heads).where(audit_heads.c.tenant_id == OWNER)
_ADD: Final = growth(audit_entries)
_ADD_TARGETS: Final = growth(audit_targets)
_MOVE_HEAD: Final = replacing(audit_heads)


@frozen
class SqlAuditTrail:
    """Entries by their place. PostgreSQL seals what is added to it; for SQLite, which cannot, this does."""

    session: Session

    def append(self, record: Record) -> None:
        self.session.require_own(record.tenant_id)
        columns, body = columns_of(record), body_of(record)
        entry = {
            "tenant_id": record.tenant_id,
            "id": columns.id,
            "body": body,
            "occurred_at": columns.occurred_at,
            "principal": columns.principal,
            "action": columns.action,
            "request_id": columns.request_id,
        }
        targets = (_ADD_TARGETS, [_target_row(record, target) for target in columns.targets])
        if self.session.is_postgresql:
            self.session.grow_later((_ADD, [entry]), targets)
        else:
            link = self._next(body)
            self.session.grow_later((_ADD, [{**entry, **link}]), targets, (_MOVE_HEAD, [_head_row(record, link)]))

    def page(self, where: AuditFilter, request: PageRequest) -> Page[Entry]:
        return self._page(where, request, newest_first=True)

    def export(self, where: AuditFilter) -> Iterator[Entry]:
        return every(lambda request: self._page(where, request))

    def links(self) -> Iterator[Link]:
        return every(lambda request: page(self.session, _ENTRIES, (_e.sequence,), request, self._links))

    def head(self) -> tuple[int, str]:
        return self._head(self.session.all(_HEAD))

    def _page(self, where: AuditFilter, request: PageRequest, *, newest_first: bool = False) -> Page[Entry]:
        return page(
            self.session,
            _ENTRIES.where(*_conditions(where)),
            (_e.sequence,),
            request,
            lambda rows: [_entry(row) for row in rows],
            newest_first=newest_first,
        )

    def _links(self, rows: Sequence[AnyRow]) -> list[Link]:
        targets: dict[UUID, list[Target]] = defaultdict(list)
        for row in self.session.all(_TARGETS_OF, ids=[row.id for row in rows]):
            targets[row.entry_id].append((row.kind, row.target))
        return [_link(row, tuple(targets[row.id])) for row in rows]

    def _next(self, body: str) -> Values:
        sequence, previous = self._head(self.session.lock(_HEAD))
        return {"sequence": sequence + 1, "previous": previous, "hash": seal(sequence + 1, previous, body)}

    def _head(self, rows: Sequence[AnyRow]) -> tuple[int, str]:
        for row in rows:
            return row.sequence, row.hash
        return 0, GENESIS


def _target_row(record: Record, target: Target) -> Values:
    kind, name = target
    return {"tenant_id": record.tenant_id, "entry_id": record.id, "kind": kind, "target": name}


def _head_row(record: Record, link: Values) -> Values:
    return {"tenant_id": record.tenant_id, **link}


def _entry(row: AnyRow) -> Entry:
    return entry_of(TenantId(row.tenant_id), row.sequence, row.body, previous=row.previous, seal=row.hash)


def _link(row: AnyRow, targets: tuple[Target, ...]) -> Link:
    columns = Columns(
        id=row.id,
        occurred_at=row.occurred_at,
        principal=row.principal,
        action=row.action,
        request_id=row.request_id,
        targets=targets,
    )
    return Link(row.sequence, row.previous, row.body, row.hash, body_by(columns, row.body))


def _conditions(where: AuditFilter) -> list[Any]:
    given = (
        (_e.sequence, where.sequence),
        (_e.principal, where.principal),
        (_e.action, where.action),
        (_e.request_id, where.request_id),
    )
    conditions: list[Any] = [column == value for column, value in given if value is not None]
    if where.since is not None:
        conditions.append(_e.occurred_at >= where.since)
    if where.until is not None:
        conditions.append(_e.occurred_at < where.until)
    named = ((_t.kind, where.kind), (_t.target, where.target))
    if about := [column == value for column, value in named if value is not None]:
        conditions.append(exists().where(_t.tenant_id == OWNER, _t.entry_id == _e.id, *about))
    return conditions
