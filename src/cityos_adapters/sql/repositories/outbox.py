"""Events that were committed and wait to be told."""

from operator import attrgetter
from typing import Final

from attrs import frozen
from sqlalchemy import bindparam, delete, exists, func, select, tuple_

from cityos_adapters.sql.session import Session
from cityos_adapters.sql.statements import AnyRow
from cityos_adapters.sql.tables.outbox import outbox
from cityos_core.jobs.model import Message

_o = outbox.c
_held = (
    select(_o.tenant_id, _o.id).order_by(_o.id).limit(bindparam("most")).with_for_update(skip_locked=True).cte("held")
)
_before = outbox.alias("before")
_IS_OVERTAKING: Final = exists().where(
    _before.c.tenant_id == _o.tenant_id,
    _before.c.subject == _o.subject,
    _before.c.id < _o.id,
    tuple_(_before.c.tenant_id, _before.c.id).not_in(select(_held.c.tenant_id, _held.c.id)),
)
_TAKE: Final = (
    delete(outbox)
    .where(tuple_(_o.tenant_id, _o.id).in_(select(_held.c.tenant_id, _held.c.id)), ~_IS_OVERTAKING)
    .returning(outbox)
)
_WAITING: Final = select(func.count().label("count")).select_from(outbox)


@frozen
class SqlOutbox:
    """Events in the order of their ids. What is told of one subject while another relay has earlier events stays."""

    session: Session

    def take(self, *, limit: int) -> list[Message]:
        self.session.require_platform()
        return [_message(row) for row in sorted(self.session.change(_TAKE, most=limit), key=attrgetter("id"))]

    def waiting(self) -> int:
        self.session.require_platform()
        return sum(int(row.count) for row in self.session.all(_WAITING))


def _message(row: AnyRow) -> Message:
    return Message(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        subject=row.subject,
        payload=row.payload,
        occurred_at=row.occurred_at,
    )
