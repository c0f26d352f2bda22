"""What else comes to an end with a subscription."""

from typing import Final

from attrs import evolve

from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.invoices import InvoiceStatus
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.subscriptions.reading import Situation
from cityos_core.subscriptions.voiding import voided

NEVER_BEGAN: Final = "the subscription was canceled before its first payment"


def wind_up(docket: Docket, found: Situation) -> None:
    """Close the dunning of a subscription that ended; what it owes is still owed, unless it was never in force."""
    for case in docket.uow.dunning.of([found.subscription.id]):
        docket.case(evolve(case, next_at=None, needs_method=False))
    if found.subscription.status is not SubscriptionStatus.INCOMPLETE:
        return
    rows = [] if found.current is None else [found.current]
    for invoice in found.invoices:
        if invoice.status is InvoiceStatus.OPEN:
            notes = docket.uow.credit_notes.of([invoice.id]) if invoice.credited else ()
            voided(docket, invoice, NEVER_BEGAN, notes=notes, rows=rows)
