"""The journals of subscriptions: which event moves which money between which accounts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from cityos_core.kernel.ids import Identifiers, JournalId
from cityos_core.ledger.model import Account, Journal
from cityos_core.subscriptions.attempts import PaymentAttempt
from cityos_core.subscriptions.invoices import CreditNote, Invoice, InvoiceStatus, Line, LineKind
from cityos_core.subscriptions.terms import Subscriber

Movement = tuple[Account, int]

DEFERRED: Final = "deferred:subscription"
REVENUE: Final = "revenue:subscription"
WRITE_OFF: Final = "expense:write_off"
BANK: Final = "bank"

EARNED_AT_ONCE: Final = frozenset({LineKind.USAGE, LineKind.LATE_USAGE})
"""Lines that charge for what was used already; all others are deferred, and what they credit comes out of that."""

ISSUED: Final = "subscription_invoiced"
"""The kind of the journals that book invoices."""


def owed_by(subscriber: Subscriber) -> str:
    """Name the account of what a subscriber owes."""
    return f"{subscriber.kind.value}:{subscriber.reference}:receivable"


def credit_of(subscriber: Subscriber) -> str:
    """Name the account of what a subscriber has in credit."""
    return f"{subscriber.kind.value}:{subscriber.reference}:credit"


def account(invoice: Invoice, path: str) -> Account:
    """Name an account of an invoice's tenant in its currency."""
    return Account(invoice.tenant_id, path, invoice.currency)


def owed(invoice: Invoice) -> int:
    """Give what is left to pay of an invoice, in minor units, written off or not."""
    return max(invoice.total.minor - invoice.from_credit - invoice.credited, 0)


def issued(invoice: Invoice) -> list[Movement]:
    """Book an invoice: the subscriber owes it, less what credit pays; what it gives back on balance becomes credit."""
    total, credit = invoice.total.minor, account(invoice, credit_of(invoice.subscriber))
    movements = [(credit, invoice.from_credit + min(total, 0))]
    movements.append((account(invoice, owed_by(invoice.subscriber)), max(total, 0) - invoice.from_credit))
    movements += [(account(invoice, _bears(line)), -line.net) for line in invoice.lines]
    return [*movements, (_tax(invoice), -invoice.tax_total.minor)]


def paid(invoice: Invoice, source: str, amount: int) -> list[Movement]:
    """Book a payment into an account: against what is owed, or was written off; the rest is the subscriber's credit."""
    is_lost = invoice.status is InvoiceStatus.UNCOLLECTIBLE
    against = WRITE_OFF if is_lost else owed_by(invoice.subscriber)
    pays = min(amount, owed(invoice)) if is_lost or invoice.status is InvoiceStatus.OPEN else 0
    return [
        (account(invoice, source), amount),
        (account(invoice, against), -pays),
        (account(invoice, credit_of(invoice.subscriber)), pays - amount),
    ]


def credited(invoice: Invoice, note: CreditNote) -> list[Movement]:
    """Book a credit note: it lowers what is owed, and what was paid already becomes credit."""
    total = note.total.minor
    lowers = min(total, invoice.due.minor)
    movements = [(account(invoice, _bears(invoice.lines[part.number])), part.net) for part in note.lines]
    return [
        *movements,
        (_tax(invoice), sum(part.tax for part in note.lines)),
        (account(invoice, owed_by(invoice.subscriber)), -lowers),
        (account(invoice, credit_of(invoice.subscriber)), lowers - total),
    ]


def written_off(invoice: Invoice) -> list[Movement]:
    """Book that an invoice will not be paid."""
    amount = owed(invoice)
    return [(account(invoice, WRITE_OFF), amount), (account(invoice, owed_by(invoice.subscriber)), -amount)]


def recognised(invoice: Invoice, amount: int) -> list[Movement]:
    """Book what became revenue; a negative amount takes it back."""
    return [(account(invoice, DEFERRED), amount), (account(invoice, REVENUE), -amount)]


def gateway_account(attempt: PaymentAttempt) -> str:
    """Name the account of what a gateway collected and did not pay out yet."""
    return f"gateway:{attempt.gateway}:pending"


def journal(
    invoice: Invoice,
    identifiers: Identifiers,
    *,
    key: str,
    kind: str,
    movements: Iterable[Movement],
    at: datetime,
    **references: str,
) -> list[Journal]:
    """Build a journal that refers to its invoice and subscription; none if in the end nothing moves."""
    sums: dict[Account, int] = {}
    for moved, amount in movements:
        sums[moved] = sums.get(moved, 0) + amount
    if not any(sums.values()):
        return []
    named = {"invoice": str(invoice.id), "subscription": str(invoice.subscription_id), **references}
    return [
        Journal.of(
            id=JournalId(identifiers.new()),
            tenant=invoice.tenant_id,
            key=key,
            kind=kind,
            movements=sums.items(),
            occurred_at=at,
            references=named,
        )
    ]


def booked(journals: Sequence[Journal]) -> dict[str, int]:
    """Add up, per currency, what journals of issued invoices came to: everything they earned, deferred and taxed."""
    sums: dict[str, int] = {}
    for one in journals:
        for posting in one.postings if one.kind == ISSUED else ():
            if posting.account.path.partition(":")[0] in ("deferred", "revenue", "tax"):
                sums[posting.account.currency] = sums.get(posting.account.currency, 0) - posting.amount
    return sums


def _bears(line: Line) -> str:
    return REVENUE if line.kind in EARNED_AT_ONCE else DEFERRED


def _tax(invoice: Invoice) -> Account:
    return account(invoice, f"tax:{invoice.tax.jurisdiction}" if invoice.tax else "tax:none")
