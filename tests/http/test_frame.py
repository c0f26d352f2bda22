"""What every endpoint shares: cursors, entity tags, rehearsals, request ids, proxies, identifiers, the reference page."""

import re
from uuid import UUID

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.testing import TestClient
from litestar.types import ASGIApp, Receive, Scope, Send

from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.roles import part_of_the_system
from cityos_core.app import CityOS
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import VendorId
from cityos_core.tenancy.model import Tenant
from cityos_core.testing import market
from cityos_http import HttpOptions, create_app
from cityos_http.addresses import Proxies
from cityos_http.cursors import Cursors
from cityos_http.identifiers import PREFIXES, read, written
from clients import Client, refusal

ORDER = {
    "reference": "A-1",
    "placed_at": "2026-01-05T08:00:00Z",
    "currency": "EUR",
    "lines": [{"reference": "1", "sku": "chair", "vendor": "acme", "quantity": 1, "unit_price": "100.00"}],
}


# Cursors


@given(st.text(max_size=300), st.text(), st.text())
def test_a_cursor_belongs_to_its_list(after: str, place: str, other: str) -> None:
    """A cursor gives back where its list goes on, and nothing at any other list or under another secret."""
    cursors = Cursors("a secret")
    cursor = cursors.write(after, place=place)
    assert cursors.read(cursor, place=place) == after
    for elsewhere, key in ((f"{place}{other}x", "a secret"), (place, "another")):
        with pytest.raises(Invalid, match="begin again"):
            Cursors(key).read(cursor, place=elsewhere)


@given(st.text(), st.integers(min_value=0), st.characters(codec="ascii"))
def test_a_forged_cursor_is_refused(text: str, place: int, character: str) -> None:
    """Whatever is no cursor, or is one with any character changed, is refused and nothing worse."""
    cursors = Cursors("a secret")
    cursor = cursors.write("acme", place="vendors")
    spot = place % len(cursor)
    for forged in (text, cursor[:spot] + character + cursor[spot + 1 :], cursor * 200):
        if forged != cursor:
            with pytest.raises(Invalid):
                cursors.read(forged, place="vendors")


def test_a_cursor_of_another_tenant(admin: Client, http: TestClient[Litestar], app: CityOS) -> None:
    """A cursor goes on in the tenant, the list and the filters it was made for; the size of the page may change."""
    cursor = admin.get("/admin/vendors", limit=1).json()["next_cursor"]
    assert [one["handle"] for one in admin.get("/admin/vendors", limit=5, cursor=cursor).json()["data"]] == ["birch"]
    draft = KeyDraft(name="south", role="administrator")
    _, key = app.access.create_key(market(app, "south").scope, part_of_the_system("tests"), draft)
    heads = {"Host": "south.localhost", "Authorization": f"Bearer {key}"}
    assert refusal(http.get(f"/admin/vendors?cursor={cursor}", headers=heads)) == (400, "invalid_cursor")
    assert refusal(admin.get("/admin/vendors", cursor=cursor, status="approved")) == (400, "invalid_cursor")
    assert refusal(admin.get("/admin/payouts", cursor=cursor)) == (400, "invalid_cursor")


# Entity tags


def path_of(app: CityOS, north: Tenant) -> str:
    """Give the path of the vendor acme."""
    return f"/admin/vendors/{written(VendorId, app.vendors.get(north.scope, 'acme').id)}"


def conditional(admin: Client, path: str, tag: str) -> tuple[int, str]:
    """Read something that is held by a tag."""
    answer = admin.http.get(path, headers={**admin.headers, "If-None-Match": tag})
    return answer.status_code, answer.text


def test_what_the_client_has_is_not_sent_again(admin: Client, app: CityOS, north: Tenant) -> None:
    """304 has the tag and no body, for one of several tags, a weak one and a star; a change makes it 200."""
    path = path_of(app, north)
    tag = admin.get(path).headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        assert conditional(admin, path, known) == (304, "")
    answer = admin.http.get(path, headers={**admin.headers, "If-None-Match": tag})
    assert answer.headers["etag"] == tag
    assert admin.post(f"{path}/suspend", {"reason": "late"}).status_code == 200
    assert conditional(admin, path, tag)[0] == 200
    assert refusal(admin.http.get(path, headers={**admin.headers, "If-None-Match": "3"})) == (400, "invalid_header")


@pytest.mark.parametrize(
    ("tag", "refused"),
    [
        (None, (428, "precondition_required")),
        ('"99-0123456789abcdef"', (412, "precondition_failed")),
        ('W/"1-0123456789abcdef"', (412, "precondition_failed")),
        ('"anything"', (412, "precondition_failed")),
        ('"1-0123456789abcdef", "2-0123456789abcdef"', (400, "invalid_header")),
        ("1", (400, "invalid_header")),
    ],
)
def test_a_change_names_what_it_changes(
    admin: Client, app: CityOS, north: Tenant, tag: str | None, refused: tuple[int, str]
) -> None:
    """Without the tag of what is there, nothing is changed."""
    path = path_of(app, north)
    before = admin.get(path).json()
    assert refusal(admin.patch(path, {"payout_schedule": "daily"}, etag=tag)) == refused
    assert admin.get(path).json() == before


def test_a_star_matches_any_version(admin: Client, app: CityOS, north: Tenant) -> None:
    """Who does not care what is there may say so."""
    assert admin.patch(path_of(app, north), {"payout_schedule": "daily"}, etag="*").status_code == 200


# Requests as such


@pytest.mark.parametrize("path", ["/livez", "/admin/vendors", "/schema/openapi.json", "/nothing", "/metrics"])
def test_head_is_get_without_a_body(admin: Client, path: str) -> None:
    """HEAD says what GET would say, and leaves the body out."""
    got, headed = admin.get(path), admin.send("HEAD", path, None, {})
    assert (headed.status_code, headed.content) == (got.status_code, b"")
    assert headed.headers["content-type"] == got.headers["content-type"]
    if path != "/metrics":
        assert headed.headers.get("etag") == got.headers.get("etag")


@pytest.mark.parametrize("given", ["req-1", "A.b_c-1", "0" * 64])
def test_a_request_id_is_kept(http: TestClient[Litestar], given: str) -> None:
    """A plain id that a client gives comes back, in problems too."""
    assert http.get("/livez", headers={"X-Request-Id": given}).headers["x-request-id"] == given
    assert http.get("/nothing", headers={"X-Request-Id": given}).json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "a b", "0" * 65, "a\tb", "<script>", "ä"])
def test_a_strange_request_id_is_replaced(http: TestClient[Litestar], given: str) -> None:
    """What would not be plain in a log is not taken; every request has an id of its own."""
    answers = [http.get("/nothing", headers={b"X-Request-Id": given.encode("latin-1")}) for _ in range(2)]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


def test_headers_of_every_answer(http: TestClient[Litestar]) -> None:
    """Even where there is nothing, an answer says how it may be used."""
    for path in ("/livez", "/nothing", "/schema"):
        heads = http.get(path).headers
        assert (heads["x-content-type-options"], heads["referrer-policy"]) == ("nosniff", "no-referrer")
        assert "Host" in heads["vary"]


def test_a_rehearsal_leaves_nothing(admin: Client) -> None:
    """A dry run answers as if it were done, says that it was not, and uses up neither order nor key."""
    tried = admin.post("/admin/orders", ORDER, key="k", dry_run="true")
    assert (tried.status_code, tried.headers["dry-run"]) == (201, "true")
    assert admin.get("/admin/orders").json()["data"] == []
    assert admin.get("/admin/audit-log", kind="order").json()["data"] == []
    done = admin.post("/admin/orders", ORDER, key="k", dry_run="false")
    assert (done.status_code, done.headers.get("dry-run"), "idempotent-replayed" in done.headers) == (201, None, False)
    assert done.json()["total"] == tried.json()["total"]


@pytest.mark.parametrize("query", ["dry_run=1", "dry_run=", "dry_run=true&dry_run=true"])
def test_a_rehearsal_is_asked_for_clearly(admin: Client, query: str) -> None:
    """What might be meant as a rehearsal and is not clear about it is refused: it could be done in earnest."""
    heads = {**admin.headers, "Idempotency-Key": "k"}
    answer = admin.http.post(f"/admin/orders?{query}", json=ORDER, headers=heads)
    assert refusal(answer) == (422, "malformed")
    assert answer.json()["errors"][0]["pointer"] == "query/dry_run"


def test_what_moves_no_money_has_no_rehearsal(admin: Client) -> None:
    """A parameter that an endpoint does not know is refused, also where it would be harmless to ignore it."""
    answer = admin.post("/admin/vendors", {"handle": "new", "profile": {"name": "N"}}, dry_run="true")
    assert refusal(answer) == (422, "malformed")


# Where a request comes from


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.7, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "unknown", None),
        ("10.0.0.1", "198.51.100.1:4711", None),
        ("10.0.0.1", " , ", "10.0.0.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        (None, "198.51.100.1", None),
        ("testclient", "198.51.100.1", None),
    ],
)
def test_whom_a_proxy_speaks_for(peer: str | None, forwarded: str, client: str | None) -> None:
    """A trusted proxy is believed, whoever else is not; the last address that nobody vouches for is the client's."""
    proxies = Proxies.of(["10.0.0.0/8", "::1/128"])
    assert proxies.client(peer, forwarded) == client


@given(st.lists(st.ip_addresses(v=4).map(str), max_size=6), st.ip_addresses(v=4).map(str))
def test_without_proxies_nobody_is_believed(forwarded: list[str], peer: str) -> None:
    """Where no proxy is trusted a request is from its peer, whatever it says."""
    assert Proxies.of([]).client(peer, ", ".join(forwarded)) == peer


PERMISSION = "/api/certificates/permission"


@frozen
class From:
    """Lets requests come from an address."""

    peer: str
    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            scope["client"] = (self.peer, 4711)
        await self.app(scope, receive, send)


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("127.0.0.1", None, 200),
        ("::1", None, 200),
        ("198.51.100.1", None, 404),
        ("198.51.100.1", "127.0.0.1", 404),
        ("127.0.0.1", "198.51.100.1", 404),
    ],
)
def test_certificates_are_permitted_on_this_machine(
    app: CityOS, north: Tenant, peer: str, forwarded: str | None, status: int
) -> None:
    """Only a proxy on this machine hears which names are served; not even through it does anyone else."""
    served = create_app(app, HttpOptions(trusted_proxies=("127.0.0.1/32",)))
    served.asgi_handler = From(peer, served.asgi_handler)
    with TestClient(served, base_url="http://north.localhost") as http:
        heads = {} if forwarded is None else {"X-Forwarded-For": forwarded}
        answer = http.get(PERMISSION, params={"domain": f"{north.handle}.localhost"}, headers=heads)
        assert answer.status_code == status
        assert http.get(PERMISSION, params={"domain": "nobody.localhost"}, headers=heads).status_code == 404


# Identifiers

KINDS = st.sampled_from(sorted(PREFIXES, key=lambda kind: PREFIXES[kind]))


@given(KINDS, st.uuids())
def test_an_identifier_is_read_as_it_was_written(kind: object, value: UUID) -> None:
    """A prefix and 26 letters, there and back; what differs in any letter is another or none."""
    text = written(kind, value)
    assert re.fullmatch(r"[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}", text)
    assert read(kind, text) == value


@given(KINDS, st.uuids(), st.uuids())
def test_identifiers_sort_as_what_they_stand_for(kind: object, one: UUID, other: UUID) -> None:
    """What was made later has the greater identifier, as text too."""
    assert (written(kind, one) < written(kind, other)) == (one < other)


@given(KINDS, KINDS, st.uuids(), st.text())
def test_what_is_no_identifier(kind: object, other: object, value: UUID, text: str) -> None:
    """Of another kind, in capitals, too large, too long, with a letter that is none, as a UUID: all are refused."""
    right = written(kind, value)
    wrong: list[object] = [
        right.upper(),
        f"{right}0",
        right[:-1],
        f" {right}",
        f"{right}\n",
        right[:-1] + "u",
        str(value),
        text,
    ]
    wrong += [PREFIXES[kind] + "_8" + right[5:], written(other, value), 7, None]
    for one in wrong:
        if one != right:
            with pytest.raises(Invalid, match="this is an id such as"):
                read(kind, one)


def test_prefixes_are_different() -> None:
    """Each kind of identifier is told by its prefix."""
    assert len(set(PREFIXES.values())) == len(PREFIXES)


def test_typeid_vector() -> None:
    """The example of the TypeID specification is read as it says."""
    assert written(VendorId, UUID("01889c89-df6b-7f1c-a388-91396ec314bc")) == "ven_01h2e8kqvbfwea724h75qc655w"


# The reference page and the measures


def test_the_reference_comes_from_this_host(http: TestClient[Litestar]) -> None:
    """The page names no other host, forbids the browser to ask one, and its script and document are here."""
    page = http.get("/schema")
    assert not re.search(r"(?:https?:)?//", page.text.replace("<!doctype html>", ""))
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    for path in re.findall(r'(?:src|href|spec-url)="([^"]+)"', page.text):
        answer = http.get(path)
        assert (answer.status_code, len(answer.content) > 1000) == (200, True)
    assert http.get("/schema/redoc.js").headers["content-type"].startswith("text/javascript")


def test_measures_name_no_tenant(admin: Client, http: TestClient[Litestar]) -> None:
    """Requests are counted by method, route and status; paths that are no route are one."""
    admin.get("/admin/vendors")
    for number in range(3):
        http.get(f"/nothing-{number}")
    text = http.get("/metrics").text
    assert 'cityos_http_requests_total{method="GET",route="/admin/vendors",status="200"} 1.0' in text
    assert 'cityos_http_requests_total{method="GET",route="(unknown)",status="404"} 3.0' in text
    labels = {name for part in re.findall(r"cityos_http\w+\{([^}]*)\}", text) for name in re.findall(r"(\w+)=", part)}
    assert labels == {"method", "route", "status", "le"}
    assert "north" not in text
