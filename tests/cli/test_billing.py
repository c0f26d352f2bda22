"""Billing from the command line: runs with their certificates, retries, cycles that a person looks at, forecasts."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

from cityos_core.kernel.errors import Conflict
from cityos_core.subscriptions.billing_run import Run
from cityos_core.subscriptions.certificate import Certificate
from cityos_core.subscriptions.tallying import Tally
from cli.club import Club

ON_ACCOUNT = ("--collection", "invoice", "--terms-days", "14")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_run_certifies_what_it_did(club: Club) -> None:
    """A run says what was due and what became of it; again there is nothing to do."""
    club.sell()
    ada, bob = club.begin(), club.begin("basic", "bob", *ON_ACCOUNT)
    club.wait(days=28)
    run = club.bill()
    counts = {name: run[name] for name in ("due", "billed", "closed", "invoices", "paid", "declined", "unknown")}
    assert counts == {"due": 2, "billed": 2, "closed": 0, "invoices": 2, "paid": 1, "declined": 0, "unknown": 0}
    assert (run["skipped"], run["failed"], run["ties"], run["differences"]) == ({}, {}, True, [])
    assert run["invoiced"] == run["booked"] == [{"currency": "USD", "amount": "60.00"}]
    assert sorted((one["subscription"], one["outcome"], one["total"]) for one in run["cycles"]) == sorted(
        (one["id"], "billed", "30.00") for one in (ada, bob)
    )
    shown = club.json("billing", "show", run["id"])
    assert shown == {name: value for name, value in run.items() if name not in {"dry_run", "cycles"}}
    assert club.bill()["due"] == 0
    assert [one["due"] for one in club.json("billing", "runs")] == [0, 2]
    assert [one["due"] for one in club.json("billing", "runs", "--limit", "1")] == [0]
    for status, count in (("paid", 2), ("invoiced", 2), ("upcoming", 2), ("failed", 0)):
        assert len(club.json("billing", "cycles", "--status", status)) == count


def test_a_dry_run_prints_the_same(club: Club) -> None:
    """A dry run prints the certificate and the cycles that the run then has, and changes nothing."""
    club.sell("basic", "--catch-up", "bill_current")
    for who in ("ada", "bob"):
        club.begin("basic", who)
    club.wait(days=59)
    dry = club.json("billing", "run", "--dry-run")
    assert (dry["dry_run"], dry["id"], dry["due"], dry["skipped"]) == (True, None, 4, {"catch_up": 2})
    assert (club.json("billing", "runs"), len(club.json("invoices", "list"))) == ([], 2)
    assert club.json("billing", "run", "--dry-run")["cycles"] == dry["cycles"]
    run = club.bill()
    collected = {"dry_run", "id", "worker", "paid"}
    assert {name: run[name] for name in run if name not in collected} == {
        name: dry[name] for name in dry if name not in collected
    }
    assert (dry["paid"], run["paid"]) == (0, 2)


def test_a_run_asks_first(club: Club) -> None:
    """Nobody is charged before someone agreed to what it comes to."""
    club.sell()
    club.begin()
    club.wait(days=28)
    asked = club("billing", "run")
    assert (asked.code, "Bill 1 cycles, 30.00 USD in 1 invoices?" in asked.err, asked.out) == (2, True, "")
    assert club("billing", "retry").code == 2
    assert club.json("billing", "runs") == []


def test_a_run_in_a_table_is_readable(club: Club) -> None:
    """In a table the certificate stands above the cycles, with counts by reason and sums with their currency."""
    club.sell("basic", "--catch-up", "bill_current")
    ada = club.begin()
    club.wait(days=59)
    above, _, below = club("billing", "run", "--yes").succeeded().out.partition("\n\nCycles\n")
    lines = dict(line.split("\t") for line in above.splitlines())
    assert (lines["due"], lines["skipped"], lines["failed"]) == ("2", "1 catch_up", "0")
    assert (lines["invoiced"], lines["booked"], lines["ties"]) == ("30.00 USD", "30.00 USD", "yes")
    header, first, second = (line.split("\t") for line in below.splitlines())
    assert header[:5] == ["subscription", "cycle", "outcome", "number", "total"]
    assert (first[:3], second[:5]) == ([ada["id"], "1", "skipped"], [ada["id"], "2", "billed", "north/2", "30.00"])
    assert "Cycles" not in club("billing", "run", "--yes").succeeded().out


@pytest.mark.parametrize("output", ["csv", "jsonl"])
def test_a_run_for_programs(club: Club, output: str) -> None:
    """For programs a run is one record, and fewer cycles are printed than billed if that is wished."""
    club.sell()
    for number in range(3):
        club.begin("basic", f"ada-{number}")
    club.wait(days=28)
    out = club("billing", "run", "--yes", "--limit", "1", "--output", output).succeeded().out
    assert out.count("\n") == (2 if output == "csv" else 1)
    if output == "csv":
        (row,) = csv.DictReader(io.StringIO(out))
        assert (row["billed"], row["invoiced"], row["ties"]) == ("3", "90.00 USD", "yes")
    else:
        assert (out.count('"outcome"'), '"billed": 3' in out) == (1, True)


def test_cycles_that_fail_wait_for_a_person(club: Club) -> None:
    """What could not be billed ends a run with 10; a person has it billed after all, or leaves it out."""
    club.sell("basic", "--catch-up", "halt")
    ada, bob = club.begin(), club.begin("basic", "bob")
    club.wait(days=59)
    assert club.json("billing", "run", "--dry-run", code=10)["failed"] == {"halted": 2}
    result = club("billing", "run", "--yes")
    assert (result.code, "2 of 2 cycles could not be billed (halted)" in result.err) == (10, True)
    assert "2 halted" in result.out
    failed = club.json("billing", "cycles", "--status", "failed")
    assert sorted(one["subscription"] for one in failed) == sorted([ada["id"], bob["id"]])
    assert "the plan has a person look" in failed[0]["reason"]
    assert club.json("billing", "retry-cycle", ada["id"], "1")["status"] == "upcoming"
    assert club("billing", "skip-cycle", bob["id"], "1").code == 2
    skipped = club.json("billing", "skip-cycle", bob["id"], "1", "--yes")
    assert (skipped["status"], skipped["reason"]) == ("skipped", "by_hand")
    assert club("billing", "retry-cycle", bob["id"], "1").code == 7
    assert club("billing", "retry-cycle", bob["id"], "9" * 30).code == 6
    assert club.bill()["billed"] == 3


def test_a_run_that_does_not_tie(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose certificate does not tie prints it, says what differs, and ends with 1."""
    club.sell()
    club.begin()
    certify = Tally.certificate

    def short(tally: Tally) -> Certificate:
        found = certify(tally)
        return Certificate(due=found.due + 1, billed=found.billed, invoiced=found.invoiced)

    monkeypatch.setattr(Tally, "certificate", short)
    club.wait(days=28)
    result = club("billing", "run", "--yes")
    assert (result.code, "ties\tno" in result.out) == (1, True)
    assert "2 cycles were due, 1 are accounted for; invoices come to 30.00 USD, their journals to nothing" in result.err


def test_a_run_that_stops(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in which something could not be recorded ends as that does, and says that the rest stays."""

    def stop(*_: object, **__: object) -> None:
        raise Conflict("stale", "someone else was faster; try again")

    monkeypatch.setattr(Run, "__call__", stop)
    result = club("billing", "run", "--yes")
    assert (result.code, result.out, "what was billed stays billed" in result.err) == (7, "", True)


def test_dunning(club: Club) -> None:
    """A declined payment makes a subscription past due; it is tried again on its days, and once more when paid."""
    club.sell()
    ada = club.begin()
    club.json("subscriptions", "method", ada["id"], "declined")
    club.wait(days=28)
    run = club.bill()
    assert (run["billed"], run["declined"], run["paid"]) == (1, 1, 0)
    assert club.get(ada)["status"] == "past_due"
    assert club.json("billing", "retry", "--dry-run")["retried"] == 0
    club.wait(days=1)
    assert club.json("billing", "retry", "--dry-run")["retried"] == 1
    tried = club.json("billing", "retry", "--yes")
    counts = {name: tried[name] for name in ("retried", "paid", "declined", "unknown", "ended")}
    assert counts == {"retried": 1, "paid": 0, "declined": 1, "unknown": 0, "ended": 0}
    invoice = club.invoices(ada)[0]
    assert [one["origin"] for one in club.json("invoices", "attempts", invoice["id"])] == ["billing", "retry"]
    club.json("subscriptions", "method", ada["id"], "visa")
    club.wait(days=2)
    assert club.json("billing", "retry", "--yes")["paid"] == 1
    assert club.get(ada)["status"] == "active"


def test_revenue_is_recognised(club: Club) -> None:
    """What was charged in advance becomes revenue as it is earned; a dry run books nothing."""
    club.sell("yearly", "--interval", "year")
    club.begin("yearly")
    club.wait(days=31)
    dry = club.json("billing", "recognise", "--dry-run")
    assert (dry["dry_run"], dry["invoices"], dry["amounts"]) == (True, 1, {"USD": "2.38"})
    done = club.json("billing", "recognise")
    assert {**done, "dry_run": True} == dry
    assert club.json("billing", "recognise")["invoices"] == 0


def test_a_forecast_of_everybody(club: Club) -> None:
    """Without a subscription, all that are billed are summed by month and currency, a year ahead, or their next periods."""
    club.sell()
    club.sell("euro", "--currency", "EUR", "--interval", "day", "--count", "30")
    club.sell("trial", "--trial-days", "14")
    club.sell("paused")
    club.begin()
    club.begin("euro", "bob")
    cleo, dan = club.begin("trial", "cleo"), club.begin("paused", "dan")
    club("subscriptions", "pause", dan["id"]).succeeded()
    club("subscriptions", "cancel", cleo["id"], "--reason", "moved").succeeded()
    year = club.json("billing", "forecast")
    dollars = [(one["month"], one["cycles"], one["total"]) for one in year if one["currency"] == "USD"]
    assert dollars[:2] == [("2026-02", 2, "30.00"), ("2026-03", 1, "30.00")]
    assert (len(dollars), dollars[-1]) == (11, ("2026-12", 1, "30.00"))
    assert sum(one["cycles"] for one in year if one["currency"] == "EUR") == 11
    two = club.json("billing", "forecast", "--cycles", "2")
    assert [(one["month"], one["currency"], one["cycles"]) for one in two] == [
        ("2026-02", "USD", 2),
        ("2026-03", "EUR", 1),
        ("2026-03", "USD", 1),
        ("2026-04", "EUR", 1),
    ]
    some = club("billing", "forecast", "--limit", "1")
    assert (some.code, "first 1 subscriptions; --limit takes more" in some.err) == (0, True)
    assert club("billing", "forecast", "--usage", "calls=1").code == 2
    assert club("billing", "forecast", cleo["id"], "--limit", "1").code == 2
    assert club("billing", "forecast", "--cycles", "0").code == 8
    assert club("billing", "forecast", "--limit", "9" * 30).code == 2


def test_a_forecast_of_many_short_periods(club: Club) -> None:
    """Periods of a day are all forecast, a year of them."""
    club.sell("daily", "--interval", "day")
    club.begin("daily")
    found = club.json("billing", "forecast")
    assert [one["cycles"] for one in found] == [28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def test_nobodys_run(club: Club) -> None:
    """A run that never was is not found."""
    assert club("billing", "show", "00000000-0000-4000-8000-000000000000").code == 6


@pytest.mark.parametrize("output", ["table", "csv", "jsonl"])
def test_billing_in_every_form(club: Club, output: str) -> None:
    """Lists and records of billing are printed in all forms."""
    club.sell()
    club.begin()
    club.wait(days=28)
    run = club.bill()
    for words in (("runs",), ("show", run["id"]), ("cycles",), ("forecast",)):
        assert club("billing", *words, "--output", output).succeeded().out.count("\n") > (output != "jsonl")
    for words in (("retry", "--yes"), ("inquire",), ("recognise",)):
        assert "0" in club("billing", *words, "--output", output).succeeded().out


def test_a_reader_that_has_seen_enough(club: Club, tmp_path: Path) -> None:
    """Whoever reads what a run did may close the pipe; the run is whole."""
    club.sell()
    ada = club.begin()
    club.json("subscriptions", "cancel", ada["id"], "--reason", "moved", "--when", "now", "--yes")
    cityos = f"{sys.executable} -c 'from cityos_cli.main import run; run()' --tenant north"
    ended = subprocess.run(
        ["/bin/bash", "-c", f"{cityos} billing run --yes | true"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(club.json("billing", "runs")) == 1


def test_a_run_names_what_it_bills(club: Club) -> None:
    """What a run prints of a subscription can be asked for."""
    club.sell()
    club.begin()
    club.wait(days=28)
    (cycle,) = club.bill()["cycles"]
    assert club.invoices({"id": cycle["subscription"]})[0]["number"] == cycle["number"]
