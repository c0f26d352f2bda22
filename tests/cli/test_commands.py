"""Every group of commands, on a small market."""

import json
import sqlite3
from pathlib import Path

import pytest

from cli.market import ORDERS
from cli.shell import Cityos, Result, read

DAY = "2026-01-05T09:00:00Z"
ORDER = {
    "reference": "A-1",
    "placed_at": DAY,
    "customer": "VINET",
    "currency": "USD",
    "lines": [
        {"reference": "1", "sku": "11", "vendor": "las-cabras", "quantity": 4, "unit_price": "25.00", "tax": "19.00"}
    ],
}


def _show(cityos: Cityos, *args: str) -> object:
    return read(cityos(*args, "--output", "json").succeeded())


@pytest.fixture
def order(north: Cityos, tmp_path: Path) -> Cityos:
    """A market in which order A-1 was placed: four chairs at 25.00, 19.00 of tax, 10 % commission."""
    (tmp_path / "order.json").write_text(json.dumps(ORDER))
    north("orders", "place", "order.json").succeeded()
    return north


def test_tree(cityos: Cityos) -> None:
    """The tree grows, moves with a preview, and is archived."""
    cityos("db", "migrate").succeeded()
    cityos("tree", "add", "de/green-city/food/wholesale", "--name", "Wholesale").succeeded()
    cityos("tree", "add", "de/green-city/drinks").succeeded()
    cityos("settings", "set", "holding_days", "3", "--node", "de/green-city/food").succeeded()
    move = ("tree", "move", "de/green-city/food/wholesale", "de/green-city/drinks")
    preview = read(cityos(*move, "--dry-run", "--output", "json").succeeded())
    assert preview["moved"] is False
    assert [(change["key"], change["before"], change["after"]) for change in preview["changes"]] == [
        ("holding_days", 3, 7)
    ]
    assert cityos(*move).code == 2
    assert read(cityos(*move, "--yes", "--output", "json").succeeded())["moved"] is True
    listed = cityos("tree", "list", "de/green-city/drinks").succeeded().out
    assert "de/green-city/drinks/wholesale\tsubcategory\tWholesale\tactive" in listed
    cityos("tree", "archive", "de/green-city/food", "--yes").succeeded()
    assert "archived" in cityos("tree", "list", "de/green-city/food").out
    cityos("tree", "restore", "de/green-city/food").succeeded()
    assert cityos("tree", "add", "atlantis").code == 8


def test_tenants(north: Cityos) -> None:
    """A tenant is changed, suspended for a reason, and put back to work."""
    north("tenants", "change", "north", "--time-zone", "Europe/Berlin").succeeded()
    suspended = read(north("tenants", "suspend", "north", "--reason", "audit", "--yes", "--output", "json").succeeded())
    assert (suspended["status"], suspended["reason"], suspended["time_zone"]) == ("suspended", "audit", "Europe/Berlin")
    north("tenants", "activate", "north").succeeded()
    assert "north\tNorth Market" in north("tenants", "list").out
    assert north("tenants", "archive", "north", "--yes").code == 7
    assert north("tenants", "show", "south").code == 6


def test_stores(north: Cityos) -> None:
    """A store is opened, changed and shown."""
    north("stores", "create", "main", "--name", "Main", "--country", "DE", "--currency", "USD").succeeded()
    north("stores", "change", "main", "--name", "Main street").succeeded()
    shown = _show(north, "stores", "show", "main")
    assert isinstance(shown, dict)
    assert (shown["name"], shown["countries"]) == ("Main street", ["DE"])
    assert "main\tMain street" in north("stores", "list").out


def test_settings_are_set_explained_and_unset(north: Cityos) -> None:
    """A setting says where it comes from, what it overrides and who locked it."""
    north("settings", "set", "holding_days", "14", "--node", "de", "--locked").succeeded()
    explained = read(north("settings", "explain", "holding_days", "--output", "json").succeeded())
    assert (explained["value"], explained["origin"], explained["locked_by"]) == (14, "de", "de")
    assert north("settings", "set", "holding_days", "3").code == 7
    assert north("settings", "set", "holding_days", "soon").code == 8
    assert north("settings", "set", "holding_day", "3").code == 8
    north("settings", "set", "reserve_percentage", "10").succeeded()
    north("settings", "set", "reserve_percentage", "8.5").succeeded()
    north("settings", "set", "payout_minimums", '{"USD": "25.00"}').succeeded()
    shown = {row["key"]: row for row in read(north("settings", "show", "--origin", "--output", "json").succeeded())}
    assert shown["reserve_percentage"] == {
        "key": "reserve_percentage",
        "value": "8.5",
        "origin": "de/green-city/food/wholesale/north",
    }
    assert shown["tenant"] == {"key": "tenant", "value": "north", "origin": "flag"}
    unset = read(north("settings", "unset", "reserve_percentage", "--output", "json").succeeded())
    assert (unset["value"], unset["origin"]) == ("0", "default")
    assert "holding_days" in north("settings", "list").succeeded().out


def test_vendors_are_onboarded(north: Cityos) -> None:
    """A vendor is registered, meets what is asked of it, and is approved; its team and account are looked after."""
    north("vendors", "register", "acme", "--name", "Acme", "--country", "DE").succeeded()
    assert north("vendors", "approve", "acme").code == 7
    north("vendors", "submit", "acme").succeeded()
    assert north("vendors", "approve", "acme").code == 7
    for key in ("identity", "bank_account", "terms"):
        north("vendors", "requirement", "acme", key, "submit", "--reference", f"{key}.pdf").succeeded()
        north("vendors", "requirement", "acme", key, "accept").succeeded()
    assert "approved" in north("vendors", "approve", "acme").succeeded().out
    north("vendors", "team", "invite", "acme", "ann@acme.example", "owner").succeeded()
    north("vendors", "team", "join", "acme", "ann@acme.example").succeeded()
    north("vendors", "team", "invite", "acme", "bob@acme.example", "staff").succeeded()
    north("vendors", "team", "role", "acme", "bob@acme.example", "manager").succeeded()
    north("vendors", "team", "remove", "acme", "bob@acme.example").succeeded()
    assert north("vendors", "team", "remove", "acme", "ann@acme.example").code == 7
    account = ("--method", "manual", "--reference", "DE89", "--holder", "Acme")
    north("vendors", "account", "set", "acme", *account).succeeded()
    north("vendors", "account", "verify", "acme", "--reference", "DE89").succeeded()
    north("vendors", "change", "acme", "--website", "https://acme.example", "--payout-schedule", "weekly:5").succeeded()
    shown = read(north("vendors", "show", "acme", "--output", "json").succeeded())
    assert (shown["payout_account"], shown["website"]) == ("manual verified", "https://acme.example")
    assert shown["team"] == {"ann@acme.example": "owner"}
    north("vendors", "suspend", "acme", "--reason", "complaints", "--yes").succeeded()
    assert "acme\tAcme\tsuspended" in north("vendors", "list", "--status", "suspended").out
    north("vendors", "reinstate", "acme").succeeded()
    north("vendors", "terminate", "acme", "--reason", "left", "--yes").succeeded()


def test_products(north: Cityos) -> None:
    """A product is created, priced, published, counted and put away."""
    create = ("--title", "Wine", "--vendor", "leka", "--unit-price", "9.5", "--category", "beverages/wine")
    assert north("products", "create", "wine", *create).code == 6
    north("products", "categories", "add", "beverages/wine", "--name", "Wine").succeeded()
    north("products", "create", "wine", *create, "--tag", "red").succeeded()
    north("products", "change", "wine", "--unit-price", "0.5292", "--currency", "USD").succeeded()
    north("products", "publish", "wine").succeeded()
    shown = read(north("products", "show", "wine", "--output", "json").succeeded())
    assert (shown["unit_price"], shown["status"], shown["vendor"]) == ("0.5292", "published", "leka")
    north("products", "stock", "set", "wine", "5", "--low-at", "6").succeeded()
    assert "wine\t5\t0\t5\t6\tfalse" in north("products", "stock", "low").out
    north("products", "withdraw", "wine").succeeded()
    north("products", "archive", "wine").succeeded()
    assert "beverages/wine" in north("products", "categories", "list").out
    assert [row["sku"] for row in read(north("products", "list", "--vendor", "leka", "--output", "json"))] == [
        "42",
        "wine",
    ]


def test_order_is_sent_refunded_and_disputed(order: Cityos) -> None:
    """An order goes through its life, and every step of its money is repeatable or refused."""
    order("orders", "place", "order.json").succeeded()
    order("orders", "fulfil", "A-1", "--item", "1=3", "--carrier", "DHL", "--tracking", "JD1", "--at", DAY).succeeded()
    order("orders", "fulfil", "A-1").succeeded()
    order("orders", "deliver", "A-1").succeeded()
    assert order("orders", "cancel", "A-1", "--yes").code == 7
    one = ("orders", "refund", "A-1", "--line", "1=1", "--reason", "damaged")
    dry = read(order(*one, "--dry-run", "--output", "json").succeeded())
    assert (dry["amount"], dry["lines"][0]["legs"]) == ("29.75", {"vendor": "27.25", "commission": "2.50"})
    assert order(*one).code == 2
    for _ in range(2):
        order(*one, "--idempotency-key", "ticket-7", "--yes").succeeded()
    order("orders", "dispute", "open", "A-1", "dp_1", "--amount", "10.00").succeeded()
    closed = order("orders", "dispute", "close", "A-1", "dp_1", "--won", "--yes", "--output", "json").succeeded()
    assert read(closed)["status"] == "won"
    assert order("orders", "refund", "A-1", "--amount", "100.00", "--yes").code == 7
    assert order("orders", "refund", "A-1", "--amount", "1.0", "--yes").code == 8
    assert order("orders", "refund", "A-1", "--amount", "1.00", "--line", "1", "--yes").code == 2
    order("orders", "refund", "A-1", "--yes").succeeded()
    shown = read(order("orders", "show", "A-1", "--output", "json").succeeded())
    assert (shown["status"], shown["refunded"], shown["lines"][0]["remaining"]) == ("completed", "119.00", {})
    assert "A-1" in order("orders", "list", "--customer", "VINET", "--since", "2026-01-05", "--until", "2026-01-06").out
    order("ledger", "verify").succeeded()


def test_order_is_cancelled(order: Cityos) -> None:
    """An order of which nothing was sent is cancelled, and the buyer has the money back."""
    shown = read(order("orders", "cancel", "A-1", "--note", "second thoughts", "--yes", "--output", "json").succeeded())
    assert (shown["status"], shown["refunded"]) == ("cancelled", "119.00")


def test_shipping_is_quoted(order: Cityos) -> None:
    """The rate tables answer what shipping would cost."""
    assert order("orders", "quote-shipping", "order.json").code == 7
    rates = [{"name": "Flat", "currency": "USD", "flat": "4.90"}]
    order("settings", "set", "shipping_rates", json.dumps(rates)).succeeded()
    assert "las-cabras\t4.90\tUSD\tFlat" in order("orders", "quote-shipping", "order.json").succeeded().out


def test_commission_rules_have_versions(north: Cityos, tmp_path: Path) -> None:
    """Rules are imported as drafts, replayed, activated and retired; every version is kept."""
    north("orders", "import", "orders.jsonl")
    dearer = [{"name": "Dearer", "scope": {"level": "tenant", "reference": "north"}, "rate": {"percentage": "20"}}]
    (tmp_path / "dearer.json").write_text(json.dumps(dearer))
    replayed = read(north("commission", "replay", "dearer.json", "--output", "json").succeeded())
    assert (replayed["orders"], replayed["totals"][0]["after"]) == (2, "64.12")
    assert "total\t\tUSD\t3\t29.17\t64.12\t34.95" in north("commission", "replay", "dearer.json").out
    north("commission", "rules", "import", "dearer.json", "--draft").succeeded()
    assert "draft" in north("commission", "rules", "list").out
    assert north("commission", "rules", "activate", "Dearer").code == 2
    north("commission", "rules", "activate", "Dearer", "--yes").succeeded()
    north("commission", "rules", "retire", "Dearer", "--yes").succeeded()
    versions = read(north("commission", "rules", "history", "Dearer", "--output", "json").succeeded())
    assert [(one["version"], one["status"]) for one in versions] == [(1, "draft"), (2, "active"), (3, "retired")]
    assert versions[0]["rule"]["rate"]["percentage"] == "20"
    assert north("commission", "rules", "retire", "Nothing", "--yes").code == 6
    platform = ("commission", "rules", "list", "--platform", "--output", "json")
    assert read(north(*platform).succeeded()) == []


def test_commission_lint(north: Cityos, tmp_path: Path) -> None:
    """The lint tells of rules that compete, and fails only if it is asked to."""
    same = [{"name": "Same", "scope": {"level": "tenant", "reference": "north"}, "rate": {"percentage": "5"}}]
    (tmp_path / "same.json").write_text(json.dumps(same))
    north("commission", "rules", "import", "same.json").succeeded()
    assert "unreachable\tSame\tEverything" in north("commission", "lint").succeeded().out
    assert north("commission", "lint", "--strict").code == 1


def test_commission_transactions(north: Cityos) -> None:
    """Every sold line is a transaction that names its rule and its journal."""
    north("orders", "import", "orders.jsonl")
    rows = read(north("commission", "transactions", "--vendor", "las-cabras", "--output", "json").succeeded())
    assert [(row["order"], row["rules"], row["commission"]) for row in rows] == [
        ("10248", "Cheese in bulk", "13.07"),
        ("10249", "Everything", "6.30"),
    ]
    explained = read(north("commission", "explain", "10248/1", "--output", "json").succeeded())
    assert (explained["commission"], explained["decisions"][0]["base"]) == ("13.07", "159.60")
    assert north("commission", "explain", "10248/9").code == 6


def _payouts(north: Cityos) -> list[str]:
    north("orders", "import", "orders.jsonl")
    north("payouts", "run", "--yes").succeeded()
    return [row["id"] for row in read(north("payouts", "list", "--output", "json").succeeded())]


def test_payouts_are_confirmed_returned_and_retried(north: Cityos) -> None:
    """A payout by hand waits until somebody confirms it; the bank may still send it back, or it fails and is retried."""
    first, second = _payouts(north)
    assert north("payouts", "confirm", first, "--reference", "line 4").code == 2
    confirm = ("payouts", "confirm", first, "--reference", "line 4", "--yes", "--output", "json")
    assert read(north(*confirm).succeeded())["status"] == "paid"
    assert read(north(*confirm).succeeded())["status"] == "paid"
    returned = north("payouts", "returned", first, "--reason", "account closed", "--yes", "--output", "json")
    assert read(returned.succeeded())["status"] == "returned"
    north("payouts", "fail", second, "--reason", "no such account", "--yes").succeeded()
    retried = read(north("payouts", "retry", second, "--yes", "--output", "json").succeeded())
    assert (retried["status"], retried["retries"]) == ("pending", second)
    north("payouts", "hold", retried["id"], "--reason", "looks odd").succeeded()
    north("payouts", "release", retried["id"]).succeeded()
    north("payouts", "cancel", retried["id"], "--reason", "not now", "--yes").succeeded()
    assert "canceled" in north("payouts", "list", "--status", "canceled").out
    assert north("payouts", "show", "00000000-0000-0000-0000-000000000001").code == 6
    assert len(read(north("payouts", "batches", "--output", "json").succeeded())) == 1
    north("ledger", "verify").succeeded()


def test_payout_that_a_vendor_asks_for(north: Cityos) -> None:
    """A vendor may be paid any part of what is available, once per key."""
    north("orders", "import", "orders.jsonl")
    north("orders", "release-due").succeeded()
    ask = ("payouts", "request", "leka", "25.00", "--idempotency-key", "k", "--yes", "--output", "json")
    asked, again = read(north(*ask).succeeded()), read(north(*ask).succeeded())
    assert asked == again
    north("payouts", "process", "--yes").succeeded()
    assert north("payouts", "request", "leka", "9999.00", "--yes").code == 7


def test_payout_run_asks_with_the_sum(north: Cityos) -> None:
    """Nobody to ask: the run says what it would pay, and pays nothing."""
    north("orders", "import", "orders.jsonl")
    refused = north("payouts", "run")
    assert refused.code == 2
    assert "Pay 267.11 USD to 2 vendors?" in refused.err
    assert read(north("payouts", "list", "--output", "json")) == []


def test_ledger_is_read(north: Cityos) -> None:
    """Balances, journals, statements and exports all tell the same."""
    _payouts(north)
    balances = read(north("ledger", "balances", "--vendor", "leka", "--output", "json").succeeded())
    assert {row["account"].rpartition(":")[2]: row["balance"] for row in balances} == {
        "available": "0.00",
        "in_payout": "100.52",
        "pending": "0.00",
    }
    journals = [
        json.loads(line) for line in north("ledger", "journals", "--output", "jsonl").succeeded().out.splitlines()
    ]
    exported = read(north("ledger", "export", "--output", "json").succeeded())
    assert journals == exported
    rows = north("ledger", "export", "--output", "csv").succeeded().out.splitlines()
    assert len(rows) == 1 + sum(len(journal["postings"]) for journal in exported)
    period = ("--since", "1996-07-01", "--until", "2100-01-01")
    statement = read(north("ledger", "statement", "leka", *period, "--output", "json").succeeded())
    assert statement["sections"][0]["closing"]["total"] == "100.52"
    assert north("ledger", "statement", "leka", *period, "--output", "csv").succeeded().out.count("\n") == 6
    assert north("ledger", "statement", "leka", "--since", "soon", "--until", "later").code == 8
    assert north("ledger", "journals", "--kind", "order_paid", "--limit", "1").succeeded().out.count("\n") <= 2


def test_ledger_is_corrected_by_hand(north: Cityos) -> None:
    """A fee is posted and reversed once, by someone, for a reason; unexplained money waits in suspense."""
    north("orders", "import", "orders.jsonl")
    signed = ("--reason", "annual fee", "--actor", "ann", "--yes", "--output", "json")
    accounts = ("--amount", "5.00", "--currency", "USD", "--debit", "bank", "--credit", "revenue:commission")
    adjust = ("ledger", "adjust", "fee", *accounts, "--idempotency-key", "fee-1", *signed)
    posted, again = read(north(*adjust).succeeded()), read(north(*adjust).succeeded())
    assert posted == again
    assert posted["references"]["actor"] == "ann"
    north("ledger", "reverse", posted["journal"], *signed).succeeded()
    assert north("ledger", "reverse", "nothing", *signed).code == 6
    received = ("ledger", "receive", "bank", "--amount", "7.00", "--currency", "USD", "--reference", "r1")
    north(*received).succeeded()
    north("ledger", "resolve", "bank", "--reference", "r1", "--to", "revenue:commission", *signed).succeeded()
    assert north("ledger", "adjust", "gift", *accounts, *signed).code == 2
    north("ledger", "verify").succeeded()


def test_another_tenant_sees_nothing(north: Cityos, cityos: Cityos) -> None:
    """What belongs to one tenant does not exist for another."""
    north("orders", "import", "orders.jsonl")
    name = ("--parent", "de/green-city/food/wholesale", "--name", "South", "--currency", "USD")
    cityos("tenants", "create", "south", *name).succeeded()

    def south(*args: str) -> Result:
        return cityos(*args, "--tenant", "south")

    assert south("orders", "show", str(ORDERS[0]["reference"])).code == 6
    assert south("commission", "explain", "10248/1").code == 6
    assert south("vendors", "show", "leka").code == 6
    assert read(south("orders", "list", "--output", "json")) == []
    assert read(south("ledger", "balances", "--output", "json")) == []


def test_database_is_checked(cityos: Cityos, tmp_path: Path) -> None:
    """The database is held against what this version needs, and the doctor says what to do."""
    assert cityos("db", "check").code == 9
    missing = cityos("doctor")
    assert missing.code == 1
    assert "cityos db migrate" in missing.out
    (tmp_path / "city.db").touch()
    lagging = cityos("db", "check", "--output", "json")
    assert lagging.code == 1
    assert "cityos db migrate" in read(lagging)["problems"][0]
    assert "database\tfalse" in cityos("doctor").out
    cityos("db", "migrate").succeeded()
    assert read(cityos("db", "check", "--output", "json").succeeded()) == {"ok": True, "problems": []}
    assert "database\ttrue" in cityos("doctor").succeeded().out
    with sqlite3.connect(tmp_path / "city.db") as connection:
        connection.execute("DROP TRIGGER postings_no_update")
    connection.close()
    broken = cityos("db", "check")
    assert broken.code == 1
    assert "postings_no_update" in broken.out


def test_doctor_says_what_the_driver_said(cityos: Cityos) -> None:
    """Of a database that does not answer the doctor says why, and never the password."""
    result = cityos("--database-url", "postgresql://city:hunter2@127.0.0.1:1/city", "doctor")
    assert result.code == 1
    assert "did not answer; connection failed" in result.out
    assert "hunter2" not in result.out + result.err


def test_doctor_looks_at_the_bank(cityos: Cityos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bank account to pay from is checked: whole, right, and its folder writable."""
    cityos("db", "migrate").succeeded()
    monkeypatch.setenv("CITYOS_BANK_NAME", "North Market")
    assert "bank\tfalse" in cityos("doctor").out
    monkeypatch.setenv("CITYOS_BANK_DIRECTORY", "files")
    monkeypatch.setenv("CITYOS_BANK_IBAN", "DE00370400440532013000")
    assert "not an IBAN" in cityos("doctor").out
    monkeypatch.setenv("CITYOS_BANK_IBAN", "DE89370400440532013000")
    assert "cannot be written" in cityos("doctor").out
    (tmp_path / "files").mkdir()
    assert "bank\ttrue" in cityos("doctor").succeeded().out


def test_a_tenant_is_needed(north: Cityos, cityos: Cityos) -> None:
    """A command that works in a tenant says so."""
    del north
    result = cityos("vendors", "list")
    assert (result.code, result.out) == (2, "")
    assert "--tenant" in result.err
    assert cityos("vendors", "list", "--tenant", "nowhere").code == 6
