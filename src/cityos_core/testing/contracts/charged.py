"""Invoices and what becomes of them, to try storage on: something stands in every field."""

from datetime import date
from fractions import Fraction

from attrs import frozen

from cityos_core.kernel.ids import CreditNoteId, InvoiceId
from cityos_core.kernel.money import Money
from cityos_core.kernel.proration import Span
from cityos_core.subscriptions.attempts import AttemptStatus, DeclineClass, Origin, PaymentAttempt
from cityos_core.subscriptions.dunning import DunningCase
from cityos_core.subscriptions.invoices import CreditNote, Invoice, InvoiceStatus, Line, LineKind, LineRef, NoteLine
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import Plan
from cityos_core.testing.contracts.examples import AT, LARGEST, LATER, WORDS
from cityos_core.testing.contracts.subscribed import TAX, TERMS, plan, subscription
from cityos_core.testing.contracts.world import Place


@frozen(kw_only=True)
class Owing:
    """A subscription, its plan, and an invoice of its: what most rows belong to."""

    plan: Plan
    subscription: Subscription
    invoice: Invoice


def invoice(place: Place, of: Subscription, cycle: int = 0, *, number: int | None = 1) -> Invoice:
    """Build an invoice whose lines charge for days, for instants and for nothing in particular."""
    days = Span(date(2025, 1, 31), date(2025, 3, 31))
    identifier = InvoiceId(place.ids.new())
    return Invoice(
        id=identifier,
        tenant_id=place.id,
        subscription_id=of.id,
        cycle=cycle,
        change=2,
        entity="acme-gmbh",
        number=number,
        status=InvoiceStatus.OPEN,
        subscriber=of.subscriber,
        currency="KWD",
        lines=(
            Line(
                kind=LineKind.DEBIT,
                item="base",
                description=WORDS,
                cycle=cycle,
                quantity=Fraction(1, 3),
                covers=days,
                gross=LARGEST - 5000,
                discount=7,
                net=LARGEST - 5007,
                tax=800,
            ),
            Line(
                kind=LineKind.CREDIT,
                item="use-0",
                description="",
                cycle=cycle,
                quantity=Fraction("0.0000001"),
                covers=Span(AT, LATER),
                gross=-90,
                net=-90,
                credits=LineRef(identifier, 0),
            ),
            Line(
                kind=LineKind.USAGE,
                item="use-1",
                description="x" * 600,
                cycle=cycle,
                quantity=Fraction(10**20, 3),
                covers=None,
                gross=0,
                net=0,
            ),
        ),
        tax=TAX,
        collection=TERMS,
        from_credit=300,
        credited=12,
        created_at=AT,
        issued_at=AT,
        due_at=LATER,
        settled_at=LATER,
        recognised=99,
        recognise_at=AT,
    )


def credit_note(place: Place, of: Invoice, number: int = 1) -> CreditNote:
    """Build a credit note."""
    return CreditNote(
        id=CreditNoteId(place.ids.new()),
        tenant_id=place.id,
        invoice_id=of.id,
        entity=of.entity,
        number=number,
        reason=WORDS,
        currency=of.currency,
        lines=(NoteLine(0, LARGEST, 19), NoteLine(2, 0, 0)),
        issued_at=AT,
    )


def attempt(of: Invoice, number: int = 1) -> PaymentAttempt:
    """Build an attempt with something in every field."""
    return PaymentAttempt(
        tenant_id=of.tenant_id,
        subscription_id=of.subscription_id,
        invoice_id=of.id,
        cycle=of.cycle,
        change=of.change,
        number=number,
        origin=Origin.RETRY,
        gateway="card",
        amount=Money(LARGEST, of.currency),
        status=AttemptStatus.UNKNOWN,
        reference="ch_7",
        decline=DeclineClass.AUTHENTICATION,
        reason=WORDS,
        started_at=AT,
        next_at=AT,
        inquiries=3,
        finished_at=LATER,
    )


def case(of: Invoice) -> DunningCase:
    """Build a dunning case in the middle of things."""
    return DunningCase(
        tenant_id=of.tenant_id,
        subscription_id=of.subscription_id,
        invoice_id=of.id,
        time_zone="Asia/Kolkata",
        first_failed_at=AT,
        retries=2,
        next_day=1,
        next_at=AT,
        needs_method=True,
    )


def owing(place: Place, handle: str = "gold", *, number: int = 1) -> Owing:
    """Add a plan, a subscription to it and an invoice of that."""
    agreed = plan(place, handle)
    made = subscription(place, agreed)
    charged = invoice(place, made, number=number)
    with place.open() as uow:
        uow.plans.add(agreed)
        uow.subscriptions.add(made)
        uow.invoices.add([charged])
        uow.commit()
    return Owing(plan=agreed, subscription=made, invoice=charged)
