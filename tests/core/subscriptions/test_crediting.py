"""Giving back what was charged."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import CityOSError, Conflict, Invalid, Refused
from cityos_core.kernel.money import Money
from cityos_core.kernel.proration import Span
from cityos_core.subscriptions.crediting import Correction, credit_note, give_back, left_of
from cityos_core.subscriptions.invoices import CreditNote, Invoice, InvoiceStatus, LineRef, standing
from cityos_core.subscriptions.invoicing import Use
from core.subscriptions.samples import DAYS, SECONDS, START, VAT, Book, at, fixed, invoice, metered, plan


def _bill(**terms: object) -> Book:
    book = Book(plan(fixed("28.00"), **terms), tax=VAT)  # type: ignore[arg-type]
    book.bill()
    return book


@pytest.mark.parametrize(
    ("terms", "when", "net", "tax"),
    [
        (DAYS, "2025-02-14T00:00", 1400, 294),
        (DAYS, "2025-02-14T23:59", 1400, 294),
        (DAYS, "2025-01-31T12:00", 2800, 588),
        (DAYS, "2025-02-28T11:00", 0, 0),
        (SECONDS, "2025-02-14T12:00", 1400, 294),
        (SECONDS, "2025-02-14T00:00", 1450, 305),
    ],
)
def test_the_rest_is_given_back(terms: dict[str, object], when: str, net: int, tax: int) -> None:
    """By days the day of the change counts as left, by seconds the second; tax goes back in the same share."""
    book = _bill(**terms)
    lines = give_back(standing(book.invoices), at(when), place="UTC")
    assert [(line.net, line.tax, line.gross) for line in lines] == ([(-net, -tax, -net)] if net else [])
    assert all(line.credits == LineRef(book.invoices[0].id, 0) for line in lines)


@given(st.lists(st.integers(0, 28 * 86400), min_size=1, max_size=8), st.sampled_from([DAYS, SECONDS]))
def test_lines_are_never_given_back_twice(seconds: list[int], terms: dict[str, object]) -> None:
    """Credits of one line, at any instants in any order, never come to more than it charged."""
    book = _bill(**terms)
    for number, second in enumerate(seconds, start=1):
        lines = give_back(standing(book.invoices), START + timedelta(seconds=second), place="UTC")
        book.invoices.append(invoice(lines, number=number))
    assert book.credited <= book.charged
    assert all(min(one.net, one.tax) >= 0 for one in standing(book.invoices))


def test_a_day_that_begins_twice_is_not_left_twice() -> None:
    """Where clocks go back over midnight, an hour of the day before comes again: no more than the period is given back."""
    book = Book(plan(fixed("31.00")), start=at("2005-10-30T02:30"), place="America/St_Johns")
    book.bill()
    again = at("2005-10-30T03:00")
    assert book.subscription.period(0).start_utc < again
    (line,) = give_back(standing(book.invoices), again, place="America/St_Johns")
    assert (line.net, line.covers) == (-3100, book.invoices[0].lines[0].covers)


def test_usage_is_not_given_back() -> None:
    """What was used is not credited by a change, for it is not charged in advance."""
    book = Book(plan(fixed("28.00"), metered()))
    use = Use(item="calls", cycle=0, covers=Span(START, at("2025-02-28T12:00")), quantity=12)
    book.bill(uses=[use])
    assert [line.item for line in give_back(standing(book.invoices), START, place="UTC")] == ["base"]


def test_void_invoices_are_not_given_back() -> None:
    """What was voided or written off was not charged, and its credits do not count."""
    book = _bill()
    for status in (InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE, InvoiceStatus.DRAFT):
        void = invoice(book.invoices[0].lines, status=status)
        assert give_back(standing([void]), START, place="UTC") == []


def test_what_a_written_off_invoice_gave_back_stays_given() -> None:
    """A change that was never paid still gave back the rest of the line before it: that is not given back again."""
    book = _bill()
    now = at("2025-02-14T00:00")
    change = invoice(give_back(standing(book.invoices), now, place="UTC"), number=1, status=InvoiceStatus.UNCOLLECTIBLE)
    assert give_back(standing([*book.invoices, change]), now, place="UTC") == []


def _note(
    one: Invoice, amount: int, notes: tuple[CreditNote, ...] = (), *, line: int = 0, times: int = 1
) -> CreditNote:
    return credit_note(
        one,
        [Correction(line=line, amount=Money(amount, "EUR"))] * times,
        standing([one], notes),
        id=UUID(int=7),
        number=1,
        reason="outage",
        at=START,
    )


@given(st.lists(st.integers(1, 3388), max_size=6))
def test_credit_notes_empty_a_line_exactly(amounts: list[int]) -> None:
    """Any partition of a line into credit notes gives back its net and its tax to the cent, and not one cent more."""
    one = _bill().invoices[0]
    notes: tuple[CreditNote, ...] = ()
    left = 3388
    for amount in (*(min(amount, 3388) for amount in amounts), 3388):
        if taken := min(amount, left):
            notes += (_note(one, taken, notes),)
            left -= taken
    assert left == 0
    (remaining,) = standing([one], notes)
    assert (remaining.net, remaining.tax) == (0, 0)
    assert left_of([one], notes, "EUR") == Money(0, "EUR")
    assert sum(note.total.minor for note in notes) == 3388
    with pytest.raises(Refused, match=r"0\.00 EUR is left"):
        _note(one, 1, notes)


def test_credit_notes_and_credits_share_what_is_left() -> None:
    """A change credits no more than a credit note left of the line."""
    book = _bill()
    note = _note(book.invoices[0], 3000)
    lines = give_back(standing(book.invoices, [note]), START, place="UTC")
    assert -sum(line.total for line in lines) == 388


@pytest.mark.parametrize(
    ("amount", "changes", "kind"),
    [
        (0, {}, Invalid),
        (3389, {}, Refused),
        (1, {"line": 5}, Invalid),
        (1, {"times": 2}, Invalid),
        (1, {"times": 0}, Invalid),
    ],
)
def test_credit_notes_are_checked(amount: int, changes: dict[str, int], kind: type[CityOSError]) -> None:
    """A credit note gives back more than nothing, of lines there are, each once."""
    with pytest.raises(kind):
        _note(_bill().invoices[0], amount, **changes)  # type: ignore[arg-type]


def test_only_issued_invoices_are_corrected() -> None:
    """A draft is written anew and a void invoice needs no correction."""
    for status in (InvoiceStatus.DRAFT, InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE):
        with pytest.raises(Conflict):
            _note(invoice(_bill().invoices[0].lines, status=status), 1)
