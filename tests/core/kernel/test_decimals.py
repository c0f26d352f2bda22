"""Decimal strings: exact both ways, nothing rounded, nothing guessed."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.decimals import fraction, scaled, unscaled
from cityos_core.kernel.errors import Invalid


@given(st.integers(-(10**20), 10**20), st.integers(0, 8), st.integers(0, 8))
def test_writing_and_reading_is_exact(value: int, digits: int, keep: int) -> None:
    """What is written is read as the same number, however many trailing zeros were kept."""
    text = unscaled(value, digits, keep=min(keep, digits))
    assert scaled(text, digits) == value
    assert fraction(text) == Fraction(value, 10**digits)


@pytest.mark.parametrize(
    ("value", "digits", "keep", "text"),
    [(1999, 2, 2, "19.99"), (-5, 2, 2, "-0.05"), (1200, 0, 0, "1200"), (1250, 3, 3, "1.250"), (14_000_000, 6, 2, "14.00"),
     (529_200, 6, 2, "0.5292"), (8_500_000, 6, 0, "8.5"), (0, 6, 0, "0")],
)  # fmt: skip
def test_text(value: int, digits: int, keep: int, text: str) -> None:
    """Trailing zeros go, down to the digits that are kept."""
    assert unscaled(value, digits, keep=keep) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1.",
        ".5",
        "+1",
        "--1",
        "1,5",
        "1e3",
        "0x1",
        "01",
        "NaN",
        "Infinity",
        "1_000",
        "1.2.3",
        "٣",
        "1\n",
        "-",
    ],
)
def test_odd_text_is_refused(text: str) -> None:
    """Only digits, one leading minus and one point make a decimal."""
    with pytest.raises(Invalid, match="write digits and at most one point") as caught:
        scaled(text, 2)
    assert caught.value.code == "not_a_decimal"


@pytest.mark.parametrize("value", [1, 1.5, True, None, b"1"])
def test_anything_but_text_is_refused(value: object) -> None:
    """A number is not text, not even a whole one."""
    with pytest.raises(Invalid, match="is a decimal string"):
        scaled(value, 2)  # type: ignore[arg-type]


def test_surplus_digits_are_refused() -> None:
    """A finer number than the place holds is refused, not rounded, even if the surplus is zeros."""
    with pytest.raises(Invalid, match="at most 2 are allowed"):
        scaled("1.000", 2)


def test_enormous_text_is_refused_briefly() -> None:
    """Hostile text is refused with a message of ordinary length."""
    with pytest.raises(Invalid) as caught:
        scaled("9" * 10**6, 2)
    assert len(str(caught.value)) < 200
