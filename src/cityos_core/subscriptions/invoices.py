"""Invoices, their lines, and the credit notes that correct them; nothing on an open invoice is ever edited."""

from collections.abc import Container, Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final

from attrs import evolve, field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import CreditNoteId, InvoiceId, SubscriptionId, TenantId
from cityos_core.kernel.money import LIMIT, Money
from cityos_core.kernel.proration import Span
from cityos_core.kernel.states import Machine
from cityos_core.subscriptions.terms import Collection, Subscriber, TaxRate

Covers = Span[date] | Span[datetime]
"""The service time a line charges for: days in the subscription's zone, or instants, as the plan prorates."""


class LineKind(StrEnum):
    """What a line charges or gives back."""

    RECURRING = "recurring"
    """A whole period, in advance."""
    DEBIT = "debit"
    """The rest of a period, after a change or a pause."""
    CREDIT = "credit"
    """The rest of what an earlier line charged."""
    USAGE = "usage"
    """What was used in the period before, in arrears."""
    LATE_USAGE = "late_usage"
    """What was reported after its period had been billed."""


IN_ADVANCE: Final = frozenset({LineKind.RECURRING, LineKind.DEBIT})
"""The kinds of lines of which a rest can be given back."""


@frozen(order=True)
class LineRef:
    """A line of an invoice that was issued, counted from zero."""

    invoice_id: InvoiceId
    number: int


@frozen(kw_only=True)
class Line:
    """What one item costs; amounts in minor units of the invoice's currency, each rounded once, credits negative."""

    kind: LineKind
    item: str
    description: str
    cycle: int
    quantity: Fraction = field(converter=Fraction)
    covers: Covers | None
    gross: int
    """The price as the plan states it: with tax, if its prices contain tax."""
    discount: int = 0
    net: int
    tax: int = 0
    credits: LineRef | None = None
    """The line of which a credit gives back the rest."""

    @property
    def total(self) -> int:
        """What is paid for the line, with tax."""
        return self.net + self.tax


class InvoiceStatus(StrEnum):
    """The life of an invoice."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


_I = InvoiceStatus

INVOICE_LIFE: Final = Machine(
    "invoice",
    {
        (_I.DRAFT, "open"): _I.OPEN,
        (_I.DRAFT, "void"): _I.VOID,
        (_I.OPEN, "pay"): _I.PAID,
        (_I.OPEN, "void"): _I.VOID,
        (_I.OPEN, "write_off"): _I.UNCOLLECTIBLE,
        (_I.UNCOLLECTIBLE, "pay"): _I.PAID,
        (_I.UNCOLLECTIBLE, "void"): _I.VOID,
    },
)
"""A draft gets its number when it opens; a void invoice keeps the number it had."""

CHARGED: Final = frozenset({_I.OPEN, _I.PAID})
"""An invoice's lines count as charged, and can be credited, in these states."""

BOOKED: Final = CHARGED | {_I.UNCOLLECTIBLE}
"""An invoice is in the books in these states: what it gives back is given, and what it charges for is earned."""


@frozen(kw_only=True)
class Invoice:
    """What a subscriber owes for one cycle (``change`` 0), or for the n-th change within it.

    (subscription, cycle, change) is unique, and so is (tenant, entity, number).
    """

    id: InvoiceId
    tenant_id: TenantId
    subscription_id: SubscriptionId
    cycle: int
    change: int = 0
    entity: str
    """The legal entity that invoices; each counts its own numbers, without gaps."""
    number: int | None = None
    status: InvoiceStatus = InvoiceStatus.DRAFT
    subscriber: Subscriber
    currency: str
    lines: tuple[Line, ...] = field()
    tax: TaxRate | None = None
    collection: Collection = Collection()
    from_credit: int = 0
    """What was taken from the subscriber's credit, in minor units."""
    credited: int = 0
    """What credit notes gave back of it, in minor units, tax included."""
    created_at: datetime
    issued_at: datetime | None = None
    due_at: datetime | None = None
    settled_at: datetime | None = None
    recognised: int = 0
    """What of its charged lines was booked as revenue, without tax, in minor units."""
    recognise_at: datetime | None = None
    """When it is looked at again whether more of it has become revenue; None once all of it has."""
    version: int = 1

    @lines.validator
    def _check_lines(self, _attribute: object, value: tuple[Line, ...]) -> None:
        if sum(abs(line.gross) + abs(line.tax) for line in value) >= LIMIT:
            raise Invalid("amount_too_large", "the invoice's total is beyond what the ledger holds (64 bits)")

    def step(self, action: str, *, at: datetime | None = None) -> "Invoice":
        """Take a step of the invoice's life; ``at`` is when it was settled, if it was."""
        return evolve(self, status=INVOICE_LIFE.next(self.status, action), settled_at=at)

    def opened(self, *, number: int, issued_at: datetime, due_at: datetime, from_credit: int = 0) -> "Invoice":
        """Issue the invoice under its number, part of it paid from the subscriber's credit."""
        if not 0 <= from_credit <= max(self.total.minor, 0):
            raise Invalid("credit_exceeds_invoice", f"from nothing to {self.total} can be paid from credit")
        status = INVOICE_LIFE.next(self.status, "open")
        return evolve(self, status=status, number=number, issued_at=issued_at, due_at=due_at, from_credit=from_credit)

    @property
    def net(self) -> Money:
        """The sum of the lines without tax."""
        return Money(sum(line.net for line in self.lines), self.currency)

    @property
    def tax_total(self) -> Money:
        """The tax of all lines."""
        return Money(sum(line.tax for line in self.lines), self.currency)

    @property
    def total(self) -> Money:
        """The sum of the lines with tax; negative where credits outweigh charges."""
        return Money(sum(line.total for line in self.lines), self.currency)

    @property
    def to_credit(self) -> Money:
        """What the subscriber gets as credit, because credits outweigh charges."""
        return Money(max(-self.total.minor, 0), self.currency)

    @property
    def due(self) -> Money:
        """What is left to pay."""
        if self.status is not InvoiceStatus.OPEN and self.status is not InvoiceStatus.DRAFT:
            return Money.zero(self.currency)
        return Money(max(self.total.minor - self.from_credit - self.credited, 0), self.currency)

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether it should have been paid by now."""
        return self.status is InvoiceStatus.OPEN and self.due_at is not None and self.due_at < now


@frozen
class NoteLine:
    """What a credit note gives back of one invoice line, in minor units: ``net`` and the ``tax`` on it."""

    number: int
    net: int
    tax: int


@frozen(kw_only=True)
class CreditNote:
    """A correction of an invoice: what is given back, line by line, under a number of its own series."""

    id: CreditNoteId
    tenant_id: TenantId
    invoice_id: InvoiceId
    entity: str
    number: int
    reason: str
    currency: str
    lines: tuple[NoteLine, ...]
    issued_at: datetime

    @property
    def total(self) -> Money:
        """What is given back, with tax."""
        return Money(sum(line.net + line.tax for line in self.lines), self.currency)


@frozen(kw_only=True)
class Standing:
    """A charged line, and what is left of it: of its amounts, and of the time it charges for."""

    ref: LineRef
    line: Line
    net: int
    tax: int
    until: date | datetime | None


def standing(
    invoices: Sequence[Invoice], notes: Sequence[CreditNote] = (), *, among: Container[InvoiceStatus] = CHARGED
) -> tuple[Standing, ...]:
    """List the lines that were charged, less everything that was given back of them by credits and credit notes.

    ``among`` are the states in which an invoice's lines count as charged. What it gives back counts in all of BOOKED.
    """
    given: dict[LineRef, list[tuple[int, int]]] = {}
    ends: dict[LineRef, list[date]] = {}
    for invoice in invoices:
        for line in invoice.lines if invoice.status in BOOKED else ():
            if line.credits is not None:
                given.setdefault(line.credits, []).append((-line.net, -line.tax))
                ends.setdefault(line.credits, []).extend([line.covers.start] if line.covers else [])
    for note in notes:
        for part in note.lines:
            given.setdefault(LineRef(note.invoice_id, part.number), []).append((part.net, part.tax))
    return tuple(_standing(ref, line, given, ends) for ref, line in _charged(invoices, among))


def _charged(invoices: Sequence[Invoice], among: Container[InvoiceStatus]) -> Iterator[tuple[LineRef, Line]]:
    for invoice in invoices:
        for number, line in enumerate(invoice.lines if invoice.status in among else ()):
            if line.credits is None:
                yield LineRef(invoice.id, number), line


def _standing(
    ref: LineRef, line: Line, given: dict[LineRef, list[tuple[int, int]]], ends: dict[LineRef, list[date]]
) -> Standing:
    back = given.get(ref, [])
    until = min([*([line.covers.end] if line.covers else []), *ends.get(ref, [])], default=None)
    return Standing(
        ref=ref,
        line=line,
        net=line.net - sum(net for net, _ in back),
        tax=line.tax - sum(tax for _, tax in back),
        until=until,
    )
