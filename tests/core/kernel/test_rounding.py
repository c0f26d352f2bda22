"""Half up, away from zero."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.rounding import divide, half_up


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(5, 10, 1), (-5, 10, -1), (4, 10, 0), (-4, 10, 0), (15, 10, 2), (25, 10, 3), (-25, 10, -3), (0, 7, 0), (1, 3, 0)],
)
def test_halves_go_away_from_zero(numerator: int, denominator: int, expected: int) -> None:
    """A half is rounded away from zero on both sides, never to even."""
    assert divide(numerator, denominator) == expected
    assert half_up(Fraction(numerator, denominator)) == expected


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**20))
def test_rounding_is_near_and_odd(numerator: int, denominator: int) -> None:
    """The result is at most half a unit away, and the negative number gives the negative result."""
    rounded = divide(numerator, denominator)
    assert abs(rounded - Fraction(numerator, denominator)) <= Fraction(1, 2)
    assert divide(-numerator, denominator) == -rounded
