"""Orders over HTTP: placed, sent, delivered, cancelled, refunded, disputed."""

from typing import Any
from uuid import UUID

from cityos_adapters.serialization import load
from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.placing import Where
from cityos_core.access.roles import part_of_the_system
from cityos_core.app import CityOS
from cityos_core.kernel.ids import OrderId, OrderLineId
from cityos_core.orders.draft import OrderDraft
from cityos_core.tenancy.model import Tenant
from cityos_http import identifiers
from clients import Client, everything, refusal

SALE: dict[str, Any] = {
    "reference": "10248",
    "placed_at": "2026-01-05T08:00:00Z",
    "currency": "EUR",
    "customer": "kim",
    "lines": [
        {"reference": "1", "sku": "chair", "vendor": "acme", "quantity": 2, "unit_price": "100.00"},
        {
            "reference": "2",
            "sku": "mug",
            "vendor": "birch",
            "quantity": 10,
            "unit_price": {"amount": "0.5292", "currency": "EUR"},
            "discounts": [{"percentage": "10", "funding": {"vendor": 1, "platform": "0.5"}}],
        },
    ],
    "shipping": [{"amount": "5.00", "vendor": "acme"}],
}
LAMP = {
    **SALE,
    "reference": "10249",
    "lines": [{"reference": "1", "sku": "lamp", "vendor": "acme", "quantity": 1, "unit_price": "19.99"}],
    "shipping": [],
}


def euro(amount: str) -> dict[str, str]:
    """Write an amount."""
    return {"amount": amount, "currency": "EUR"}


def placed(admin: Client, body: dict[str, Any] = SALE) -> str:
    """Place an order and give its path."""
    made = admin.post("/admin/orders", body)
    assert made.status_code == 201, made.text
    return f"/admin/orders/{made.json()['id']}"


def test_placing_in_the_exchange_format(admin: Client, app: CityOS, north: Tenant) -> None:
    """An order is placed with exactly what a file would have said; its numbers are those of the order that stands."""
    shown = admin.get(placed(admin)).json()
    order = app.orders.get(north.scope, "10248")
    assert order.digest == app.orders.place(north.scope, load(OrderDraft, SALE)).digest
    assert shown["total"] == euro(order.total.text) == euro("209.76")
    assert shown["lines"][1]["line"]["unit_price"] == euro("0.5292")
    assert sum(float(leg["amount"]) for line in shown["lines"] for leg in line["legs"].values()) == 209.76
    assert [part["vendor"] for part in shown["vendor_orders"]] == ["acme", "birch"]
    assert identifiers.read(OrderId, shown["id"]) == order.id
    assert identifiers.read(OrderLineId, shown["lines"][0]["line"]["id"]) == order.lines[0].id


def test_placing_again(admin: Client, app: CityOS, north: Tenant) -> None:
    """The same order under another key is answered with the one that stands and takes nothing from the stock."""
    app.products.set_stock(north.scope, "chair", 3)
    first = admin.post("/admin/orders", SALE, key="one")
    assert first.status_code == 201
    again = admin.post("/admin/orders", SALE, key="two")
    assert (again.status_code, again.json()) == (201, first.json())
    assert "idempotent-replayed" not in again.headers
    assert app.products.set_stock(north.scope, "chair", 3).reserved == 2
    assert len(everything(admin, "/admin/orders")) == 1


def test_placing_another_order_under_a_reference(admin: Client) -> None:
    """A reference that names another order is a conflict, whatever the key."""
    placed(admin)
    assert refusal(admin.post("/admin/orders", {**SALE, "customer": "lee"}, key="two")) == (409, "reference_taken")


def test_placing_what_cannot_be_had(admin: Client, app: CityOS, north: Tenant) -> None:
    """What is refused leaves nothing behind, not even the use of its key."""
    app.products.set_stock(north.scope, "mug", 1)
    refused = admin.post("/admin/orders", SALE, key="one")
    assert refusal(refused) == (409, "out_of_stock")
    assert app.products.set_stock(north.scope, "mug", 10).reserved == 0
    assert admin.post("/admin/orders", SALE, key="one").status_code == 201


def test_placing_with_mistakes(admin: Client) -> None:
    """Every mistake is named by where it stands in the body, those that only the whole order shows as well."""
    wrong = {**SALE, "tenant": "south", "lines": [{**SALE["lines"][0], "quantity": 0, "unit_price": {"amount": "1"}}]}
    answer = admin.post("/admin/orders", wrong).json()
    assert {(mistake["pointer"], mistake["code"]) for mistake in answer["errors"]} == {
        ("#/tenant", "unknown_key"),
        ("#/lines/0/quantity", "quantity"),
        ("#/lines/0/unit_price/currency", "missing"),
    }
    early = admin.post("/admin/orders", {**SALE, "fulfilled_at": "2026-01-04T00:00:00Z"}).json()
    assert [mistake["pointer"] for mistake in early["errors"]] == ["#/fulfilled_at"]


def test_payments(admin: Client, app: CityOS, north: Tenant) -> None:
    """Payments sum to the total, in the order's currency."""
    pay = [{"gateway": "card", "amount": "200.00"}, {"gateway": "voucher", "amount": euro("9.76"), "reference": "v1"}]
    short = admin.post("/admin/orders", {**SALE, "payments": pay[:1]})
    assert refusal(short) == (422, "payment_mismatch")
    placed(admin, {**SALE, "payments": pay})
    payments = app.orders.get(north.scope, "10248").payments
    assert [(one.gateway, one.amount, one.reference) for one in payments] == [
        ("card", 20000, None),
        ("voucher", 976, "v1"),
    ]


def test_a_rehearsal_places_nothing(admin: Client) -> None:
    """A dry run answers with the order and keeps nothing of it."""
    tried = admin.post("/admin/orders", SALE, dry_run="true")
    assert (tried.status_code, tried.headers["dry-run"]) == (201, "true")
    assert tried.json()["total"] == euro("209.76")
    assert admin.get("/admin/orders").json()["data"] == []


def test_sending_and_delivering(admin: Client) -> None:
    """Units go out in parcels, everything else at once; what arrived completes the order."""
    order = placed(admin)
    one = {"vendor": "acme", "items": [{"line": "1", "quantity": 1}], "carrier": "dhl", "tracking": "T1"}
    sent = admin.post(f"{order}/fulfill", one).json()
    assert [part["status"] for part in sent["vendor_orders"]] == ["partly_fulfilled", "placed"]
    assert sent["fulfilments"][0]["items"] == [{"line": "1", "quantity": 1}]
    assert refusal(admin.post(f"{order}/cancel", {"vendor": "acme"})) == (409, "invalid_state")
    more = {"items": [{"line": "1", "quantity": 2}]}
    assert refusal(admin.post(f"{order}/fulfill", more)) == (409, "more_than_ordered")
    twice = {"items": [{"line": "1", "quantity": 1}, {"line": "1", "quantity": 1}]}
    assert refusal(admin.post(f"{order}/fulfill", twice)) == (422, "malformed")
    assert admin.post(f"{order}/fulfill", {}).status_code == 200
    done = admin.post(f"{order}/deliver", {"at": "2026-01-08T10:00:00Z"}).json()
    assert (done["status"], done["fulfilments"][0]["delivered_at"]) == ("completed", "2026-01-08T10:00:00Z")
    assert refusal(admin.post(f"{order}/deliver", {})) == (409, "invalid_state")


def test_cancelling(admin: Client) -> None:
    """One vendor's part is cancelled and its money goes back; trying it first changes nothing."""
    order = placed(admin)
    tried = admin.post(f"{order}/cancel", {"vendor": "birch"}, dry_run="true").json()
    assert admin.get(order).json()["refunded"] == euro("0.00")
    done = admin.post(f"{order}/cancel", {"vendor": "birch", "note": "sold out"}).json()
    assert done["refunded"] == tried["refunded"] == euro("4.76")
    assert [part["status"] for part in done["vendor_orders"]] == ["placed", "cancelled"]
    assert done["refunds"][0]["note"] == "sold out"


def test_refunding(admin: Client, app: CityOS, north: Tenant) -> None:
    """An amount, some units and the rest go back to the buyer; more than that does not."""
    order = placed(admin)
    half = {"amount": euro("50.00"), "reason": "damaged", "note": "scratched"}
    tried = admin.post(f"{order}/refunds", half, dry_run="true")
    assert (tried.status_code, tried.json()["amount"]) == (201, euro("50.00"))
    first = admin.post(f"{order}/refunds", half).json()
    assert (first["amount"], first["reason"], first["order_reference"]) == (euro("50.00"), "damaged", "10248")
    units = admin.post(f"{order}/refunds", {"lines": [{"line": "1", "quantity": 1}]}).json()
    assert units["lines"][0]["quantity"] == 1
    too_much = {"amount": euro("200.00")}
    assert refusal(admin.post(f"{order}/refunds", too_much)) == (409, "more_than_remains")
    assert admin.post(f"{order}/refunds", {}).status_code == 201
    stored = app.orders.get(north.scope, "10248")
    assert stored.refunded == stored.total
    listed = everything(admin, f"{order}/refunds", limit=2)
    assert {refund["key"] for refund in listed} == {refund.key for refund in stored.refunds}
    assert app.ledger.verify(north.scope).ok


def test_refunding_once_per_key(admin: Client) -> None:
    """A repeated refund is answered again and pays nothing; a key is for one request only, and needed."""
    order = placed(admin)
    first = admin.post(f"{order}/refunds", {"amount": euro("1.00")}, key="r1")
    again = admin.post(f"{order}/refunds", {"amount": euro("1.00")}, key="r1")
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert refusal(admin.post(f"{order}/refunds", {}, key="r1")) == (422, "idempotency_key_reused")
    assert refusal(admin.send("POST", f"{order}/refunds", {}, {})) == (400, "missing_idempotency_key")
    assert admin.get(order).json()["refunded"] == euro("1.00")


def test_a_cursor_is_for_one_order(admin: Client) -> None:
    """Where one order's refunds go on says nothing about another's."""
    order, other = placed(admin), placed(admin, LAMP)
    for _ in range(2):
        admin.post(f"{order}/refunds", {"amount": euro("1.00")})
    cursor = admin.get(f"{order}/refunds", limit=1).json()["next_cursor"]
    assert admin.get(f"{order}/refunds", limit=1, cursor=cursor).status_code == 200
    assert refusal(admin.get(f"{other}/refunds", limit=1, cursor=cursor)) == (400, "invalid_cursor")


def test_disputes(admin: Client) -> None:
    """A dispute holds money back and ends once."""
    order = placed(admin)
    opened = admin.post(f"{order}/disputes", {"reference": "dp-1", "amount": euro("105.00"), "reason": "fraud"})
    assert opened.status_code == 201
    assert (opened.json()["status"], opened.json()["amount"]) == ("open", euro("105.00"))
    again = {"reference": "dp-1", "amount": euro("1.00")}
    assert refusal(admin.post(f"{order}/disputes", again)) == (409, "reference_taken")
    assert refusal(admin.post(f"{order}/disputes", {"reference": "a/b"})) == (422, "malformed")
    tried = admin.post(f"{order}/disputes/dp-1/close", {"outcome": "lost"}, dry_run="true").json()
    assert tried["status"] == "lost"
    won = admin.post(f"{order}/disputes/dp-1/close", {"outcome": "won"}).json()
    assert (won["status"], won["reason"]) == ("won", "fraud")
    assert refusal(admin.post(f"{order}/disputes/dp-1/close", {"outcome": "lost"})) == (409, "invalid_state")
    assert refusal(admin.post(f"{order}/disputes/dp-2/close", {"outcome": "lost"})) == (404, "dispute_not_found")


def test_listing_orders(admin: Client) -> None:
    """Orders come by time of placing, filtered by vendor, customer and time."""
    placed(admin)
    placed(admin, {**LAMP, "customer": "lee", "placed_at": "2026-01-05T08:30:00Z"})

    def found(**query: object) -> list[str]:
        return [order["reference"] for order in everything(admin, "/admin/orders", limit=1, **query)]

    assert found() == ["10248", "10249"]
    assert found(vendor="birch") == ["10248"]
    assert found(customer="lee") == ["10249"]
    assert found(since="2026-01-05T08:30:00Z") == ["10249"]
    assert found(until="2026-01-05T08:30:00Z") == ["10248"]
    assert refusal(admin.get("/admin/orders", state="open")) == (422, "malformed")


def test_an_order_that_is_not_there(admin: Client) -> None:
    """An id of nothing, and what is no id at all, are not found."""
    nothing = identifiers.written(OrderId, OrderId(UUID(int=7)))
    assert refusal(admin.get(f"/admin/orders/{nothing}")) == (404, "order_not_found")
    assert refusal(admin.get("/admin/orders/10248")) == (404, "not_found")


def test_staff_of_one_store(admin: Client, app: CityOS, north: Tenant) -> None:
    """Who works for one store sees its orders and no others, in full pages, and acts on those alone."""
    store = app.stores.create(north.scope, "web", name="Web")
    draft = KeyDraft(name="web", role="operator", where=Where(store="web"))
    _, key = app.access.create_key(north.scope, part_of_the_system("tests"), draft)
    clerk = Client(admin.http, key)
    for number in range(4):
        placed(admin, {**LAMP, "reference": f"out-{number}", "placed_at": f"2026-01-05T0{number}:00:00Z"})
    inside = [
        placed(
            admin, {**LAMP, "reference": f"in-{number}", "placed_at": f"2026-01-05T0{number}:30:00Z", "store": "web"}
        )
        for number in range(3)
    ]
    outside = placed(admin, {**LAMP, "reference": "late"})
    page = clerk.get("/admin/orders", limit=2).json()
    assert [order["reference"] for order in page["data"]] == ["in-0", "in-1"]
    assert [order["reference"] for order in everything(clerk, "/admin/orders", limit=2)] == ["in-0", "in-1", "in-2"]
    assert clerk.get(inside[0]).json()["reference"] == "in-0"
    assert refusal(clerk.get(outside)) == (404, "not_found")
    assert clerk.post(f"{inside[0]}/fulfill", {}).status_code == 200
    assert refusal(clerk.post(f"{outside}/fulfill", {})) == (404, "not_found")
    assert refusal(clerk.post(f"{outside}/refunds", {})) == (404, "not_found")
    assert app.orders.get(north.scope, "in-0").store_id == store.id
