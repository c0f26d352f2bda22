"""Parts of a period's price."""

from datetime import date, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.money import Money
from cityos_core.kernel.proration import Proration, Span, proration
from cityos_core.testing.strategies import instants, money

DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
JUNE = Span(date(2025, 6, 1), date(2025, 7, 1))


def test_half_of_june() -> None:
    """The second half of June, from the 16th, is 15 of 30 days."""
    part = Span(date(2025, 6, 16), date(2025, 7, 1))
    assert proration(Money.of("100.00", "EUR"), JUNE, part) == Proration(Money.of("50.00", "EUR"), 15, 30)


@given(money(), st.lists(DAYS, min_size=4, max_size=4, unique=True))
def test_days_are_exact(amount: Money, dates: list[date]) -> None:
    """The amount is the exact fraction of days, rounded once; a negative amount mirrors."""
    start, since, until, end = sorted(dates)
    result = proration(amount, Span(start, end), Span(since, until))
    exact = Fraction(amount.minor * (until - since).days, (end - start).days)
    assert abs(result.amount.minor - exact) <= Fraction(1, 2)
    assert (result.numerator, result.denominator) == ((until - since).days, (end - start).days)
    assert proration(-amount, Span(start, end), Span(since, until)).amount == -result.amount


@given(money(), st.lists(instants(), min_size=3, max_size=3, unique=True))
def test_seconds_are_exact(amount: Money, times: list[datetime]) -> None:
    """Instants are counted in UTC to the microsecond, and the two parts of a period miss the whole by at most one unit."""
    start, middle, end = sorted(times)
    period = Span(start, end)
    first, second = (proration(amount, period, part) for part in (Span(start, middle), Span(middle, end)))
    assert Fraction(first.numerator, first.denominator) + Fraction(second.numerator, second.denominator) == 1
    assert abs((first.amount + second.amount - amount).minor) <= 1
    assert proration(amount, period, period).amount == amount
    assert not proration(amount, period, Span(middle, middle)).amount


def test_seconds_know_the_clock_change() -> None:
    """The day Paris puts its clocks forward has 23 hours: noon to midnight is 12 of them."""
    winter, summer = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))
    day = Span(datetime(2025, 3, 30, tzinfo=winter), datetime(2025, 3, 31, tzinfo=summer))
    afternoon = Span(datetime(2025, 3, 30, 12, tzinfo=summer), day.end)
    result = proration(Money.of("23.00", "EUR"), day, afternoon)
    assert (result.amount.text, result.numerator, result.denominator) == ("12.00", 12 * 3600, 23 * 3600)


@pytest.mark.parametrize("part", [(date(2025, 5, 31), date(2025, 6, 2)), (date(2025, 6, 30), date(2025, 7, 2))])
def test_parts_outside_are_refused(part: tuple[date, date]) -> None:
    """Nothing is prorated beyond the period it was priced for."""
    with pytest.raises(Refused) as caught:
        proration(Money.of("100.00", "EUR"), JUNE, Span(*part))
    assert caught.value.code == "outside_period"


def test_periods_are_not_empty_or_reversed() -> None:
    """A period without length has no price per day, and nothing ends before it starts."""
    empty = Span(date(2025, 6, 1), date(2025, 6, 1))
    with pytest.raises(Invalid) as caught:
        proration(Money.of("100.00", "EUR"), empty, empty)
    assert caught.value.code == "empty_period"
    with pytest.raises(Invalid, match="ends before it starts"):
        Span(date(2025, 6, 2), date(2025, 6, 1))
