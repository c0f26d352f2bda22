"""Plans, subscriptions, what was used of them, and how their recurring revenue moved."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
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

from cityos_adapters.sql.columns import KEY, METADATA, Choice, Data, Document, Instant, Whole, one_of
from cityos_adapters.sql.tables.owned import Owned, Versioned
from cityos_core.kernel.proration import Resolution
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.model import Cancellation, Scheduled, SubscriptionStatus
from cityos_core.subscriptions.mrr import MovementKind
from cityos_core.subscriptions.plans import CatchUp, DunningPolicy, LateUsage, PlanItem
from cityos_core.subscriptions.terms import CollectionMethod, Discount, SubscriberKind, TaxRate


class PlanColumns(Versioned):
    """A plan with its items."""

    handle: Named[str] = Column(KEY)
    name: Named[str] = Column(Text)
    currency: Named[str] = Column(Text)
    interval: Named[Interval] = Column(Choice(Interval))
    count: Named[int] = Column(Integer)
    plan_items: Named[tuple[PlanItem, ...]] = Column(Document(tuple[PlanItem, ...]))
    trial_days: Named[int] = Column(Integer)
    catch_up: Named[CatchUp] = Column(Choice(CatchUp))
    late_usage: Named[LateUsage] = Column(Choice(LateUsage))
    dunning: Named[DunningPolicy] = Column(Document(DunningPolicy))
    proration: Named[Resolution] = Column(Choice(Resolution))
    created_at: Named[datetime] = Column(Instant)
    retired_at: Named[datetime | None] = Column(Instant)


plans: Final = Table(
    "plans",
    METADATA,
    PlanColumns,
    UniqueConstraint("tenant_id", "handle"),
    one_of("interval", Interval),
    one_of("catch_up", CatchUp),
    one_of("late_usage", LateUsage),
    one_of("proration", Resolution),
)


class SubscriptionColumns(Versioned):
    """A subscriber's plan, and where its billing stands."""

    store_id: Named[UUID | None] = Column(Uuid)
    subscriber_kind: Named[SubscriberKind] = Column(Choice(SubscriberKind))
    subscriber: Named[str] = Column(KEY)
    plan_id: Named[UUID] = Column(Uuid)
    currency: Named[str] = Column(Text)
    quantities: Named[object] = Column(Data)
    discounts: Named[tuple[Discount, ...]] = Column(Document(tuple[Discount, ...]))
    tax: Named[TaxRate | None] = Column(Document(TaxRate))
    collection_method: Named[CollectionMethod] = Column(Choice(CollectionMethod))
    terms_days: Named[int] = Column(Integer)
    payment_method: Named[str | None] = Column(Text)
    status: Named[SubscriptionStatus] = Column(Choice(SubscriptionStatus))
    anchor_local: Named[str] = Column(Text)
    """A wall-clock time, which no column for instants holds."""
    anchor_zone: Named[str] = Column(Text)
    anchor_interval: Named[Interval] = Column(Choice(Interval))
    anchor_count: Named[int] = Column(Integer)
    first_cycle: Named[int] = Column(Integer)
    next_cycle: Named[int] = Column(Integer)
    trial_ends_at: Named[datetime | None] = Column(Instant)
    cancellation: Named[Cancellation | None] = Column(Document(Cancellation))
    scheduled: Named[Scheduled | None] = Column(Document(Scheduled))
    paused_at: Named[datetime | None] = Column(Instant)
    created_at: Named[datetime] = Column(Instant)
    ended_at: Named[datetime | None] = Column(Instant)


subscriptions: Final = Table(
    "subscriptions",
    METADATA,
    SubscriptionColumns,
    ForeignKeyConstraint(["tenant_id", "plan_id"], ["plans.tenant_id", "plans.id"]),
    one_of("subscriber_kind", SubscriberKind),
    one_of("collection_method", CollectionMethod),
    one_of("status", SubscriptionStatus),
    one_of("anchor_interval", Interval),
)
IS_INCOMPLETE: Final = literal_column("status = 'incomplete'", Boolean())
Index(None, subscriptions.c.tenant_id, subscriptions.c.created_at, subscriptions.c.id)
Index(None, subscriptions.c.tenant_id, subscriptions.c.subscriber, subscriptions.c.created_at)
Index(None, subscriptions.c.tenant_id, subscriptions.c.plan_id, subscriptions.c.created_at)
Index(
    "ix_subscriptions_incomplete",
    subscriptions.c.tenant_id,
    subscriptions.c.created_at,
    subscriptions.c.id,
    postgresql_where=IS_INCOMPLETE,
    sqlite_where=IS_INCOMPLETE,
)


def of_subscription() -> ForeignKeyConstraint:
    """Tie rows to their subscription."""
    return ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscriptions.tenant_id", "subscriptions.id"])


class UsageColumns(Owned):
    """A report of usage; its quantity is exact."""

    subscription_id: Named[UUID] = Column(Uuid, primary_key=True)
    key: Named[str] = Column(KEY, primary_key=True)
    item: Named[str] = Column(KEY)
    numerator: Named[int] = Column(Whole)
    denominator: Named[int] = Column(Whole)
    used_at: Named[datetime] = Column(Instant)
    recorded_at: Named[datetime] = Column(Instant)
    counts_at: Named[datetime] = Column(Instant)
    is_late: Named[bool] = Column(Boolean)


usage_records: Final = Table("usage_records", METADATA, UsageColumns, of_subscription())
IS_LATE: Final = literal_column("is_late", Boolean())
Index(None, usage_records.c.tenant_id, usage_records.c.subscription_id, usage_records.c.counts_at)
Index(
    "ix_usage_records_late",
    usage_records.c.tenant_id,
    usage_records.c.subscription_id,
    usage_records.c.counts_at,
    postgresql_where=IS_LATE,
    sqlite_where=IS_LATE,
)


class MovementColumns(Owned):
    """A movement of recurring revenue."""

    subscription_id: Named[UUID] = Column(Uuid, primary_key=True)
    number: Named[int] = Column(Integer, primary_key=True)
    at: Named[datetime] = Column(Instant)
    kind: Named[MovementKind] = Column(Choice(MovementKind))
    change: Named[int] = Column(BigInteger)
    revenue: Named[int] = Column(BigInteger)
    currency: Named[str] = Column(Text)
    subscriber_kind: Named[SubscriberKind] = Column(Choice(SubscriberKind))
    subscriber: Named[str] = Column(KEY)
    plan_id: Named[UUID] = Column(Uuid)


movements: Final = Table(
    "movements",
    METADATA,
    MovementColumns,
    of_subscription(),
    one_of("kind", MovementKind),
    one_of("subscriber_kind", SubscriberKind),
)
Index(None, movements.c.tenant_id, movements.c.at, movements.c.subscription_id, movements.c.number)
