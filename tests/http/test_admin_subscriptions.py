"""Plans, subscriptions and their invoices over HTTP, as administrators look after them."""

from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.placing import Where
from cityos_core.access.roles import part_of_the_system
from cityos_core.app import CityOS
from cityos_core.tenancy.model import Tenant
from cityos_core.testing.clock import SimulatedClock
from clients import Client, everything, refusal

PLANS = "/admin/plans"
SUBSCRIPTIONS = "/admin/subscriptions"
INVOICES = "/admin/invoices"
ON_ACCOUNT = {"method": "invoice", "terms_days": 14}

SEATS = {"key": "seats", "name": "Seats", "kind": "per_seat", "price": "10.00"}
BOX: dict[str, Any] = {
    "handle": "box",
    "name": "Weekly box",
    "currency": "EUR",
    "interval": "week",
    "count": 2,
    "items": [{"key": "box", "name": "Box", "price": {"amount": "9.995", "currency": "EUR"}}, SEATS],
    "trial_days": 7,
    "catch_up": "bill_current",
    "late_usage": "refuse",
    "dunning": {"days": [2, 4], "end": "canceled"},
    "proration": "second",
}


def euro(amount: str) -> dict[str, str]:
    """Write an amount."""
    return {"amount": amount, "currency": "EUR"}


def agreed(plan: str = "team", **more: Any) -> dict[str, Any]:
    """Write what was agreed with a company."""
    return {"plan": plan, "subscriber": {"kind": "company", "reference": "acme-bv"}, "quantities": {"seats": 2}, **more}


def begun(admin: Client, **more: Any) -> str:
    """Subscribe a company and give the path of the subscription."""
    made = admin.post(SUBSCRIPTIONS, agreed(**more))
    assert made.status_code == 201, made.text
    return f"{SUBSCRIPTIONS}/{made.json()['id']}"


def newest(admin: Client, path: str) -> dict[str, Any]:
    """Give the invoice of a subscription that was written last."""
    found: dict[str, Any] = everything(admin, f"{path}/invoices")[0]
    return found


def test_a_plan_with_everything(admin: Client) -> None:
    """A plan is kept as it was written; amounts inside may leave its currency out."""
    made = admin.post(PLANS, BOX)
    assert made.status_code == 201, made.text
    shown = made.json()
    items = [{**item, "kind": "fixed", "pricing": None, **item} for item in BOX["items"]]
    items[1]["price"] = euro("10.00")
    assert {name: shown[name] for name in BOX} == {**BOX, "items": items}
    assert (shown["retired_at"], shown["version"]) == (None, 1)
    assert admin.get(f"{PLANS}/{shown['id']}").json() == shown
    assert refusal(admin.post(PLANS, BOX)) == (409, "handle_taken")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"items": []}, "#/items"),
        ({"items": [{**SEATS, "pricing": {"tiers": [{"unit": "1"}]}}]}, "#/items/0/pricing"),
        ({"items": [{**SEATS, "price": {"amount": "1.00", "currency": "USD"}}]}, "#/items/0/price/currency"),
        ({"items": [SEATS, SEATS]}, "#/items/1/key"),
        ({"trial_days": 731}, "#/trial_days"),
        ({"count": 0}, "#/count"),
        ({"dunning": {"days": [3, 1]}}, "#/dunning/days"),
        ({"currency": "XXX"}, "#/currency"),
        ({"tenant_id": "south"}, "#/tenant_id"),
        ({"name": " "}, "#/name"),
    ],
)
def test_a_plan_with_mistakes(admin: Client, change: dict[str, Any], pointer: str) -> None:
    """Every mistake is named by its place, and no plan is made."""
    answer = admin.post(PLANS, {**BOX, **change})
    assert answer.status_code == 422
    assert pointer in [mistake["pointer"] for mistake in answer.json()["errors"]], answer.text
    assert everything(admin, PLANS) == []


def test_a_retired_plan_is_kept_by_those_who_have_it(admin: Client, team: str) -> None:
    """Nobody subscribes to it any more; retiring it again changes nothing."""
    path = begun(admin)
    retired = admin.post(f"{PLANS}/{team}/retire").json()
    assert retired["retired_at"] == "2026-01-05T09:00:00Z"
    assert admin.post(f"{PLANS}/{team}/retire").json() == retired
    assert refusal(admin.post(SUBSCRIPTIONS, agreed())) == (409, "plan_retired")
    assert admin.post(f"{path}/change", {"quantities": {"seats": 3}}).status_code == 200
    assert [plan["handle"] for plan in everything(admin, PLANS)] == ["team"]


@pytest.mark.usefixtures("team")
def test_what_was_agreed(admin: Client, gateway: ScriptedGateway) -> None:
    """Discounts, tax and terms are the invoice's; on account the subscription is active and nobody is charged."""
    path = begun(
        admin,
        discounts=[
            {"code": "friend", "percentage": "10", "cycles": 2},
            {"code": "once", "amount": euro("3.00"), "cycles": 1},
        ],
        tax={"percentage": "21", "jurisdiction": "nl"},
        collection=ON_ACCOUNT,
    )
    held = admin.get(path).json()
    assert (held["status"], held["subscriber"]) == ("active", {"kind": "company", "reference": "acme-bv"})
    assert [(one["code"], one["cycles"], one["used"]) for one in held["discounts"]] == [
        ("friend", 2, 1),
        ("once", 1, 1),
    ]
    assert held["allowed_actions"] == ["change", "pause", "cancel_later", "undo", "cancel"]
    assert held["current_period"] == {"cycle": 0, "start": "2026-01-05T09:00:00Z", "end": "2026-02-05T09:00:00Z"}
    invoice = newest(admin, path)
    assert (invoice["net"], invoice["tax"], invoice["total"]) == (euro("15.00"), euro("3.15"), euro("18.15"))
    assert (invoice["entity"], invoice["number"], invoice["due_at"]) == ("north", 1, "2026-01-19T09:00:00Z")
    assert invoice["allowed_actions"] == ["pay", "void", "write_off"]
    (line,) = invoice["lines"]
    assert (line["gross"], line["discount"], line["covers"]) == (
        euro("20.00"),
        euro("5.00"),
        {"start": "2026-01-05", "end": "2026-02-05"},
    )
    cycles = admin.get(f"{path}/forecast", cycles=3).json()["cycles"]
    assert [one["total"]["amount"] for one in cycles] == ["21.78", "24.20", "24.20"]
    assert gateway.calls == 0


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"subscriber": {"kind": "customer", "reference": "a:b"}}, "#/subscriber/reference"),
        ({"subscriber": {"kind": "vendor", "reference": "ann"}}, "#/subscriber/kind"),
        ({"discounts": [{"code": "free", "percentage": "101"}]}, "#/discounts/0/percentage"),
        ({"discounts": [{"code": "free", "percentage": "100", "used": -5}]}, "#/discounts/0/used"),
        ({"discounts": [{"code": " ", "percentage": "100"}]}, "#/discounts/0/code"),
        ({"discounts": [{"code": "none", "percentage": "1", "cycles": 0}]}, "#/discounts/0/cycles"),
        ({"tax": {"percentage": "21", "jurisdiction": ""}}, "#/tax/jurisdiction"),
        ({"collection": {"method": "invoice", "terms_days": 366}}, "#/collection/terms_days"),
        ({"quantities": {"seats": 1.5}}, "#/quantities"),
        ({"status": "active"}, "#/status"),
        ({"next_cycle": 12}, "#/next_cycle"),
    ],
)
@pytest.mark.usefixtures("team")
def test_an_agreement_with_mistakes(admin: Client, more: dict[str, Any], pointer: str) -> None:
    """Every mistake is named by its place, and nobody is subscribed."""
    answer = admin.post(SUBSCRIPTIONS, agreed(**more))
    assert answer.status_code == 422
    assert any(mistake["pointer"].startswith(pointer) for mistake in answer.json()["errors"]), answer.text
    assert everything(admin, SUBSCRIPTIONS) == []


@pytest.mark.usefixtures("team")
def test_a_trial(admin: Client, gateway: ScriptedGateway, clock: SimulatedClock) -> None:
    """A trial costs nothing, ends at another time, and is converted as it was previewed."""
    path = begun(admin, trial_days=14)
    held = admin.get(path).json()
    assert (held["status"], held["trial_ends_at"], held["current_period"]) == ("trialing", "2026-01-19T09:00:00Z", None)
    assert "change_trial" in held["allowed_actions"]
    longer = admin.post(f"{path}/trial", {"ends_at": "2026-02-01T09:00:00+01:00"}).json()
    assert (longer["trial_ends_at"], longer["due_at"]) == ("2026-02-01T08:00:00Z", "2026-02-01T08:00:00Z")
    assert refusal(admin.post(f"{path}/trial", {"ends_at": "2026-01-05T08:00:00Z"})) == (409, "trial_ended")
    assert gateway.calls == 0
    clock.advance(timedelta(days=1))
    shown = admin.post(f"{path}/preview", {"convert": {}}).json()
    assert (shown["invoice"]["due"], shown["subscription"]["status"]) == (euro("20.00"), "active")
    tried = admin.post(f"{path}/convert", {"token": shown["token"]}, dry_run="true").json()
    assert (tried["status"], gateway.calls) == ("active", 0)
    done = admin.post(f"{path}/convert", {"token": shown["token"]}).json()
    assert (done["status"], done["current_period"]["start"]) == ("active", "2026-01-06T09:00:00Z")
    assert (newest(admin, path)["status"], gateway.collected("EUR").text) == ("paid", "20.00")
    assert refusal(admin.post(f"{path}/convert", {})) == (409, "invalid_state")


@pytest.mark.usefixtures("team", "pro")
def test_changing_pausing_and_canceling(admin: Client, clock: SimulatedClock) -> None:
    """An administrator changes what a subscriber has, stops it, goes on, and ends it giving the rest back."""
    path = begun(admin, collection=ON_ACCOUNT)
    clock.advance(timedelta(days=15))
    changed = admin.post(f"{path}/change", {"plan": "pro"}).json()
    assert (changed["quantities"], changed["plan"]) == ({"seats": 2}, plan_id(admin, "pro"))
    assert newest(admin, path)["total"] == euro("5.16")
    later = admin.post(f"{path}/change", {"plan": "team", "when": "period_end"}).json()
    assert later["scheduled"] == {
        "plan": plan_id(admin, "team"),
        "quantities": {"seats": 2},
        "requested_at": now(clock),
    }
    assert admin.post(f"{path}/undo", {}).json()["scheduled"] is None
    assert admin.post(f"{path}/pause", {}).json()["paused_at"] == now(clock)
    refused = admin.post(f"{path}/change", {"plan": "team"})
    assert refusal(refused) == (409, "invalid_state")
    assert (refused.json()["current_state"], refused.json()["allowed_actions"]) == ("paused", ["resume", "cancel"])
    assert admin.post(f"{path}/resume", {}).json()["status"] == "active"
    wish = {"reason": "moved away", "when": "now", "gives_back": True}
    shown = admin.post(f"{path}/preview", {"cancel": wish}).json()
    assert shown["invoice"]["to_credit"] == euro("15.48")
    ended = admin.post(f"{path}/cancel", {**wish, "token": shown["token"]}).json()
    assert (ended["status"], ended["ends_at"], ended["cancellation"]["at_period_end"]) == (
        "canceled",
        now(clock),
        False,
    )
    assert newest(admin, path)["total"] == euro("-15.48")


def plan_id(admin: Client, handle: str) -> str:
    """Give the id of a plan."""
    return next(str(plan["id"]) for plan in everything(admin, PLANS) if plan["handle"] == handle)


def now(clock: SimulatedClock) -> str:
    """Write the time."""
    return clock.now().isoformat().replace("+00:00", "Z")


@pytest.mark.usefixtures("team")
def test_discounts_given_later(admin: Client) -> None:
    """A discount is on what is billed from now on; one of the same code waits until the first has run out."""
    path = begun(admin)
    after = admin.post(f"{path}/discounts", {"code": "sorry", "amount": euro("5.00"), "cycles": 1})
    assert (after.status_code, after.json()["discounts"][0]["used"]) == (201, 0)
    cycles = admin.get(f"{path}/forecast", cycles=2).json()["cycles"]
    assert [one["total"]["amount"] for one in cycles] == ["15.00", "20.00"]
    twice = admin.post(f"{path}/discounts", {"code": "sorry", "percentage": "5"})
    assert refusal(twice) == (409, "discount_given")
    both = admin.post(f"{path}/discounts", {"code": "both", "percentage": "5", "amount": euro("1.00")})
    assert refusal(both) == (422, "discount_form")
    dollars = admin.post(f"{path}/discounts", {"code": "usd", "amount": {"amount": "1.00", "currency": "USD"}})
    assert dollars.json()["errors"][0]["pointer"] == "#/amount"


def report(key: str, quantity: str = "3", at: str = "2026-01-05T09:00:00Z") -> dict[str, str]:
    """Write a report of usage."""
    return {"key": key, "item": "calls", "quantity": quantity, "used_at": at}


@pytest.mark.usefixtures("team")
def test_usage(admin: Client, app: CityOS, north: Tenant, clock: SimulatedClock) -> None:
    """Usage is taken exactly, once for each key, from administrators and meters alike, and billed in arrears."""
    path = begun(admin)
    subscription = path.rpartition("/")[2]
    first = admin.post(f"{path}/usage", {"records": [report("1"), report("2", "0.25"), report("3", "1/3")]})
    assert first.status_code == 201
    assert [one["quantity"] for one in first.json()["records"]] == ["3", "0.25", "1/3"]
    assert first.json()["records"][0]["counts_at"] == "2026-01-05T09:00:00Z"
    meter = {"subscription": subscription, "records": [report("1"), report("4", "100")]}
    again = [admin.send("POST", "/api/usage", meter, {}) for _ in range(2)]
    assert [(one.status_code, one.json()) for one in again] == [(200, again[0].json())] * 2
    reused = admin.post("/api/usage", {**meter, "records": [report("1", "4")]})
    assert refusal(reused) == (409, "usage_key_reused")
    clock.advance(timedelta(days=31))
    app.billing.run(north.scope)
    usage = newest(admin, path)["lines"][-1]
    assert (usage["kind"], usage["quantity"], usage["total"], usage["cycle"]) == ("usage", "1243/12", euro("5.18"), 0)
    assert usage["covers"] == {"start": "2026-01-05T09:00:00Z", "end": "2026-02-05T09:00:00Z"}


@pytest.mark.parametrize(
    ("records", "pointer"),
    [
        ([], "#/records"),
        ([report("1")] * 1001, "#/records"),
        ([report("1"), report("2", "-1")], "#/records/1/quantity"),
        ([report(" ")], "#/records/0/key"),
        ([{**report("1"), "quantity": 1}], "#/records/0/quantity"),
        ([{**report("1"), "counts_at": "2020-01-01T00:00:00Z"}], "#/records/0/counts_at"),
    ],
)
@pytest.mark.usefixtures("team")
def test_usage_with_mistakes(admin: Client, records: list[Any], pointer: str) -> None:
    """Of a batch with a mistake nothing is taken."""
    path = begun(admin)
    answer = admin.post(f"{path}/usage", {"records": records})
    assert answer.status_code == 422
    assert [mistake["pointer"] for mistake in answer.json()["errors"]] == [pointer]
    early = admin.post(f"{path}/usage", {"records": [report("1"), report("2", at="2026-01-05T08:59:59Z")]})
    assert refusal(early) == (409, "not_billed")
    assert admin.post(f"{path}/usage", {"records": [report("1")]}).status_code == 201


@pytest.mark.usefixtures("team", "pro")
def test_lists_and_their_filters(admin: Client, ann: Client, clock: SimulatedClock, team: str) -> None:
    """Subscriptions are found by state, subscriber and plan, their invoices by state, subscriber and when they were due."""
    company = begun(admin, collection=ON_ACCOUNT)
    clock.advance(timedelta(hours=1))
    customer = ann.post("/store/subscriptions", {"plan": "pro"}).json()
    assert [one["id"] for one in everything(admin, SUBSCRIPTIONS, limit=1)] == [
        company.rpartition("/")[2],
        customer["id"],
    ]

    def found(path: str, **where: str) -> list[str]:
        return [one["subscriber"]["reference"] for one in everything(admin, path, **where)]

    assert found(SUBSCRIPTIONS, subscriber="ann") == ["ann"]
    assert found(SUBSCRIPTIONS, plan=team) == ["acme-bv"]
    assert found(SUBSCRIPTIONS, status="paused") == []
    assert found(INVOICES) == ["ann", "acme-bv"]
    assert found(INVOICES, status="open") == found(INVOICES, subscriber="acme-bv") == ["acme-bv"]
    assert found(INVOICES, subscription=customer["id"]) == ["ann"]
    assert found(INVOICES, overdue_at="2026-01-19T09:00:00Z") == []
    assert found(INVOICES, overdue_at="2026-01-19T09:00:01Z") == ["acme-bv"]
    cycles = everything(admin, f"{company}/cycles", limit=1)
    assert [(one["index"], one["status"]) for one in cycles] == [(0, "invoiced"), (1, "upcoming")]
    assert refusal(admin.get(INVOICES, status="lost")) == (422, "malformed")


@pytest.mark.usefixtures("team")
def test_grants_that_reach_one_store(
    http: TestClient[Litestar], app: CityOS, north: Tenant, admin: Client, gateway: ScriptedGateway
) -> None:
    """Whoever works for one store sees and moves what was subscribed to there, and nothing else."""
    for store in ("web", "app"):
        assert admin.post("/admin/stores", {"handle": store, "name": store}).status_code == 201
    own, other = begun(admin, store="web"), begun(admin, store="app")
    system = part_of_the_system("tests")
    draft = KeyDraft(name="web", role="operator", where=Where(store="web"))
    clerk = Client(http, app.access.create_key(north.scope, system, draft)[1])
    assert [f"{SUBSCRIPTIONS}/{one['id']}" for one in everything(clerk, SUBSCRIPTIONS)] == [own]
    assert clerk.get(own).status_code == clerk.post(f"{own}/pause", {}).status_code == 200
    calls = gateway.calls
    for step, body in (
        ("pause", {}),
        ("cancel", {"reason": "x", "when": "now"}),
        ("change", {"quantities": {"seats": 9}}),
    ):
        assert refusal(clerk.post(f"{other}/{step}", body))[0] == 404
    assert (admin.get(other).json()["status"], gateway.calls) == ("active", calls)
    paper = newest(admin, other)["id"]
    assert refusal(clerk.get(f"{INVOICES}/{paper}"))[0] == 404
    assert refusal(clerk.post(f"{INVOICES}/{paper}/void", {"reason": "x"}))[0] == 403


@pytest.mark.usefixtures("team")
def test_credit_notes(admin: Client) -> None:
    """What is given back is owed no more, under numbers of its own; never more than a line has left."""
    path = begun(admin, collection=ON_ACCOUNT, tax={"percentage": "21", "jurisdiction": "nl"})
    paper = f"{INVOICES}/{newest(admin, path)['id']}"
    body = {"lines": [{"line": 0, "amount": euro("12.10")}], "reason": "one seat too many"}
    tried = admin.post(f"{paper}/credit-notes", body, dry_run="true").json()
    assert (tried["total"], everything(admin, f"{paper}/credit-notes")) == (euro("12.10"), [])
    made = admin.post(f"{paper}/credit-notes", body, key="note")
    assert (made.status_code, made.json()["number"]) == (201, 1)
    assert made.json()["lines"] == [{"line": 0, "net": euro("10.00"), "tax": euro("2.10")}]
    assert admin.post(f"{paper}/credit-notes", body, key="note").json() == made.json()
    left = admin.get(paper).json()
    assert (left["credited"], left["due"], left["total"]) == (euro("12.10"), euro("12.10"), euro("24.20"))
    too_much = {**body, "lines": [{"line": 0, "amount": euro("12.11")}]}
    assert refusal(admin.post(f"{paper}/credit-notes", too_much)) == (409, "exceeds_line")
    assert refusal(admin.post(f"{paper}/credit-notes", {**body, "lines": []})) == (422, "malformed")
    assert admin.post(f"{paper}/credit-notes", body).json()["number"] == 2
    assert admin.get(paper).json()["status"] == "paid"
    assert [note["number"] for note in everything(admin, f"{paper}/credit-notes", limit=1)] == [1, 2]


@pytest.mark.usefixtures("team")
def test_voiding_writing_off_and_paying(admin: Client, app: CityOS, north: Tenant) -> None:
    """An invoice is taken back, given up, and paid by bank after all; what is too much becomes credit."""
    void, lost = (begun(admin, collection=ON_ACCOUNT) for _ in range(2))
    papers = [f"{INVOICES}/{newest(admin, path)['id']}" for path in (void, lost)]
    gone = admin.post(f"{papers[0]}/void", {"reason": "a test"}).json()
    assert (gone["status"], gone["number"], gone["due"], gone["allowed_actions"]) == ("void", 1, euro("0.00"), [])
    refused = admin.post(f"{papers[0]}/write-off", {"reason": "again"})
    assert refusal(refused) == (409, "invalid_state")
    assert (refused.json()["current_state"], refused.json()["allowed_actions"]) == ("void", [])
    off = admin.post(f"{papers[1]}/write-off", {"reason": "bankrupt"}).json()
    assert (off["status"], off["allowed_actions"]) == ("uncollectible", ["pay", "void"])
    less = {"reference": "statement 17/4", "amount": euro("19.99")}
    assert refusal(admin.post(f"{papers[1]}/mark-paid", less)) == (409, "partial_payment")
    more = {**less, "amount": euro("25.00")}
    tried = admin.post(f"{papers[1]}/mark-paid", more, dry_run="true").json()
    assert (tried["status"], admin.get(papers[1]).json()["status"]) == ("paid", "uncollectible")
    paid = admin.post(f"{papers[1]}/mark-paid", more).json()
    assert (paid["status"], admin.post(f"{papers[1]}/mark-paid", more).json()) == ("paid", paid)
    later = {**more, "at": "2027-01-01T00:00:00Z", "reference": "x"}
    assert refusal(admin.post(f"{papers[1]}/mark-paid", later))[0] == 409
    balances = {one.account.path: one.money.text for one in app.ledger.balances(north.scope)}
    assert balances["company:acme-bv:credit"] == "5.00"
    assert app.ledger.verify(north.scope).ok


@pytest.mark.usefixtures("team")
def test_attempts(admin: Client, gateway: ScriptedGateway) -> None:
    """Every try at collecting an invoice is listed, with what the gateway said."""
    path = begun(admin, payment_method="stolen")
    paper = newest(admin, path)
    (attempt,) = everything(admin, f"{INVOICES}/{paper['id']}/attempts")
    assert (attempt["number"], attempt["origin"], attempt["gateway"]) == (1, "billing", "card")
    assert (attempt["status"], attempt["decline"], attempt["amount"]) == ("declined", "hard", euro("20.00"))
    assert attempt["key"].endswith(":0:1")
    assert gateway.calls == 1
    assert admin.put(f"{path}/payment-method", {"payment_method": None}).json()["payment_method"] is None
    assert refusal(admin.put(f"{path}/payment-method", {})) == (422, "malformed")
