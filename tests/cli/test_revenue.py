"""Recurring revenue from the command line: where it stands, how it got there, who stays."""

import pytest

from cli.club import Club


def grown(club: Club) -> None:
    """Let two subscribe in January, one of them leave in February, and one subscribe in another currency."""
    club.sell_team()
    club.sell("euro", "--currency", "EUR", "--interval", "year")
    club.begin("team", "ada", "--quantity", "seats=3")
    bob = club.begin("team", "bob", "--quantity", "seats=1")
    club.wait(days=7)
    (ada, _) = club.json("subscriptions", "list")
    club.json("subscriptions", "change", ada["id"], "--quantity", "seats=4")
    club.begin("euro", "cleo")
    club.json("subscriptions", "cancel", bob["id"], "--reason", "moved", "--when", "now", "--yes")


def test_where_it_stands(club: Club) -> None:
    """Recurring revenue is given by currency, with the year it makes; also as it was."""
    grown(club)
    euros, dollars = club.json("billing", "mrr")
    counts = {"subscriptions": 1, "subscribers": 1}
    assert euros == {"currency": "EUR", "revenue": "2.50", "annual": "30.00", "per_subscriber": "2.50", **counts}
    assert (dollars["revenue"], dollars["subscribers"]) == ("40.00", 1)
    (before,) = club.json("billing", "mrr", "--as-of", "2026-02-07T12:00:00Z")
    assert (before["revenue"], before["per_subscriber"], before["subscribers"]) == ("40.00", "20.00", 2)
    assert club.json("billing", "mrr", "--as-of", "2026-01-01") == []


def test_how_it_got_there(club: Club) -> None:
    """Start and movements sum to the end, and churn is in percent of the start."""
    grown(club)
    _, dollars = club.json("billing", "bridge", "--since", "2026-02-01")
    names = ("start", "new", "expansion", "contraction", "churn", "reactivation", "end")
    assert [dollars[name] for name in names] == ["40.00", "0.00", "10.00", "0.00", "-10.00", "0.00", "40.00"]
    assert [dollars[name] for name in ("subscribers", "lost", "subscriber_churn", "revenue_churn")] == [
        *(2, 1),
        *("50.00", "25.00"),
    ]
    moved = club.json("billing", "movements", "--currency", "USD")
    assert [(one["subscriber"], one["kind"], one["change"], one["plan"]) for one in moved] == [
        ("ada", "new", "30.00", "team"),
        ("bob", "new", "10.00", "team"),
        ("ada", "expansion", "10.00", "team"),
        ("bob", "churn", "-10.00", "team"),
    ]
    assert len(club.json("billing", "movements", "--since", "2026-02-01", "--until", "2026-02-07T12:00:00Z")) == 0
    reversed_ = club("billing", "bridge", "--since", "2026-02-01", "--until", "2026-01-01")
    assert (reversed_.code, "ends before it starts" in reversed_.err) == (8, True)
    assert club("billing", "bridge").code == 2
    assert club("billing", "bridge", "--since", "2026-02-01T00:00:00").code == 8


def test_who_stays(club: Club) -> None:
    """Those who began in a month are followed from month to month, in the tenant's currency unless another is named."""
    grown(club)
    found = club.json("billing", "cohorts")
    assert [(one["month"], one["after"], one["revenue"], one["retained"]) for one in found] == [
        ("2026-01", 0, "40.00", 2),
        ("2026-01", 1, "40.00", 1),
    ]
    euros = club.json("billing", "cohorts", "--currency", "EUR", "--until", "2026-04-01")
    assert [(one["month"], one["after"]) for one in euros] == [("2026-02", 0), ("2026-02", 1), ("2026-02", 2)]
    assert club("billing", "cohorts", "--currency", "EURO").code == 8


@pytest.mark.parametrize("output", ["table", "csv", "jsonl"])
def test_revenue_in_every_form(club: Club, output: str) -> None:
    """Each report is printed in all forms, amounts as decimal strings."""
    grown(club)
    for words in (("mrr",), ("bridge", "--since", "2026-02-01"), ("cohorts",), ("movements",)):
        shown = club("billing", *words, "--output", output).succeeded().out
        assert "40.00" in shown or words == ("movements",)
        assert shown.count("\n") >= 2
