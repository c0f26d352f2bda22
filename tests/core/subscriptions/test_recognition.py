"""When revenue is booked: step by step, at months' ends and when the time that was paid for is over."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus
from cityos_core.subscriptions.recognition import Recognition, Step, charged_for_time, recognition
from core.subscriptions.samples import DAYS, SECONDS, YEARLY, Book, at, fixed, plan


def issued(issued_at: str, place: str = "UTC", **terms: Any) -> Invoice:
    """Bill a period of 365.00 that begins when it is issued."""
    book = Book(plan(fixed("365.00"), **terms), start=at(issued_at), place=place)
    book.bill()
    return evolve(book.invoices[0], issued_at=at(issued_at), recognise_at=at(issued_at))


def booked(invoice: Invoice, now: datetime, *, place: str = "UTC", months: str = "UTC") -> Recognition:
    """Say what is to be booked of an invoice."""
    return recognition(invoice, charged_for_time([invoice], ()), place=place, months=months, now=now)


@given(
    st.lists(st.integers(0, 400), max_size=6),
    st.sampled_from(["2025-01-31T00:00", "2025-03-01T00:00", "2025-06-17T13:45"]),
    st.sampled_from(["UTC", "America/St_Johns", "Asia/Beirut", "Pacific/Apia"]),
    st.sampled_from([DAYS, SECONDS]),
)
def test_however_often_it_is_asked_for(days: list[int], start: str, place: str, terms: dict[str, Any]) -> None:
    """One recognition after a year books the very steps that any number of them before it would have booked."""
    invoice = issued(start, place=place, **YEARLY, **terms)
    end = at(start) + timedelta(days=401)
    whole = booked(invoice, end, place=place, months=place)
    steps = list[Step]()
    for now in (*(at(start) + timedelta(days=day) for day in sorted(days)), end):
        found = booked(invoice, now, place=place, months=place)
        steps += found.steps
        known = invoice.recognised + sum(step.amount for step in found.steps)
        invoice = evolve(invoice, recognised=known, recognise_at=found.recognise_at)
        assert invoice.recognise_at is None or invoice.recognise_at > now
    assert tuple(steps) == whole.steps
    assert (sum(step.amount for step in steps), invoice.recognise_at) == (36500, None)
    assert [step.at for step in steps] == sorted({step.at for step in steps})
    assert all(step.amount > 0 for step in steps)


def test_a_month_that_begins_after_a_skipped_midnight() -> None:
    """Where clocks go forward over midnight on the first of a month, that month begins an hour later by the clock."""
    invoice = issued("2017-09-20T12:00", place="America/Asuncion")
    found = booked(invoice, at("2017-10-03T12:00"), place="America/Asuncion", months="America/Asuncion")
    assert [step.amount for step in found.steps] == [13383]
    assert found.steps[0].at == at("2017-10-01T04:00") - timedelta(microseconds=1)


def test_the_tenants_month_may_end_within_a_day_of_the_subscription() -> None:
    """A day that has not ended where the subscriber is is earned with the next month."""
    invoice = issued("2025-01-30T12:00", place="Pacific/Auckland", **YEARLY)
    found = booked(invoice, at("2025-02-01T00:00"), place="Pacific/Auckland")
    assert [step.amount for step in found.steps] == [100]


@pytest.mark.parametrize("status", [InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE])
def test_what_will_not_be_paid(status: InvoiceStatus) -> None:
    """A written-off invoice is earned all the same; what was booked of a void one is taken back."""
    invoice = evolve(issued("2025-01-01T12:00", **YEARLY), status=status, recognised=3100)
    found = booked(invoice, at("2025-03-01T00:00"))
    amount = sum(step.amount for step in found.steps)
    assert amount == (2800 if status is InvoiceStatus.UNCOLLECTIBLE else -3100)
    assert (found.recognise_at is None) == (status is InvoiceStatus.VOID)
