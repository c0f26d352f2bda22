"""What happened, in the past tense: events go to the outbox in the transaction that made them true."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from attrs import frozen


@frozen(kw_only=True)
class Event:
    """A fact that others may act on; ``name`` is stable, ``subject`` is the id of what it is about."""

    name: ClassVar[str]
    subject: UUID
    occurred_at: datetime
