"""Versions of commission rules, and commission transactions."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, Named, Table, Text, UniqueConstraint, Uuid

from cityos_adapters.sql.columns import KEY, METADATA, Choice, Document, Instant, one_of
from cityos_adapters.sql.positions import next_position_in
from cityos_adapters.sql.tables.owned import Identified
from cityos_core.commissions.lines import Circumstances, CommissionLine, EntryKind, EntryStatus, SaleLine
from cityos_core.commissions.rules import Rule, RuleStatus


class RuleColumns(Identified):
    """One version of a rule."""

    version: Named[int] = Column(BigInteger, primary_key=True)
    name: Named[str] = Column(Text)
    sequence: Named[int] = Column(BigInteger)
    status: Named[RuleStatus] = Column(Choice(RuleStatus))
    rule: Named[Rule] = Column(Document(Rule))
    recorded_at: Named[datetime] = Column(Instant)
    superseded_at: Named[datetime | None] = Column(Instant)


commission_rules: Final = Table(
    "commission_rules",
    METADATA,
    RuleColumns,
    UniqueConstraint("tenant_id", "name", "version"),
    one_of("status", RuleStatus),
)


class EntryColumns(Identified):
    """A commission transaction."""

    position: Named[int] = Column(BigInteger, default=next_position_in("commission_entries"))
    """Rises in the order of recording."""
    order_id: Named[UUID] = Column(Uuid)
    order_reference: Named[str] = Column(KEY)
    vendor_order_id: Named[UUID] = Column(Uuid)
    line_id: Named[UUID] = Column(Uuid)
    line_reference: Named[str] = Column(Text)
    vendor_id: Named[UUID] = Column(Uuid)
    vendor: Named[str] = Column(KEY)
    sku: Named[str] = Column(KEY)
    category: Named[str | None] = Column(KEY)
    kind: Named[EntryKind] = Column(Choice(EntryKind))
    status: Named[EntryStatus] = Column(Choice(EntryStatus))
    occurred_at: Named[datetime] = Column(Instant)
    currency: Named[str] = Column(KEY)
    gross: Named[int] = Column(BigInteger)
    discounts: Named[int] = Column(BigInteger)
    funding: Named[int] = Column(BigInteger)
    shipping: Named[int] = Column(BigInteger)
    tax: Named[int] = Column(BigInteger)
    commission: Named[int] = Column(BigInteger)
    commission_tax: Named[int] = Column(BigInteger)
    net: Named[int] = Column(BigInteger)
    volume: Named[int] = Column(BigInteger)
    journal_key: Named[str] = Column(Text)
    line: Named[CommissionLine | None] = Column(Document(CommissionLine))
    sale: Named[SaleLine | None] = Column(Document(SaleLine))
    circumstances: Named[Circumstances | None] = Column(Document(Circumstances))
    payout_id: Named[UUID | None] = Column(Uuid)


commission_entries: Final = Table(
    "commission_entries",
    METADATA,
    EntryColumns,
    one_of("kind", EntryKind),
    one_of("status", EntryStatus),
)
_c = commission_entries.c
Index(None, _c.tenant_id, _c.order_id)
Index(None, _c.tenant_id, _c.vendor_order_id)
Index(None, _c.tenant_id, _c.line_id)
Index(None, _c.tenant_id, _c.occurred_at, _c.id)
Index(None, _c.tenant_id, _c.vendor_id, _c.currency, _c.occurred_at)
Index(
    None,
    _c.tenant_id,
    _c.payout_id,
    postgresql_where=_c.payout_id.is_not(None),
    sqlite_where=_c.payout_id.is_not(None),
)
