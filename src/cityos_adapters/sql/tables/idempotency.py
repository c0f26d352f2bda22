"""Answers that were given."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, Index, Named, Table, Text

from cityos_adapters.sql.columns import KEY, METADATA, Document, Instant
from cityos_adapters.sql.tables.owned import Owned
from cityos_core.idempotency.model import Reply


class AnswerColumns(Owned):
    """A key that was used."""

    principal: Named[str] = Column(KEY, primary_key=True)
    key: Named[str] = Column(KEY, primary_key=True)
    fingerprint: Named[str] = Column(Text)
    created_at: Named[datetime] = Column(Instant)
    leased_until: Named[datetime | None] = Column(Instant)
    reply: Named[Reply | None] = Column(Document(Reply))


answers: Final = Table("answers", METADATA, AnswerColumns)
Index(None, answers.c.tenant_id, answers.c.created_at)
