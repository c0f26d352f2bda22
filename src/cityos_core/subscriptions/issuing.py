"""Turning lines into an invoice, and issuing it: its number, when it is due, and what credit pays of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from cityos_core.kernel.ids import InvoiceId
from cityos_core.kernel.money import Money
from cityos_core.kernel.time import to_utc
from cityos_core.subscriptions.invoices import Invoice, Line
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.stretches import local_time
from cityos_core.subscriptions.terms import Collection, CollectionMethod


def draft(
    subscription: Subscription,
    lines: Sequence[Line],
    *,
    id: UUID,  # noqa: A002  the model's word
    cycle: int,
    change: int = 0,
    entity: str,
    at: datetime,
) -> Invoice:
    """Write an invoice of a cycle, or of the n-th change within it, on the subscription's terms."""
    return Invoice(
        id=InvoiceId(id),
        tenant_id=subscription.tenant_id,
        subscription_id=subscription.id,
        cycle=cycle,
        change=change,
        entity=entity,
        subscriber=subscription.subscriber,
        currency=subscription.currency,
        lines=tuple(lines),
        tax=subscription.tax,
        collection=subscription.collection,
        created_at=at,
    )


def issue(invoice: Invoice, *, number: int, at: datetime, place: str, credit: Money) -> Invoice:
    """Issue a draft, paid from the subscriber's credit as far as that goes; what then owes nothing is paid."""
    from_credit = max(0, min(credit.minor, invoice.total.minor))
    due_at = payable_by(invoice.collection, at, place)
    opened = invoice.opened(number=number, issued_at=at, due_at=due_at, from_credit=from_credit)
    return opened if opened.due else opened.step("pay", at=at)


def payable_by(collection: Collection, issued_at: datetime, place: str) -> datetime:
    """Say until when an invoice may be paid: its terms in days, at the same time by the clock; at once if charged."""
    if collection.method is CollectionMethod.CHARGE:
        return issued_at
    return to_utc(local_time(issued_at, place) + timedelta(days=collection.terms_days), place)
