"""What is sent twice happens once: keys, crashes, rehearsals and versions, from ten clients at a time."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from attrs import frozen

from callers.bodies import body_of, heads_of, query_of
from callers.house import Heads, House
from callers.stall import Stall, furnished
from callers.subscribers import SEATS
from callers.wire import Heard, Wire
from cityos_core.idempotency.model import LEASE
from cityos_core.kernel import faults
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.ids import OrderId, VendorId
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.model import Order
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.tenancy.model import Tenant
from cityos_core.testing import line, market, order_draft
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_http.endpoint import Endpoint
from cityos_http.identifiers import written
from cityos_http.routes import ENDPOINTS

CLIENTS = 10
DATABASES = pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
MakeDatabase = Callable[[str], UnitOfWorkFactory]


@frozen(kw_only=True)
class Shop:
    """A tenant, and one who administers it."""

    house: House
    wire: Wire
    tenant: Tenant
    administrator: Heads

    @property
    def scope(self) -> TenantScope:
        """Its scope."""
        return self.tenant.scope

    def post(self, path: str, key: str, body: object, **heads: str) -> Heard:
        """Ask for something under a key."""
        return self.wire.ask("POST", path, {**self.administrator, "idempotency-key": key, **heads}, body)

    def register(self, handle: str, key: str, **heads: str) -> Heard:
        """Register a vendor."""
        return self.post("/admin/vendors", key, {"handle": handle, "profile": {"name": handle}}, **heads)

    def handles(self) -> list[str]:
        """List the vendors."""
        return [vendor.handle for vendor in self.house.city.vendors.list(self.scope).items]

    def order(self, reference: str = "A-1") -> Order:
        """Place an order of 100.00."""
        return self.house.city.orders.place(self.scope, order_draft(reference, line()))


@contextmanager
def opened(database: UnitOfWorkFactory | None = None) -> Iterator[Shop]:
    """Open a shop over a database."""
    house = House.of(database)
    tenant = market(house.city)
    with house.open() as wire:
        heads = {"host": "north.localhost", **house.key(tenant.scope)}
        yield Shop(house=house, wire=wire, tenant=tenant, administrator=heads)


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop in memory."""
    with opened() as shop:
        yield shop


def at_once(ask: Callable[[int], Heard], clients: int = CLIENTS) -> list[Heard]:
    """Let many clients ask at the same moment."""
    start = Barrier(clients)

    def one(number: int) -> Heard:
        start.wait(30)
        return ask(number)

    with ThreadPoolExecutor(clients) as threads:
        return list(threads.map(one, range(clients)))


@DATABASES
def test_ten_at_once_do_it_once(make_database: MakeDatabase, kind: str) -> None:
    """One of ten requests with one key does it; the others are answered the same, or told that it is under way."""
    with opened(make_database(kind)) as shop:
        heard = at_once(lambda _: shop.register("cedar", "one"))
        done = [one for one in heard if one.status == 201]
        assert {one.code for one in heard if one.status != 201} <= {"request_in_flight"}
        assert [one.header("idempotent-replayed") for one in done].count(None) == 1
        assert len({one.content for one in done}) == 1
        assert shop.handles() == ["acme", "birch", "cedar"]
        again = shop.register("cedar", "one")
        assert (again.status, again.content, again.header("idempotent-replayed")) == (201, done[0].content, "true")


@DATABASES
def test_ten_refunds_at_once_never_exceed_the_order(make_database: MakeDatabase, kind: str) -> None:
    """Of ten refunds of 40.00, each under a key of its own, two fit into an order of 100.00."""
    with opened(make_database(kind)) as shop:
        order = shop.order()
        path = f"/admin/orders/{written(OrderId, order.id)}/refunds"
        body = {"amount": {"amount": "40.00", "currency": "EUR"}}
        heard = at_once(lambda number: shop.post(path, f"refund {number}", body))
        counts = Counter(one.status for one in heard)
        refunded = shop.house.city.orders.get(shop.scope, order.reference).refunded
        assert set(counts) <= {201, 409, 422}, counts
        assert refunded.minor == 4000 * counts[201] <= order.total.minor
        assert counts[201] == 2 or kind != "memory"
        assert shop.house.city.ledger.verify(shop.scope).ok
        rest = [shop.post(path, f"refund {number}", body).status for number in range(CLIENTS)]
        assert rest.count(201) == 2
        assert shop.house.city.orders.get(shop.scope, order.reference).refunded.text == "80.00"


def subscribe(shop: Shop, key: str) -> Heard:
    """Subscribe somebody to 20.00 a month."""
    body = {"plan": "team", "subscriber": {"kind": "customer", "reference": "ann"}, "quantities": {"seats": 2}}
    return shop.post("/admin/subscriptions", key, body)


@DATABASES
def test_ten_at_once_subscribe_once(make_database: MakeDatabase, kind: str) -> None:
    """Of ten requests with one key one subscribes and is charged, though a gateway is asked in between."""
    with opened(make_database(kind)) as shop:
        shop.house.city.plans.create(shop.scope, "team", name="Team", items=[SEATS])
        heard = at_once(lambda _: subscribe(shop, "one"))
        assert {one.code for one in heard if one.status != 201} <= {"request_in_flight"}
        again = subscribe(shop, "one")
        assert (again.status, again.header("idempotent-replayed")) == (201, "true")
        (own,) = shop.house.city.subscriptions.list(shop.scope).items
        assert (own.status, shop.house.gateway.collected("EUR").text) == (SubscriptionStatus.ACTIVE, "20.00")


@DATABASES
@pytest.mark.parametrize(
    "point", ["idempotency.after_taking", "subscriptions.begin.after_commit", "billing.charge.after"]
)
def test_subscribing_survives_a_crash(make_database: MakeDatabase, kind: str, point: str) -> None:
    """Wherever the process died: sent again, somebody subscribed once, and billing sees to it that they paid once."""
    with opened(make_database(kind)) as shop:
        shop.house.city.plans.create(shop.scope, "team", name="Team", items=[SEATS])
        with faults.hooked(dying_at(point)), pytest.raises(Crash):
            subscribe(shop, "one")
        assert subscribe(shop, "one").code == "request_in_flight"
        shop.house.clock.advance(LEASE + timedelta(seconds=1))
        assert [subscribe(shop, "one").header("idempotent-replayed") for _ in range(2)] == [None, "true"]
        assert shop.house.city.billing.run(shop.scope).certificate.ties
        (own,) = shop.house.city.subscriptions.list(shop.scope).items
        assert (own.status, shop.house.gateway.collected("EUR").text) == (SubscriptionStatus.ACTIVE, "20.00")


@DATABASES
def test_one_of_ten_changes_what_all_have_read(make_database: MakeDatabase, kind: str) -> None:
    """Ten changes of one version: one is made, the others are told that it is no longer that version."""
    with opened(make_database(kind)) as shop:
        vendor = shop.house.city.vendors.get(shop.scope, "acme")
        path = f"/admin/vendors/{written(VendorId, vendor.id)}"
        tag = shop.wire.ask("GET", path, shop.administrator).header("etag") or ""
        heard = at_once(
            lambda number: shop.wire.ask(
                "PATCH", path, {**shop.administrator, "if-match": tag}, {"profile": {"name": f"Acme {number}"}}
            )
        )
        won = [one for one in heard if one.status == 200]
        assert len(won) == 1
        assert {one.status for one in heard if one.status != 200} == {412}
        after = shop.house.city.vendors.get(shop.scope, "acme")
        assert (after.version, after.profile.name) == (vendor.version + 1, won[0].json["profile"]["name"])


def test_a_key_stands_for_one_request(shop: Shop) -> None:
    """The same key with another body, path or query is refused and does nothing."""
    order = written(OrderId, shop.order().id)
    assert shop.register("cedar", "one").status == 201
    refused = [
        shop.register("dogwood", "one"),
        shop.post(f"/admin/orders/{order}/refunds", "one", {}),
        shop.post("/admin/stores", "one", {"handle": "web", "name": "Web"}),
    ]
    assert [(one.status, one.code) for one in refused] == [(422, "idempotency_key_reused")] * 3
    assert shop.handles() == ["acme", "birch", "cedar"]


def test_keys_belong_to_a_principal_in_a_tenant(shop: Shop) -> None:
    """Two principals, and two tenants, use the same key without hearing of each other."""
    south = market(shop.house.city, "south")
    other = shop.house.key(shop.scope)["authorization"]
    there = shop.house.key(south.scope)["authorization"]
    heard = [
        shop.register("cedar", "one"),
        shop.register("dogwood", "one", authorization=other),
        shop.register("cedar", "one", authorization=there, host="south.localhost"),
    ]
    assert [(one.status, one.header("idempotent-replayed")) for one in heard] == [(201, None)] * 3


def test_what_fails_leaves_no_trace(shop: Shop) -> None:
    """After a refusal the key is as new: the request can be mended and sent under it."""
    head = shop.house.city.audit.list(shop.scope, None, PageRequest(1)).items[0].hash
    assert shop.register("acme", "one").status == 409
    assert shop.post("/admin/vendors", "one", {"handle": "cedar"}).status == 422
    assert shop.house.city.audit.list(shop.scope, None, PageRequest(1)).items[0].hash == head
    heard = shop.register("cedar", "one")
    assert (heard.status, heard.header("idempotent-replayed")) == (201, None)


def dying_at(point: str) -> Callable[[str], None]:
    """Let the process die at the first passing of a fault point."""

    def hook(name: str) -> None:
        if name == point:
            raise Crash(name)

    return hook


@DATABASES
@pytest.mark.parametrize(
    ("point", "replayed"), [("idempotency.before_commit", None), ("idempotency.after_commit", "true")]
)
def test_after_a_crash_it_is_sent_again(
    make_database: MakeDatabase, kind: str, point: str, replayed: str | None
) -> None:
    """Whether the process died before the commit or after it: sent again, it has happened once."""
    with opened(make_database(kind)) as shop:
        with faults.hooked(dying_at(point)), pytest.raises(Crash):
            shop.register("cedar", "one")
        assert ("cedar" in shop.handles()) is (replayed is not None)
        heard = shop.register("cedar", "one")
        assert (heard.status, heard.header("idempotent-replayed")) == (201, replayed)
        assert shop.handles() == ["acme", "birch", "cedar"]


def test_what_fails_in_steps_gives_its_key_back(shop: Shop) -> None:
    """Work in several steps too can be mended and sent again under its key after a refusal."""
    shop.house.city.plans.create(shop.scope, "team", name="Team", items=[SEATS])
    body = {"plan": "gold", "subscriber": {"kind": "customer", "reference": "ann"}}
    assert shop.post("/admin/subscriptions", "one", body).code == "plan_not_found"
    heard = shop.post("/admin/subscriptions", "one", {**body, "plan": "team"})
    assert (heard.status, heard.header("idempotent-replayed")) == (201, None)


def test_work_in_steps_waits_for_its_lease(shop: Shop) -> None:
    """What died after taking its key is under way until the lease ends; then it is done, and replayed."""
    path = "/admin/payout-batches"
    with faults.hooked(dying_at("idempotency.after_taking")), pytest.raises(Crash):
        shop.post(path, "one", {})
    waiting = shop.post(path, "one", {})
    assert (waiting.status, waiting.code) == (409, "request_in_flight")
    shop.house.clock.advance(LEASE + timedelta(seconds=1))
    assert [shop.post(path, "one", {}).header("idempotent-replayed") for _ in range(2)] == [None, "true"]


@frozen
class Books:
    """A furnished tenant, whose every book is compared."""

    house: House
    wire: Wire
    north: Stall

    def pages(self) -> tuple[Any, ...]:
        """Copy what must not change."""
        city, scope = self.house.city, self.north.tenant.scope
        return (
            city.audit.list(scope, None, PageRequest(1)).items,
            city.ledger.balances(scope),
            city.orders.list(scope).items,
            city.payouts.list(scope).items,
            city.products.list(scope).items,
            city.subscriptions.list(scope).items,
            city.invoices.list(scope).items,
            city.billing.runs(scope).items,
            self.house.gateway.calls,
        )


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    """A tenant that rehearses."""
    house = House.of()
    (north,) = furnished(house, "north")
    with house.open() as wire:
        yield Books(house, wire, north)


MONEY = [endpoint for endpoint in ENDPOINTS if endpoint.moves_money]


@pytest.mark.parametrize("endpoint", MONEY, ids=lambda endpoint: endpoint.operation)
def test_a_rehearsal_changes_nothing(books: Books, endpoint: Endpoint) -> None:
    """With dry_run the answer is what would happen; no book, no gateway and no key learns of it."""
    north, before = books.north, books.pages()
    path = north.path(endpoint) + query_of(endpoint, north, dry_run="true")
    heads = {**north.own(endpoint), **heads_of(endpoint)}
    heard = [books.wire.ask(endpoint.method, path, heads, body_of(endpoint, north)) for _ in range(2)]
    for one in heard:
        assert one.status in (endpoint.status, 409), one
        assert one.status == 409 or one.header("dry-run") == "true"
        assert one.header("idempotent-replayed") is None
    assert books.pages() == before


def test_rehearsals_tell_what_then_happens(shop: Shop) -> None:
    """A refund that was rehearsed under a key is made under it, to the same cent."""
    path = f"/admin/orders/{written(OrderId, shop.order().id)}/refunds"
    rehearsed = shop.post(f"{path}?dry_run=true", "one", {})
    made = shop.post(path, "one", {})
    assert (rehearsed.status, made.status) == (201, 201)
    assert made.header("idempotent-replayed") is None
    same = ("amount", "lines", "reason")
    assert [rehearsed.json[name] for name in same] == [made.json[name] for name in same]
