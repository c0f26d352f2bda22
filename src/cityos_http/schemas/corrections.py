"""What is done about invoices that were issued: credited, voided, written off, marked as paid."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import CreditNoteId, InvoiceId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.bureau import LONGEST_REASON
from cityos_core.subscriptions.crediting import Correction
from cityos_core.subscriptions.invoices import CreditNote, NoteLine
from cityos_core.subscriptions.terms import LONGEST_REFERENCE
from cityos_http.schema import about

WHY = about("For the record.", example="billed twice", least=1, most=LONGEST_REASON)


@frozen(kw_only=True)
class CreditNoteLineView:
    """What a credit note gives back of one line."""

    line: int
    net: Money
    tax: Money

    @classmethod
    def of(cls, line: NoteLine, currency: str) -> Self:
        """Show a line."""
        return cls(line=line.number, net=Money(line.net, currency), tax=Money(line.tax, currency))


@frozen(kw_only=True)
class CreditNoteView:
    """A correction of an invoice: what is given back, line by line."""

    id: CreditNoteId
    invoice: InvoiceId
    entity: str
    number: int
    reason: str
    lines: tuple[CreditNoteLineView, ...]
    total: Money = field(metadata=about("With tax."))
    issued_at: datetime

    @classmethod
    def of(cls, note: CreditNote) -> Self:
        """Show a credit note."""
        return cls(
            id=note.id,
            invoice=note.invoice_id,
            entity=note.entity,
            number=note.number,
            reason=note.reason,
            lines=tuple(CreditNoteLineView.of(line, note.currency) for line in note.lines),
            total=note.total,
            issued_at=note.issued_at,
        )


@frozen(kw_only=True)
class CorrectionRequest:
    """How much of a line is given back, tax included."""

    line: int = field(metadata=about("Which line of the invoice, counted from zero.", example=0, least=0))
    amount: Money

    @line.validator
    def _check(self, _attribute: object, value: int) -> None:
        if value < 0:
            raise Invalid.at("$.line", "line", "lines are counted from zero")


@frozen(kw_only=True)
class CreditRequest:
    """What is given back of an invoice, and why."""

    lines: tuple[CorrectionRequest, ...] = field(metadata=about("Each line once.", least=1))
    reason: str = field(metadata=WHY)

    @lines.validator
    def _check(self, _attribute: object, lines: tuple[CorrectionRequest, ...]) -> None:
        if not lines or len({one.line for one in lines}) < len(lines):
            raise Invalid.at("$.lines", "corrections", "a credit note names at least one line, and each line once")

    @property
    def corrections(self) -> Sequence[Correction]:
        """What the use case takes."""
        return [Correction(line=one.line, amount=one.amount) for one in self.lines]


@frozen(kw_only=True)
class WhyRequest:
    """Why."""

    reason: str = field(metadata=WHY)


@frozen(kw_only=True)
class ReceiptRequest:
    """Money that came by bank."""

    reference: str = field(
        metadata=about("What the bank calls it.", example="statement 17/4", least=1, most=LONGEST_REFERENCE)
    )
    amount: Money | None = field(default=None, metadata=about("What came; what is owed unless said."))
    at: datetime | None = field(default=None, metadata=about("When it came; now unless said."))
