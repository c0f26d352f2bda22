"""Payouts over HTTP: runs, and what people decide about single ones."""

from datetime import timedelta

import pytest

from cityos_core.app import CityOS
from cityos_core.kernel.ids import BatchId, PayoutId
from cityos_core.payouts.model import PayoutStatus
from cityos_core.tenancy.model import Tenant
from cityos_core.testing.clock import SimulatedClock
from cityos_http import identifiers
from clients import Client, everything, refusal

RUNS = "/admin/payout-batches"
PAYOUTS = "/admin/payouts"


def line(sku: str, vendor: str, price: str) -> dict[str, object]:
    """Write a line of one unit."""
    return {"reference": sku, "sku": sku, "vendor": vendor, "quantity": 1, "unit_price": price}


def available(app: CityOS, north: Tenant) -> int:
    """What acme could be paid, in cents."""
    balances = app.payouts.dashboard(north.scope, "acme").balances
    return balances["EUR"].available if "EUR" in balances else 0


@pytest.fixture
def due(admin: Client, clock: SimulatedClock) -> None:
    """Money of two vendors that is to be paid out: 100.00 to acme, 250.00 to birch."""
    order = {
        "reference": "10248",
        "placed_at": "2026-01-05T08:00:00Z",
        "currency": "EUR",
        "lines": [line("chair", "acme", "100.00"), line("table", "birch", "250.00")],
    }
    path = f"/admin/orders/{admin.post('/admin/orders', order).json()['id']}"
    assert admin.post(f"{path}/fulfill", {}).status_code == 200
    clock.advance(timedelta(days=40))


@pytest.fixture
def sent(admin: Client, due: None) -> str:
    """The path of a payout to acme that was sent and has not arrived yet."""
    del due
    assert admin.post(RUNS, {}).status_code == 201
    return f"{PAYOUTS}/{admin.get(PAYOUTS, vendor='acme').json()['data'][0]['id']}"


@pytest.fixture
def pending(admin: Client, app: CityOS, north: Tenant, due: None) -> str:
    """The path of a payout to acme that waits to be sent."""
    del due
    app.orders.release_due(north.scope)
    assert available(app, north) == 10000
    asked = admin.http.post(
        "/vendor/payouts/request",
        json={"amount": {"amount": "100.00", "currency": "EUR"}},
        headers={**admin.headers, "X-Vendor": "acme", "Idempotency-Key": "pending"},
    )
    assert asked.status_code == 201, asked.text
    return f"{PAYOUTS}/{asked.json()['id']}"


@pytest.mark.usefixtures("due")
def test_a_rehearsed_run(admin: Client, app: CityOS, north: Tenant) -> None:
    """A dry run says what would be paid and keeps nothing, so that the run itself does just that."""
    tried = admin.post(RUNS, {}, dry_run="true")
    assert (tried.status_code, tried.headers["dry-run"]) == (201, "true")
    said = tried.json()
    assert (said["dry_run"], said["batch"], said["processed"]) == (True, None, None)
    assert said["count"] == 2
    assert said["totals"] == [{"amount": "350.00", "currency": "EUR"}]
    assert [(one["vendor"], one["amount"]["amount"]) for one in said["payouts"]] == [
        ("acme", "100.00"),
        ("birch", "250.00"),
    ]
    assert said["released"] == {"vendor_orders": 2, "reserves": 0}
    assert admin.get(PAYOUTS).json()["data"] == []
    done = admin.post(RUNS, {}, key="january").json()
    assert (done["payouts"], done["totals"], done["dry_run"]) == (said["payouts"], said["totals"], False)
    assert done["processed"]["steps"] == {"in_transit": 2}
    again = admin.post(RUNS, {}, key="january")
    assert (again.json(), again.headers["idempotent-replayed"]) == (done, "true")
    batch = identifiers.read(BatchId, done["batch"])
    stored = app.payouts.list(north.scope).items
    assert [payout.batch_id for payout in stored] == [batch, batch]


@pytest.mark.usefixtures("due")
def test_a_run_for_some_vendors(admin: Client) -> None:
    """A run pays whom it names; a name of nobody is refused."""
    assert refusal(admin.post(RUNS, {"vendors": ["nobody"]})) == (404, "vendor_not_found")
    assert refusal(admin.post(RUNS, {"vendors": []})) == (422, "malformed")
    run = admin.post(RUNS, {"vendors": ["birch"]}).json()
    assert [one["vendor"] for one in run["payouts"]] == ["birch"]
    assert refusal(admin.send("POST", RUNS, {}, {})) == (400, "missing_idempotency_key")


def test_a_run_with_nothing_to_pay(admin: Client) -> None:
    """A run without money to pay is a batch of nothing."""
    run = admin.post(RUNS, {}).json()
    assert (run["count"], run["totals"], run["payouts"]) == (0, [], [])
    assert [batch["payouts"] for batch in everything(admin, RUNS)] == [0]


def test_listing_payouts(admin: Client, sent: str) -> None:
    """Payouts are found by vendor, state and batch; batches list what was left out."""
    payout = admin.get(sent).json()
    assert (payout["vendor"], payout["amount"]["amount"], payout["method"]) == ("acme", "100.00", "manual")
    everyone = everything(admin, PAYOUTS, limit=1)
    assert [one["vendor"] for one in everyone] == ["acme", "birch"]
    assert everything(admin, PAYOUTS, vendor="acme") == [payout]
    assert everything(admin, PAYOUTS, batch=payout["batch"], status="in_transit") == everyone
    assert everything(admin, PAYOUTS, status="held") == []
    assert [batch["id"] for batch in everything(admin, RUNS)] == [payout["batch"]]
    assert refusal(admin.get(PAYOUTS, batch="bat_x")) == (422, "malformed")


def test_confirming_and_returning(admin: Client, app: CityOS, north: Tenant, sent: str) -> None:
    """What arrived is paid; what came back is the vendor's again."""
    assert refusal(admin.post(f"{sent}/confirm", {"reference": " "})) == (422, "no_reference")
    paid = admin.post(f"{sent}/confirm", {"reference": "E2E-1"}).json()
    assert (paid["status"], paid["reference"]) == ("paid", "E2E-1")
    assert refusal(admin.post(f"{sent}/fail", {"reason": "late"})) == (409, "invalid_state")
    assert available(app, north) == 0
    tried = admin.post(f"{sent}/return", {"reason": "account closed"}, dry_run="true").json()
    assert (tried["status"], available(app, north)) == ("returned", 0)
    back = admin.post(f"{sent}/return", {"reason": "account closed"}).json()
    assert (back["status"], back["reason"], available(app, north)) == ("returned", "account closed", 10000)


def test_failing_and_trying_again(admin: Client, app: CityOS, north: Tenant, sent: str) -> None:
    """What failed is tried again as a new payout, of which there is one however often it is asked for."""
    assert refusal(admin.post(f"{sent}/retry")) == (409, "invalid_state")
    failed = admin.post(f"{sent}/fail", {"reason": "rejected by the bank"}).json()
    assert (failed["status"], available(app, north)) == ("failed", 10000)
    again = admin.post(f"{sent}/retry").json()
    assert (again["status"], again["retries"]) == ("pending", failed["id"])
    assert admin.post(f"{sent}/retry").json()["id"] == again["id"]
    steps = admin.post(f"{PAYOUTS}/process").json()["steps"]
    assert steps == {"in_transit": 1}
    found = app.payouts.get(north.scope, PayoutId(identifiers.read(PayoutId, again["id"])))
    assert found.status is PayoutStatus.IN_TRANSIT


def test_holding_and_cancelling(admin: Client, app: CityOS, north: Tenant, pending: str) -> None:
    """A payout is stopped for a reason, let go, and called off."""
    assert refusal(admin.post(f"{pending}/hold", {})) == (422, "malformed")
    held = admin.post(f"{pending}/hold", {"reason": "looks odd"}).json()
    assert (held["status"], held["reason"], held["allowed_actions"]) == ("held", "looks odd", ["release", "cancel"])
    assert admin.post(f"{PAYOUTS}/process").json()["steps"] == {}
    assert admin.post(f"{pending}/release").json()["status"] == "pending"
    off = admin.post(f"{pending}/cancel", {"reason": "asked to"}).json()
    assert (off["status"], available(app, north)) == ("canceled", 10000)
    assert refusal(admin.post(f"{pending}/release")) == (409, "invalid_state")


def test_a_changed_account(admin: Client, app: CityOS, north: Tenant, pending: str) -> None:
    """A payout whose vendor has another account goes there once someone approves it."""
    admin.post(f"{pending}/hold", {"reason": "another account"})
    assert refusal(admin.post(f"{pending}/approve-account")) == (409, "account_unchanged")
    app.vendors.set_payout_account(north.scope, "acme", method="memory", reference="acct-9", holder="Acme")
    assert refusal(admin.post(f"{pending}/approve-account")) == (409, "account_not_verified")
    app.vendors.verify_payout_account(north.scope, "acme")
    approved = admin.post(f"{pending}/approve-account").json()
    assert (approved["status"], approved["method"]) == ("pending", "memory")


def test_payouts_are_for_finance(acme: Client, sent: str) -> None:
    """A vendor's owner confirms nothing, not even of its own."""
    assert refusal(acme.post(f"{sent}/confirm", {"reference": "E2E-1"})) == (403, "forbidden")
