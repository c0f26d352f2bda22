"""Subscribing over HTTP: what customers do themselves, and what is not theirs to say."""

from datetime import timedelta
from typing import Any

import pytest

from callers.subscribers import SEATS
from cityos_adapters.memory.gateway import Behaviour, ScriptedGateway
from cityos_core.app import CityOS
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.subscriptions.terms import Subscriber, SubscriberKind
from cityos_core.subscriptions.trials import Agreement
from cityos_core.tenancy.model import Tenant
from cityos_core.testing import market
from cityos_core.testing.clock import SimulatedClock
from cityos_http.identifiers import written
from clients import Client, everything, refusal

MINE = "/store/subscriptions"
TWO = {"plan": "team", "quantities": {"seats": 2}}


def euro(amount: str) -> dict[str, str]:
    """Write an amount."""
    return {"amount": amount, "currency": "EUR"}


def begun(client: Client, body: dict[str, Any] = TWO) -> str:
    """Subscribe and give the path of the subscription."""
    made = client.post(MINE, body)
    assert made.status_code == 201, made.text
    return f"{MINE}/{made.json()['id']}"


def collected(gateway: ScriptedGateway, subscriber: str = "ann") -> str:
    """What was collected of somebody."""
    return gateway.collected("EUR", subscriber=subscriber).text


def test_plans_on_sale(visitor: Client, admin: Client, team: str, pro: str) -> None:
    """Visitors see the plans on sale, without the rules that they are billed by; a retired one only by its id."""
    assert [plan["handle"] for plan in everything(visitor, "/store/plans", limit=1)] == ["pro", "team"]
    shown = visitor.get(f"/store/plans/{team}").json()
    assert (shown["items"][0]["price"], shown["interval"], shown["is_on_sale"]) == (euro("10.00"), "month", True)
    assert shown["items"][1]["pricing"]["tiers"][0]["unit"] == "0.05"
    assert not {"dunning", "catch_up", "late_usage", "proration"} & set(shown)
    assert admin.post(f"/admin/plans/{pro}/retire").status_code == 200
    assert [plan["handle"] for plan in everything(visitor, "/store/plans", limit=1)] == ["team"]
    assert visitor.get(f"/store/plans/{pro}").json()["is_on_sale"] is False


@pytest.mark.usefixtures("team")
def test_subscribing_charges_once(ann: Client, gateway: ScriptedGateway, clock: SimulatedClock) -> None:
    """The first period is paid at once; sent again under its key it is the same subscription, and no other charge."""
    made = ann.post(MINE, TWO, key="one")
    assert (made.status_code, made.json()["status"]) == (201, "active")
    again = [ann.post(MINE, TWO, key="one") for _ in range(3)]
    assert {(one.text, one.headers["idempotent-replayed"]) for one in again} == {(made.text, "true")}
    assert (collected(gateway), gateway.calls) == ("20.00", 1)
    assert refusal(ann.post(MINE, {**TWO, "quantities": {}}, key="one")) == (422, "idempotency_key_reused")
    assert refusal(ann.send("POST", MINE, TWO, {})) == (400, "missing_idempotency_key")
    clock.advance(timedelta(hours=1))
    other = ann.post(MINE, TWO, key="two").json()
    assert other["id"] != made.json()["id"]
    assert collected(gateway) == "40.00"
    assert [one["id"] for one in everything(ann, MINE, limit=1)] == [made.json()["id"], other["id"]]


@pytest.mark.usefixtures("team")
def test_a_rehearsal_asks_no_gateway(ann: Client, gateway: ScriptedGateway) -> None:
    """With dry_run everything is as it would be before the gateway is asked; nothing of it stays, not even the key."""
    tried = ann.post(MINE, TWO, key="one", dry_run="true")
    assert (tried.status_code, tried.headers["dry-run"], tried.json()["status"]) == (201, "true", "incomplete")
    assert (gateway.calls, everything(ann, MINE), everything(ann, "/store/invoices")) == (0, [], [])
    made = ann.post(MINE, TWO, key="one")
    assert ("idempotent-replayed" in made.headers, made.json()["status"]) == (False, "active")


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize(
    "more",
    [
        {"subscriber": {"kind": "customer", "reference": "bob"}},
        {"discounts": [{"code": "all", "percentage": "100"}]},
        {"tax": None},
        {"trial_days": 700},
        {"collection": {"method": "invoice", "terms_days": 365}},
        {"price": "0.01"},
        {"status": "active"},
        {"tenant_id": "south"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_terms_are_not_the_customers_to_say(ann: Client, gateway: ScriptedGateway, more: dict[str, Any]) -> None:
    """Whatever a customer adds to plan, quantities and payment method is refused by name, and nothing is charged."""
    answer = ann.post(MINE, {**TWO, **more})
    assert refusal(answer) == (422, "malformed")
    (mistake,) = answer.json()["errors"]
    assert (mistake["pointer"], mistake["code"]) == (f"#/{next(iter(more))}", "unknown_key")
    assert (gateway.calls, everything(ann, MINE)) == (0, [])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"plan": "gold"}, 404, "plan_not_found"),
        ({"plan": "team", "quantities": {"seats": -1}}, 422, "malformed"),
        ({"plan": "team", "quantities": {"seats": 1_000_001}}, 422, "malformed"),
        ({"plan": "team", "quantities": {"calls": 1}}, 422, "not_per_seat"),
        ({"plan": "team", "quantities": {"chairs": 1}}, 404, "no_such_item"),
        ({"plan": "team", "payment_method": " "}, 422, "payment_method"),
        ({"plan": "team", "store": "nowhere"}, 404, "store_not_found"),
    ],
)
@pytest.mark.usefixtures("team")
def test_what_cannot_be_subscribed_to(ann: Client, body: dict[str, Any], status: int, code: str) -> None:
    """A plan, an item or a store that is not there, fewer than no seats, or more than the ledger could sum."""
    assert refusal(ann.post(MINE, body)) == (status, code)
    assert everything(ann, MINE) == []


@pytest.mark.usefixtures("team")
def test_visitors_subscribe_to_nothing(visitor: Client) -> None:
    """Whoever has not signed in has no subscriptions."""
    assert refusal(visitor.post(MINE, TWO)) == (403, "forbidden")
    assert refusal(visitor.get(MINE)) == (403, "forbidden")


@pytest.mark.usefixtures("team")
def test_a_declined_payment_is_made_good(ann: Client, gateway: ScriptedGateway) -> None:
    """A subscription waits for its first payment, which the customer makes with another method."""
    path = begun(ann, {**TWO, "payment_method": "declined"})
    held = ann.get(path).json()
    assert (held["status"], held["allowed_actions"]) == ("incomplete", ["cancel"])
    (invoice,) = everything(ann, f"{path}/invoices")
    assert (invoice["status"], invoice["due"], invoice["allowed_actions"]) == ("open", euro("20.00"), ["pay"])
    pay = f"{path}/invoices/{invoice['id']}/pay"
    failed = ann.post(pay).json()
    assert (failed["status"], failed["decline"], failed["invoice"]["status"]) == ("declined", "soft", "open")
    assert ann.put(f"{path}/payment-method", {"payment_method": "pm_2"}).json()["payment_method"] == "pm_2"
    rehearsed = ann.post(pay, dry_run="true").json()
    assert (rehearsed["status"], collected(gateway)) == ("pending", "0.00")
    paid = ann.post(pay, key="pay").json()
    assert (paid["status"], paid["invoice"]["status"], paid["invoice"]["due"]) == ("succeeded", "paid", euro("0.00"))
    assert ann.post(pay, key="pay").json() == paid
    assert (collected(gateway), ann.get(path).json()["status"]) == ("20.00", "active")
    again = ann.post(pay)
    assert refusal(again) == (409, "nothing_due")
    assert again.json()["current_state"] == "paid"
    assert ann.get(f"/store/invoices/{invoice['id']}").json() == paid["invoice"]


@pytest.mark.usefixtures("team")
def test_a_lost_answer_is_not_paid_again(ann: Client, gateway: ScriptedGateway) -> None:
    """While nobody knows what became of a payment the customer cannot make another one."""
    gateway.script(Behaviour.LOSE_ANSWER)
    path = begun(ann)
    (invoice,) = everything(ann, f"{path}/invoices")
    assert refusal(ann.post(f"{path}/invoices/{invoice['id']}/pay")) == (409, "attempt_unsettled")
    assert collected(gateway) == "20.00"


@pytest.mark.usefixtures("team", "pro")
def test_a_previewed_change_is_the_one_that_is_made(
    ann: Client, gateway: ScriptedGateway, clock: SimulatedClock
) -> None:
    """The token of a preview yields exactly its invoice, even later, and only for what was previewed."""
    path = begun(ann)
    clock.advance(timedelta(days=15))
    wish = {"plan": "pro", "quantities": {"seats": 4}}
    shown = ann.post(f"{path}/preview", {"change": wish}).json()
    lines = shown["invoice"]["lines"]
    assert [(line["kind"], line["total"]["amount"], line["quantity"]) for line in lines] == [
        ("credit", "-10.32", "2"),
        ("debit", "30.97", "4"),
    ]
    assert lines[1]["covers"] == {"start": "2026-01-20", "end": "2026-02-05"}
    assert shown["invoice"]["due"] == euro("20.65")
    assert ann.get(path).json()["quantities"] == {"seats": 2}
    clock.advance(timedelta(minutes=20))
    other = ann.post(f"{path}/change", {"quantities": {"seats": 3}, "token": shown["token"]})
    assert refusal(other) == (409, "preview_outdated")
    done = ann.post(f"{path}/change", {**wish, "token": shown["token"]}, key="change")
    assert (done.status_code, done.json()["quantities"]) == (200, {"seats": 4})
    newest = everything(ann, f"{path}/invoices")[0]
    same = ("lines", "net", "tax", "total", "from_credit", "cycle", "change")
    assert [newest[name] for name in same if name != "lines"] == [
        shown["invoice"][name] for name in same if name != "lines"
    ]
    assert newest["lines"] == lines
    assert (newest["status"], collected(gateway)) == ("paid", "40.65")
    again = ann.post(f"{path}/change", {**wish, "token": shown["token"]}, key="change")
    assert (again.json(), again.headers["idempotent-replayed"]) == (done.json(), "true")
    assert refusal(ann.post(f"{path}/change", {**wish, "token": shown["token"]})) == (409, "preview_outdated")
    assert collected(gateway) == "40.65"


@pytest.mark.usefixtures("team")
def test_previews_expire(ann: Client, clock: SimulatedClock) -> None:
    """A token is good for half an hour, and one that no preview gave for nothing."""
    path = begun(ann)
    token = ann.post(f"{path}/preview", {"pause": {}}).json()["token"]
    clock.advance(timedelta(minutes=31))
    assert refusal(ann.post(f"{path}/pause", {"token": token})) == (409, "preview_expired")
    assert refusal(ann.post(f"{path}/pause", {"token": "1-2"})) == (422, "preview_token")
    assert ann.get(path).json()["status"] == "active"


@pytest.mark.parametrize("body", [{}, {"pause": {}, "resume": {}}])
@pytest.mark.usefixtures("team")
def test_one_thing_is_previewed(ann: Client, body: dict[str, Any]) -> None:
    """A preview is of one change, which is the customer's to make."""
    path = begun(ann)
    answer = ann.post(f"{path}/preview", body).json()
    assert [mistake["code"] for mistake in answer["errors"]] == ["one_wish"]
    more = ann.post(f"{path}/preview", {"cancel": {"reason": "bored", "when": "now", "gives_back": True}}).json()
    assert [mistake["pointer"] for mistake in more["errors"]] == ["#/cancel/gives_back"]
    unknown = ann.post(f"{path}/preview", {"convert": {}}).json()
    assert "#/convert" in [mistake["pointer"] for mistake in unknown["errors"]]


@pytest.mark.usefixtures("team")
def test_a_change_at_the_period_end(ann: Client, app: CityOS, north: Tenant, clock: SimulatedClock) -> None:
    """What is to happen later is shown, forecast, and can be taken back until it happens."""
    path = begun(ann)
    later = ann.post(f"{path}/change", {"quantities": {"seats": 1}, "when": "period_end"}).json()
    assert (later["quantities"], later["scheduled"]["quantities"]) == ({"seats": 2}, {"seats": 1})
    cycles = ann.get(f"{path}/forecast", cycles=2).json()["cycles"]
    assert [(one["cycle"], one["total"]) for one in cycles] == [(1, euro("10.00")), (2, euro("10.00"))]
    assert ann.post(f"{path}/undo", {}).json()["scheduled"] is None
    assert refusal(ann.post(f"{path}/undo", {})) == (409, "nothing_to_undo")
    ann.post(f"{path}/change", {"quantities": {"seats": 1}, "when": "period_end"})
    clock.advance(timedelta(days=31))
    app.billing.run(north.scope)
    after = ann.get(path).json()
    assert (after["quantities"], after["scheduled"], after["current_period"]["cycle"]) == ({"seats": 1}, None, 1)
    assert [one["total"]["amount"] for one in everything(ann, f"{path}/invoices")] == ["10.00", "20.00"]
    assert refusal(ann.post(f"{path}/change", {})) == (422, "nothing_to_change")
    assert refusal(ann.get(f"{path}/forecast", cycles=0)) == (422, "cycles")


@pytest.mark.usefixtures("team")
def test_canceling(ann: Client, app: CityOS, north: Tenant, clock: SimulatedClock) -> None:
    """With the period, and taken back; then with the period for good; and another one at once."""
    path = begun(ann)
    off = ann.post(f"{path}/cancel", {"reason": "too dear"}).json()
    assert (off["status"], off["cancellation"]["reason"], off["ends_at"]) == (
        "active",
        "too dear",
        "2026-02-05T09:00:00Z",
    )
    assert ann.post(f"{path}/undo", {}).json()["cancellation"] is None
    ann.post(f"{path}/cancel", {"reason": "too dear after all"})
    other = begun(ann)
    ended = ann.post(f"{other}/cancel", {"reason": "by mistake", "when": "now"}).json()
    assert (ended["status"], ended["allowed_actions"]) == ("canceled", [])
    clock.advance(timedelta(days=31))
    app.billing.run(north.scope)
    assert [one["status"] for one in everything(ann, MINE)] == ["canceled", "canceled"]
    assert everything(ann, MINE, status="active") == []
    again = ann.post(f"{path}/cancel", {"reason": "once more"})
    assert refusal(again) == (409, "invalid_state")
    assert (again.json()["current_state"], again.json()["allowed_actions"]) == ("canceled", [])
    assert refusal(ann.post(f"{path}/cancel", {"reason": " "})) == (422, "malformed")
    assert refusal(ann.post(f"{path}/cancel", {"reason": "x", "gives_back": True})) == (422, "malformed")


@pytest.mark.usefixtures("team")
def test_pausing_and_resuming(ann: Client, gateway: ScriptedGateway, clock: SimulatedClock) -> None:
    """The rest of a period becomes credit, which pays what is charged when it goes on."""
    path = begun(ann)
    clock.advance(timedelta(days=15))
    paused = ann.post(f"{path}/pause", {}).json()
    assert (paused["status"], paused["due_at"], paused["allowed_actions"]) == ("paused", None, ["resume", "cancel"])
    back = everything(ann, f"{path}/invoices")[0]
    assert (back["total"], back["status"]) == (euro("-10.32"), "paid")
    clock.advance(timedelta(days=5))
    shown = ann.post(f"{path}/preview", {"resume": {}}).json()
    resumed = ann.post(f"{path}/resume", {"token": shown["token"]}).json()
    assert (resumed["status"], resumed["anchor"]["local"], resumed["anchor"]["zone"]) == (
        "active",
        "2026-01-05T09:00:00",
        "UTC",
    )
    rest = everything(ann, f"{path}/invoices")[0]
    assert (rest["total"], rest["from_credit"], rest["due"]) == (euro("7.10"), euro("7.10"), euro("0.00"))
    assert collected(gateway) == "20.00"


STEPS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "", None),
    ("GET", "/forecast", None),
    ("GET", "/invoices", None),
    ("POST", "/preview", {"pause": {}}),
    ("POST", "/change", {"quantities": {"seats": 9}}),
    ("POST", "/pause", {}),
    ("POST", "/resume", {}),
    ("POST", "/cancel", {"reason": "not mine", "when": "now"}),
    ("POST", "/undo", {}),
    ("PUT", "/payment-method", {"payment_method": "pm_9"}),
]


def require_not_there(client: Client, subscription: SubscriptionId, invoice: InvoiceId) -> None:
    """Insist that a subscription and its invoice are nothing to somebody."""
    path, paper = f"{MINE}/{written(SubscriptionId, subscription)}", written(InvoiceId, invoice)
    for method, step, body in STEPS:
        heads = {"Idempotency-Key": f"{path}{step}"}
        assert refusal(client.send(method, path + step, body, heads)) == (404, "subscription_not_found"), step
    assert refusal(client.post(f"{path}/invoices/{paper}/pay")) == (404, "subscription_not_found")
    assert refusal(client.get(f"/store/invoices/{paper}")) == (404, "invoice_not_found")
    assert (everything(client, MINE), everything(client, "/store/invoices")) == ([], [])


def subscribed(app: CityOS, tenant: Tenant, subscriber: Subscriber) -> tuple[SubscriptionId, InvoiceId]:
    """Let somebody subscribe."""
    agreement = Agreement(subscriber=subscriber, quantities={"seats": 2})
    made = app.subscriptions.begin(tenant.scope, "team", agreement)
    where = InvoiceFilter(subscription=made.id)
    return made.id, app.invoices.list(tenant.scope, where).items[0].id


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize("kind", ["customer", "company"])
def test_what_is_others_is_not_there(ann: Client, app: CityOS, north: Tenant, kind: str) -> None:
    """Neither what another customer has nor what a company has that bears the customer's own name."""
    own = {"customer": Subscriber(SubscriberKind.CUSTOMER, "bob"), "company": Subscriber(SubscriberKind.COMPANY, "ann")}
    subscription, invoice = subscribed(app, north, own[kind])
    before = app.subscriptions.get(north.scope, subscription)
    require_not_there(ann, subscription, invoice)
    assert app.subscriptions.get(north.scope, subscription) == before


@pytest.mark.usefixtures("team")
def test_what_another_tenant_has_is_not_there(ann: Client, app: CityOS) -> None:
    """In another tenant someone of the same name is someone else."""
    south = market(app, "south")
    app.plans.create(south.scope, "team", name="Team", items=[SEATS])
    subscription, invoice = subscribed(app, south, Subscriber(SubscriberKind.CUSTOMER, "ann"))
    before = app.subscriptions.get(south.scope, subscription)
    require_not_there(ann, subscription, invoice)
    assert app.subscriptions.get(south.scope, subscription) == before
    assert refusal(ann.post(MINE, {"plan": "team", "store": "south-web"})) == (404, "store_not_found")


@pytest.mark.usefixtures("team")
def test_an_invoice_is_paid_where_it_belongs(ann: Client, bob: Client) -> None:
    """One's own subscription opens no invoice of another one, whoever owes that."""
    own, second = begun(ann), begun(ann, {**TWO, "payment_method": "declined"})
    others = begun(bob, {**TWO, "payment_method": "declined"})
    for client, path in ((ann, second), (bob, others)):
        (invoice,) = everything(client, f"{path}/invoices")
        assert refusal(ann.post(f"{own}/invoices/{invoice['id']}/pay")) == (404, "invoice_not_found")


def test_a_list_holds_what_is_ones_own(ann: Client, app: CityOS, north: Tenant, team: str) -> None:
    """Between a company's of the same name one's own are all there, page by page."""
    del team
    company, customer = (Subscriber(kind, "ann") for kind in (SubscriberKind.COMPANY, SubscriberKind.CUSTOMER))
    own = [subscribed(app, north, subscriber) for subscriber in (company, customer, company, company, customer)]
    mine = [written(SubscriptionId, subscription) for subscription, _ in (own[1], own[4])]
    papers = [written(InvoiceId, invoice) for _, invoice in (own[4], own[1])]
    assert [one["id"] for one in everything(ann, MINE, limit=1)] == mine
    assert [one["id"] for one in everything(ann, "/store/invoices", limit=1)] == papers
    assert everything(ann, "/store/invoices", status="open") == []
