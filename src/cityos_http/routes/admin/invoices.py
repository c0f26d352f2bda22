"""Invoices of subscriptions, for administrators."""

from cityos_core.access.model import Resource
from cityos_core.kernel.ids import InvoiceId
from cityos_core.subscriptions.attempts import PaymentAttempt
from cityos_core.subscriptions.invoices import CreditNote
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes, Steps
from cityos_http.routes.admin.subscriptions import about_subscription
from cityos_http.schemas.corrections import CreditNoteView, CreditRequest, ReceiptRequest, WhyRequest
from cityos_http.schemas.invoices import CollectionAttemptView, InvoicesQuery, InvoiceView

routes = Routes("/admin/invoices", tag="Invoices")


def _about(asked: Asked, invoice: InvoiceId, **_: object) -> Resource:
    """Say whose an invoice is, for grants that reach one store or customer only."""
    return about_subscription(asked, asked.city.invoices.get(asked.scope, invoice).subscription_id)


@routes.get("", action="invoices:list")
def list_invoices(asked: Asked, query: InvoicesQuery) -> Listed[InvoiceView]:
    """List invoices, newest first."""
    where = InvoiceFilter(
        status=query.status,
        subscriber=query.subscriber,
        subscription=query.subscription,
        overdue_at=query.overdue_at,
    )
    return asked.listed(query, asked.city.invoices.list(asked.scope, where, asked.page(query)), InvoiceView.of)


@routes.get("/{invoice}", action="invoices:read", about=_about)
def get_invoice(asked: Asked, invoice: InvoiceId) -> InvoiceView:
    """Read an invoice with its lines."""
    return InvoiceView.of(asked.city.invoices.get(asked.scope, invoice))


@routes.get("/{invoice}/attempts", action="invoices:read", about=_about)
def list_collection_attempts(asked: Asked, invoice: InvoiceId, query: Paged) -> Listed[CollectionAttemptView]:
    """List the attempts to collect an invoice, in their order."""

    def place(attempt: PaymentAttempt) -> str:
        return f"{attempt.number:010d}"

    return asked.part(query, asked.city.invoices.attempts(asked.scope, invoice), place, CollectionAttemptView.of)


@routes.get("/{invoice}/credit-notes", action="invoices:read", about=_about)
def list_credit_notes(asked: Asked, invoice: InvoiceId, query: Paged) -> Listed[CreditNoteView]:
    """List the credit notes that correct an invoice, in their order."""

    def place(note: CreditNote) -> str:
        return f"{note.number:020d}"

    return asked.part(query, asked.city.invoices.credit_notes(asked.scope, invoice), place, CreditNoteView.of)


@routes.post("/{invoice}/credit-notes", action="invoices:credit", about=_about, steps=Steps.CHARGING, moves_money=True)
def credit_invoice(asked: Asked, invoice: InvoiceId, body: CreditRequest) -> CreditNoteView:
    """Give some of it back: what is not paid yet is owed no more, what was paid becomes credit."""
    made = asked.city.invoices.credit(asked.scope, invoice, body.corrections, reason=body.reason)
    return CreditNoteView.of(made)


@routes.post(
    "/{invoice}/void", action="invoices:void", status=200, about=_about, steps=Steps.CHARGING, moves_money=True
)
def void_invoice(asked: Asked, invoice: InvoiceId, body: WhyRequest) -> InvoiceView:
    """Declare an invoice void that was not paid; it keeps its number, and nothing of it is owed."""
    return InvoiceView.of(asked.city.invoices.void(asked.scope, invoice, reason=body.reason))


@routes.post(
    "/{invoice}/write-off",
    action="invoices:write-off",
    status=200,
    about=_about,
    steps=Steps.CHARGING,
    moves_money=True,
)
def write_off_invoice(asked: Asked, invoice: InvoiceId, body: WhyRequest) -> InvoiceView:
    """Give up an invoice; what is owed becomes an expense, and can still be paid."""
    return InvoiceView.of(asked.city.invoices.write_off(asked.scope, invoice, reason=body.reason))


@routes.post(
    "/{invoice}/mark-paid",
    action="invoices:confirm",
    status=200,
    about=_about,
    steps=Steps.CHARGING,
    moves_money=True,
)
def mark_invoice_paid(asked: Asked, invoice: InvoiceId, body: ReceiptRequest) -> InvoiceView:
    """Record that an invoice was paid into the bank; what is too much becomes the subscriber's credit."""
    after = asked.city.invoices.mark_paid(
        asked.scope, invoice, reference=body.reference, amount=body.amount, at=body.at
    )
    return InvoiceView.of(after)
