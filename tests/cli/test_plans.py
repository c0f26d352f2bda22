"""Plans from the command line: imported, created, shown, taken off sale."""

import csv
import json
from pathlib import Path

import pytest

from cli.club import TEAM, Club


def test_a_plan_with_one_price(club: Club) -> None:
    """A plan with a fixed price, or a price per seat, needs no file; it is found by handle and by id."""
    fixed = club.sell("basic", "--trial-days", "14")
    assert (fixed["currency"], fixed["interval"], fixed["trial_days"]) == ("USD", "month", 14)
    assert [(item["key"], item["kind"], item["price"]) for item in fixed["items"]] == [("base", "fixed", "30.00")]
    seats = club.sell("team", "--per-seat", "--interval", "year", "--currency", "EUR", "--catch-up", "merge")
    assert [(item["key"], item["name"], item["kind"]) for item in seats["items"]] == [("seats", "Seats", "per_seat")]
    assert club.json("plans", "show", "team") == club.json("plans", "show", seats["id"]) == seats
    assert [plan["handle"] for plan in club.json("plans", "list")] == ["basic", "team"]


def test_plans_from_a_file(club: Club, tmp_path: Path) -> None:
    """A JSON list, or JSON lines, of plans is imported once, and what `show` prints can be imported elsewhere."""
    club.sell_team()
    again = club.json("plans", "import", "plans.json")
    assert again == {"created": 0, "updated": 0, "unchanged": 1, "rejected": 0}
    shown = club.json("plans", "show", "team")
    kept = {name: shown[name] for name in shown if name not in {"id", "created_at", "retired_at", "version"}}
    lines = [json.dumps({**kept, "handle": "copy"}), "", json.dumps({**kept, "handle": "euro", "currency": "EUR"})]
    (tmp_path / "copy.jsonl").write_text("\n".join(lines))
    assert club.json("plans", "import", "copy.jsonl")["created"] == 2
    assert club.json("plans", "show", "copy")["items"] == shown["items"]
    assert club.json("plans", "show", "euro")["currency"] == "EUR"


def test_plans_that_are_rejected(club: Club, tmp_path: Path) -> None:
    """Each plan of a file stands alone: what is wrong with one is told in its row, and the others are sold."""
    club.sell_team()
    wrong = [
        {**TEAM, "name": "Other"},
        {**TEAM, "handle": "good"},
        {**TEAM, "handle": "=bad"},
        {**TEAM, "handle": "count", "count": 0},
        {"handle": "none", "name": "None", "items": []},
        {"handle": "float", "name": "Float", "items": [{"key": "a", "name": "A", "price": 1.5}]},
        [],
    ]
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    result = club("plans", "import", "wrong.json", "--errors", "rejected.csv")
    assert result.code == 10
    rows = list(csv.DictReader((tmp_path / "rejected.csv").read_text().splitlines()))
    assert [(row["row"], row["reference"], row["code"]) for row in rows] == [
        ("1", "team", "plan_differs"),
        ("3", "'=bad", "invalid_handle"),
        ("4", "count", "count"),
        ("5", "none", "items"),
        ("6", "float", "wrong_type"),
        ("7", "", "wrong_type"),
    ]
    assert [plan["handle"] for plan in club.json("plans", "list")] == ["good", "team"]
    (tmp_path / "broken.json").write_text("[{]")
    assert club("plans", "import", "broken.json").code == 8


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--price", "1e3"), 8, "not_a_decimal"),
        (("--price", "9" * 400), 8, "not_a_decimal"),
        (("--price", "99999999999999.00"), 8, "unit_price_out_of_range"),
        (("--price", "-1"), 8, "unit_price_out_of_range"),
        (("--price", "1", "--currency", "EURO"), 8, "unknown_currency"),
        (("--price", "1", "--trial-days", "9999999999999999999999"), 8, "trial_days"),
        (("--price", "1", "--item", "Not A Key"), 8, "invalid_handle"),
        (("--price", "1", "--interval", "fortnight"), 2, "fortnight"),
        ((), 2, "--price"),
    ],
)
def test_prices_that_cannot_be(club: Club, words: tuple[str, ...], code: int, says: str) -> None:
    """What cannot be a price, or a plan, is refused in one line."""
    result = club("plans", "create", "basic", "--name", "Basic", *words)
    assert (result.code, says in result.err, result.err.count("\n")) == (code, True, 1)


def test_a_plan_is_retired(club: Club) -> None:
    """A plan is taken off sale for good only if someone agrees; nobody subscribes to it any more."""
    club.sell()
    asked = club("plans", "retire", "basic")
    assert (asked.code, "add --yes" in asked.err) == (2, True)
    assert club.json("plans", "retire", "basic", "--yes")["retired_at"] == "2026-01-31T12:00:00Z"
    begun = club("subscriptions", "begin", "basic", "ada")
    assert (begun.code, "plan_retired" in begun.err) == (7, True)
    assert club("plans", "show", "none").code == 6


@pytest.mark.parametrize("output", ["table", "csv", "jsonl"])
def test_plans_in_every_form(club: Club, output: str) -> None:
    """A list and a plan are printed in all forms; a table has the items below."""
    club.sell_team()
    assert "team" in club("plans", "list", "--output", output).succeeded().out
    shown = club("plans", "show", "team", "--output", output).succeeded().out
    assert ("\nItems\n" in shown) == (output == "table")
    assert "seats" in shown
