"""Money that came by bank."""

from datetime import datetime

from attrs import frozen

from cityos_core.kernel.clock import instant
from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.kernel.ids import InvoiceId
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.bureau import Bureau, require_allowed, require_idle
from cityos_core.subscriptions.holding import Held
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.journals import BANK, journal, owed, paid
from cityos_core.subscriptions.outcomes import relieve
from cityos_core.subscriptions.terms import LONGEST_REFERENCE


@frozen
class MarkPaid:
    """Note that an invoice was paid into the bank, all at once; what is too much becomes the subscriber's credit.

    The same ``reference`` again changes nothing. ``amount`` is what came, by default what is owed, and ``at`` when.
    ``Refused("partial_payment")`` for less than is owed.
    """

    bureau: Bureau

    def __call__(
        self,
        scope: TenantScope,
        invoice_id: InvoiceId,
        *,
        reference: str,
        amount: Money | None = None,
        at: datetime | None = None,
    ) -> Invoice:
        """Give the invoice as it is stored."""
        known_as = _referred(reference)
        received_at = None if at is None else instant(at)

        def mark_paid(held: Held, invoice: Invoice) -> None:
            if _is_known(held, invoice, known_as, amount):
                return
            docket = held.docket
            require_allowed(
                invoice, "pay", "take the money as unknown (ledger.receive_unknown) until it is clear what it is"
            )
            require_idle(held, invoice)
            came = _enough(invoice, amount)
            when = docket.at if received_at is None else received_at
            if when > docket.at:
                raise Invalid.at("$.at", "paid_in_future", "money is noted once it came")
            docket.journals += journal(
                invoice,
                docket.identifiers,
                key=_bank_key(invoice, known_as),
                kind="subscription_paid",
                movements=paid(invoice, BANK, came.minor),
                at=when,
                reference=known_as,
            )
            held.amend(invoice.step("pay", at=when))
            relieve(held, invoice.id)

        done, _ = self.bureau.decide(scope, invoice_id, "invoices.mark_paid", mark_paid)
        return done


def _bank_key(invoice: Invoice, reference: str) -> str:
    return f"invoice:{invoice.id}:bank:{reference}"


def _is_known(held: Held, invoice: Invoice, reference: str, amount: Money | None) -> bool:
    """Tell whether a payment was noted before; ``Conflict("reference_reused")`` if that was another amount."""
    booked = held.docket.uow.ledger.find(_bank_key(invoice, reference))
    if booked is None:
        return False
    came = sum(posting.amount for posting in booked.postings if posting.account.path == BANK)
    if amount is not None and amount != Money(came, invoice.currency):
        detail = f"{reference!r} was noted before, with {Money(came, invoice.currency)}; use another reference"
        raise Conflict("reference_reused", detail, current_state=invoice.status.value)
    return True


def _enough(invoice: Invoice, amount: Money | None) -> Money:
    due = Money(owed(invoice), invoice.currency)
    if amount is None:
        return due
    if amount.currency != invoice.currency:
        detail = f"the invoice is in {invoice.currency}, not in {amount.currency}; nothing converts it"
        raise Invalid.at("$.amount", "currency_mismatch", detail)
    if amount < due:
        detail = f"{due} is owed, and {amount} came; an invoice is paid all at once"
        remedy = "take it as unknown (ledger.receive_unknown) until the rest comes, or credit the rest first"
        raise Refused("partial_payment", f"{detail}: {remedy}")
    return amount


def _referred(reference: str) -> str:
    if not reference.strip() or len(reference) > LONGEST_REFERENCE:
        detail = f"the bank's reference of a payment has one to {LONGEST_REFERENCE} characters, and not only spaces"
        raise Invalid.at("$.reference", "no_reference", detail)
    return reference
