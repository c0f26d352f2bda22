"""Journals and postings, which only grow, and the balances that are kept beside them."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    literal_column,
)

from cityos_adapters.sql.columns import KEY, METADATA, Data, Instant
from cityos_adapters.sql.positions import next_position_in
from cityos_adapters.sql.tables.owned import Identified, Owned


class JournalColumns(Identified):
    """A journal."""

    position: Named[int] = Column(BigInteger, default=next_position_in("journals"))
    """Rises in the order of recording."""
    key: Named[str] = Column(KEY)
    kind: Named[str] = Column(Text)
    digest: Named[str] = Column(Text)
    occurred_at: Named[datetime] = Column(Instant)
    about: Named[object] = Column(Data)
    """The references: names to what they name."""
    reverses: Named[str | None] = Column(KEY)


journals: Final = Table(
    "journals",
    METADATA,
    JournalColumns,
    UniqueConstraint("tenant_id", "key"),
    UniqueConstraint("tenant_id", "position"),
)


Index(
    "uq_journals_tenant_id_reverses",
    journals.c.tenant_id,
    journals.c.reverses,
    unique=True,
    postgresql_where=journals.c.reverses.is_not(None),
    sqlite_where=journals.c.reverses.is_not(None),
)


class PostingColumns(Owned):
    """A movement on one account: debits are positive."""

    journal_id: Named[UUID] = Column(Uuid, primary_key=True)
    line: Named[int] = Column(Integer, primary_key=True)
    account: Named[str] = Column(KEY)
    currency: Named[str] = Column(KEY)
    amount: Named[int] = Column(BigInteger)


postings: Final = Table(
    "postings",
    METADATA,
    PostingColumns,
    ForeignKeyConstraint(["tenant_id", "journal_id"], ["journals.tenant_id", "journals.id"]),
    CheckConstraint("amount <> 0", name="amount"),
)
Index(None, postings.c.tenant_id, postings.c.account, postings.c.currency)


class BalanceColumns(Owned):
    """What an account of a vendor, or the credit of a subscriber, holds, seen from its own side."""

    account: Named[str] = Column(KEY, primary_key=True)
    currency: Named[str] = Column(KEY, primary_key=True)
    amount: Named[int] = Column(BigInteger)


balances: Final = Table(
    "balances",
    METADATA,
    BalanceColumns,
    CheckConstraint("amount >= 0 OR account LIKE '%debt'", name="floor"),
    CheckConstraint("amount <= 9223372036854775807", name="range"),  # SQLite would go on with floating point
)
IS_AVAILABLE: Final = literal_column("account LIKE '%available'", Boolean())
IS_DEBT: Final = literal_column("account LIKE '%debt'", Boolean())
Index(
    "ix_balances_debts",
    balances.c.tenant_id,
    balances.c.account,
    balances.c.currency,
    postgresql_where=IS_DEBT,
    sqlite_where=IS_DEBT,
)
