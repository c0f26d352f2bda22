"""`cityos calc tiers` and `periods`."""

from typing import Any

import pytest

from cli.calculations import INVALID, PERIODS, REFUSED, TIERS, Calc


def test_tiers_of_the_documentation(calc: Calc) -> None:
    """11 units are 10 x 10 + 2 in the first band and 1 x 5 + 3 in the second: 110."""
    assert calc("tiers", TIERS).data == {
        "amount": "110",
        "slices": [
            {"band": 0, "quantity": "10", "amount": "100", "flat": "2"},
            {"band": 1, "quantity": "1", "amount": "5", "flat": "3"},
        ],
    }


PACKAGE = {"package": "100", "unit": "10", "free": "0"}
LOWER = [{"from": "10", "unit": "5", "flat": "1"}, {"from": "20", "unit": "4"}]


@pytest.mark.parametrize(
    ("data", "amount"),
    [(TIERS | {"quantity": "10"}, "102"), (TIERS | {"quantity": "0"}, "2"), (TIERS | {"quantity": "0", "flat_at_zero": False}, "0"),
     (TIERS | {"mode": "volume"}, "58"), (TIERS | {"mode": "volume", "quantity": "0"}, "2"), (TIERS | {"quantity": "0.5"}, "7"),
     ({"tiers": [{"unit": "0.0001"}], "quantity": "3"}, "0.0003"), ({"tiers": [{"unit": "0.005"}], "quantity": "1", "currency": "EUR"}, "0.01"),
     ({"tiers": [{"unit": "0.5"}], "quantity": "1", "currency": "JPY"}, "1"), ({"tiers": [{"unit": "1.25"}], "quantity": "1", "currency": "KWD"}, "1.250"),
     ({"tiers": [PACKAGE], "mode": "package", "quantity": "101"}, "20"), ({"tiers": [PACKAGE | {"free": "1"}], "mode": "package", "quantity": "101"}, "10"),
     ({"tiers": [PACKAGE], "mode": "package", "quantity": "0"}, "0"), (PACKAGE | {"mode": "package", "quantity": "250"}, "30"),
     ({"tiers": [{"percentage": "2", "up_to": "1000"}, {"percentage": "1"}], "mode": "percentage", "quantity": "1500.00"}, "25"),
     ({"tiers": LOWER, "boundary": "from", "quantity": "9"}, "0"), ({"tiers": LOWER, "boundary": "from", "quantity": "10"}, "1"),
     ({"tiers": LOWER, "boundary": "from", "quantity": "25"}, "71"), ({"tiers": LOWER, "boundary": "from", "mode": "volume", "quantity": "20"}, "80"),
     ({"tiers": [{"up_to": "10"}], "quantity": "10"}, "0"), (TIERS | {"quantity": "1" + "0" * 29}, "5" + "0" * 27 + "55")],
)  # fmt: skip
def test_tiers(calc: Calc, data: dict[str, Any], amount: str) -> None:
    """Every mode and boundary is exact, and rounded once only if a currency is given."""
    assert calc("tiers", data).data["amount"] == amount


@pytest.mark.parametrize("quantity", ["10.01", "11"])
def test_beyond_the_last_band(calc: Calc, quantity: str) -> None:
    """A quantity beyond a closed last band is refused with 7."""
    calc("tiers", {"tiers": [{"up_to": "10"}], "quantity": quantity}).failed(REFUSED, "$.quantity")


@pytest.mark.parametrize(
    ("change", "path"),
    [({"tiers": [{"up_to": "10"}, {"up_to": "5"}]}, "$.tiers[1].up_to"), ({"tiers": [{"up_to": "10"}, {"up_to": "10"}]}, "$.tiers[1].up_to"),
     ({"tiers": [{}, {"up_to": "10"}]}, "$.tiers[0]"), ({"tiers": []}, "$.tiers"), ({"tiers": {}}, "$.tiers"), ({"tiers": None}, "$.tiers"),
     ({"tiers": [{"up_to": 10}]}, "$.tiers[0].up_to"), ({"tiers": [{"up_to": "-1"}]}, "$.tiers[0].up_to"), ({"tiers": [{"unit": "-1"}]}, "$.tiers[0].unit"),
     ({"tiers": [{"price": "1"}]}, "$.tiers[0].price"), ({"tiers": [{"percentage": "1"}]}, "$.tiers[0].percentage"), ({"tiers": [{"from": "1"}]}, "$.tiers[0].from"),
     ({"boundary": "from"}, "$.tiers[0]"), ({"boundary": "from", "tiers": [{"from": "2"}, {"from": "1"}]}, "$.tiers[1].from"), ({"mode": "marginal"}, "$.mode"),
     ({"mode": "package"}, "$.tiers[0].package"), ({"mode": "package", "tiers": [PACKAGE | {"package": "0"}]}, "$.tiers[0].package"), ({"unit": "1"}, "$.unit"),
     ({"quantity": "-1"}, "$.quantity"), ({"quantity": 11}, "$.quantity"), ({"quantity": "NaN"}, "$.quantity"), ({"quantity": None}, "$.quantity"),
     ({"quantity": "9" * 31, "currency": "EUR"}, "$.quantity"), ({"currency": "XXX"}, "$.currency"), ({"flat_at_zero": 0}, "$.flat_at_zero"),
     ({"mode": "percentage", "tiers": [{"percentage": "101"}]}, "$.tiers[0].percentage")],
)  # fmt: skip
def test_malformed_tiers(calc: Calc, change: dict[str, Any], path: str) -> None:
    """Bands out of order, and whatever has no meaning where it stands, exit 8 and are named."""
    calc("tiers", TIERS | change).failed(INVALID, path)


def test_periods_of_the_documentation(calc: Calc) -> None:
    """Months from 31 January are clamped each from the anchor; the instants know the clock change of 31 March."""
    periods = calc("periods", PERIODS).data["periods"]
    assert [period["index"] for period in periods] == [0, 1, 2, 3, 4]
    assert [period["start"][:10] for period in periods] == [
        "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31",
    ]  # fmt: skip
    assert periods[1] == {
        "index": 1,
        "start": "2024-02-29T00:00",
        "end": "2024-03-31T00:00",
        "start_utc": "2024-02-28T23:00:00Z",
        "end_utc": "2024-03-30T23:00:00Z",
    }
    assert periods[3]["start_utc"] == "2024-04-29T22:00:00Z"


@pytest.mark.parametrize(
    ("at", "index"),
    [
        ("2024-01-30T23:00:00Z", 0),
        ("2024-02-28T22:59:59Z", 0),
        ("2024-02-28T23:00:00Z", 1),
        ("2024-02-29T00:00:00+01:00", 1),
        ("2124-01-31T00:00:00Z", 1200),
    ],
)
def test_the_period_of_an_instant(calc: Calc, at: str, index: int) -> None:
    """The one period that an instant lies in is found, however far away."""
    asked = {key: value for key, value in PERIODS.items() if key not in {"first", "number"}}
    periods = calc("periods", asked | {"at": at}).data["periods"]
    assert [period["index"] for period in periods] == [index]


def test_gaps_and_folds(calc: Calc) -> None:
    """Nominal times stay what they are; instants move out of the gap, and take the first of two."""
    daily = {"zone": "Europe/Paris", "interval": "day"}
    gap = calc("periods", daily | {"anchor": "2025-03-30T02:30"}).data["periods"][0]
    assert (gap["start"], gap["start_utc"]) == ("2025-03-30T02:30", "2025-03-30T01:30:00Z")
    fold = calc("periods", daily | {"anchor": "2025-10-26T02:30:15"}).data["periods"][0]
    assert (fold["start"], fold["start_utc"]) == ("2025-10-26T02:30:15", "2025-10-26T00:30:15Z")


def test_before_the_anchor(calc: Calc) -> None:
    """An instant before the anchor has no period: refused with 7."""
    asked = {key: value for key, value in PERIODS.items() if key not in {"first", "number"}}
    calc("periods", asked | {"at": "2024-01-30T22:59:59Z"}).failed(REFUSED, "$.at")


@pytest.mark.parametrize(
    ("change", "path"),
    [({"zone": "Paris"}, "$.zone"), ({"zone": "../../etc/passwd"}, "$.zone"), ({"zone": ""}, "$.zone"), ({"zone": None}, "$.zone"), ({"zone": "A" * 300}, "$.zone"),
     ({"count": 0}, "$.count"), ({"count": -1}, "$.count"), ({"count": "1"}, "$.count"), ({"count": 1.0}, "$.count"), ({"count": 2**63}, "$.count"), ({"count": 10**18}, "$.first"),
     ({"first": -1}, "$.first"), ({"first": 10**18}, "$.first"), ({"number": 0}, "$.number"), ({"number": -5}, "$.number"), ({"number": 10**9}, "$.number"),
     ({"interval": "fortnight"}, "$.interval"), ({"anchor": "2024-01-31"}, "$.anchor"), ({"anchor": "2024-01-31T00:00Z"}, "$.anchor"),
     ({"anchor": "2024-02-30T00:00"}, "$.anchor"), ({"anchor": "9999-12-31T00:00"}, "$.first"), ({"anchor": 0}, "$.anchor"), ({"at": "2024-05-01T00:00:00Z"}, "$.at"),
     ({"at": "2024-05-01"}, "$.at"), ({"until": "2025-01-01"}, "$.until")],
)  # fmt: skip
def test_malformed_periods(calc: Calc, change: dict[str, Any], path: str) -> None:
    """What is no anchor, zone, interval or number exits 8 and is named."""
    calc("periods", PERIODS | change).failed(INVALID, path)
