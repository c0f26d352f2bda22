"""Invoices, their numbers and the credit notes of one tenant."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter

from attrs import evolve, frozen

from cityos_adapters.memory.due import longest_due
from cityos_adapters.memory.paging import moment, page
from cityos_adapters.memory.rows import require_own, save
from cityos_adapters.memory.tables import View
from cityos_core.kernel.errors import Conflict, NotFound
from cityos_core.kernel.ids import CreditNoteId, InvoiceId, SubscriptionId, TenantId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.subscriptions.invoices import CreditNote, Invoice
from cityos_core.subscriptions.ports import InvoiceFilter


@frozen
class MemoryInvoices:
    """Invoices by id, by what they bill and by number."""

    tenant: TenantId
    invoices: View[InvoiceId, Invoice]

    def add(self, invoices: Sequence[Invoice]) -> None:
        with self.invoices.transaction.whole():
            for invoice in invoices:
                require_own(self.tenant, invoice.tenant_id)
                earlier = self.invoices.find("cycle", (invoice.subscription_id, invoice.cycle))
                if any(other.change == invoice.change for other in earlier):
                    raise Conflict("invoice_exists", f"cycle {invoice.cycle} was invoiced before; read that invoice")
                self.invoices.put(invoice.id, invoice)

    def get(self, invoice_id: InvoiceId) -> Invoice:
        invoice = self.invoices.get(invoice_id)
        if invoice is None:
            raise NotFound("invoice_not_found", f"there is no invoice {invoice_id}")
        return invoice

    def save(self, invoices: Sequence[Invoice]) -> None:
        with self.invoices.transaction.whole():
            for invoice in invoices:
                require_own(self.tenant, invoice.tenant_id)
                issued = self.invoices.get(invoice.id)
                save(self.invoices, invoice.id, evolve(invoice, lines=issued.lines) if issued else invoice)

    def of(self, wanted: Mapping[SubscriptionId, Collection[int]]) -> list[Invoice]:
        keys = ((subscription_id, cycle) for subscription_id, cycles in wanted.items() for cycle in set(cycles))
        found = (invoice for key in keys for invoice in self.invoices.find("cycle", key))
        return sorted(found, key=lambda invoice: (invoice.subscription_id, invoice.cycle, invoice.change))

    def page(self, where: InvoiceFilter, request: PageRequest) -> Page[Invoice]:
        rows = (invoice for invoice in self.invoices.all() if _matches(invoice, where))
        return page(rows, lambda row: (moment(row.created_at), str(row.id)), request, newest_first=True)

    def earning(self, now: datetime, *, limit: int) -> list[Invoice]:
        return longest_due(self.invoices.all(), attrgetter("recognise_at"), attrgetter("id"), now, limit=limit)


def _matches(invoice: Invoice, where: InvoiceFilter) -> bool:
    return (
        where.status in (None, invoice.status)
        and where.subscriber in (None, invoice.subscriber.reference)
        and where.subscription in (None, invoice.subscription_id)
        and (where.overdue_at is None or invoice.is_overdue(where.overdue_at))
    )


@frozen
class MemoryNumbers:
    """The last number of each series; the whole database is held, and so are they."""

    last: View[str, int]

    def take(self, series: str, count: int) -> int:
        before = self.last.get(series) or 0
        self.last.put(series, before + count)
        return before + 1


@frozen
class MemoryCreditNotes:
    """Credit notes by id, invoice and number."""

    tenant: TenantId
    notes: View[CreditNoteId, CreditNote]

    def add(self, notes: Sequence[CreditNote]) -> None:
        with self.notes.transaction.whole():
            for note in notes:
                require_own(self.tenant, note.tenant_id)
                self.notes.put(note.id, note)

    def get(self, note_id: CreditNoteId) -> CreditNote:
        note = self.notes.get(note_id)
        if note is None:
            raise NotFound("credit_note_not_found", f"there is no credit note {note_id}")
        return note

    def of(self, invoice_ids: Iterable[InvoiceId]) -> list[CreditNote]:
        found = (note for invoice_id in set(invoice_ids) for note in self.notes.find("invoice", invoice_id))
        return sorted(found, key=lambda note: (note.invoice_id, note.number))
