"""Giving back: the rest of what lines charged, and credit notes; never more than was charged."""

from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from attrs import frozen

from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.kernel.ids import CreditNoteId
from cityos_core.kernel.money import Money
from cityos_core.kernel.rounding import divide, half_up
from cityos_core.subscriptions.invoices import (
    IN_ADVANCE,
    CreditNote,
    Invoice,
    InvoiceStatus,
    Line,
    LineKind,
    NoteLine,
    Standing,
    standing,
)
from cityos_core.subscriptions.stretches import after


def give_back(
    charged: Iterable[Standing], at: datetime, *, place: str, items: Container[str] | None = None
) -> list[Line]:
    """Give back the rest of what was charged in advance: of each line its share from an instant on, and of its tax.

    Shares are of what was charged, exact, and rounded once; never more than what is left of the line.
    """
    lines = (_credit(one, at, place) for one in charged if items is None or one.line.item in items)
    return [line for line in lines if line is not None]


def _credit(one: Standing, at: datetime, place: str) -> Line | None:
    line = one.line
    if line.kind not in IN_ADVANCE or line.covers is None or one.until is None:
        return None
    left = after(line.covers, at, until=one.until, place=place)
    net = min(half_up(line.net * left.share), one.net)
    tax = min(half_up(line.tax * left.share), one.tax)
    if net <= 0 and tax <= 0:
        return None
    included = line.gross - line.discount - line.net
    return Line(
        kind=LineKind.CREDIT,
        item=line.item,
        description=line.description,
        cycle=line.cycle,
        quantity=line.quantity,
        covers=left.covers,
        gross=-(net + tax if included else net),
        net=-net,
        tax=-tax,
        credits=one.ref,
    )


@frozen(kw_only=True)
class Correction:
    """A credit note as it is asked for: how much, tax included, of which line."""

    line: int
    amount: Money


def credit_note(
    invoice: Invoice,
    corrections: Sequence[Correction],
    charged: Sequence[Standing],
    *,
    id: UUID,  # noqa: A002  the model's word
    number: int,
    reason: str,
    at: datetime,
) -> CreditNote:
    """Correct an issued invoice. Tax goes back in the proportion in which it is left, so that the last one empties it.

    ``charged`` is what is left of the invoice's lines. ``Refused("exceeds_line")`` if a line has less left than that.
    """
    if invoice.status not in (InvoiceStatus.OPEN, InvoiceStatus.PAID):
        detail = f"an invoice that is {invoice.status.value} is not corrected by a credit note"
        raise Conflict("invalid_state", detail, current_state=invoice.status.value)
    if not corrections or len({one.line for one in corrections}) < len(corrections):
        raise Invalid("corrections", "a credit note names at least one line, and each line once")
    left = {one.ref.number: one for one in charged if one.ref.invoice_id == invoice.id}
    return CreditNote(
        id=CreditNoteId(id),
        tenant_id=invoice.tenant_id,
        invoice_id=invoice.id,
        entity=invoice.entity,
        number=number,
        reason=reason,
        currency=invoice.currency,
        lines=tuple(_note_line(one, left.get(one.line), invoice.currency) for one in corrections),
        issued_at=at,
    )


def _note_line(correction: Correction, left: Standing | None, currency: str) -> NoteLine:
    if left is None:
        raise Invalid("no_such_line", f"the invoice has no line {correction.line} that charged something")
    remains = Money(left.net + left.tax, currency)
    if correction.amount.minor <= 0:
        raise Invalid("correction", "a correction gives back more than nothing")
    if correction.amount > remains:
        raise Refused("exceeds_line", f"of line {correction.line} {remains} is left; give back no more than that")
    tax = divide(correction.amount.minor * left.tax, remains.minor)
    return NoteLine(correction.line, correction.amount.minor - tax, tax)


def left_of(invoices: Sequence[Invoice], notes: Sequence[CreditNote], currency: str) -> Money:
    """Give what was charged on invoices, less everything that was given back: never below nothing."""
    return Money(sum(one.net + one.tax for one in standing(invoices, notes)), currency)
