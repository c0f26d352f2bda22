"""Correcting an invoice that was issued: by a credit note, for nothing on it is ever edited."""

from collections.abc import Sequence

from attrs import evolve, frozen

from cityos_core.kernel.ids import InvoiceId
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.bureau import Bureau, stated
from cityos_core.subscriptions.crediting import Correction, credit_note
from cityos_core.subscriptions.events import CreditNoteIssued
from cityos_core.subscriptions.holding import Held
from cityos_core.subscriptions.invoices import CreditNote, Invoice, InvoiceStatus, standing
from cityos_core.subscriptions.journals import credited, journal
from cityos_core.subscriptions.outcomes import relieve
from cityos_core.subscriptions.recognition import deferred, reread


@frozen
class Credit:
    """Give back some of what lines of an invoice charged, tax included, by a credit note under a number of its own.

    What was not paid yet is owed no more, what was paid becomes the subscriber's credit. An invoice of which nothing is
    left to pay is paid. ``Refused("exceeds_line")`` if a line has less left than that.
    """

    bureau: Bureau

    def __call__(
        self, scope: TenantScope, invoice_id: InvoiceId, corrections: Sequence[Correction], *, reason: str
    ) -> CreditNote:
        """Give the credit note."""
        why = stated(reason)

        def credit(held: Held, invoice: Invoice) -> None:
            _settle(held, _noted(held, invoice, corrections, why))

        _, docket = self.bureau.decide(scope, invoice_id, "invoices.credit", credit)
        return docket.notes[0]


def _noted(held: Held, invoice: Invoice, corrections: Sequence[Correction], reason: str) -> Invoice:
    docket = held.docket
    earlier = docket.uow.credit_notes.of([invoice.id]) if invoice.credited else ()
    note = credit_note(
        invoice,
        corrections,
        standing([*held.invoices.values()], earlier),
        id=docket.identifiers.new(),
        number=0,
        reason=reason,
        at=docket.at,
    )
    note = evolve(note, number=docket.uow.numbers.take(f"credit_note:{invoice.entity}", 1))
    docket.notes.append(note)
    docket.events.append(
        CreditNoteIssued(
            subject=note.id,
            occurred_at=docket.at,
            invoice=invoice.id,
            subscription=invoice.subscription_id,
            number=note.number,
            total=note.total,
            reason=reason,
        )
    )
    docket.journals += journal(
        invoice,
        docket.identifiers,
        key=f"credit_note:{note.id}",
        kind="subscription_credited",
        movements=credited(invoice, note),
        at=docket.at,
        credit_note=str(note.id),
        number=f"{note.entity}/{note.number}",
        reason=reason,
    )
    less = evolve(invoice, credited=invoice.credited + note.total.minor)
    return reread(less, docket.at) if deferred(less) else less


def _settle(held: Held, invoice: Invoice) -> None:
    """Take an invoice over as it now is; one of which nothing is left to pay is paid."""
    if invoice.status is InvoiceStatus.OPEN and not invoice.due:
        held.amend(invoice.step("pay", at=held.docket.at))
        relieve(held, invoice.id)
    else:
        held.amend(invoice)
