"""Invoices, attempts to collect them and what previews and forecasts say of invoices to come."""

from datetime import date, datetime
from fractions import Fraction
from typing import Final, Self

from attrs import field, frozen

from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.attempts import AttemptStatus, DeclineClass, Origin, PaymentAttempt
from cityos_core.subscriptions.invoices import INVOICE_LIFE, Covers, Invoice, InvoiceStatus, Line, LineKind, LineRef
from cityos_core.subscriptions.terms import Collection, Subscriber, TaxRate
from cityos_http.asking import Paged
from cityos_http.schema import about

BY_CUSTOMERS: Final = frozenset({"pay"})
BY_PEOPLE: Final = frozenset({"pay", "void", "write_off"})
"""The steps of an invoice's life that people take; it is opened by what it is for."""

DUE = about("What is left to pay.")
CREDIT = about("What of it was paid from the subscriber's credit.")


@frozen(kw_only=True)
class CoveredView:
    """What a line charges for: days in the subscription's zone, or instants, `[start, end)`."""

    start: date | datetime
    end: date | datetime

    @classmethod
    def of(cls, covers: Covers) -> Self:
        """Show a span."""
        return cls(start=covers.start, end=covers.end)


@frozen(kw_only=True)
class LineReferenceView:
    """A line of an invoice, counted from zero."""

    invoice: InvoiceId
    line: int

    @classmethod
    def of(cls, reference: LineRef) -> Self:
        """Show a reference."""
        return cls(invoice=reference.invoice_id, line=reference.number)


@frozen(kw_only=True)
class InvoiceLineView:
    """What one item costs; credits are negative."""

    kind: LineKind
    item: str
    description: str
    cycle: int
    quantity: Fraction
    covers: CoveredView | None
    gross: Money = field(metadata=about("The price as the plan states it."))
    discount: Money
    net: Money
    tax: Money
    total: Money
    credits: LineReferenceView | None = field(metadata=about("The line of which a credit gives back the rest."))

    @classmethod
    def of(cls, line: Line, currency: str) -> Self:
        """Show a line."""
        return cls(
            kind=line.kind,
            item=line.item,
            description=line.description,
            cycle=line.cycle,
            quantity=line.quantity,
            covers=None if line.covers is None else CoveredView.of(line.covers),
            gross=Money(line.gross, currency),
            discount=Money(line.discount, currency),
            net=Money(line.net, currency),
            tax=Money(line.tax, currency),
            total=Money(line.total, currency),
            credits=None if line.credits is None else LineReferenceView.of(line.credits),
        )


def lines_of(lines: tuple[Line, ...], currency: str) -> tuple[InvoiceLineView, ...]:
    """Show lines."""
    return tuple(InvoiceLineView.of(line, currency) for line in lines)


@frozen(kw_only=True)
class InvoiceView:
    """What a subscriber owes for one cycle, or for a change within it."""

    id: InvoiceId
    subscription: SubscriptionId
    cycle: int
    change: int = field(metadata=about("Zero for the cycle itself, else which change within it."))
    entity: str = field(metadata=about("Who invoices."))
    number: int | None = field(metadata=about("Counted by entity, without gaps."))
    status: InvoiceStatus
    subscriber: Subscriber
    currency: str
    lines: tuple[InvoiceLineView, ...]
    net: Money
    tax: Money
    total: Money
    tax_rate: TaxRate | None
    collection: Collection
    from_credit: Money = field(metadata=CREDIT)
    credited: Money = field(metadata=about("What credit notes gave back of it."))
    due: Money = field(metadata=DUE)
    created_at: datetime
    issued_at: datetime | None
    due_at: datetime | None = field(metadata=about("Until when it is to be paid; afterwards it is overdue."))
    settled_at: datetime | None
    allowed_actions: tuple[str, ...] = field(metadata=about("`pay` is also to mark it as paid by bank."))
    version: int

    @classmethod
    def of(cls, invoice: Invoice) -> Self:
        """Show an invoice to those who look after it."""
        return cls._of(invoice, BY_PEOPLE)

    @classmethod
    def of_own(cls, invoice: Invoice) -> Self:
        """Show an invoice to whoever owes it."""
        return cls._of(invoice, BY_CUSTOMERS if invoice.due else frozenset())

    @classmethod
    def _of(cls, invoice: Invoice, steps: frozenset[str]) -> Self:
        return cls(
            id=invoice.id,
            subscription=invoice.subscription_id,
            cycle=invoice.cycle,
            change=invoice.change,
            entity=invoice.entity,
            number=invoice.number,
            status=invoice.status,
            subscriber=invoice.subscriber,
            currency=invoice.currency,
            lines=lines_of(invoice.lines, invoice.currency),
            net=invoice.net,
            tax=invoice.tax_total,
            total=invoice.total,
            tax_rate=invoice.tax,
            collection=invoice.collection,
            from_credit=Money(invoice.from_credit, invoice.currency),
            credited=Money(invoice.credited, invoice.currency),
            due=invoice.due,
            created_at=invoice.created_at,
            issued_at=invoice.issued_at,
            due_at=invoice.due_at,
            settled_at=invoice.settled_at,
            allowed_actions=tuple(step for step in INVOICE_LIFE.allowed(invoice.status) if step in steps),
            version=invoice.version,
        )


@frozen(kw_only=True)
class InvoicesQuery(Paged):
    """Which invoices."""

    status: InvoiceStatus | None = None
    subscriber: str | None = field(default=None, metadata=about("A customer's or company's id.", example="4711"))
    subscription: SubscriptionId | None = None
    overdue_at: datetime | None = field(
        default=None, metadata=about("Those that are open, and should have been paid before this instant.")
    )


@frozen(kw_only=True)
class OwnInvoicesQuery(Paged):
    """Which of one's own invoices."""

    status: InvoiceStatus | None = None


@frozen(kw_only=True)
class CollectionAttemptView:
    """One try at collecting an invoice."""

    number: int
    key: str = field(metadata=about("What the gateway knows it by."))
    origin: Origin
    gateway: str
    amount: Money
    status: AttemptStatus
    reference: str | None = field(metadata=about("What the gateway calls the payment."))
    decline: DeclineClass | None
    reason: str | None
    started_at: datetime
    next_at: datetime | None = field(metadata=about("When the gateway is asked about it; null once it is settled."))
    inquiries: int = field(metadata=about("How often the gateway was asked about it and did not know."))
    finished_at: datetime | None

    @classmethod
    def of(cls, attempt: PaymentAttempt) -> Self:
        """Show an attempt."""
        return cls(
            number=attempt.number,
            key=attempt.key,
            origin=attempt.origin,
            gateway=attempt.gateway,
            amount=attempt.amount,
            status=attempt.status,
            reference=attempt.reference,
            decline=attempt.decline,
            reason=attempt.reason,
            started_at=attempt.started_at,
            next_at=attempt.next_at,
            inquiries=attempt.inquiries,
            finished_at=attempt.finished_at,
        )


@frozen(kw_only=True)
class InvoicePaymentView:
    """What became of paying an invoice: the attempt, and the invoice after it."""

    status: AttemptStatus
    decline: DeclineClass | None
    reason: str | None = field(metadata=about("What the gateway said, where it declined."))
    invoice: InvoiceView

    @classmethod
    def of(cls, attempt: PaymentAttempt, invoice: Invoice) -> Self:
        """Show a payment."""
        return cls(
            status=attempt.status,
            decline=attempt.decline,
            reason=attempt.reason,
            invoice=InvoiceView.of_own(invoice),
        )
