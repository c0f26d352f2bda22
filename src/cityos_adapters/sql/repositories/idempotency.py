"""Answers that were given in one tenant."""

from datetime import datetime
from typing import Final

from attrs import frozen
from sqlalchemy import Text, bindparam, delete, func, literal, select

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.growth import replacing
from cityos_adapters.sql.session import OWNER, Session
from cityos_adapters.sql.statements import AnyRow
from cityos_adapters.sql.tables.idempotency import answers
from cityos_core.idempotency.model import Answered
from cityos_core.kernel.errors import Conflict

_WHO: Final = bindparam("who", type_=Text())
_WANTED: Final = bindparam("wanted", type_=Text())
_FIND: Final = select(answers).where(
    answers.c.tenant_id == OWNER, answers.c.principal == _WHO, answers.c.key == _WANTED
)
_NAME: Final = func.concat_ws(literal("\n"), OWNER, _WHO, _WANTED)
_HOLD: Final = select(func.pg_try_advisory_xact_lock(func.hashtextextended(_NAME, 0)).label("is_held"))
"""Asked for alone: a row that its last holder wrote is only seen by what is asked afterwards."""

_PUT: Final = replacing(answers)
_FORGET: Final = delete(answers).where(
    answers.c.tenant_id == OWNER, answers.c.created_at < bindparam("before", type_=Instant())
)


@frozen
class SqlAnswers:
    """Keys by principal and name. On SQLite whoever looks for a key waits for its turn to write."""

    session: Session

    def find(self, principal: str, key: str) -> Answered | None:
        if self.session.is_postgresql and not self._is_held(principal, key):
            raise Conflict("request_in_flight", "this request is under way; ask again in a moment")
        for row in self.session.lock(_FIND, who=principal, wanted=key):
            return _answered(row)
        return None

    def put(self, answered: Answered) -> None:
        self.session.require_own(answered.tenant_id)
        row = {
            "tenant_id": answered.tenant_id,
            "principal": answered.principal,
            "key": answered.key,
            "fingerprint": answered.fingerprint,
            "created_at": answered.created_at,
            "leased_until": answered.leased_until,
            "reply": answered.reply,
        }
        self.session.grow_later((_PUT, [row]))

    def forget(self, before: datetime) -> None:
        self.session.run(_FORGET, before=before)

    def _is_held(self, principal: str, key: str) -> bool:
        return any(row.is_held for row in self.session.all(_HOLD, who=principal, wanted=key))


def _answered(row: AnyRow) -> Answered:
    return Answered(
        tenant_id=row.tenant_id,
        principal=row.principal,
        key=row.key,
        fingerprint=row.fingerprint,
        created_at=row.created_at,
        leased_until=row.leased_until,
        reply=row.reply,
    )
