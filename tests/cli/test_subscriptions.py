"""Subscriptions from the command line: begun, looked at, used, paid."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from cli.club import Club

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_a_subscription_begins_paid(club: Club) -> None:
    """Who subscribes is charged at once; what was agreed is shown, and the first invoice with its lines."""
    club.sell_team()
    terms = ("--quantity", "seats=3", "--discount", "spring=10%x3", "--discount", "loyal=1.00", "--tax", "nl=21")
    ada = club.begin("team", "ada", *terms, "--payment-method", "visa")
    assert (ada["status"], ada["subscriber"], ada["plan"], ada["quantities"]) == ("active", "ada", "team", {"seats": 3})
    assert [(one["code"], one["percentage"], one["amount"], one["cycles"]) for one in ada["discounts"]] == [
        ("spring", "10", None, 3),
        ("loyal", None, "1.00", None),
    ]
    assert ada["tax"] == {"percentage": "21", "jurisdiction": "nl", "included": False}
    invoice = ada["invoice"]
    assert (invoice["number"], invoice["net"], invoice["tax"], invoice["due"]) == ("north/1", "26.00", "5.46", "0.00")
    assert [(line["item"], line["quantity"], line["discount"]) for line in invoice["lines"]] == [("seats", "3", "4.00")]
    assert club.get(ada) == {name: value for name, value in ada.items() if name != "invoice"}
    cycles = club.json("subscriptions", "cycles", ada["id"])
    assert [(one["index"], one["status"], one["starts_at"][:10]) for one in cycles] == [
        (0, "paid", "2026-01-31"),
        (1, "upcoming", "2026-02-28"),
    ]
    assert len(club.json("subscriptions", "cycles", ada["id"], "--last", "1")) == 1


def test_a_company_pays_by_invoice(club: Club) -> None:
    """A company may be sent invoices with terms, of prices that contain the tax; nothing is charged."""
    club.sell()
    words = ("--company", "--collection", "invoice", "--terms-days", "14", "--tax", "us-ca=20", "--tax-included")
    acme = club.begin("basic", "acme", *words)
    assert (acme["status"], acme["subscriber_kind"], acme["collection"]) == ("active", "company", "invoice")
    assert (acme["invoice"]["status"], acme["invoice"]["total"], acme["invoice"]["tax"]) == ("open", "30.00", "5.00")
    assert acme["invoice"]["due_at"] == "2026-02-14T12:00:00Z"
    assert club.json("invoices", "list", "--overdue") == []
    club.wait(days=15)
    assert [one["id"] for one in club.json("invoices", "list", "--overdue")] == [acme["invoice"]["id"]]


def test_the_same_key_subscribes_once(club: Club) -> None:
    """The same idempotency key again gives the subscription that stands, and other terms under it are refused."""
    club.sell()
    first = club.begin("basic", "ada", "--idempotency-key", "one")
    club.wait(minutes=1)
    assert club.begin("basic", "ada", "--idempotency-key", "one")["id"] == first["id"]
    assert club("subscriptions", "begin", "basic", "bob", "--idempotency-key", "one").code == 7
    assert len(club.json("subscriptions", "list")) == 1


def test_a_dry_run_begins_nothing(club: Club) -> None:
    """A dry run shows what would be invoiced and charges nobody."""
    club.sell()
    dry = club.begin("basic", "ada", "--dry-run")
    assert (dry["dry_run"], dry["id"], dry["invoice"]["total"]) == (True, None, "30.00")
    assert "total\t30.00" in club("subscriptions", "begin", "basic", "ada", "--dry-run").succeeded().out
    assert (club.json("subscriptions", "list"), club.json("invoices", "list")) == ([], [])


def test_a_first_payment_that_is_declined(club: Club) -> None:
    """A declined first payment ends with 3 and says what to do: another method, and the invoice is paid."""
    club.sell()
    result = club("subscriptions", "begin", "basic", "ada", "--payment-method", "declined")
    assert (result.code, "30.00 USD was declined: the account has not enough funds" in result.err) == (3, True)
    (ada,) = club.json("subscriptions", "list", "--status", "incomplete")
    (invoice,) = club.invoices(ada)
    assert f"cityos subscriptions pay {invoice['id']}" in result.err
    again = club("subscriptions", "pay", invoice["id"], "--yes")
    assert (again.code, "declined" in again.err, "declined" in again.out) == (3, True, True)
    assert club.json("subscriptions", "method", ada["id"], "visa")["payment_method"] == "visa"
    dry = club.json("subscriptions", "pay", invoice["id"], "--dry-run")
    assert (dry["dry_run"], dry["status"], dry["amount"]) == (True, "pending", "30.00")
    asked = club("subscriptions", "pay", invoice["id"])
    assert (asked.code, "Charge 30.00 USD to ada?" in asked.err) == (2, True)
    assert club.json("subscriptions", "pay", invoice["id"], "--yes")["status"] == "succeeded"
    assert club.get(ada)["status"] == "active"
    assert club.json("subscriptions", "method", ada["id"], "--default")["payment_method"] is None


def test_a_payment_of_which_nobody_knows(club: Club) -> None:
    """A payment whose answer is lost ends with 9; asking the gateway later clears it up."""
    club.sell()
    begun = club("subscriptions", "begin", "basic", "ada", "--payment-method", "lost")
    assert (begun.code, "billing inquire" in begun.err) == (9, True)
    assert club.json("subscriptions", "list")[0]["status"] == "incomplete"
    club.wait(hours=1)
    assert club.json("billing", "inquire") == {"paid": 1, "declined": 0, "unknown": 0}
    assert club.json("subscriptions", "list")[0]["status"] == "active"


def test_subscriptions_are_listed(club: Club) -> None:
    """Subscriptions are found by state, by who has them, and by plan, by its handle or id."""
    plan = club.sell()
    club.sell("extra", "--trial-days", "7")
    ada, bob = club.begin(), club.begin("extra", "bob")
    assert [one["id"] for one in club.json("subscriptions", "list")] == [ada["id"], bob["id"]]
    assert [one["id"] for one in club.json("subscriptions", "list", "--limit", "1")] == [ada["id"]]
    for words in (("--status", "trialing"), ("--subscriber", "bob"), ("--plan", "extra")):
        assert [one["id"] for one in club.json("subscriptions", "list", *words)] == [bob["id"]]
    assert [one["plan"] for one in club.json("subscriptions", "list", "--plan", plan["id"])] == ["basic"]


def test_usage_counts_once(club: Club, tmp_path: Path) -> None:
    """Usage from a file is billed at the period's end; the same file again changes nothing."""
    club.sell_team()
    ada = club.begin("team", "ada", "--quantity", "seats=1")
    head = "subscription,key,item,quantity,used_at\n"
    (tmp_path / "usage.csv").write_text(head + club.used(ada, "a", "100") + club.used(ada, "b", "2.5"))
    assert club.json("subscriptions", "usage", "usage.csv")["created"] == 2
    again = club.json("subscriptions", "usage", "usage.csv")
    assert again == {"created": 0, "updated": 0, "unchanged": 2, "rejected": 0}
    line = f'{{"subscription": "{ada["id"]}", "key": "c", "item": "calls", "quantity": "1", "used_at": "2026-01-31T12:00:00Z"}}'
    assert read_counts(club("subscriptions", "usage", "-", stdin=f"{line}\n{line}\n").succeeded().out) == (1, 1)
    club.wait(days=29)
    assert club.bill()["invoiced"] == [{"currency": "USD", "amount": "15.18"}]


def read_counts(out: str) -> tuple[int, int]:
    """Give how many were created, and how many left unchanged."""
    counts = dict(line.split("\t") for line in out.splitlines()[1:])
    return int(counts["created"]), int(counts["unchanged"])


def test_usage_that_is_rejected(club: Club, tmp_path: Path) -> None:
    """Each report stands alone: those that are wrong are told by row, the others count."""
    club.sell_team()
    ada = club.begin("team", "ada")
    good, huge = club.used(ada, "good", "1"), club.used(ada, "huge", "9" * 40)
    rows = [
        good,
        club.used(ada, "=cmd", "1", item="seats"),
        club.used(ada, "item", "1", item="none"),
        club.used({"id": NOBODY}, "nobody", "1"),
        good.replace(",1,", ",2,"),
        f"{ada['id']},naive,calls,1,2026-01-31T12:00:00\n",
        f"{ada['id']},future,calls,1,2027-01-31T12:00:00Z\n",
        huge,
        club.used(ada, "float", "1e3"),
        club.used(ada, "negative", "-1"),
        f"{ada['id']},short\n",
        club.used(ada, "last", "1"),
    ]
    (tmp_path / "usage.csv").write_text("subscription,key,item,quantity,used_at\n" + "".join(rows))
    result = club("subscriptions", "usage", "usage.csv", "--errors", "rejected.csv", "--output", "csv")
    assert (result.code, "10 of 12 rows were rejected" in result.err) == (10, True)
    assert result.out == "created,updated,unchanged,rejected\n2,0,0,10\n"
    rejected = list(csv.DictReader((tmp_path / "rejected.csv").read_text().splitlines()))
    assert [(row["row"], row["reference"], row["code"]) for row in rejected] == [
        ("3", "'=cmd", "not_metered"),
        ("4", "item", "no_such_item"),
        ("5", "nobody", "subscription_not_found"),
        ("6", "good", "usage_key_reused"),
        ("7", "naive", "not_a_time"),
        ("8", "future", "usage_in_future"),
        ("9", "huge", "not_a_decimal"),
        ("10", "float", "not_a_decimal"),
        ("11", "negative", "negative_quantity"),
        ("12", "short", "wrong_cell_count"),
    ]
    (tmp_path / "usage.csv").write_text("subscription,key\n")
    assert club("subscriptions", "usage", "usage.csv").code == 8


def test_a_discount_is_given_later(club: Club) -> None:
    """A discount counts from the next period on, by a percentage or by an amount, and not by both."""
    club.sell()
    ada = club.begin()
    given = club.json("subscriptions", "discount", ada["id"], "spring", "--percentage", "50", "--cycles", "1")
    assert [(one["code"], one["percentage"], one["cycles"]) for one in given["discounts"]] == [("spring", "50", 1)]
    club.json("subscriptions", "discount", ada["id"], "loyal", "--amount", "1.00")
    for both in ((), ("--percentage", "5", "--amount", "1.00")):
        refused = club("subscriptions", "discount", ada["id"], "more", *both)
        assert (refused.code, "one of them" in refused.err) == (2, True)
    wrong = {
        ("--percentage", "101"): 8,
        ("--amount", "1"): 8,
        ("--amount", "9" * 25 + ".00"): 8,
        ("--amount", "-1.00"): 8,
        ("--percentage", "5", "--cycles", "0"): 2,
        ("--percentage", "5", "--cycles", "9" * 30): 8,
    }
    for words, code in wrong.items():
        assert club("subscriptions", "discount", ada["id"], "more", *words).code == code
    assert club("subscriptions", "discount", ada["id"], "loyal", "--amount", "1.00").code == 7
    forecast = club.json("subscriptions", "forecast", ada["id"], "--cycles", "2")
    assert [one["total"] for one in forecast] == ["14.00", "29.00"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("none", "ada"), 6, "plan_not_found"),
        (("basic", "a:b"), 8, "no colon"),
        (("basic", "ada", "--quantity", "seats"), 2, "ITEM=NUMBER"),
        (("basic", "ada", "--quantity", "seats=x"), 8, "not_a_decimal"),
        (("basic", "ada", "--quantity", f"base={'9' * 5000}"), 8, "not_a_decimal"),
        (("basic", "ada", "--quantity", "base=2"), 8, "not charged per seat"),
        (("basic", "ada", "--quantity", "none=2"), 6, "no_such_item"),
        (("basic", "ada", "--discount", "spring"), 2, "CODE=10%"),
        (("basic", "ada", "--discount", "spring=10"), 8, "wrong_digits"),
        (("basic", "ada", "--discount", "spring=10%x0"), 8, "one cycle or more"),
        (("basic", "ada", "--discount", f"spring=10%x{'9' * 20}"), 8, "64 bits"),
        (("basic", "ada", "--discount", "spring=10%", "--discount", "spring=5%"), 7, "discount_given"),
        (("basic", "ada", "--tax", "21"), 2, "nl=21"),
        (("basic", "ada", "--tax", "nl=210"), 8, "percentage_out_of_range"),
        (("basic", "ada", "--trial-days", "99999999999999999999"), 7, "trial_too_long"),
        (("basic", "ada", "--terms-days", "-1"), 8, "terms are 0 to"),
        (("basic", "ada", "--store", "none"), 6, "store"),
        (("basic", "ada", "--payment-method", " "), 8, "payment method"),
    ],
)
def test_agreements_that_cannot_be(club: Club, words: tuple[str, ...], code: int, says: str) -> None:
    """What cannot be agreed on is refused in one line, and nobody is charged."""
    club.sell()
    result = club("subscriptions", "begin", *words)
    assert (result.code, says in result.err, result.err.count("\n"), result.out) == (code, True, 1, "")
    assert club.json("subscriptions", "list") == []


@pytest.mark.parametrize(
    ("seats", "says"),
    [("9" * 18, "whole number from 0 to 1000000"), ("9" * 20, "whole number"), ("-1", "whole number")],
)
def test_more_seats_than_there_can_be(club: Club, seats: str, says: str) -> None:
    """A number of seats that nobody can pay for, or count, is refused."""
    club.sell_team()
    result = club("subscriptions", "begin", "team", "ada", "--quantity", f"seats={seats}")
    assert (result.code, says in result.err, club.json("subscriptions", "list")) == (8, True, [])


def test_nothing_is_charged_without_a_gateway(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no gateway is configured a subscription that is charged is refused, and the refusal says what to do."""
    monkeypatch.delenv("CITYOS_PAYMENT_GATEWAY")
    club.sell()
    result = club("subscriptions", "begin", "basic", "ada")
    assert (result.code, "no_gateway" in result.err) == (7, True)


@pytest.mark.parametrize("command", ["show", "cycles", "pause", "undo", "forecast"])
def test_nobodys_subscription(club: Club, command: str) -> None:
    """An id of nothing is not found; what is no id is a wrong command line."""
    assert club("subscriptions", command, NOBODY).code == 6
    assert club("subscriptions", command, "ada").code == 2


@pytest.mark.parametrize(
    "words", [("--usage", "calls"), ("--usage", "calls=x"), ("--cycles", "0"), ("--cycles", "9999")]
)
def test_forecasts_that_cannot_be(club: Club, words: tuple[str, ...]) -> None:
    """A forecast looks ahead a number of periods that can be, and takes exact quantities."""
    club.sell_team()
    ada = club.begin("team", "ada")
    assert club("subscriptions", "forecast", ada["id"], *words).code == (2 if words[-1] == "calls" else 8)


def test_a_forecast_of_one(club: Club) -> None:
    """A forecast bills the next periods on paper, with the usage that is expected, until the subscription ends."""
    club.sell_team()
    ada = club.begin("team", "ada", "--quantity", "seats=2")
    found = club.json("subscriptions", "forecast", ada["id"], "--cycles", "3", "--usage", "calls=100")
    assert [(one["cycle"], one["start"][:10], one["total"]) for one in found] == [
        (1, "2026-02-28", "25.00"),
        (2, "2026-03-31", "25.00"),
        (3, "2026-04-30", "25.00"),
    ]
    assert [line["kind"] for line in found[0]["lines"]] == ["recurring", "usage"]
    assert club("subscriptions", "forecast", ada["id"]).succeeded().out.count("\n") == 13
    club("subscriptions", "cancel", ada["id"], "--reason", "moved").succeeded()
    (closing,) = club.json("billing", "forecast", ada["id"])
    assert (closing["start"], closing["total"]) == (None, "0.00")


@pytest.mark.parametrize("output", ["table", "csv", "jsonl"])
def test_subscriptions_in_every_form(club: Club, output: str) -> None:
    """Lists and records are printed in all forms, and a spreadsheet runs nothing of them."""
    club.sell()
    ada = club.begin("basic", "ada", "--payment-method", "=cmd")
    for words in (("list",), ("show", ada["id"]), ("cycles", ada["id"]), ("forecast", ada["id"])):
        assert club("subscriptions", *words, "--output", output).succeeded().out.count("\n") > (output == "csv")
    shown = club("subscriptions", "show", ada["id"], "--output", output).out
    assert ("'=cmd" in shown) == (output == "csv")


def test_a_reader_that_has_seen_enough(club: Club, tmp_path: Path) -> None:
    """Whoever reads a list may close the pipe."""
    club.sell()
    for number in range(3):
        club.begin("basic", f"ada-{number}")
    command = f"{sys.executable} -c 'from cityos_cli.main import run; run()' --tenant north subscriptions list | true"
    ended = subprocess.run(
        ["/bin/bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
