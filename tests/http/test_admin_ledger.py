"""The books over HTTP."""

import pytest

from cityos_core.app import CityOS
from cityos_core.kernel.ids import JournalId
from cityos_core.tenancy.model import Tenant
from cityos_http import identifiers
from clients import Client, everything, refusal

PERIOD = {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}


@pytest.fixture
def sold(admin: Client) -> str:
    """An order of 100.00 from acme, by id."""
    line = {"reference": "1", "sku": "chair", "vendor": "acme", "quantity": 1, "unit_price": "100.00"}
    order = {"reference": "10248", "placed_at": "2026-01-05T08:00:00Z", "currency": "EUR", "lines": [line]}
    return str(admin.post("/admin/orders", order).json()["id"])


@pytest.mark.usefixtures("sold")
def test_accounts(admin: Client, app: CityOS, north: Tenant) -> None:
    """Accounts hold what the ledger says, by path, those of a prefix, at an instant."""
    shown = everything(admin, "/admin/ledger/accounts", limit=1)
    assert {one["path"]: one["balance"]["amount"] for one in shown} == {
        balance.account.path: balance.money.text for balance in app.ledger.balances(north.scope)
    }
    assert shown == sorted(shown, key=lambda one: one["path"])
    mine = everything(admin, "/admin/ledger/accounts", prefix="vendor:")
    assert [one["balance"] for one in mine] == [{"amount": "100.00", "currency": "EUR"}]
    assert everything(admin, "/admin/ledger/accounts", as_of="2026-01-04T00:00:00Z") == []
    assert refusal(admin.get("/admin/ledger/accounts", as_of="yesterday")) == (422, "malformed")


def test_journals(admin: Client, app: CityOS, north: Tenant, sold: str) -> None:
    """Journals balance and are found by kind, account and time."""
    admin.post(f"/admin/orders/{sold}/refunds", {"amount": {"amount": "10.00", "currency": "EUR"}})
    found = everything(admin, "/admin/ledger/journals", limit=1)
    stored = app.ledger.journals(north.scope).items
    assert [one["key"] for one in found] == [journal.key for journal in stored]
    assert [identifiers.read(JournalId, one["id"]) for one in found] == [journal.id for journal in stored]
    assert all(sum(float(posting["amount"]["amount"]) for posting in one["postings"]) == 0 for one in found)
    assert [one["kind"] for one in everything(admin, "/admin/ledger/journals", kind="order_paid")] == ["order_paid"]
    later = everything(admin, "/admin/ledger/journals", account="gateway:", since="2026-01-05T08:30:00Z")
    assert later == found[1:]
    assert everything(admin, "/admin/ledger/journals", until="2026-01-05T08:30:00Z") == found[:1]


@pytest.mark.usefixtures("sold")
def test_verifying(admin: Client) -> None:
    """The books are recomputed and found to be right."""
    said = admin.get("/admin/ledger/verify").json()
    assert said == {"is_right": True, "accounts": 2, "currencies": ["EUR"], "differences": []}


@pytest.mark.usefixtures("sold")
def test_statements(admin: Client, acme: Client) -> None:
    """An administrator reads the statement that the vendor reads."""
    said = admin.get("/admin/ledger/statements", vendor="acme", **PERIOD)
    assert said.json() == acme.get("/vendor/statements", **PERIOD).json()
    assert said.json()["sections"][0]["closing"]["pending"] == {"amount": "100.00", "currency": "EUR"}
    assert refusal(admin.get("/admin/ledger/statements", vendor="nobody", **PERIOD)) == (404, "vendor_not_found")
    backwards = {"since": PERIOD["until"], "until": PERIOD["since"]}
    assert refusal(admin.get("/admin/ledger/statements", vendor="acme", **backwards)) == (422, "empty_period")
    assert refusal(admin.get("/admin/ledger/statements", **PERIOD)) == (422, "malformed")
    for_ever = {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}
    said = admin.get("/admin/ledger/statements", vendor="acme", **for_ever)
    assert refusal(said) == (422, "malformed")
    assert [mistake["pointer"] for mistake in said.json()["errors"]] == ["query/since", "query/until"]


def test_the_books_are_not_for_vendors(acme: Client) -> None:
    """A vendor's owner reads its own statement and no accounts."""
    assert refusal(acme.get("/admin/ledger/accounts")) == (403, "forbidden")
