"""Whatever is wrong with a request, and whatever is wrong here, is told in one documented form that gives nothing away."""

import json
import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import jsonschema_rs
import pytest
from attrs import frozen

from callers.bodies import body_of, described, heads_of
from callers.house import Heads, House
from callers.stall import Stall, furnished
from callers.wire import Heard, Wire
from cityos_adapters.memory.limiter import MemoryRateLimiter
from cityos_core.exports.model import ExportFormat, ExportKind
from cityos_core.kernel.errors import Unavailable
from cityos_core.kernel.ids import ExportId
from cityos_core.testing import SimulatedClock
from cityos_core.vendors.service import ListVendors
from cityos_http.endpoint import Endpoint, Key, Needs
from cityos_http.identifiers import written
from cityos_http.options import MIB
from cityos_http.routes import ENDPOINTS

PROBLEM = jsonschema_rs.Draft202012Validator(described()["components"]["schemas"]["Problem"])


def require_problem(heard: Heard, status: int, code: str | None = None) -> Any:
    """Insist that an answer is a documented problem."""
    assert heard.status == status, heard
    assert heard.header("content-type") == "application/problem+json"
    told = heard.json
    PROBLEM.validate(told)
    assert told["request_id"] == heard.header("x-request-id")
    assert told["status"] == status
    assert heard.header("cache-control") == "no-store"
    assert heard.header("x-content-type-options") == "nosniff"
    assert code in (None, told["code"]), told
    assert ("current_state" in told, "allowed_actions" in told) == ((status == 409),) * 2
    return told


def path_of(stall: Stall, operation: str) -> str:
    """Write the path of an operation."""
    return stall.path(next(endpoint for endpoint in ENDPOINTS if endpoint.operation == operation))


@frozen
class Visit:
    """A furnished tenant and the way to it."""

    house: House
    wire: Wire
    north: Stall

    @property
    def heads(self) -> Heads:
        """The headers of an administrator."""
        return self.north.comes("administrator")

    def ask(self, method: str, target: str, body: object = None, **heads: str) -> Heard:
        """Ask as an administrator; underscores in names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in heads.items()}
        return self.wire.ask(method, target, {**self.heads, **named}, body)

    def raw(self, method: str, target: str, *headers: tuple[bytes, bytes], body: bytes = b"") -> Heard:
        """Ask as an administrator with headers as they are, even twice."""
        own = [(name.encode(), value.encode()) for name, value in self.heads.items()]
        return self.wire.ask(method, target, [*own, *headers], body)

    def post(self, body: bytes, kind: bytes = b"application/json") -> Heard:
        """Register a vendor by a body as it is."""
        return self.raw("POST", "/admin/vendors", (b"content-type", kind), (b"idempotency-key", b"one"), body=body)


@pytest.fixture(scope="module")
def visit() -> Iterator[Visit]:
    """A tenant in memory."""
    house = House.of()
    (north,) = furnished(house, "north")
    with house.open() as wire:
        yield Visit(house, wire, north)


@pytest.mark.parametrize("target", ["/nothing", "/", "/admin", "/ADMIN/vendors", "/admin/vendors/%2e%2e", "/%00"])
def test_unknown_routes(visit: Visit, target: str) -> None:
    """Where nothing is, that is what is said."""
    require_problem(visit.ask("GET", target), 404, "not_found")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.operation)
def test_wrong_methods(visit: Visit, endpoint: Endpoint) -> None:
    """What cannot be done at a place is refused with the methods that there are."""
    path = visit.north.path(endpoint)
    there = {other.method for other in ENDPOINTS if other.path == endpoint.path}
    for method in sorted({"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - there):
        if not any(_fits(other, path) and other.method == method for other in ENDPOINTS):
            heard = visit.ask(method, path)
            require_problem(heard, 405, "method_not_allowed")
            assert there <= set(re.split(", ?", heard.header("allow") or ""))


def _fits(endpoint: Endpoint, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", endpoint.path), path) is not None


@pytest.mark.parametrize("target", ["/admin/vendors", "/nothing", "/livez"])
def test_heads_and_options(visit: Visit, target: str) -> None:
    """HEAD answers as GET does, without a body; OPTIONS names the methods or is refused in form."""
    got, headed, options = (visit.ask(method, target) for method in ("GET", "HEAD", "OPTIONS"))
    assert (headed.status, headed.content) == (got.status, b"")
    assert headed.header("content-type") == got.header("content-type")
    assert headed.header("x-request-id")
    if options.status >= 400:
        require_problem(options, options.status)
    else:
        assert "GET" in (options.header("allow") or "")


BROKEN = {
    "nothing": b"",
    "an open brace": b"{",
    "no object": b"[]",
    "a number": b"7",
    "null": b"null",
    "not a number": b'{"handle": NaN}',
    "a key twice": b'{"handle": "a", "handle": "b"}',
    "no text": b"\xff\xfe\x00",
    "half of a pair": b'{"handle": "\\ud800", "profile": {"name": "A"}}',
    "a zero in a text": b'{"handle": "cedar", "profile": {"name": "A\\u0000"}}',
    "two values": b"{}{}",
    "a wide number": b'{"handle": 1' + b"0" * 5000 + b"}",
    "a far exponent": b'{"handle": 1e999999999}',
    "too deep": b'{"handle": ' + b"[" * 50 + b"]" * 50 + b"}",
    "far too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_broken_bodies(visit: Visit, body: bytes) -> None:
    """What is no JSON, or not what the endpoint reads, is refused; nothing else is hurt."""
    told = require_problem(visit.post(body), 422)
    assert all(mistake["pointer"].startswith("#") for mistake in told.get("errors", ()))


def test_no_body(visit: Visit) -> None:
    """Who sends nothing where something is read is told so."""
    told = require_problem(visit.post(b""), 422)
    assert told["code"] == "not_json"
    assert "a body is needed" in told["errors"][0]["detail"]


def test_large_bodies(visit: Visit) -> None:
    """A body is read to its limit and no further, whether its length is told or not."""
    body = b'{"handle": "' + b"a" * MIB + b'"}'
    require_problem(visit.post(body), 413, "body_too_large")
    length = (b"content-length", str(len(body)).encode())
    heads = ((b"content-type", b"application/json"), (b"idempotency-key", b"one"), length)
    require_problem(visit.raw("POST", "/admin/vendors", *heads, body=body), 413, "body_too_large")
    require_problem(visit.raw("POST", "/admin/vendors", (b"content-length", b"many"), body=b"{}"), 400)


@pytest.mark.parametrize(
    "kind", [b"text/plain", b"", b"application/xml", b"multipart/form-data", b"\xff", b"application/json/json"]
)
def test_other_media_types(visit: Visit, kind: bytes) -> None:
    """Only JSON is read."""
    require_problem(visit.post(b"{}", kind), 415, "unsupported_media_type")


def test_a_body_where_none_is_read(visit: Visit) -> None:
    """What would be ignored is refused."""
    require_problem(visit.ask("GET", "/admin/vendors", {"limit": 1}), 422, "unexpected_body")


QUERIES = {
    "unknown": "?what=1",
    "twice": "?limit=1&limit=2",
    "no number": "?limit=many",
    "too many": "?limit=101",
    "none": "?limit=0",
    "spaces": "?limit=%201",
    "other digits": "?limit=%D9%A1",
    "another status": "?status=nothing",
    "no text": "?status=%FF%FE",
    "a zero": "?status=%00",
    "no cursor": "?cursor=nothing",
    "a long cursor": "?cursor=" + "a" * 3000,
    "half a cursor": "?cursor=%F0%9F",
    "no name": "?=1",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_odd_queries(visit: Visit, query: str) -> None:
    """Queries are read as strictly as bodies."""
    told = require_problem(visit.ask("GET", f"/admin/vendors{query}"), 400 if "cursor" in query else 422)
    assert all(mistake["pointer"].startswith("query/") for mistake in told.get("errors", ()))


def test_long_queries(visit: Visit) -> None:
    """A query has an end."""
    require_problem(visit.ask("GET", "/admin/vendors?status=" + "a" * 9000), 414, "query_too_long")


ONCE = [
    "authorization",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-publishable-key",
    "x-impersonation",
    "x-vendor",
    "content-type",
]


@pytest.mark.parametrize("name", ONCE)
def test_repeated_headers(visit: Visit, name: str) -> None:
    """A header that decides something is given once; of two, neither is chosen."""
    twice = [(name.encode(), b"Bearer a"), (name.encode(), b"Bearer b")]
    if name == "if-none-match":
        heard = visit.raw("GET", "/admin/vendors", *twice)
    elif name == "if-match":
        path = path_of(visit.north, "change_vendor")
        heard = visit.raw("PATCH", path, *twice, (b"content-type", b"application/json"), body=b"{}")
    else:
        rest = [(b"content-type", b"application/json"), (b"idempotency-key", b"one")]
        heads = [*twice, *(pair for pair in rest if pair[0] != name.encode())]
        heard = visit.raw("POST", "/admin/vendors", *heads, body=b'{"handle": "a", "profile": {"name": "A"}}')
    require_problem(heard, 400, "invalid_header")


HEADERS = {
    "no scheme": ("authorization", b"csk_live_a", 401),
    "another scheme": ("authorization", b"Basic YTpi", 401),
    "an empty one": ("authorization", b"Bearer ", 401),
    "no token": ("authorization", b"Bearer \xff\xfe", 401),
    "a long token": ("authorization", b"Bearer " + b"a" * 60_000, 401),
    "half a token": ("authorization", b"Bearer a.b.c", 401),
    "no publishable key": ("x-publishable-key", b"\xff", 401),
    "another's id": ("x-impersonation", b"imp_", 403),
    "no id": ("x-impersonation", b"\xff\x00", 403),
    "an empty key": ("idempotency-key", b"", 400),
    "a long key": ("idempotency-key", b"a" * 256, 400),
    "an odd key": ("idempotency-key", b"\xe4", 400),
    "a tab in a key": ("idempotency-key", b"a\tb", 400),
}


@pytest.mark.parametrize(("name", "value", "status"), HEADERS.values(), ids=HEADERS.keys())
def test_odd_headers(visit: Visit, name: str, value: bytes, status: int) -> None:
    """Headers that say nothing sensible are refused; none of them is a failure of ours."""
    own = [(key.encode(), text.encode()) for key, text in visit.heads.items() if key != name]
    heads = [*own, (b"content-type", b"application/json"), (b"idempotency-key", b"one")]
    heads = [*(pair for pair in heads if pair[0] != name.encode()), (name.encode(), value)]
    heard = visit.wire.ask("POST", "/admin/vendors", heads, b'{"handle": "acme", "profile": {"name": "A"}}')
    require_problem(heard, status)


@pytest.mark.parametrize("value", [b"W/", b'"', b"abc", b'"a", "b"', b"\xff", b'"a" "b"', b""])
def test_odd_versions(visit: Visit, value: bytes) -> None:
    """If-Match is one entity tag."""
    path = path_of(visit.north, "change_vendor")
    heard = visit.raw("PATCH", path, (b"if-match", value), (b"content-type", b"application/json"), body=b"{}")
    require_problem(heard, 400, "invalid_header")
    require_problem(visit.ask("PATCH", path, {}), 428, "precondition_required")
    require_problem(visit.ask("PATCH", path, {}, if_match='"9-0123456789abcdef"'), 412)


HOSTS = {
    "unknown": (b"nobody.localhost", 404),
    "elsewhere": (b"other.example", 404),
    "empty": (b"", 400),
    "spaces": (b"north .localhost", 400),
    "no text": (b"\xff\xfe", 400),
    "a path": (b"north.localhost/admin", 400),
    "a person": (b"me@north.localhost", 400),
    "long": (b"a" * 300 + b".localhost", 400),
    "a port": (b"north.localhost:many", 400),
}


@pytest.mark.parametrize(("host", "status"), HOSTS.values(), ids=HOSTS.keys())
def test_odd_hosts(visit: Visit, host: bytes, status: int) -> None:
    """A host that names no tenant, or nothing at all, opens nothing."""
    key = visit.heads["authorization"].encode()
    heard = visit.wire.ask("GET", "/admin/vendors", [(b"host", host), (b"authorization", key)])
    require_problem(heard, status)


def test_two_hosts(visit: Visit) -> None:
    """A request is for one host; of two, neither is chosen."""
    heard = visit.raw("GET", "/admin/vendors", (b"host", b"south.localhost"))
    require_problem(heard, 400, "invalid_header")


@pytest.mark.parametrize("given", ["plain-1.2_3", "a b", "x" * 65, "<b>", "\xe4", ""])
def test_request_ids(visit: Visit, given: str) -> None:
    """A plain request id is kept; anything else is replaced, never repeated."""
    heard = visit.ask("GET", "/nothing", x_request_id=given)
    assert (heard.header("x-request-id") == given) is (given == "plain-1.2_3")
    require_problem(heard, 404)


@pytest.mark.parametrize(
    "endpoint",
    [one for one in ENDPOINTS if one.key is Key.REQUIRED and one.needs is Needs.TENANT],
    ids=lambda endpoint: endpoint.operation,
)
def test_keys_are_insisted_on(visit: Visit, endpoint: Endpoint) -> None:
    """Whatever creates or moves money needs an Idempotency-Key."""
    heads = {name: value for name, value in heads_of(endpoint).items() if name != "idempotency-key"}
    heard = visit.wire.ask(
        endpoint.method,
        visit.north.path(endpoint),
        {**visit.north.own(endpoint), **heads},
        body_of(endpoint, visit.north),
    )
    require_problem(heard, 400, "missing_idempotency_key")


def test_conflicts_say_what_can_be_done(visit: Visit) -> None:
    """A step that the state forbids is told with the state and what it allows."""
    path = path_of(visit.north, "approve_vendor")
    told = require_problem(visit.ask("POST", path), 409, "invalid_state")
    assert told["current_state"] == "approved"
    assert "suspend" in told["allowed_actions"]


def test_streams_fail_in_form(visit: Visit) -> None:
    """A file that is not there, or not yet, is no file."""
    export = visit.house.city.exports.request(
        visit.north.tenant.scope, ExportKind.ORDERS, ExportFormat.CSV, by="user:7"
    )
    path = f"/admin/exports/{written(ExportId, export.id)}/content"
    assert require_problem(visit.ask("GET", path), 409, "export_not_ready")["current_state"] == "queued"
    require_problem(visit.ask("GET", "/admin/exports/exp_nothing/content"), 404, "not_found")
    require_problem(visit.wire.ask("GET", path, visit.north.host), 401)


def test_texts_name_their_charset_once(visit: Visit) -> None:
    """A file and the measures say what they are in one form that everyone reads."""
    heads = [
        visit.ask("GET", target).header("content-type")
        for target in (path_of(visit.north, "download_export"), "/metrics")
    ]
    assert heads == ["text/csv; charset=utf-8", "text/plain; version=0.0.4; charset=utf-8"]


def test_a_bug_of_ours_tells_nothing(visit: Visit) -> None:
    """What nobody foresaw is 500, and none of its words leave the house."""

    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("the password is swordfish")

    with patch.object(ListVendors, "__call__", failing):
        heard = visit.ask("GET", "/admin/vendors")
    told = require_problem(heard, 500, "internal_error")
    assert "swordfish" not in heard.content.decode()
    assert set(told) == {"type", "title", "status", "detail", "code", "request_id"}


def test_what_cannot_be_reached_is_told_with_when_to_come_back(visit: Visit) -> None:
    """Something that is away for a moment is 503, with Retry-After."""

    def away(*_: object, **__: object) -> None:
        raise Unavailable("database_unavailable", "try again in a moment")

    with patch.object(ListVendors, "__call__", away):
        heard = visit.ask("GET", "/admin/vendors")
    require_problem(heard, 503, "database_unavailable")
    assert int(heard.header("retry-after") or "") > 0


def test_too_fast(visit: Visit) -> None:
    """Beyond the limit there is nothing but 429, with when to come back; anonymous callers are counted, too."""
    clock = SimulatedClock()
    house = House.of(limiter=MemoryRateLimiter(clock))
    (north,) = furnished(house, "north")
    with house.open() as wire:
        for heads, first in ((north.comes("administrator"), 200), (north.host, 401)):
            heard = [wire.ask("GET", "/admin/vendors?limit=1", heads) for _ in range(700)]
            assert heard[0].status == first
            assert all(one.header("ratelimit") and one.header("ratelimit-policy") for one in heard)
            last = heard[-1]
            require_problem(last, 429, "rate_limited")
            assert int(last.header("retry-after") or "") > 0
            assert re.fullmatch(r'"default";r=0;t=\d+', last.header("ratelimit") or "")
            assert re.fullmatch(r'"default";q=\d+;w=\d+', last.header("ratelimit-policy") or "")


def test_no_answer_shows_a_secret(visit: Visit) -> None:
    """What was shown at the door is repeated in no problem."""
    secret = "csk_live_" + "s" * 40
    heard = visit.wire.ask("GET", "/admin/vendors", {**visit.north.host, "authorization": f"Bearer {secret}"})
    assert secret not in json.dumps(require_problem(heard, 401)) + str(heard.headers)
