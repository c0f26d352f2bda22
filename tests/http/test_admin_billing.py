"""Billing runs, the cycles that wait for a person, and recurring revenue over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_core.app import CityOS
from cityos_core.kernel.paging import PageRequest
from cityos_core.tenancy.model import Tenant
from cityos_core.testing.clock import SimulatedClock
from clients import Client, everything, refusal

RUNS = "/admin/billing-runs"
CYCLES = "/admin/billing-cycles"
SUBSCRIPTIONS = "/admin/subscriptions"
BOX = {"key": "box", "name": "Box", "price": "50.00"}
WEEKLY: dict[str, Any] = {"handle": "box", "name": "Box", "currency": "EUR", "interval": "week", "items": [BOX]}


def euro(amount: str) -> dict[str, str]:
    """Write an amount."""
    return {"amount": amount, "currency": "EUR"}


def begun(admin: Client, reference: str = "ann", **more: Any) -> str:
    """Let somebody subscribe to a weekly box, and give the path of the subscription."""
    body = {"plan": "box", "subscriber": {"kind": "customer", "reference": reference}, **more}
    made = admin.post(SUBSCRIPTIONS, body)
    assert made.status_code == 201, made.text
    return f"{SUBSCRIPTIONS}/{made.json()['id']}"


@pytest.fixture
def box(admin: Client) -> None:
    """A plan: 50.00 a week."""
    assert admin.post("/admin/plans", WEEKLY).status_code == 201


@pytest.fixture
def halting(admin: Client) -> None:
    """The same, of which nobody bills several cycles at once unasked."""
    assert admin.post("/admin/plans", {**WEEKLY, "catch_up": "halt"}).status_code == 201


def books(app: CityOS, tenant: Tenant) -> tuple[object, ...]:
    """Copy what must not change."""
    scope = tenant.scope
    return (
        app.audit.list(scope, None, PageRequest(1)).items,
        app.ledger.balances(scope),
        app.subscriptions.list(scope).items,
        app.invoices.list(scope).items,
        app.billing.cycles(scope).items,
        app.billing.runs(scope).items,
    )


@pytest.mark.usefixtures("box")
def test_a_rehearsed_run(
    admin: Client, app: CityOS, north: Tenant, clock: SimulatedClock, gateway: ScriptedGateway
) -> None:
    """A dry run certifies what would be billed and leaves no trace, so that the run itself bills just that."""
    begun(admin)
    begun(admin, "bob", payment_method="declined", collection={"method": "invoice", "terms_days": 7})
    clock.advance(timedelta(days=14))
    before, calls = books(app, north), gateway.calls
    tried = admin.post(RUNS, dry_run="true", key="monday")
    assert (tried.status_code, tried.headers["dry-run"]) == (201, "true")
    said = tried.json()
    assert (said["dry_run"], said["id"], said["certificate"]["ties"]) == (True, None, True)
    assert (said["certificate"]["due"], said["certificate"]["invoiced"]) == (4, [euro("200.00")])
    assert (books(app, north), gateway.calls) == (before, calls)
    done = admin.post(RUNS, key="monday").json()
    proof = done["certificate"]
    assert (done["dry_run"], proof["due"], proof["billed"], proof["failed"]) == (False, 4, 4, {})
    assert (proof["invoiced"], proof["booked"], proof["differences"]) == ([euro("200.00")], [euro("200.00")], [])
    assert (proof["invoices"], proof["paid"], proof["declined"], proof["unknown"]) == (4, 2, 0, 0)

    def seen(run: dict[str, Any]) -> list[tuple[object, ...]]:
        return [(one["subscription"], one["cycle"], one["outcome"], one["total"]) for one in run["cycles"]]

    assert seen(done) == seen(said)
    assert {one["outcome"] for one in done["cycles"]} == {"billed"}
    again = admin.post(RUNS, key="monday")
    assert (again.json(), again.headers["idempotent-replayed"]) == (done, "true")
    empty = admin.post(RUNS).json()
    assert (empty["certificate"]["due"], empty["cycles"]) == (0, [])
    assert gateway.collected("EUR").text == "150.00"
    kept = admin.get(f"{RUNS}/{done['id']}").json()
    assert kept["certificate"] == proof
    assert [run["id"] for run in everything(admin, RUNS, limit=1)] == [empty["id"], done["id"]]
    assert refusal(admin.send("POST", RUNS, None, {})) == (400, "missing_idempotency_key")


@pytest.mark.usefixtures("halting")
def test_cycles_that_wait_for_a_person(admin: Client, clock: SimulatedClock) -> None:
    """After an outage a person decides: billed after all, cycle by cycle, or left out."""
    paths = [begun(admin), begun(admin, "bob")]
    ids = [path.rpartition("/")[2] for path in paths]
    clock.advance(timedelta(days=21))
    run = admin.post(RUNS).json()
    assert run["certificate"]["failed"] == {"halted": 2}
    assert run["certificate"]["ties"] is True
    waiting = everything(admin, CYCLES, status="failed", limit=1)
    assert {(one["subscription"], one["index"]) for one in waiting} == {(one, 1) for one in ids}
    assert all(one["reason"] for one in waiting)
    retried = admin.post(f"{CYCLES}/retry", {"subscription": ids[0], "index": 1}).json()
    assert (retried["status"], retried["reason"]) == ("upcoming", None)
    skipped = admin.post(f"{CYCLES}/skip", {"subscription": ids[1], "index": 1}).json()
    assert (skipped["status"], skipped["reason"]) == ("skipped", "by_hand")
    again = admin.post(f"{CYCLES}/skip", {"subscription": ids[1], "index": 1})
    assert refusal(again) == (409, "invalid_state")
    assert again.json()["current_state"] == "skipped"
    assert refusal(admin.post(f"{CYCLES}/retry", {"subscription": ids[0], "index": 7})) == (404, "cycle_not_found")
    assert refusal(admin.post(f"{CYCLES}/retry", {"subscription": ids[0], "index": -1})) == (422, "malformed")
    admin.post(RUNS)
    assert [one["cycle"] for one in everything(admin, f"{paths[0]}/invoices")] == [3, 2, 1, 0]


@pytest.mark.usefixtures("box")
def test_whoever_keeps_the_time(
    platform: Client, admin: Client, app: CityOS, north: Tenant, clock: SimulatedClock, gateway: ScriptedGateway
) -> None:
    """Called from outside, billing does in every tenant what is due: bills, tries again, books; twice does it once."""
    path = begun(admin)
    admin.put(f"{path}/payment-method", {"payment_method": "declined"})

    def cron(key: str) -> dict[str, Any]:
        heads = {"Idempotency-Key": key, "host": "localhost"}
        (found,) = platform.send("POST", "/api/cron/billing", None, heads).json()["tenants"]
        return dict(found)

    clock.advance(timedelta(days=7))
    first = cron("one")
    assert (first["tenant"], first["due"], first["billed"], first["ties"]) == ("north", 1, 1, True)
    assert (first["invoiced"], first["retried"], first["problem"]) == ([euro("50.00")], 0, None)
    assert first["recognised"] > 0
    assert admin.get(path).json()["status"] == "past_due"
    assert cron("one") == first
    assert (cron("two")["due"], app.ledger.verify(north.scope).ok) == (0, True)
    admin.put(f"{path}/payment-method", {"payment_method": "pm_2"})
    clock.advance(timedelta(days=1))
    assert cron("three")["retried"] == 1
    assert (admin.get(path).json()["status"], gateway.collected("EUR").text) == ("active", "100.00")
    refused = admin.send("POST", "/api/cron/billing", None, {"Idempotency-Key": "four"})
    assert refusal(refused) == (403, "forbidden")


@pytest.mark.usefixtures("box", "team")
def test_recurring_revenue(admin: Client, app: CityOS, north: Tenant, clock: SimulatedClock) -> None:
    """A week's 50.00 counts 216.67 a month; start and movements sum to the end, and the past stays as it was."""
    start = clock.now().isoformat()
    weekly = begun(admin)
    body = {"plan": "team", "subscriber": {"kind": "customer", "reference": "bob"}, "quantities": {"seats": 3}}
    seats = f"{SUBSCRIPTIONS}/{admin.post(SUBSCRIPTIONS, body).json()['id']}"
    clock.advance(timedelta(days=1))
    standing = admin.get("/admin/mrr").json()["standings"]["EUR"]
    assert standing == {
        "revenue": euro("246.67"),
        "annual": euro("2960.04"),
        "per_subscriber": euro("123.34"),
        "subscriptions": 2,
        "subscribers": 2,
    }
    assert admin.get("/admin/mrr", at=start).json()["standings"] == {}
    clock.advance(timedelta(days=27))
    app.billing.run(north.scope)
    admin.post(f"{seats}/change", {"quantities": {"seats": 5}})
    admin.post(f"{weekly}/cancel", {"reason": "moved", "when": "now"})
    clock.advance(timedelta(days=1))
    bridge = admin.get("/admin/mrr/bridge", start=start).json()["bridges"]["EUR"]
    assert (bridge["start"], bridge["end"]) == (euro("0.00"), euro("50.00"))
    assert bridge["moved"] == {
        "new": euro("246.67"),
        "expansion": euro("20.00"),
        "contraction": euro("0.00"),
        "churn": euro("-216.67"),
        "reactivation": euro("0.00"),
    }
    later = admin.get("/admin/mrr/bridge", start="2026-01-06T00:00:00Z").json()["bridges"]["EUR"]
    assert (later["start"], later["subscribers"], later["lost"]) == (euro("246.67"), 2, 1)
    assert (later["subscriber_churn"], later["revenue_churn"]) == ("0.5", "21667/24667")
    movements = everything(admin, "/admin/mrr/movements", limit=1)
    assert [(one["kind"], one["change"]["amount"]) for one in movements[2:]] in (
        [("expansion", "20.00"), ("churn", "-216.67")],
        [("churn", "-216.67"), ("expansion", "20.00")],
    )
    assert {one["subscriber"]["reference"] for one in movements} == {"ann", "bob"}
    some = everything(admin, "/admin/mrr/movements", since="2026-01-06T00:00:00Z", currency="EUR")
    assert some == movements[2:]
    (cohort,) = admin.get("/admin/mrr/cohorts", currency="EUR").json()["cohorts"]
    assert cohort == {
        "month": "2026-01-01",
        "subscriptions": 2,
        "revenue": [euro("246.67"), euro("50.00")],
        "retained": [2, 1],
    }
    assert refusal(admin.get("/admin/mrr/cohorts", currency="EURO")) == (422, "malformed")
    assert refusal(admin.get("/admin/mrr/bridge")) == (422, "malformed")
    backwards = admin.get("/admin/mrr/bridge", start="2026-02-01T00:00:00Z", end="2026-01-01T00:00:00Z")
    assert refusal(backwards) == (422, "reversed_span")


@pytest.mark.usefixtures("box")
def test_revenue_is_not_the_customers_to_see(ann: Client, acme: Client) -> None:
    """Neither a customer nor a vendor runs billing or reads what it comes to."""
    for client in (ann, acme):
        for path in (RUNS, CYCLES, "/admin/mrr", "/admin/mrr/movements", "/admin/invoices", SUBSCRIPTIONS):
            assert refusal(client.get(path)) == (403, "forbidden")
        assert refusal(client.post(RUNS)) == (403, "forbidden")
