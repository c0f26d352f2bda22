"""Largest remainder."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.allocation import allocate, allocate_money
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.money import Money
from cityos_core.testing.strategies import weights

TOTALS = st.integers(-(10**12), 10**12)


@given(TOTALS, weights())
def test_inv_10_allocation(total: int, shares: list[int | Fraction]) -> None:
    """The parts sum to the total, mirror for a negative one, give zero weight nothing, each within one of its share."""
    parts = allocate(total, shares)
    assert sum(parts) == total
    assert allocate(-total, shares) == [-part for part in parts]
    assert allocate(total, list(shares)) == parts
    whole = sum(shares)
    for part, share in zip(parts, shares, strict=True):
        exact = Fraction(total) * (Fraction(share) / whole if whole else Fraction(1, len(shares)))
        assert abs(part - exact) < 1
        assert share or not whole or part == 0


@given(TOTALS, weights(), st.fractions(Fraction(1, 1000), 1000, max_denominator=1000))
def test_only_proportions_count(total: int, shares: list[int | Fraction], factor: Fraction) -> None:
    """Weights that are all scaled alike allocate alike."""
    assert allocate(total, [share * factor for share in shares]) == allocate(total, shares)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_parts_never_pass_whole_weights(total: int, shares: list[int]) -> None:
    """Where no more is divided than the weights sum to, no part is larger than its weight."""
    parts = allocate(min(total, sum(shares)), shares)
    assert all(part <= share for part, share in zip(parts, shares, strict=True) if sum(shares))


@pytest.mark.parametrize(
    ("total", "shares", "parts"),
    [(1000, [1, 1, 1], [334, 333, 333]), (-1000, [1, 1, 1], [-334, -333, -333]), (5, [0, 0], [3, 2]), (100, [33, 33, 34], [33, 33, 34]),
     (1, [1, 1], [1, 0]), (0, [3, 4], [0, 0]), (7, [0, 1, 0], [0, 7, 0]), (10, [Fraction(1, 3), Fraction(2, 3)], [3, 7]),
     (2, [1, 2, 1], [1, 1, 0])],
)  # fmt: skip
def test_examples(total: int, shares: list[int | Fraction], parts: list[int]) -> None:
    """Left-over units go to the largest remainders, ties to the lowest index; no weight at all shares evenly."""
    assert allocate(total, shares) == parts


def test_money_keeps_its_currency() -> None:
    """An amount is divided into amounts."""
    assert [str(part) for part in allocate_money(Money.of("10.00", "EUR"), [1, 1, 1])] == [
        "3.34 EUR",
        "3.33 EUR",
        "3.33 EUR",
    ]


@pytest.mark.parametrize(("shares", "code"), [([], "no_weights"), ([1, -1], "negative_weight")])
def test_unusable_weights_are_refused(shares: list[int | Fraction], code: str) -> None:
    """There is at least one weight, and none is negative."""
    with pytest.raises(Invalid) as caught:
        allocate(10, shares)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("total", "shares"), [(1.5, [1]), (True, [1]), ("1", [1]), (1, [1.5]), (1, [True]), (1, ["1"])]
)
def test_inv_20_nothing_inexact_is_divided(total: object, shares: list[object]) -> None:
    """Floats, bools and text are refused as totals and as weights."""
    with pytest.raises(TypeError):
        allocate(total, shares)  # type: ignore[arg-type]
