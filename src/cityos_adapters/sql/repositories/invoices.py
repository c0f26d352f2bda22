"""Invoices, the numbers they are issued under, and credit notes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import frozen
from sqlalchemy import ColumnElement, Integer, Uuid, bindparam, select, tuple_

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.lists import among, given
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import ID, OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables import billing
from cityos_adapters.sql.tables.billing import IS_OPEN, credit_notes, number_series
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import CreditNoteId, InvoiceId, SubscriptionId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.subscriptions.invoices import CreditNote, Invoice
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.subscriptions.terms import Collection as Collecting
from cityos_core.subscriptions.terms import Subscriber

_i = billing.invoices.c
_INVOICES: Final = select(billing.invoices).where(_i.tenant_id == OWNER)
_BY_ID: Final = _INVOICES.where(_i.id == ID)
_wanted = given("wanted", subscription_id=Uuid(), cycle=Integer())
_OF: Final = _INVOICES.where(
    tuple_(_i.subscription_id, _i.cycle).in_(select(_wanted.c.subscription_id, _wanted.c.cycle))
).order_by(_i.subscription_id, _i.cycle, _i.change)
_EARNING: Final = (
    _INVOICES.where(_i.recognise_at <= bindparam("now", type_=Instant()))
    .order_by(_i.recognise_at, _i.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True)
)
_NEW: Final = growth(billing.invoices)


@frozen
class SqlInvoices:
    """Invoices by id, and by what they bill."""

    session: Session

    def add(self, invoices: Sequence[Invoice]) -> None:
        for invoice in invoices:
            self.session.require_own(invoice.tenant_id)
        self.session.grow((_NEW, [{**_charged(invoice), **_standing(invoice)} for invoice in invoices]))

    def get(self, invoice_id: InvoiceId) -> Invoice:
        row = self.session.first(_BY_ID, id_=invoice_id)
        if row is None:
            raise NotFound("invoice_not_found", f"there is no invoice {invoice_id}")
        return _invoice(row)

    def save(self, invoices: Sequence[Invoice]) -> None:
        for invoice in invoices:
            self.session.require_own(invoice.tenant_id)
        self.session.save(billing.invoices, [_standing(invoice) for invoice in invoices])

    def of(self, wanted: Mapping[SubscriptionId, Collection[int]]) -> list[Invoice]:
        asked = [
            {"subscription_id": subscription_id, "cycle": cycle}
            for subscription_id, cycles in wanted.items()
            for cycle in set(cycles)
        ]
        return [_invoice(row) for row in self.session.all(_OF, wanted=asked)]

    def page(self, where: InvoiceFilter, request: PageRequest) -> Page[Invoice]:
        statement, keys = _INVOICES.where(*_conditions(where)), (_i.created_at, _i.id)
        return page(
            self.session, statement, keys, request, lambda rows: [_invoice(row) for row in rows], newest_first=True
        )

    def earning(self, now: datetime, *, limit: int) -> list[Invoice]:
        return [_invoice(row) for row in self.session.lock(_EARNING, now=now, most=limit)]


def _conditions(where: InvoiceFilter) -> list[ColumnElement[bool]]:
    wanted = (
        (_i.status, where.status),
        (_i.subscriber, where.subscriber),
        (_i.subscription_id, where.subscription),
    )
    conditions: list[ColumnElement[bool]] = [column == value for column, value in wanted if value is not None]
    if where.overdue_at is not None:
        conditions += [IS_OPEN, _i.due_at < where.overdue_at]
    return conditions


def _charged(invoice: Invoice) -> Values:
    """Write what never changes."""
    return {
        "subscription_id": invoice.subscription_id,
        "cycle": invoice.cycle,
        "change": invoice.change,
        "entity": invoice.entity,
        "subscriber_kind": invoice.subscriber.kind,
        "subscriber": invoice.subscriber.reference,
        "currency": invoice.currency,
        "lines": invoice.lines,
        "tax": invoice.tax,
        "collection_method": invoice.collection.method,
        "terms_days": invoice.collection.terms_days,
        "created_at": invoice.created_at,
    }


def _standing(invoice: Invoice) -> Values:
    """Write what became of it."""
    return {
        "tenant_id": invoice.tenant_id,
        "id": invoice.id,
        "version": invoice.version,
        "number": invoice.number,
        "status": invoice.status,
        "from_credit": invoice.from_credit,
        "credited": invoice.credited,
        "issued_at": invoice.issued_at,
        "due_at": invoice.due_at,
        "settled_at": invoice.settled_at,
        "recognised": invoice.recognised,
        "recognise_at": invoice.recognise_at,
    }


def _invoice(row: AnyRow) -> Invoice:
    return Invoice(
        id=row.id,
        tenant_id=row.tenant_id,
        subscription_id=row.subscription_id,
        cycle=row.cycle,
        change=row.change,
        entity=row.entity,
        number=row.number,
        status=row.status,
        subscriber=Subscriber(row.subscriber_kind, row.subscriber),
        currency=row.currency,
        lines=row.lines,
        tax=row.tax,
        collection=Collecting(method=row.collection_method, terms_days=row.terms_days),
        from_credit=row.from_credit,
        credited=row.credited,
        created_at=row.created_at,
        issued_at=row.issued_at,
        due_at=row.due_at,
        settled_at=row.settled_at,
        recognised=row.recognised,
        recognise_at=row.recognise_at,
        version=row.version,
    )


_n = number_series.c
_TAKE: Final = growth(
    number_series,
    lambda new: new.on_conflict_do_update(
        index_elements=["tenant_id", "series"], set_={"last": _n.last + new.excluded.last}
    ).returning(_n.last),
)


@frozen
class SqlNumbers:
    """The last number of each series: its row is held by whoever took from it, and goes back with the transaction."""

    session: Session

    def take(self, series: str, count: int) -> int:
        taken = {"tenant_id": self.session.tenant, "series": series, "last": count}
        (row,) = self.session.grow((_TAKE, [taken]))
        return int(row.last) - count + 1


_c = credit_notes.c
_NOTES: Final = select(credit_notes).where(_c.tenant_id == OWNER)
_NOTE: Final = _NOTES.where(_c.id == ID)
_NOTES_OF: Final = _NOTES.where(among(_c.invoice_id)).order_by(_c.invoice_id, _c.number)
_NEW_NOTE: Final = growth(credit_notes)


@frozen
class SqlCreditNotes:
    """Credit notes by id and invoice."""

    session: Session

    def add(self, notes: Sequence[CreditNote]) -> None:
        for note in notes:
            self.session.require_own(note.tenant_id)
        self.session.grow((_NEW_NOTE, [_note_row(note) for note in notes]))

    def get(self, note_id: CreditNoteId) -> CreditNote:
        row = self.session.first(_NOTE, id_=note_id)
        if row is None:
            raise NotFound("credit_note_not_found", f"there is no credit note {note_id}")
        return _note(row)

    def of(self, invoice_ids: Iterable[InvoiceId]) -> list[CreditNote]:
        return [_note(row) for row in self.session.all(_NOTES_OF, ids=set(invoice_ids))]


def _note_row(note: CreditNote) -> Values:
    return {
        "tenant_id": note.tenant_id,
        "id": note.id,
        "invoice_id": note.invoice_id,
        "entity": note.entity,
        "number": note.number,
        "reason": note.reason,
        "currency": note.currency,
        "lines": note.lines,
        "issued_at": note.issued_at,
    }


def _note(row: AnyRow) -> CreditNote:
    return CreditNote(
        id=row.id,
        tenant_id=row.tenant_id,
        invoice_id=row.invoice_id,
        entity=row.entity,
        number=row.number,
        reason=row.reason,
        currency=row.currency,
        lines=row.lines,
        issued_at=row.issued_at,
    )
