"""Invoices from the command line: looked at, corrected, given up, paid by bank."""

import pytest

from cli.club import Club

NOBODY = "00000000-0000-4000-8000-000000000000"
ON_ACCOUNT = ("--collection", "invoice", "--terms-days", "14")


def test_invoices_are_listed_and_shown(club: Club) -> None:
    """Invoices come newest first, by state, subscriber or subscription; one is shown with its lines."""
    club.sell()
    ada, bob = club.begin(), club.begin("basic", "bob", *ON_ACCOUNT)
    assert [one["number"] for one in club.json("invoices", "list")] == ["north/2", "north/1"]
    for words in (("--status", "open"), ("--subscriber", "bob"), ("--subscription", bob["id"]), ("--limit", "1")):
        assert [one["number"] for one in club.json("invoices", "list", *words)] == ["north/2"]
    (invoice,) = club.invoices(ada)
    shown = club.json("invoices", "show", invoice["id"])
    assert {name: value for name, value in shown.items() if name != "lines"} == invoice
    (line,) = shown["lines"]
    assert (line["line"], line["kind"], line["start"], line["end"]) == (0, "recurring", "2026-01-31", "2026-02-28")
    (attempt,) = club.json("invoices", "attempts", invoice["id"])
    assert (attempt["number"], attempt["origin"], attempt["status"], attempt["amount"]) == (
        *(1, "billing", "succeeded"),
        "30.00",
    )


def test_a_credit_note(club: Club) -> None:
    """Some of a line is given back by a credit note under a number of its own; a dry run keeps none."""
    club.sell()
    (invoice,) = club.invoices(club.begin())
    ask = ("invoices", "credit", invoice["id"], "--line", "0=10.00", "--reason", "an outage")
    asked = club(*ask)
    assert (asked.code, "Credit 10.00 USD of invoice north/1?" in asked.err) == (2, True)
    dry = club.json(*ask, "--dry-run")
    assert (dry["dry_run"], dry["id"], dry["number"], dry["total"]) == (True, None, None, "10.00")
    made = club.json(*ask, "--yes")
    assert (made["number"], made["total"], made["lines"]) == (
        *("north/1", "10.00"),
        [{"line": 0, "net": "10.00", "tax": "0.00"}],
    )
    assert [one["id"] for one in club.json("invoices", "credit-notes", invoice["id"])] == [made["id"]]
    assert club.json("invoices", "show", invoice["id"])["credited"] == "10.00"
    more = club("invoices", "credit", invoice["id"], "--line", "0=20.01", "--reason", "more", "--yes")
    assert (more.code, "20.00 USD is left" in more.err) == (7, True)


@pytest.mark.parametrize(
    ("line", "code"),
    [("0", 2), ("0=", 2), ("x=1.00", 8), ("9=1.00", 8), ("0=1", 8), ("0=-1.00", 8), (f"0={'9' * 30}.00", 8)],
)
def test_corrections_that_cannot_be(club: Club, line: str, code: int) -> None:
    """A correction names a line that charged something, and an amount of it."""
    club.sell()
    (invoice,) = club.invoices(club.begin())
    assert club("invoices", "credit", invoice["id"], "--line", line, "--reason", "x", "--yes").code == code
    assert club.json("invoices", "credit-notes", invoice["id"]) == []


def test_an_invoice_is_voided(club: Club) -> None:
    """An open invoice is declared void, once somebody agrees; one that was paid is not."""
    club.sell()
    (paid,), (owed,) = club.invoices(club.begin()), club.invoices(club.begin("basic", "bob", *ON_ACCOUNT))
    ask = ("invoices", "void", owed["id"], "--reason", "a mistake")
    assert club(*ask).code == 2
    assert club.json(*ask, "--dry-run")["status"] == "void"
    assert club.json("invoices", "show", owed["id"])["status"] == "open"
    assert club.json(*ask, "--yes")["status"] == "void"
    refused = club("invoices", "void", paid["id"], "--reason", "a mistake", "--yes")
    assert (refused.code, "credit it instead" in refused.err) == (7, True)


def test_an_invoice_is_given_up_and_paid_after_all(club: Club) -> None:
    """What is owed is written off; money that comes by bank later is taken all the same, once."""
    club.sell()
    (owed,) = club.invoices(club.begin("basic", "bob", *ON_ACCOUNT))
    ask = ("invoices", "write-off", owed["id"], "--reason", "bankrupt")
    asked = club(*ask)
    assert (asked.code, "Give up 30.00 USD" in asked.err) == (2, True)
    assert club.json(*ask, "--dry-run")["dry_run"] is True
    assert club.json(*ask, "--yes")["status"] == "uncollectible"
    club.wait(days=1)
    paid = ("invoices", "mark-paid", owed["id"], "--reference", "statement 17/4", "--amount", "31.00")
    assert club(*paid).code == 2
    assert club.json(*paid, "--dry-run", "--at", "2026-02-01")["settled_at"] == "2026-02-01T00:00:00Z"
    done = club.json(*paid, "--at", "2026-02-01T10:00:00+01:00", "--yes")
    assert (done["status"], done["settled_at"]) == ("paid", "2026-02-01T09:00:00Z")
    assert club.json(*paid, "--yes")["status"] == "paid"
    assert club.json("ledger", "verify")["ok"] is True


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--reference", "x", "--amount", "29.99"), 7, "partial_payment"),
        (("--reference", " "), 8, "no_reference"),
        (("--reference", "x", "--at", "2026-01-31T10:00:00"), 8, "no time zone"),
        (("--reference", "x", "--at", "2027-01-31"), 8, "paid_in_future"),
        (("--reference", "x", "--amount", "1e3"), 8, "not_a_decimal"),
        ((), 2, "--reference"),
    ],
)
def test_payments_that_cannot_be(club: Club, words: tuple[str, ...], code: int, says: str) -> None:
    """A payment by bank has a reference, came by now, and is all that is owed."""
    club.sell()
    (owed,) = club.invoices(club.begin("basic", "bob", *ON_ACCOUNT))
    result = club("invoices", "mark-paid", owed["id"], *words, "--yes")
    assert (result.code, says in result.err, result.err.count("\n")) == (code, True, 1)


@pytest.mark.parametrize("command", ["show", "attempts", "credit-notes", "void", "write-off"])
def test_nobodys_invoice(club: Club, command: str) -> None:
    """An id of nothing is not found; a number is not an id."""
    words = ("--reason", "x", "--yes") if command in {"void", "write-off"} else ()
    assert club("invoices", command, NOBODY, *words).code == 6
    assert club("invoices", command, "north/1", *words).code == 2


@pytest.mark.parametrize("output", ["table", "csv", "jsonl"])
def test_invoices_in_every_form(club: Club, output: str) -> None:
    """Invoices, their lines, attempts and credit notes are printed in all forms."""
    club.sell()
    (invoice,) = club.invoices(club.begin())
    given = ("--line", "0=1.00", "--reason", "=cmd", "--yes")
    assert "1.00" in club("invoices", "credit", invoice["id"], *given, "--output", output).succeeded().out
    for command in ("list", "show", "attempts", "credit-notes"):
        words = () if command == "list" else (invoice["id"],)
        shown = club("invoices", command, *words, "--output", output).succeeded().out
        assert "north/1" in shown or command == "attempts"
        assert ("\nLines\n" in shown) == (command == "show" and output == "table")
        assert ("'=cmd" in shown) == (command == "credit-notes" and output == "csv")
