"""The refund rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.ledger.unwinding import unwind, unwind_share
from cityos_core.testing.strategies import Unwound, legs, legs_with_refunds


def _unwind_all(sale: list[int], refunds: list[int]) -> tuple[list[list[int]], list[int]]:
    steps, left = [], list(sale)
    for refund in refunds:
        step = unwind(left, refund)
        left = [amount - part for amount, part in zip(left, step, strict=True)]
        steps.append(step)
    return steps, left


@given(legs_with_refunds())
def test_inv_11_any_partition_unwinds_exactly(case: Unwound) -> None:
    """Whatever the sizes and order, each refund's parts sum to it, no leg passes its original, the last empties all."""
    left = list(case.legs)
    for refund in case.refunds:
        step = unwind(left, refund)
        assert sum(step) == refund
        left = [amount - part for amount, part in zip(left, step, strict=True)]
        for original, remaining in zip(case.legs, left, strict=True):
            assert min(original, 0) <= remaining <= max(original, 0)
    assert left == [0] * len(case.legs)


@given(legs(), st.data())
def test_both_sides_keep_their_proportion(sale: tuple[int, ...], data: st.DataObject) -> None:
    """The receivers give back their share of the refund, rounded once; who funded the discount gets the rest."""
    refund = data.draw(st.integers(0, sum(sale)))
    step = unwind(sale, refund)
    gained = sum(amount for amount in sale if amount > 0)
    given_back = sum(part for part, amount in zip(step, sale, strict=True) if amount > 0)
    assert abs(given_back * sum(sale) - refund * gained) * 2 <= sum(sale)


@pytest.mark.parametrize(
    ("sale", "refunds", "commission"),
    [([9000, 1000], [3333, 3333, 3334], 1000), ([9000, 1000], [500] * 20, 1000), ([90, 10], [5] * 20, 10)],
)
def test_examples_empty_the_commission(sale: list[int], refunds: list[int], commission: int) -> None:
    """100.00 at 10 % in thirds or in twenty parts gives back 10.00 and 90.00; 1.00 in twenty parts of 0.05 gives 0.10."""
    steps, left = _unwind_all(sale, refunds)
    assert left == [0, 0]
    assert sum(step[1] for step in steps) == commission
    assert sum(step[0] for step in steps) == sum(sale) - commission


def test_three_vendors() -> None:
    """100 split 33, 33 and 34 and refunded by 50: halves of 33 are 16.5, so the ties go to the first."""
    assert unwind([33, 33, 34], 50) == [17, 16, 17]


def test_funded_discount_returns_to_its_funder() -> None:
    """100.00 with 40.00 of it funded by the platform: refunding half of what was paid gives the platform 20.00 back."""
    assert unwind([9000, 1000, -4000], 3000) == [4500, 500, -2000]


@pytest.mark.parametrize("refund", [1, 10**9])
def test_more_than_remains_is_refused(refund: int) -> None:
    """Nothing is refunded beyond what is left of a sale."""
    with pytest.raises(Refused) as caught:
        unwind([90, 10], 100 + refund)
    assert caught.value.code == "more_than_remains"


def test_negative_refunds_are_invalid() -> None:
    """A refund is not a payment."""
    with pytest.raises(Invalid, match="zero or more"):
        unwind([90, 10], -1)


def test_nothing_refunds_nothing() -> None:
    """A refund of zero moves nothing, also of an empty sale."""
    assert unwind([90, -10], 0) == [0, 0]
    assert unwind([0, 0], 0) == [0, 0]


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 30), st.data())
def test_free_sales_unwind_by_quantity(vendor: int, commission: int, quantity: int, data: st.DataObject) -> None:
    """A sale that cost the buyer nothing unwinds by units: parts sum to zero and the last units take the rest."""
    left, units = [vendor, commission, -(vendor + commission)], quantity
    while units:
        part = data.draw(st.integers(1, units))
        step = unwind_share(left, part, units)
        assert sum(step) == 0
        left, units = [amount - taken for amount, taken in zip(left, step, strict=True)], units - part
        assert left[0] >= 0
        assert left[1] >= 0
    assert left == [0, 0, 0]


def test_shares_are_checked() -> None:
    """Only what remains unwinds by quantity, and only where the buyer paid nothing."""
    with pytest.raises(Refused):
        unwind_share([1, -1], 3, 2)
    with pytest.raises(Invalid, match="only a sale"):
        unwind_share([2, -1], 1, 2)
