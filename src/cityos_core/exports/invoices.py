"""Invoices of subscriptions as records, with their lines, their credit notes, and the attempts to collect them."""

from typing import Final

from cityos_core.kernel.money import Money
from cityos_core.kernel.rendering import Record
from cityos_core.subscriptions.attempts import PaymentAttempt
from cityos_core.subscriptions.invoices import CreditNote, Invoice, Line

COLUMNS: Final = (
    *("id", "number", "subscriber", "status", "total", "due", "currency"),
    *("issued_at", "due_at", "subscription"),
)
LINE_COLUMNS: Final = ("line", "kind", "item", "quantity", "start", "end", "gross", "discount", "net", "tax", "total")
ATTEMPT_COLUMNS: Final = (
    *("number", "origin", "gateway", "amount", "currency", "status", "decline", "reason", "reference"),
    *("started_at", "finished_at"),
)
NOTE_COLUMNS: Final = ("id", "number", "total", "currency", "reason", "issued_at")


def summary(invoice: Invoice) -> Record:
    """Give an invoice in one row."""
    return {
        "id": invoice.id,
        "number": None if invoice.number is None else f"{invoice.entity}/{invoice.number}",
        "subscription": invoice.subscription_id,
        "cycle": invoice.cycle,
        "change": invoice.change,
        "subscriber": invoice.subscriber.reference,
        "subscriber_kind": invoice.subscriber.kind,
        "status": invoice.status,
        "net": invoice.net,
        "tax": invoice.tax_total,
        "total": invoice.total,
        "from_credit": Money(invoice.from_credit, invoice.currency),
        "credited": Money(invoice.credited, invoice.currency),
        "due": invoice.due,
        "currency": invoice.currency,
        "collection": invoice.collection.method,
        "created_at": invoice.created_at,
        "issued_at": invoice.issued_at,
        "due_at": invoice.due_at,
        "settled_at": invoice.settled_at,
    }


def whole(invoice: Invoice) -> Record:
    """Give an invoice with its lines."""
    return {**summary(invoice), "lines": line_records(invoice.lines, invoice.currency)}


def previewed(invoice: Invoice) -> Record:
    """Give what an invoice would come to that is not issued, without its lines."""
    return {
        "cycle": invoice.cycle,
        "change": invoice.change,
        "net": invoice.net,
        "tax": invoice.tax_total,
        "total": invoice.total,
        "from_credit": Money(invoice.from_credit, invoice.currency),
        "to_credit": invoice.to_credit,
        "due": invoice.due,
        "currency": invoice.currency,
    }


def line_records(lines: tuple[Line, ...], currency: str) -> list[Record]:
    """Give lines; the first one is number 0."""
    return [_line(number, line, currency) for number, line in enumerate(lines)]


def _line(number: int, line: Line, currency: str) -> Record:
    return {
        "line": number,
        "kind": line.kind,
        "item": line.item,
        "description": line.description,
        "cycle": line.cycle,
        "quantity": line.quantity,
        "start": line.covers and line.covers.start,
        "end": line.covers and line.covers.end,
        "gross": Money(line.gross, currency),
        "discount": Money(line.discount, currency),
        "net": Money(line.net, currency),
        "tax": Money(line.tax, currency),
        "total": Money(line.total, currency),
        "credits": line.credits and {"invoice": line.credits.invoice_id, "line": line.credits.number},
    }


def note_record(note: CreditNote) -> Record:
    """Give a credit note."""
    return {
        "id": note.id,
        "number": f"{note.entity}/{note.number}",
        "invoice": note.invoice_id,
        "reason": note.reason,
        "total": note.total,
        "currency": note.currency,
        "lines": [
            {"line": line.number, "net": Money(line.net, note.currency), "tax": Money(line.tax, note.currency)}
            for line in note.lines
        ],
        "issued_at": note.issued_at,
    }


def attempt_record(attempt: PaymentAttempt) -> Record:
    """Give an attempt to collect an invoice."""
    return {
        "number": attempt.number,
        "key": attempt.key,
        "invoice": attempt.invoice_id,
        "origin": attempt.origin,
        "gateway": attempt.gateway,
        "amount": attempt.amount,
        "currency": attempt.amount.currency,
        "status": attempt.status,
        "reference": attempt.reference,
        "decline": attempt.decline,
        "reason": attempt.reason,
        "started_at": attempt.started_at,
        "next_at": attempt.next_at,
        "inquiries": attempt.inquiries,
        "finished_at": attempt.finished_at,
    }
