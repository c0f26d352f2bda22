"""What happens to subscriptions: one event per state entered, and the notices that are to be sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final

from attrs import frozen

from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.dunning import DunningCase, Template
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus


@frozen(kw_only=True)
class PlanChanged(Event):
    """A plan was put on sale, or taken off it: ``action`` is ``create`` or ``retire``."""

    name: ClassVar[str] = "plan.changed"

    handle: str
    action: str


@frozen(kw_only=True)
class SubscriptionEvent(Event):
    """Something happened to a subscription; ``reason`` says why, if it was canceled."""

    subscriber: str
    reason: str | None


class SubscriptionIncomplete(SubscriptionEvent):
    """A subscription waits for its first payment."""

    name: ClassVar[str] = "subscription.incomplete"


class SubscriptionTrialing(SubscriptionEvent):
    """A trial began."""

    name: ClassVar[str] = "subscription.trialing"


class SubscriptionActive(SubscriptionEvent):
    """A subscription is in force: it began, resumed, or was paid after all."""

    name: ClassVar[str] = "subscription.active"


class SubscriptionPastDue(SubscriptionEvent):
    """A payment failed; it is tried again."""

    name: ClassVar[str] = "subscription.past_due"


class SubscriptionUnpaid(SubscriptionEvent):
    """Payment was given up; the subscription rests until it is paid."""

    name: ClassVar[str] = "subscription.unpaid"


class SubscriptionPaused(SubscriptionEvent):
    """A subscription was paused."""

    name: ClassVar[str] = "subscription.paused"


class SubscriptionCanceled(SubscriptionEvent):
    """A subscription ended."""

    name: ClassVar[str] = "subscription.canceled"


class SubscriptionExpired(SubscriptionEvent):
    """A subscription ended before it began: the first payment never came."""

    name: ClassVar[str] = "subscription.expired"


SUBSCRIPTION_EVENTS: Final[Mapping[SubscriptionStatus, type[SubscriptionEvent]]] = {
    SubscriptionStatus.INCOMPLETE: SubscriptionIncomplete,
    SubscriptionStatus.TRIALING: SubscriptionTrialing,
    SubscriptionStatus.ACTIVE: SubscriptionActive,
    SubscriptionStatus.PAST_DUE: SubscriptionPastDue,
    SubscriptionStatus.UNPAID: SubscriptionUnpaid,
    SubscriptionStatus.PAUSED: SubscriptionPaused,
    SubscriptionStatus.CANCELED: SubscriptionCanceled,
    SubscriptionStatus.EXPIRED: SubscriptionExpired,
}


def entered(subscription: Subscription, at: datetime) -> SubscriptionEvent:
    """Tell of the state that a subscription is in now."""
    return SUBSCRIPTION_EVENTS[subscription.status](
        subject=subscription.id,
        occurred_at=at,
        subscriber=subscription.subscriber.reference,
        reason=subscription.cancellation.reason if subscription.cancellation else None,
    )


@frozen(kw_only=True)
class InvoiceEvent(Event):
    """Something happened to an invoice."""

    subscription: SubscriptionId
    number: int | None
    total: Money
    due: Money


class InvoiceOpened(InvoiceEvent):
    """An invoice was issued."""

    name: ClassVar[str] = "invoice.open"


class InvoicePaid(InvoiceEvent):
    """An invoice was paid."""

    name: ClassVar[str] = "invoice.paid"


class InvoiceVoided(InvoiceEvent):
    """An invoice was declared void."""

    name: ClassVar[str] = "invoice.void"


class InvoiceUncollectible(InvoiceEvent):
    """An invoice was written off."""

    name: ClassVar[str] = "invoice.uncollectible"


INVOICE_EVENTS: Final[Mapping[InvoiceStatus, type[InvoiceEvent]]] = {
    InvoiceStatus.OPEN: InvoiceOpened,
    InvoiceStatus.PAID: InvoicePaid,
    InvoiceStatus.VOID: InvoiceVoided,
    InvoiceStatus.UNCOLLECTIBLE: InvoiceUncollectible,
}
"""A draft is nobody's business yet."""


def settled(invoice: Invoice, at: datetime) -> InvoiceEvent:
    """Tell of the state that an invoice is in now."""
    return INVOICE_EVENTS[invoice.status](
        subject=invoice.id,
        occurred_at=at,
        subscription=invoice.subscription_id,
        number=invoice.number,
        total=invoice.total,
        due=invoice.due,
    )


@frozen(kw_only=True)
class CreditNoteIssued(Event):
    """A credit note corrects an invoice."""

    name: ClassVar[str] = "credit_note.issued"

    invoice: InvoiceId
    subscription: SubscriptionId
    number: int
    total: Money
    reason: str


@frozen(kw_only=True)
class SubscriberNotified(Event):
    """A notice is to be sent to a subscriber, from a template."""

    name: ClassVar[str] = "subscription.notice"

    template: Template
    invoice: InvoiceId
    next_at: datetime | None


def notice(case: DunningCase, template: Template, at: datetime) -> SubscriberNotified:
    """Tell a subscriber where payment stands, and what happens next."""
    return SubscriberNotified(
        subject=case.subscription_id,
        occurred_at=at,
        template=template,
        invoice=case.invoice_id,
        next_at=case.next_at,
    )
