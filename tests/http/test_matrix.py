"""Two tenants, every endpoint, every place where an id, a name, a cursor or a credential can stand: nothing crosses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from attrs import field, frozen

from callers.bodies import (
    body_of,
    body_schema,
    heads_of,
    operation,
    own_words,
    prefixed,
    properties,
    query_of,
    require_documented,
    with_word,
)
from callers.house import Heads, House
from callers.stall import SHARED, Stall, furnished, needs_tenant, spot_of
from callers.wire import Heard, Wire
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import PlatformScope
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_http.asking import Paged
from cityos_http.endpoint import Endpoint, Needs
from cityos_http.identifiers import written
from cityos_http.routes import ENDPOINTS

NOBODYS = UUID("018f5e2a-7c1d-7b3a-9e4f-2a6b8c0d1e2f")

GUARDED = tuple(endpoint for endpoint in ENDPOINTS if endpoint.needs is not Needs.NOTHING)
PLACED = tuple(endpoint for endpoint in GUARDED if endpoint.places)
WRITING = tuple(endpoint for endpoint in GUARDED if endpoint.body is not None)
LISTING = tuple(endpoint for endpoint in GUARDED if endpoint.query is not None and issubclass(endpoint.query, Paged))


def every(*endpoints: Endpoint) -> pytest.MarkDecorator:
    """Run a test for each of these endpoints."""
    return pytest.mark.parametrize("endpoint", endpoints, ids=lambda endpoint: endpoint.operation)


@frozen
class Pair:
    """Two tenants that have the same kinds of things, in one city."""

    house: House
    wire: Wire
    north: Stall
    south: Stall
    platform: Heads = field(factory=dict)

    def ask(self, endpoint: Endpoint, path: str, heads: Heads, body: object = None) -> Heard:
        """Call an endpoint with whatever it insists on, in the words of ``north``."""
        content = body if body is not None else body_of(endpoint, self.north)
        return self.wire.ask(endpoint.method, path, {**heads, **heads_of(endpoint)}, content)

    def call(self, endpoint: Endpoint, heads: Heads, **others: str) -> Heard:
        """Call an endpoint in ``north``, with what stands at places of its path."""
        return self.ask(endpoint, self.north.path(endpoint, **others) + query_of(endpoint, self.north), heads)

    def head(self, stall: Stall) -> str:
        """Give the last link of a tenant's audit: it is another one after anything was done there."""
        (entry,) = self.house.city.audit.list(stall.tenant.scope, None, PageRequest(1)).items
        return entry.hash

    def heads(self) -> tuple[str, str]:
        """Give the last links of both."""
        return self.head(self.north), self.head(self.south)


@contextmanager
def paired(database: UnitOfWorkFactory | None = None) -> Iterator[Pair]:
    """Furnish both and open the house."""
    house = House.of(database)
    north, south = furnished(house, "north", "south")
    with house.open() as wire:
        yield Pair(house, wire, north, south)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A pair in memory that no test changes."""
    with paired() as pair:
        yield pair


@pytest.fixture(scope="module")
def scratch() -> Iterator[Pair]:
    """A pair in memory in which things happen."""
    with paired() as pair:
        yield pair


@pytest.fixture
def fresh() -> Iterator[Pair]:
    """A pair in memory of a test's own."""
    with paired() as pair:
        yield pair


def crossings(pair: Pair, endpoint: Endpoint) -> Iterator[tuple[str, str, str]]:
    """List the places of a path with what ``south`` has there, and what nobody has."""
    for place, kind in endpoint.places.items():
        if kind is str and spot_of(endpoint, place) in SHARED:
            continue
        nobodys = "nobodys" if kind is str else written(kind, NOBODYS)
        yield place, pair.south.at(endpoint, place), nobodys


def require_no_crossing(pair: Pair, endpoint: Endpoint) -> None:
    """Insist that what ``south`` has is to ``north`` as if nobody had it."""
    before, heads = pair.heads(), pair.north.own(endpoint)
    for place, foreign, nobodys in crossings(pair, endpoint):
        heard = pair.call(endpoint, heads, **{place: foreign})
        missing = pair.call(endpoint, heads, **{place: nobodys})
        assert heard.status == missing.status, (place, heard, missing)
        assert heard.status in ((404,) if needs_tenant(endpoint) else (403, 404)), (place, heard)
        assert _said(heard) == _said(missing), place
    assert pair.heads() == before


def _said(heard: Heard) -> tuple[str, str]:
    return heard.json["code"], heard.json["title"]


@every(*PLACED)
def test_an_id_of_another_tenant_is_an_id_of_nothing(pair: Pair, endpoint: Endpoint) -> None:
    """At every place of every path, what another tenant has is not there: the answer is that for an id nobody has."""
    require_no_crossing(pair, endpoint)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_databases_keep_tenants_apart(make_database: Callable[[str], UnitOfWorkFactory], kind: str) -> None:
    """The same over all routes on databases."""
    with paired(make_database(kind)) as pair:
        for endpoint in PLACED:
            require_no_crossing(pair, endpoint)
        for endpoint in WRITING:
            require_no_word_crosses(pair, endpoint)


@every(*(endpoint for endpoint in GUARDED if needs_tenant(endpoint)))
def test_the_same_call_works_at_home(scratch: Pair, endpoint: Endpoint) -> None:
    """With what is its own a tenant gets an answer: the refusals here are not of badly written requests."""
    heard = scratch.call(endpoint, scratch.north.own(endpoint))
    assert heard.status in (endpoint.status, 409), heard
    require_documented(endpoint, heard)
    assert not [mark for mark in scratch.south.marks() if mark in heard.content.decode()]


@every(*(endpoint for endpoint in GUARDED if not needs_tenant(endpoint)))
def test_the_platform_may_do_it(fresh: Pair, endpoint: Endpoint) -> None:
    """What works on the platform works for the platform."""
    heard = fresh.call(endpoint, {"host": "localhost", **fresh.house.key(PlatformScope())})
    assert heard.status in (endpoint.status, 409), heard
    require_documented(endpoint, heard)


@every(*GUARDED)
def test_nobody_in_particular_gets_in_nowhere(pair: Pair, endpoint: Endpoint) -> None:
    """Whoever shows nothing is asked who they are."""
    before = pair.heads()
    heard = pair.call(endpoint, pair.north.host)
    assert (heard.status, heard.header("www-authenticate")) == (401, 'Bearer realm="cityos"')
    assert pair.heads() == before


@every(*GUARDED)
def test_who_may_nothing_may_nothing(pair: Pair, endpoint: Endpoint) -> None:
    """A key whose scopes name none of it is refused everywhere, whether what it names is there or not."""
    before = pair.heads()
    assert pair.call(endpoint, pair.north.comes("nobody")).status == 403
    assert pair.heads() == before


@every(*(endpoint for endpoint in GUARDED if endpoint.audience in ("admin", "vendor", "api")))
def test_customers_and_visitors_stay_in_the_shop(pair: Pair, endpoint: Endpoint) -> None:
    """A customer's token and a publishable key open nothing but the storefront; a vendor's key no administration."""
    who = ["customer", "publishable", *(["vendor", "member"] if endpoint.audience != "vendor" else [])]
    before = pair.heads()
    for one in who:
        assert pair.call(endpoint, pair.north.comes(one)).status == 403, one
    assert pair.heads() == before


@every(*GUARDED)
def test_credentials_of_one_tenant_are_worth_nothing_at_anothers_door(pair: Pair, endpoint: Endpoint) -> None:
    """Keys and tokens of a tenant on the host of another are refused before anything is looked at."""
    before = pair.heads()
    for who in ("administrator", "vendor", "publishable", "member", "customer"):
        heard = pair.call(endpoint, {**pair.north.heads[who], **pair.south.host})
        assert (heard.status, heard.code) == (403, "tenant-mismatch"), who
    both = {**pair.north.heads["administrator"], **pair.south.heads["publishable"]}
    assert pair.call(endpoint, {**both, **pair.north.host}).code == "tenant-mismatch"
    assert pair.heads() == before


@every(*GUARDED)
def test_impersonations_stay_where_they_were_begun(pair: Pair, endpoint: Endpoint) -> None:
    """Another tenant's impersonation is nobody's here."""
    before = pair.heads()
    heads = {**pair.north.own(endpoint), "x-impersonation": prefixed(pair.south)["imp"]}
    assert pair.call(endpoint, heads).status == 403
    assert pair.heads() == before


@every(*LISTING)
def test_cursors_stay_where_they_were_written(pair: Pair, endpoint: Endpoint) -> None:
    """A cursor goes on at home and is none in another tenant, nor with other filters."""
    if not needs_tenant(endpoint):
        return
    theirs = pair.ask(
        endpoint,
        pair.south.path(endpoint) + query_of(endpoint, pair.south, limit="1"),
        pair.south.own(endpoint),
    ).json
    assert theirs["has_more"], f"{endpoint.operation}: let both tenants have two of them in callers/stall.py"
    assert all(mark not in str(theirs) for mark in pair.north.marks())
    more = {"limit": "1", "cursor": theirs["next_cursor"]}
    rest = pair.south.path(endpoint) + query_of(endpoint, pair.south, **more)
    assert pair.ask(endpoint, rest, pair.south.own(endpoint)).status == 200
    heard = pair.ask(
        endpoint, pair.north.path(endpoint) + query_of(endpoint, pair.north, **more), pair.north.own(endpoint)
    )
    assert (heard.status, heard.code) == (400, "invalid_cursor")


@every(*(endpoint for endpoint in GUARDED if endpoint.query is not None))
def test_filters_find_nothing_of_others(pair: Pair, endpoint: Endpoint) -> None:
    """A filter by what another tenant has finds nothing of it."""
    if not needs_tenant(endpoint):
        return
    others = {**own_words(pair.south), **prefixed(pair.south)}
    names = [parameter["name"] for parameter in operation(endpoint)["parameters"] if parameter["in"] == "query"]
    for name in names:
        told = [others[name]] if name in others else [*prefixed(pair.south).values(), *pair.south.names.values()]
        for word in told:
            query = query_of(endpoint, pair.north, **{name: word if isinstance(word, str) else word[0]})
            heard = pair.ask(endpoint, pair.north.path(endpoint) + query, pair.north.own(endpoint))
            assert heard.status in (200, 400, 404, 409, 422), (name, word, heard)
            if heard.status == 200:
                assert not [mark for mark in pair.south.marks() - {word} if mark in heard.content.decode()]


REFUSED = (404, 409, 422)

OWN_WORDS = {
    ("create_product", "$.sku"),
    ("record_usage", "$.records[0].key"),
    ("report_usage", "$.records[0].key"),
}
"""Where a body gives a name to what it makes, whoever has another of that name."""


def require_no_word_crosses(pair: Pair, endpoint: Endpoint) -> None:
    """Insist that a body that names what ``south`` has does nothing there, and is refused where it refers to it."""
    before = pair.head(pair.south)
    others = {**own_words(pair.south), **prefixed(pair.south)}
    for place, body in with_word(endpoint, pair.north, others):
        heads = {**pair.north.own(endpoint), "idempotency-key": f"{endpoint.operation} {place}"[:200]}
        path = pair.north.path(endpoint) + query_of(endpoint, pair.north)
        heard = pair.wire.ask(endpoint.method, path, {**heads_of(endpoint), **heads}, body)
        name = place.rpartition(".")[2]
        if name in ("user", "customer") or (endpoint.operation, place) in OWN_WORDS:
            assert heard.status < 500, (place, heard)  # each tenant has such words of its own
        elif endpoint.operation == "replay_commission_rules":  # it counts sales and changes nothing
            assert heard.json["orders"] == 0, place
        else:
            assert heard.status in (REFUSED if needs_tenant(endpoint) else (*REFUSED, 403)), (place, heard)
    assert pair.head(pair.south) == before


@every(*WRITING)
def test_bodies_reach_no_other_tenant(scratch: Pair, endpoint: Endpoint) -> None:
    """What another tenant has can be named in no body: it is refused, and nothing happens there."""
    require_no_word_crosses(scratch, endpoint)


SMUGGLED = {
    "tenant_id": "01890000-0000-7000-8000-000000000000",
    "tenant": "south",
    "id": "ven_0000000000e0080000000000zz",
    "vendor": "birch",
    "vendor_id": "01890000-0000-7000-8000-000000000000",
    "customer": "bob",
    "status": "approved",
    "price": "0.01",
    "version": 7,
    "created_at": "2020-01-01T00:00:00Z",
    "grants": [],
    "role_": "administrator",
}


@every(*WRITING)
def test_nothing_is_smuggled_in_by_a_body(pair: Pair, endpoint: Endpoint) -> None:
    """A field that a body does not have is refused by name, whatever a record has."""
    before, heads = pair.heads(), pair.north.own(endpoint)
    if not needs_tenant(endpoint):
        heads = {"host": "localhost", **pair.house.key(PlatformScope())}
    fields = {name: value for name, value in SMUGGLED.items() if name not in properties(body_schema(endpoint))}
    assert "tenant_id" in fields
    heard = pair.ask(
        endpoint,
        pair.north.path(endpoint) + query_of(endpoint, pair.north),
        heads,
        {**body_of(endpoint, pair.north), **fields},
    )
    assert heard.status == 422, heard
    told = {mistake["pointer"] for mistake in heard.json["errors"] if mistake["code"] == "unknown_key"}
    assert told >= {f"#/{name}" for name in fields}
    assert pair.heads() == before


def test_whose_it_is_never_stands_in_a_body() -> None:
    """No body of a vendor's or customer's says for whom: no tenant, vendor, customer or status."""
    for endpoint in WRITING:
        if endpoint.audience in ("vendor", "store") and endpoint.operation != "join_team":
            said = {"vendor", "customer", "status", "tenant", "tenant_id"} & set(properties(body_schema(endpoint)))
            assert not said, endpoint.operation
    assert not any({"tenant", "tenant_id"} & set(properties(body_schema(endpoint))) for endpoint in WRITING)


VENDORS = tuple(endpoint for endpoint in GUARDED if endpoint.audience == "vendor")


@every(*(endpoint for endpoint in (*VENDORS, *GUARDED) if endpoint.audience in ("vendor", "store") and endpoint.places))
def test_rivals_see_nothing_of_each_other(pair: Pair, endpoint: Endpoint) -> None:
    """In one tenant, what another vendor or customer has is not there either."""
    before = pair.heads()
    for place, kind in endpoint.places.items():
        if kind in pair.north.rival_ids and not endpoint.path.startswith("/store/products"):
            for who in ["vendor", "member"] if endpoint.audience == "vendor" else ["customer"]:
                heads = pair.north.comes(who)
                heard = pair.call(endpoint, heads, **{place: written(kind, pair.north.rival_ids[kind])})
                missing = pair.call(endpoint, heads, **{place: written(kind, NOBODYS)})
                assert heard.status == missing.status == 404, (place, heard)
                assert _said(heard) == _said(missing)
    assert pair.heads() == before


@every(*VENDORS)
def test_nobody_acts_for_a_vendor_that_is_not_theirs(pair: Pair, endpoint: Endpoint) -> None:
    """Naming another vendor in the header opens nothing, whether there is such a vendor or not."""
    if endpoint.operation == "join_team":
        return
    before = pair.heads()
    for who in ("vendor", "member"):
        for vendor in ("birch", "nobodys"):
            assert pair.call(endpoint, {**pair.north.comes(who), "x-vendor": vendor}).status == 403
    assert pair.heads() == before
