"""Billing cycles, invoices and their numbers, credit notes, attempts to collect, dunning, and billing runs."""

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

from cityos_adapters.sql.columns import KEY, METADATA, Choice, Document, Instant, one_of
from cityos_adapters.sql.tables.owned import Identified, Owned, Versioned
from cityos_adapters.sql.tables.subscriptions import of_subscription
from cityos_core.subscriptions.attempts import AttemptStatus, DeclineClass, Origin
from cityos_core.subscriptions.certificate import Certificate
from cityos_core.subscriptions.cycles import CycleStatus
from cityos_core.subscriptions.invoices import InvoiceStatus, Line, NoteLine
from cityos_core.subscriptions.terms import CollectionMethod, SubscriberKind, TaxRate


class CycleColumns(Owned):
    """A period of a subscription, and who bills it."""

    subscription_id: Named[UUID] = Column(Uuid, primary_key=True)
    index: Named[int] = Column(Integer, primary_key=True)
    version: Named[int] = Column(BigInteger)
    starts_at: Named[datetime] = Column(Instant)
    ends_at: Named[datetime] = Column(Instant)
    status: Named[CycleStatus] = Column(Choice(CycleStatus))
    due_at: Named[datetime | None] = Column(Instant)
    claimed_by: Named[str | None] = Column(Text)
    claimed_until: Named[datetime | None] = Column(Instant)
    invoice_id: Named[UUID | None] = Column(Uuid)
    reason: Named[str | None] = Column(Text)


billing_cycles: Final = Table(
    "billing_cycles",
    METADATA,
    CycleColumns,
    of_subscription(),
    one_of("status", CycleStatus),
    CheckConstraint("(claimed_by IS NULL) = (claimed_until IS NULL)", name="claim"),
)
_c = billing_cycles.c
_HAS_DATE = _c.due_at.is_not(None)
Index(
    "ix_billing_cycles_due",
    _c.tenant_id,
    _c.due_at,
    _c.subscription_id,
    _c.index,
    postgresql_where=_HAS_DATE,
    sqlite_where=_HAS_DATE,
)
Index(
    "ix_billing_cycles_dated",
    _c.tenant_id,
    _c.subscription_id,
    postgresql_where=_HAS_DATE,
    sqlite_where=_HAS_DATE,
)
Index("ix_billing_cycles_started", _c.tenant_id, _c.starts_at, _c.subscription_id, _c.index)
Index("ix_billing_cycles_in_state", _c.tenant_id, _c.status, _c.starts_at, _c.subscription_id, _c.index)


class InvoiceColumns(Versioned):
    """An invoice with its lines."""

    subscription_id: Named[UUID] = Column(Uuid)
    cycle: Named[int] = Column(Integer)
    change: Named[int] = Column(Integer)
    entity: Named[str] = Column(KEY)
    number: Named[int | None] = Column(BigInteger)
    status: Named[InvoiceStatus] = Column(Choice(InvoiceStatus))
    subscriber_kind: Named[SubscriberKind] = Column(Choice(SubscriberKind))
    subscriber: Named[str] = Column(KEY)
    currency: Named[str] = Column(Text)
    lines: Named[tuple[Line, ...]] = Column(Document(tuple[Line, ...]))
    tax: Named[TaxRate | None] = Column(Document(TaxRate))
    collection_method: Named[CollectionMethod] = Column(Choice(CollectionMethod))
    terms_days: Named[int] = Column(Integer)
    from_credit: Named[int] = Column(BigInteger)
    credited: Named[int] = Column(BigInteger)
    created_at: Named[datetime] = Column(Instant)
    issued_at: Named[datetime | None] = Column(Instant)
    due_at: Named[datetime | None] = Column(Instant)
    settled_at: Named[datetime | None] = Column(Instant)
    recognised: Named[int] = Column(BigInteger)
    recognise_at: Named[datetime | None] = Column(Instant)


invoices: Final = Table(
    "invoices",
    METADATA,
    InvoiceColumns,
    UniqueConstraint("tenant_id", "subscription_id", "cycle", "change"),
    UniqueConstraint("tenant_id", "entity", "number"),
    of_subscription(),
    one_of("status", InvoiceStatus),
    one_of("subscriber_kind", SubscriberKind),
    one_of("collection_method", CollectionMethod),
)
IS_OPEN: Final = literal_column("status = 'open'", Boolean())
_IS_EARNING = invoices.c.recognise_at.is_not(None)
Index(None, invoices.c.tenant_id, invoices.c.created_at, invoices.c.id)
Index(None, invoices.c.tenant_id, invoices.c.subscriber, invoices.c.created_at)
Index(
    "ix_invoices_open",
    invoices.c.tenant_id,
    invoices.c.due_at,
    postgresql_where=IS_OPEN,
    sqlite_where=IS_OPEN,
)
Index(
    None,
    invoices.c.tenant_id,
    invoices.c.recognise_at,
    invoices.c.id,
    postgresql_where=_IS_EARNING,
    sqlite_where=_IS_EARNING,
)


class SeriesColumns(Owned):
    """The last number that was taken of a series."""

    series: Named[str] = Column(KEY, primary_key=True)
    last: Named[int] = Column(BigInteger)


number_series: Final = Table("number_series", METADATA, SeriesColumns)


def _of_invoice() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"])


class CreditNoteColumns(Identified):
    """A correction of an invoice, with its lines."""

    invoice_id: Named[UUID] = Column(Uuid)
    entity: Named[str] = Column(KEY)
    number: Named[int] = Column(BigInteger)
    reason: Named[str] = Column(Text)
    currency: Named[str] = Column(Text)
    lines: Named[tuple[NoteLine, ...]] = Column(Document(tuple[NoteLine, ...]))
    issued_at: Named[datetime] = Column(Instant)


credit_notes: Final = Table(
    "credit_notes", METADATA, CreditNoteColumns, UniqueConstraint("tenant_id", "entity", "number"), _of_invoice()
)
Index(None, credit_notes.c.tenant_id, credit_notes.c.invoice_id, credit_notes.c.number)


class AttemptColumns(Owned):
    """A try at collecting an invoice; the key that the gateway knows it by follows from this one."""

    subscription_id: Named[UUID] = Column(Uuid, primary_key=True)
    cycle: Named[int] = Column(Integer, primary_key=True)
    change: Named[int] = Column(Integer, primary_key=True)
    number: Named[int] = Column(Integer, primary_key=True)
    version: Named[int] = Column(BigInteger)
    invoice_id: Named[UUID] = Column(Uuid)
    origin: Named[Origin] = Column(Choice(Origin))
    gateway: Named[str] = Column(Text)
    amount: Named[int] = Column(BigInteger)
    currency: Named[str] = Column(Text)
    status: Named[AttemptStatus] = Column(Choice(AttemptStatus))
    reference: Named[str | None] = Column(Text)
    decline: Named[DeclineClass | None] = Column(Choice(DeclineClass))
    reason: Named[str | None] = Column(Text)
    started_at: Named[datetime] = Column(Instant)
    next_at: Named[datetime | None] = Column(Instant)
    inquiries: Named[int] = Column(Integer)
    finished_at: Named[datetime | None] = Column(Instant)


payment_attempts: Final = Table(
    "payment_attempts",
    METADATA,
    AttemptColumns,
    _of_invoice(),
    one_of("origin", Origin),
    one_of("status", AttemptStatus),
    one_of("decline", DeclineClass),
)
_a = payment_attempts.c
_IS_ASKED_ABOUT = _a.next_at.is_not(None)
Index(None, _a.tenant_id, _a.invoice_id, _a.number)
Index(
    "ix_payment_attempts_due",
    _a.tenant_id,
    _a.next_at,
    _a.subscription_id,
    _a.cycle,
    _a.change,
    _a.number,
    postgresql_where=_IS_ASKED_ABOUT,
    sqlite_where=_IS_ASKED_ABOUT,
)


class DunningColumns(Owned):
    """What is done about an invoice whose payment failed."""

    invoice_id: Named[UUID] = Column(Uuid, primary_key=True)
    version: Named[int] = Column(BigInteger)
    subscription_id: Named[UUID] = Column(Uuid)
    time_zone: Named[str] = Column(Text)
    first_failed_at: Named[datetime] = Column(Instant)
    retries: Named[int] = Column(Integer)
    next_day: Named[int] = Column(Integer)
    next_at: Named[datetime | None] = Column(Instant)
    needs_method: Named[bool] = Column(Boolean)


dunning_cases: Final = Table("dunning_cases", METADATA, DunningColumns, _of_invoice())
_IS_GOING_ON = dunning_cases.c.next_at.is_not(None)
Index(
    None,
    dunning_cases.c.tenant_id,
    dunning_cases.c.next_at,
    dunning_cases.c.invoice_id,
    postgresql_where=_IS_GOING_ON,
    sqlite_where=_IS_GOING_ON,
)
Index(
    None,
    dunning_cases.c.tenant_id,
    dunning_cases.c.subscription_id,
    postgresql_where=_IS_GOING_ON,
    sqlite_where=_IS_GOING_ON,
)


class BillingRunColumns(Identified):
    """What a billing run came to."""

    worker: Named[str] = Column(Text)
    started_at: Named[datetime] = Column(Instant)
    finished_at: Named[datetime] = Column(Instant)
    certificate: Named[Certificate] = Column(Document(Certificate))


billing_runs: Final = Table("billing_runs", METADATA, BillingRunColumns)
Index(None, billing_runs.c.tenant_id, billing_runs.c.started_at, billing_runs.c.id)
