"""When operations fall due, in all scopes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from attrs import frozen
from sqlalchemy import Text, Uuid, bindparam, select, update

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.growth import changing, growth
from cityos_adapters.sql.session import Session
from cityos_adapters.sql.statements import AnyRow
from cityos_adapters.sql.tables.jobs import schedules
from cityos_core.jobs.model import Schedule
from cityos_core.kernel.ids import TenantId

_s = schedules.c
_PLAN: Final = growth(
    schedules,
    lambda new: new.on_conflict_do_nothing(index_elements=["tenant_id", "operation"]).returning(_s.tenant_id),
)
_DUE: Final = (
    select(schedules)
    .where(_s.next_at <= bindparam("now", type_=Instant()))
    .order_by(_s.next_at, _s.tenant_id, _s.operation)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True)
)
_MOVE: Final = changing(
    schedules,
    lambda given: (
        update(schedules)
        .where(_s.tenant_id == given.owner, _s.operation == given.what)
        .values(next_at=given.next, last_at=given.latest)
        .returning(_s.operation)
    ),
    owner=Uuid(),
    what=Text(),
    next=Instant(),
    latest=Instant(),
)
_ALL: Final = select(schedules).order_by(_s.next_at, _s.tenant_id, _s.operation)


@frozen
class SqlSchedules:
    """When operations fall due, a row for each scope."""

    session: Session

    def plan(self, operation: str, tenants: Iterable[TenantId], at: datetime) -> int:
        self.session.require_platform()
        rows = [
            {"tenant_id": tenant, "operation": operation, "next_at": at, "last_at": None}
            for tenant in sorted(set(tenants))
        ]
        return len(self.session.grow((_PLAN, rows)))

    def take(self, now: datetime, *, limit: int) -> list[Schedule]:
        self.session.require_platform()
        return [_schedule(row) for row in self.session.lock(_DUE, now=now, most=limit)]

    def move(self, schedules: Sequence[Schedule]) -> int:
        self.session.require_platform()
        rows = [
            {"owner": one.tenant_id, "what": one.operation, "next": one.next_at, "latest": one.last_at}
            for one in schedules
        ]
        return len(self.session.grow((_MOVE, rows)))

    def all(self) -> list[Schedule]:
        self.session.require_platform()
        return [_schedule(row) for row in self.session.all(_ALL)]


def _schedule(row: AnyRow) -> Schedule:
    return Schedule(tenant_id=row.tenant_id, operation=row.operation, next_at=row.next_at, last_at=row.last_at)
