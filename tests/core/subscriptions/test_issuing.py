"""Issuing invoices, and earning what they charged."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.money import Money
from cityos_core.kernel.proration import Span
from cityos_core.subscriptions.changes import change_now
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus, standing
from cityos_core.subscriptions.invoicing import Use
from cityos_core.subscriptions.issuing import draft, issue, payable_by
from cityos_core.subscriptions.pausing import pause
from cityos_core.subscriptions.recognition import earned
from cityos_core.subscriptions.terms import Collection
from core.subscriptions.samples import DAYS, SECONDS, START, TERMS, VAT, Book, at, fixed, metered, plan


def _issued(credit: int, *, price: str = "28.00") -> Invoice:
    book = Book(plan(fixed(price)), tax=VAT)
    found = book.bill()
    written = draft(book.subscription, found.lines, id=UUID(int=1), cycle=found.cycle, entity="main", at=START)
    assert written.status is InvoiceStatus.DRAFT
    return issue(written, number=7, at=START, place="Europe/Paris", credit=Money(credit, "EUR"))


@pytest.mark.parametrize(
    ("credit", "due", "status"),
    [(0, 3388, "open"), (1000, 2388, "open"), (3388, 0, "paid"), (9999, 0, "paid"), (-5, 3388, "open")],
)
def test_credit_pays_first(credit: int, due: int, status: str) -> None:
    """An invoice takes what it can from the subscriber's credit, and is paid if nothing is left to pay."""
    issued = _issued(credit)
    assert (issued.due.minor, issued.status.value, issued.number) == (due, status, 7)
    assert issued.from_credit + due == 3388


def test_a_free_invoice_is_paid_when_issued() -> None:
    """What costs nothing needs no payment; what gives something back is paid as well, and becomes credit."""
    assert _issued(500, price="0.00").status is InvoiceStatus.PAID
    book = Book(plan(fixed("28.00")))
    book.bill()
    lines = pause(book.present, at=at("2025-02-14T12:00")).lines
    negative = draft(book.subscription, lines, id=UUID(int=2), cycle=0, change=1, entity="main", at=START)
    issued = issue(negative, number=8, at=START, place="UTC", credit=Money(500, "EUR"))
    assert (issued.status, issued.from_credit, issued.to_credit.text) == (InvoiceStatus.PAID, 0, "14.00")


def test_terms_are_days_on_the_wall() -> None:
    """Fourteen days across a clock change end at the same local time; what is charged is due at once."""
    issued_at = at("2025-03-20T11:00")
    assert payable_by(TERMS, issued_at, "Europe/Paris") == at("2025-04-03T10:00")
    assert payable_by(Collection(), issued_at, "Europe/Paris") == issued_at


@pytest.mark.parametrize(
    ("terms", "when", "expected"), [(DAYS, "2025-02-14T09:00", 1400), (SECONDS, "2025-02-14T12:00", 1400)]
)
def test_time_earns_as_it_passes(terms: dict[str, Any], when: str, expected: int) -> None:
    """Half a period earns half its price; usage is earned when it is invoiced."""
    book = Book(plan(fixed("28.00"), metered(), **terms))
    use = Use(item="calls", cycle=0, covers=Span(START - timedelta(days=31), START), quantity=4)
    book.bill(uses=[use])
    lines = standing(book.invoices)
    assert earned(lines, START, place="UTC") == 400
    assert earned(lines, at(when), place="UTC") == 400 + expected
    assert earned(lines, at("2025-03-05T12:00"), place="UTC") == 400 + 2800


@given(st.lists(st.integers(0, 28 * 24 * 60), min_size=1, max_size=5), st.sampled_from([DAYS, SECONDS]))
def test_everything_is_earned_in_the_end(minutes: list[int], terms: dict[str, Any]) -> None:
    """Through any changes, what is earned never falls, and at the period's end it is all that was invoiced."""
    book = Book(plan(fixed("29.99"), **terms), tax=VAT)
    book.bill()
    prices = [plan(fixed(price), number=number, **terms) for number, price in enumerate(("7.77", "99.99"), start=2)]
    known = 0
    for number, minute in enumerate(sorted(minutes)):
        now = START + timedelta(minutes=min(minute, 28 * 24 * 60 - 1))
        target = prices[number % 2]
        found = earned(standing(book.invoices), now, place="UTC")
        assert found >= known
        book.commit(change_now(book.present, target, {}, at=now), target)
        known = earned(standing(book.invoices), now, place="UTC")
        assert known == found
    end = earned(standing(book.invoices), at("2025-03-01T00:00"), place="UTC")
    assert end == sum(one.net.minor for one in book.invoices) >= known
