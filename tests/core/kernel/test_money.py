"""Money, percentages and unit prices."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.currencies import EXPONENTS
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.money import LIMIT, PERCENT_SCALE, Money, Percentage, UnitPrice
from cityos_core.testing.strategies import money, percentages, unit_prices

NOT_MINOR = [1.0, float("nan"), True, Decimal(1), "1", None, Fraction(1)]


@given(money())
def test_text_is_exact(amount: Money) -> None:
    """The text form has exactly the currency's digits and reads back as the same amount."""
    assert Money.of(amount.text, amount.currency) == amount
    assert len(amount.text.partition(".")[2]) == EXPONENTS[amount.currency]


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("19.99", "EUR", 1999), ("1200", "JPY", 1200), ("1.250", "KWD", 1250), ("-0.05", "USD", -5), ("0.00", "EUR", 0)],
)
def test_reading(text: str, currency: str, minor: int) -> None:
    """An amount is read with the digits of its currency."""
    assert Money.of(text, currency).minor == minor


@pytest.mark.parametrize(
    ("text", "currency", "code"),
    [("19.9", "EUR", "wrong_digits"), ("20", "EUR", "wrong_digits"), ("19.999", "EUR", "surplus_digits"), ("1.0", "JPY", "surplus_digits"),
     ("1.25", "KWD", "wrong_digits"), ("1.00", "XXX", "unknown_currency"), ("1.00", "eur", "unknown_currency"),
     ("1.00", "", "unknown_currency"), ("92233720368547758.08", "EUR", "amount_too_large")],
)  # fmt: skip
def test_reading_refuses(text: str, currency: str, code: str) -> None:
    """Too few digits, too many, an unknown currency and what 64 bits cannot hold are refused, each by its name."""
    with pytest.raises(Invalid) as caught:
        Money.of(text, currency)
    assert caught.value.code == code


@pytest.mark.parametrize("value", NOT_MINOR)
def test_only_whole_numbers_are_amounts(value: object) -> None:
    """No float, bool, Decimal, text or None becomes an amount; the message says what was given."""
    for cls in (Money, UnitPrice):
        with pytest.raises(TypeError, match=type(value).__name__):
            cls(value, "EUR")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=type(value).__name__):
        Percentage(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("minor", [2**53 + 1, LIMIT - 1, 1 - LIMIT])
def test_large_amounts_are_exact(minor: int) -> None:
    """Amounts beyond what a float can hold stay exact up to 64 bits."""
    assert Money.of(Money(minor, "EUR").text, "EUR").minor == minor


@pytest.mark.parametrize("minor", [LIMIT, -LIMIT, 10**30])
def test_amounts_beyond_64_bits_are_refused(minor: int) -> None:
    """What a 64-bit column cannot hold never becomes money, by construction or by addition."""
    with pytest.raises(Invalid, match="64 bits"):
        Money(minor, "EUR")
    with pytest.raises(Invalid, match="64 bits"):
        Money(LIMIT - 1, "EUR") + Money(1, "EUR")


@given(money("EUR"), money("EUR"))
def test_arithmetic_is_that_of_whole_numbers(one: Money, other: Money) -> None:
    """Sums, differences, negation and order are those of the minor units."""
    assert (one + other).minor == one.minor + other.minor
    assert one - other == one + -other
    assert (one < other, one <= other, one > other, one >= other) == (
        one.minor < other.minor, one.minor <= other.minor, one.minor > other.minor, one.minor >= other.minor,
    )  # fmt: skip
    assert bool(one) is (one.minor != 0)


def test_currencies_never_mix() -> None:
    """Amounts in different currencies do not add, subtract or compare, and are not equal."""
    euro, yen = Money(1, "EUR"), Money(1, "JPY")
    for mix in (lambda: euro + yen, lambda: euro - yen, lambda: euro < yen, lambda: euro <= yen, lambda: euro > yen):
        with pytest.raises(Invalid, match="different currencies"):
            mix()
    assert euro != yen


@pytest.mark.parametrize("other", [1, 0, 1.5, "1.00", None])
def test_money_adds_to_money_only(other: object) -> None:
    """A bare number is not an amount, not even zero."""
    with pytest.raises(TypeError, match="money only"):
        Money(1, "EUR") + other  # type: ignore[operator]


def test_money_reads_well() -> None:
    """Amounts, rates and unit prices print as people write them."""
    assert str(Money(1999, "EUR")) == "19.99 EUR"
    assert str(Percentage.of("8.50")) == "8.5 %"
    assert str(UnitPrice.of("0.5292", "USD")) == "0.5292 USD"
    assert UnitPrice.of("14", "USD").text == "14.00"


@given(money(), percentages())
def test_shares_round_once(amount: Money, rate: Percentage) -> None:
    """A share is the exact one, rounded half up: the same through a percentage and through its fraction."""
    share = amount.share(rate.exact)
    assert share.minor == rate.on(amount.minor)
    assert abs(share.minor - amount.minor * rate.exact) <= Fraction(1, 2)


def test_percentage_examples() -> None:
    """11.50 at 10 % is 1.15, and 0.05 at 10 % is a half that rounds up."""
    assert Money.of("11.50", "EUR").share(Percentage.of("10").exact) == Money.of("1.15", "EUR")
    assert Percentage.of("10").on(5) == 1
    assert Percentage.of("0.000001").micro == 1


@pytest.mark.parametrize("text", ["100.000001", "-0.000001", "1.0000001", "101"])
def test_percentages_outside_their_range_are_refused(text: str) -> None:
    """A rate is from 0 to 100 percent with at most six decimals."""
    with pytest.raises(Invalid):
        Percentage.of(text)


@given(percentages())
def test_percentage_text(rate: Percentage) -> None:
    """A rate reads back from its text, and its fraction is that of one."""
    assert Percentage.of(rate.text) == rate
    assert rate.exact == Fraction(rate.micro, PERCENT_SCALE)


@given(unit_prices(), st.integers(0, 10**6))
def test_lines_are_rounded_once(price: UnitPrice, quantity: int) -> None:
    """A line is the exact product rounded to the minor unit; the unit price is never rounded first."""
    exact = Fraction(price.micro * quantity * 10 ** EXPONENTS[price.currency], 10**6)
    assert abs(price.times(quantity).minor - exact) <= Fraction(1, 2)
    assert UnitPrice.of(price.text, price.currency) == price


def test_unit_price_examples() -> None:
    """0.5292 x 500 is 264.60; half a yen rounds up."""
    assert UnitPrice.of("0.5292", "USD").times(500).text == "264.60"
    assert UnitPrice.of("0.5", "JPY").times(1).text == "1"
    assert UnitPrice.of("0.0005", "KWD").times(1).text == "0.001"


@pytest.mark.parametrize("text", ["-0.01", "0.0000001", "9223372036854.775808"])
def test_unit_prices_outside_their_range_are_refused(text: str) -> None:
    """A unit price is zero or more, with at most six decimals, within 64 bits."""
    with pytest.raises(Invalid):
        UnitPrice.of(text, "EUR")


def test_unhashable_currency_is_refused() -> None:
    """A currency that is not even text is named as unknown."""
    with pytest.raises(Invalid, match="ISO 4217"):
        Money.of("1.00", [])  # type: ignore[arg-type]


def test_zero_and_unknown_currencies() -> None:
    """Nothing, in a currency; and no amount in a currency that there is not."""
    assert Money.zero("JPY") == Money(0, "JPY")
    with pytest.raises(Invalid, match="ISO 4217"):
        Money(1, "EURO")
