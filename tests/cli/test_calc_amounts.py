"""`cityos calc allocate`, `refunds` and `proration`."""

from typing import Any

import pytest
from hypothesis import given

from cityos_adapters.calculators import calculate
from cityos_core.testing.strategies import Unwound, legs_with_refunds
from cli.calculations import ALLOCATE, INVALID, PRORATION, REFUNDS, REFUSED, Calc


def test_allocation_of_the_documentation(calc: Calc) -> None:
    """10.00 in three is 3.34, 3.33 and 3.33."""
    assert calc("allocate", ALLOCATE).data == {"parts": ["3.34", "3.33", "3.33"]}


@pytest.mark.parametrize(
    ("change", "parts"),
    [({"total": "-10.00"}, ["-3.34", "-3.33", "-3.33"]), ({"total": "1000", "currency": "JPY"}, ["334", "333", "333"]),
     ({"total": "0.001", "currency": "KWD"}, ["0.001", "0.000", "0.000"]), ({"weights": [0, 0]}, ["5.00", "5.00"]), ({"weights": ["0.5", 1]}, ["3.33", "6.67"]),
     ({"weights": [0, 3]}, ["0.00", "10.00"]), ({"weights": [7]}, ["10.00"]), ({"total": "92233720368547758.07", "weights": [1]}, ["92233720368547758.07"])],
)  # fmt: skip
def test_allocations(calc: Calc, change: dict[str, Any], parts: list[str]) -> None:
    """Negative totals mirror, every currency keeps its digits, zero weights get nothing, weights may be decimals."""
    assert calc("allocate", ALLOCATE | change).data == {"parts": parts}


@pytest.mark.parametrize(
    ("change", "path"),
    [({"weights": []}, "$.weights"), ({"weights": [1, -1]}, "$.weights[1]"), ({"weights": [1.5]}, "$.weights[0]"), ({"weights": [True]}, "$.weights[0]"),
     ({"weights": 3}, "$.weights"), ({"total": 10}, "$.total"), ({"total": "10.0"}, "$.total"), ({"total": "10"}, "$.total"), ({"total": "10.000"}, "$.total"),
     ({"total": "1e3"}, "$.total"), ({"total": "9" * 40}, "$.total"), ({"total": "92233720368547758.08"}, "$.total"), ({"currency": "ZZZ"}, "$.currency"),
     ({"total": "10.00", "currency": "JPY"}, "$.total"), ({"weight": [1]}, "$.weight")],
)  # fmt: skip
def test_malformed_allocations(calc: Calc, change: dict[str, Any], path: str) -> None:
    """Malformed input exits 8 and names its place."""
    calc("allocate", ALLOCATE | change).failed(INVALID, path)


def test_refunds_of_the_documentation(calc: Calc) -> None:
    """Every step says what it took from each leg, and at the end nothing remains."""
    assert calc("refunds", REFUNDS).data == {
        "steps": [
            {"refund": "33.33", "legs": {"vendor": "30.00", "commission": "3.33"}},
            {"refund": "66.67", "legs": {"vendor": "60.00", "commission": "6.67"}},
        ],
        "remaining": {"vendor": "0.00", "commission": "0.00"},
    }


def _sum(steps: list[dict[str, Any]], leg: str) -> int:
    return sum(int(step["legs"][leg].replace(".", "")) for step in steps)


@pytest.mark.parametrize(
    ("legs", "refunds", "commission"),
    [({"vendor": "90.00", "commission": "10.00"}, ["33.33", "33.33", "33.34"], 1000), ({"vendor": "90.00", "commission": "10.00"}, ["5.00"] * 20, 1000),
     ({"vendor": "0.90", "commission": "0.10"}, ["0.05"] * 20, 10), ({"vendor": "10.35", "commission": "1.15"}, ["11.50"], 115)],
)  # fmt: skip
def test_partial_refunds_empty_every_leg(calc: Calc, legs: dict[str, str], refunds: list[str], commission: int) -> None:
    """However a sale is given back, in the end exactly its commission was given back."""
    data = calc("refunds", {"currency": "EUR", "legs": legs, "refunds": refunds}).data
    assert set(data["remaining"].values()) == {"0.00"}
    assert _sum(data["steps"], "commission") == commission


def test_legs_that_were_funded(calc: Calc) -> None:
    """Who funded a discount stands as a negative leg and gets its share back."""
    legs = {"vendor": "90.00", "commission": "10.00", "platform": "-40.00"}
    data = calc("refunds", {"currency": "EUR", "legs": legs, "refunds": ["30.00"]}).data
    assert data["steps"][0]["legs"] == {"vendor": "45.00", "commission": "5.00", "platform": "-20.00"}
    assert data["remaining"] == {"vendor": "45.00", "commission": "5.00", "platform": "-20.00"}


@given(legs_with_refunds())
def test_any_partition_unwinds(case: Unwound) -> None:
    """Whatever the legs and refunds, nothing remains at the end, and every step sums to its refund."""
    legs = {f"leg-{number}": str(leg) for number, leg in enumerate(case.legs)}
    answer: Any = calculate(
        "refunds", {"currency": "JPY", "legs": legs, "refunds": [str(refund) for refund in case.refunds]}
    )
    assert all(left == "0" for left in answer["remaining"].values())
    assert all(sum(map(int, step["legs"].values())) == int(step["refund"]) for step in answer["steps"])


@pytest.mark.parametrize(("refunds", "index"), [(["100.01"], 0), (["33.33", "66.68"], 1), (["100.00", "0.01"], 1)])
def test_more_than_remains(calc: Calc, refunds: list[str], index: int) -> None:
    """A refund of more than what remains is refused with 7 and named."""
    calc("refunds", REFUNDS | {"refunds": refunds}).failed(REFUSED, f"$.refunds[{index}]")


@pytest.mark.parametrize(
    ("change", "path"),
    [({"refunds": ["-1.00"]}, "$.refunds[0]"), ({"refunds": ["1.00", "-0.01"]}, "$.refunds[1]"), ({"refunds": [1]}, "$.refunds[0]"), ({"refunds": ["1"]}, "$.refunds[0]"),
     ({"refunds": "1.00"}, "$.refunds"), ({"legs": {}}, "$.legs"), ({"legs": []}, "$.legs"), ({"legs": {"vendor": "1.00", "platform": "-2.00"}}, "$.legs"),
     ({"legs": {"vendor": 90}}, "$.legs.vendor"), ({"legs": {"vendor": None}}, "$.legs.vendor"), ({"note": "x"}, "$.note")],
)  # fmt: skip
def test_malformed_refunds(calc: Calc, change: dict[str, Any], path: str) -> None:
    """A negative refund, wrong digits and legs that are no sale exit 8 and are named."""
    calc("refunds", REFUNDS | change).failed(INVALID, path)


def test_a_refund_of_nothing(calc: Calc) -> None:
    """Nothing given back changes nothing, and no refunds at all leave everything."""
    assert calc("refunds", REFUNDS | {"refunds": ["0.00"]}).data["remaining"] == REFUNDS["legs"]
    assert calc("refunds", REFUNDS | {"refunds": []}).data == {"steps": [], "remaining": REFUNDS["legs"]}


def test_proration_of_the_documentation(calc: Calc) -> None:
    """The second half of June is 15 of 30 days."""
    assert calc("proration", PRORATION).data == {"amount": "50.00", "numerator": 15, "denominator": 30}


SECONDS = {
    "period": {"start": "2025-03-30T00:00:00+01:00", "end": "2025-03-31T00:00:00+02:00"},
    "from": "2025-03-30T12:00:00+02:00",
    "until": "2025-03-31T00:00:00+02:00",
    "resolution": "second",
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"resolution": None}, {"amount": "50.00", "numerator": 15, "denominator": 30}), ({"amount": "-100.00"}, {"amount": "-50.00", "numerator": 15, "denominator": 30}),
     ({"from": "2025-07-01"}, {"amount": "0.00", "numerator": 0, "denominator": 30}), ({"from": "2025-06-01"}, {"amount": "100.00", "numerator": 30, "denominator": 30}),
     ({"amount": "1000", "currency": "JPY", "from": "2025-06-30"}, {"amount": "33", "numerator": 1, "denominator": 30}),
     (SECONDS | {"amount": "23.00"}, {"amount": "12.00", "numerator": 43200, "denominator": 82800}),
     (SECONDS | {"from": "2025-03-30T23:59:59.5+02:00"}, {"amount": "0.00", "numerator": 1, "denominator": 165600})],
)  # fmt: skip
def test_prorations(calc: Calc, change: dict[str, Any], expected: dict[str, Any]) -> None:
    """Days by default, seconds between instants across a clock change, exact and rounded once."""
    assert calc("proration", PRORATION | change).data == expected


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"from": "2025-05-31"}, "$.from"),
        ({"until": "2025-07-02"}, "$.until"),
        ({"from": "2025-07-02", "until": "2025-07-03"}, "$.until"),
    ],
)
def test_a_part_outside_its_period(calc: Calc, change: dict[str, Any], path: str) -> None:
    """Nothing is prorated beyond its period: refused with 7."""
    calc("proration", PRORATION | change).failed(REFUSED, path)


@pytest.mark.parametrize(
    ("change", "path"),
    [({"period": {"start": "2025-06-01", "end": "2025-06-01"}, "from": "2025-06-01", "until": "2025-06-01"}, "$.period"),
     ({"period": {"start": "2025-07-01", "end": "2025-06-01"}}, "$.period"), ({"from": "2025-06-20", "until": "2025-06-19"}, "$.until"),
     ({"period": {"start": "2025-06-01"}}, "$.period.end"), ({"period": "2025-06"}, "$.period"), ({"from": "2025-06-31"}, "$.from"),
     ({"from": "2025-06-16T00:00:00Z"}, "$.from"), ({"resolution": "second"}, "$.from"), ({"resolution": "hour"}, "$.resolution"), ({"amount": "100"}, "$.amount"),
     ({"amount": 100}, "$.amount"), ({"since": "2025-06-16"}, "$.since")],
)  # fmt: skip
def test_malformed_prorations(calc: Calc, change: dict[str, Any], path: str) -> None:
    """Periods that are empty or reversed, and dates where instants are wanted, exit 8 and are named."""
    calc("proration", PRORATION | change).failed(INVALID, path)
