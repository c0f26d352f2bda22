"""A first hour on the command line, with names that stay, from an empty folder to a payout."""

import csv
from pathlib import Path

import pytest

from cli.shell import Cityos, read


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_first_hour(north: Cityos, tmp_path: Path) -> None:
    """Orders are imported, charged, explained, paid out, and the books agree."""
    imported = north("orders", "import", "orders.jsonl", "--errors", "rejected.csv", "--output", "json")
    assert (imported.code, read(imported)) == (10, {"created": 2, "updated": 0, "unchanged": 0, "rejected": 1})
    assert "1 of 3 rows were rejected" in imported.err
    (rejected,) = csv.DictReader((tmp_path / "rejected.csv").read_text().splitlines())
    assert (rejected["row"], rejected["reference"], rejected["code"]) == ("3", "10250", "unknown_sku")

    report = north("commission", "report", "--output", "json").succeeded()
    assert read(report) == {
        "vendors": [
            {
                "vendor": "las-cabras",
                "currency": "USD",
                "orders": 2,
                "gross": "231.00",
                "discounts": "8.40",
                "funding": "0.00",
                "shipping": "20.06",
                "tax": "0.00",
                "commission": "19.37",
                "commission_tax": "0.00",
                "net": "223.29",
            },
            {
                "vendor": "leka",
                "currency": "USD",
                "orders": 1,
                "gross": "98.00",
                "discounts": "0.00",
                "funding": "0.00",
                "shipping": "12.32",
                "tax": "0.00",
                "commission": "9.80",
                "commission_tax": "0.00",
                "net": "100.52",
            },
        ],
        "totals": [
            {
                "currency": "USD",
                "orders": 2,
                "gross": "329.00",
                "discounts": "8.40",
                "funding": "0.00",
                "shipping": "32.38",
                "tax": "0.00",
                "commission": "29.17",
                "commission_tax": "0.00",
                "net": "323.81",
            }
        ],
    }

    explained = north("commission", "explain", "10248/1").succeeded().out
    assert "Cheese in bulk" in explained
    assert "13.07" in explained

    dry = north("payouts", "run", "--dry-run").succeeded()
    assert "las-cabras\t166.59\tUSD\tpay" in dry.out
    assert north("payouts", "list").succeeded().out.count("\n") == 1
    run = read(north("payouts", "run", "--yes", "--output", "json").succeeded())
    assert [(paid["vendor"], paid["amount"]) for paid in run["payouts"]] == [
        ("las-cabras", "166.59"),
        ("leka", "100.52"),
    ]
    assert read(north("ledger", "verify", "--output", "json").succeeded()) == {
        "ok": True,
        "accounts": 8,
        "currencies": ["USD"],
    }
