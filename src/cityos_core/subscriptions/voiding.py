"""Declaring an invoice void: everything that was booked of it is taken back."""

from collections.abc import Iterable, Iterator

from attrs import evolve

from cityos_core.kernel.ids import JournalId
from cityos_core.ledger.model import Journal
from cityos_core.subscriptions.cycles import CYCLE_LIFE, BillingCycle
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.invoices import CreditNote, Invoice, InvoiceStatus
from cityos_core.subscriptions.journals import ISSUED, Movement, credited, issued, journal, recognised, written_off


def voided(
    docket: Docket,
    invoice: Invoice,
    reason: str,
    *,
    notes: Iterable[CreditNote] = (),
    rows: Iterable[BillingCycle] = (),
) -> Invoice:
    """Declare an invoice void that was not paid, and give it so; it keeps its number.

    Its journal is reversed, so that credit it took goes back, and its credit ``notes``, what became revenue and what was
    written off are taken back. Of the ``rows`` those that it bills are voided too. ``Conflict`` for one that is paid.
    """
    void = evolve(invoice.step("void", at=docket.at), recognised=0, recognise_at=None)
    docket.journals += _reversed(docket, invoice, reason)
    docket.journals += journal(
        invoice,
        docket.identifiers,
        key=f"invoice:{invoice.id}:void",
        kind="subscription_voided",
        movements=_taken_back(invoice, notes),
        at=docket.at,
        reason=reason,
    )
    docket.amend(void, invoice)
    for row in rows:
        if row.invoice_id == invoice.id and "void" in CYCLE_LIFE.allowed(row.status):
            docket.move(row.voided(reason))
    return void


def _reversed(docket: Docket, invoice: Invoice, reason: str) -> Iterator[Journal]:
    for one in journal(
        invoice,
        docket.identifiers,
        key=f"invoice:{invoice.id}:issue",
        kind=ISSUED,
        movements=issued(invoice),
        at=docket.at,
    ):
        new = JournalId(docket.identifiers.new())
        yield one.negated(id=new, occurred_at=docket.at, references={**dict(one.references), "reason": reason})


def _taken_back(invoice: Invoice, notes: Iterable[CreditNote]) -> Iterator[Movement]:
    """Undo what was booked after the invoice was issued; its notes, for it was not paid, lowered what was owed."""
    yield from recognised(invoice, -invoice.recognised)
    before = evolve(invoice, status=InvoiceStatus.OPEN, credited=0)
    booked = [movement for note in notes for movement in credited(before, note)]
    if invoice.status is InvoiceStatus.UNCOLLECTIBLE:
        booked += written_off(invoice)
    yield from ((account, -amount) for account, amount in booked)
