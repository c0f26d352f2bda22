"""Where people's decisions about invoices are carried out: held, decided, followed up, stored, and collected after it."""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from cityos_core.kernel.errors import Conflict, Invalid
from cityos_core.kernel.ids import InvoiceId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.attempts import UNSETTLED
from cityos_core.subscriptions.desk import Desk
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.holding import Held, hold
from cityos_core.subscriptions.invoices import INVOICE_LIFE, Invoice
from cityos_core.subscriptions.outcomes import go_on

LONGEST_REASON: Final = 500

Decision = Callable[[Held, Invoice], None]
"""What somebody wants to become of an invoice."""


@frozen
class Bureau:
    """Carries a decision about one invoice out, with all that follows from it, and collects what that lays out."""

    desk: Desk

    def decide(
        self, scope: TenantScope, invoice_id: InvoiceId, place: str, decision: Decision
    ) -> tuple[Invoice, Docket]:
        """Decide about an invoice that is held with its subscription; give it as it is stored, and what else was."""
        with self.desk.unit_of_work(scope) as uow:
            docket = self.desk.open(uow, scope, self.desk.clock.now())
            known = uow.invoices.get(invoice_id)
            # the invoices of the cycle before may be given back on this one, and this one on those of the cycle after
            cycles = range(max(known.cycle - 1, 0), known.cycle + 2)
            held = hold(docket, {known.subscription_id: cycles})[known.subscription_id]
            decision(held, held.invoices[invoice_id])
            go_on(docket, [held])
            events = docket.write()
            done = uow.invoices.get(invoice_id)
            commit(uow, events, place)
        if docket.attempts:
            self.desk.collect(scope, docket.attempts)
        return done, docket


def require_allowed(invoice: Invoice, action: str, remedy: str) -> None:
    """Refuse a step that the invoice's state does not allow, and say what can be done instead."""
    allowed = INVOICE_LIFE.allowed(invoice.status)
    if action not in allowed:
        state = invoice.status.value
        detail = f"the invoice is {state}; {remedy}"
        raise Conflict("invalid_state", detail, current_state=state, allowed_actions=allowed)


def require_idle(held: Held, invoice: Invoice) -> None:
    """Refuse to decide while a payment is under way: its money may come."""
    for attempt in held.attempts.values():
        if attempt.invoice_id == invoice.id and attempt.status in UNSETTLED:
            detail = f"nobody knows yet what became of payment attempt {attempt.key}"
            remedy = "ask the gateway (billing.inquire), and decide when it is known"
            raise Conflict("attempt_unsettled", f"{detail}; {remedy}", current_state=invoice.status.value)


def stated(reason: str) -> str:
    """Check that a reason says something."""
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise Invalid.at("$.reason", "no_reason", f"say why, in one to {LONGEST_REASON} characters")
    return reason
