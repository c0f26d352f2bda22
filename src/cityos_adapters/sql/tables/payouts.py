"""Payouts, every attempt at them, and the batches they are made in."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Named,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from cityos_adapters.sql.columns import KEY, METADATA, Choice, Document, Instant, one_of
from cityos_adapters.sql.tables.owned import Identified, Owned, Versioned
from cityos_core.payouts.model import PayoutStatus, Skipped


class PayoutColumns(Versioned):
    """A payout."""

    batch_id: Named[UUID | None] = Column(Uuid)
    vendor_id: Named[UUID] = Column(Uuid)
    vendor: Named[str] = Column(KEY)
    amount: Named[int] = Column(BigInteger)
    currency: Named[str] = Column(Text)
    method: Named[str] = Column(Text)
    account: Named[str] = Column(Text)
    holder: Named[str] = Column(Text)
    status: Named[PayoutStatus] = Column(Choice(PayoutStatus))
    reason: Named[str | None] = Column(Text)
    next_attempt_at: Named[datetime | None] = Column(Instant)
    approved_account: Named[str | None] = Column(Text)
    retries: Named[UUID | None] = Column(Uuid)
    created_at: Named[datetime] = Column(Instant)
    settled_at: Named[datetime | None] = Column(Instant)


payouts: Final = Table(
    "payouts",
    METADATA,
    PayoutColumns,
    one_of("status", PayoutStatus),
    CheckConstraint("amount > 0", name="amount"),
)
_DUE = payouts.c.next_attempt_at.is_not(None)
Index(None, payouts.c.tenant_id, payouts.c.created_at, payouts.c.id)
Index(None, payouts.c.tenant_id, payouts.c.vendor, payouts.c.created_at)
Index(
    None,
    payouts.c.tenant_id,
    payouts.c.next_attempt_at,
    payouts.c.id,
    postgresql_where=_DUE,
    sqlite_where=_DUE,
)


class AttemptColumns(Owned):
    """One try at sending a payout."""

    payout_id: Named[UUID] = Column(Uuid, primary_key=True)
    number: Named[int] = Column(Integer, primary_key=True)
    key: Named[str] = Column(Text)
    started_at: Named[datetime] = Column(Instant)
    outcome: Named[str | None] = Column(Text)
    reference: Named[str | None] = Column(Text)
    reason: Named[str | None] = Column(Text)
    finished_at: Named[datetime | None] = Column(Instant)


payout_attempts: Final = Table(
    "payout_attempts",
    METADATA,
    AttemptColumns,
    UniqueConstraint("tenant_id", "key"),
    ForeignKeyConstraint(["tenant_id", "payout_id"], ["payouts.tenant_id", "payouts.id"]),
)


class BatchColumns(Identified):
    """The payouts made by one run."""

    created_at: Named[datetime] = Column(Instant)
    payouts: Named[int] = Column(Integer)
    skipped: Named[tuple[Skipped, ...]] = Column(Document(tuple[Skipped, ...]))
    swept_at: Named[datetime | None] = Column(Instant)


payout_batches: Final = Table("payout_batches", METADATA, BatchColumns)
Index(None, payout_batches.c.tenant_id, payout_batches.c.created_at, payout_batches.c.id)
