"""Events that were committed with what made them true."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Column, Index, Named, Table, Text, Uuid

from cityos_adapters.sql.columns import METADATA, Data, Instant
from cityos_adapters.sql.tables.owned import Identified


class OutboxColumns(Identified):
    """An event; ids rise with time."""

    name: Named[str] = Column(Text)
    subject: Named[UUID] = Column(Uuid)
    payload: Named[object] = Column(Data)
    occurred_at: Named[datetime] = Column(Instant)


outbox: Final = Table("outbox", METADATA, OutboxColumns)
Index(None, outbox.c.id)
Index(None, outbox.c.tenant_id, outbox.c.subject, outbox.c.id)
