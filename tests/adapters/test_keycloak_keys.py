"""What it costs to know an issuer's keys: one fetch for everybody, none for made-up ones, and life without the issuer."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, Event, Thread
from time import sleep
from typing import Any, ClassVar

import httpx2
import pytest

from adapters.issuer import CLAIMS, ISSUER, KEYS, Issuer, answer, encoded, rsa, signed
from cityos_adapters import exchange
from cityos_adapters.keycloak import KeycloakTokens, Realm
from cityos_adapters.keycloak.jwks import LARGEST
from cityos_core.access.ports import Tokens
from cityos_core.testing import SimulatedClock
from usecases.town import code

REALM = Realm(issuer=ISSUER, audience="platform", clients=frozenset({"web"}))
DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"
MINUTE = timedelta(minutes=1)
PATIENCE_S = 10
"""How long a thread waits for another one before the test has failed."""


@pytest.fixture
def issuer() -> Issuer:
    """An issuer with one key."""
    return Issuer()


@pytest.fixture
def clock() -> SimulatedClock:
    """A clock that stands still."""
    return SimulatedClock()


@pytest.fixture
def tokens(issuer: Issuer, clock: SimulatedClock) -> Tokens:
    """What proves its tokens."""
    return KeycloakTokens(REALM, clock, transport=issuer.transport)


def verdict(tokens: Tokens, token: str) -> str:
    """Give ``ok``, or the code of the refusal."""
    return code(lambda: tokens.verify(token))


def made_up(number: int) -> str:
    """Make a token with a key id that nobody has."""
    return f"{encoded({'alg': 'RS256', 'kid': f'made-up-{number}'})}.{encoded(CLAIMS)}.{encoded(b'x' * 256)}"


def lasting(issuer: Issuer, key: Any = None) -> str:
    """Issue a token that outlives every test."""
    return issuer.token(key, exp=CLAIMS["exp"] + 10**9)


def test_keys_are_fetched_when_they_are_first_needed(issuer: Issuer, tokens: Tokens) -> None:
    """Nothing is asked before the first token, and then once for all of them."""
    assert not issuer.asked
    assert {verdict(tokens, issuer.token(jti=str(number))) for number in range(20)} == {"ok"}
    assert issuer.asked == {DISCOVERY: 1, KEYS: 1}


def test_a_known_place_is_not_looked_for(issuer: Issuer, clock: SimulatedClock) -> None:
    """Where the place of the keys is configured, the discovery document is not read."""
    place = "https://keys.example.org/certs"
    issuer.answers[place] = lambda: answer({"keys": [rsa("k1").as_dict(private=False)]})
    realm = Realm(issuer=ISSUER, audience="platform", clients=frozenset({"web"}), jwks_uri=place)
    assert verdict(KeycloakTokens(realm, clock, transport=issuer.transport), issuer.token()) == "ok"
    assert issuer.asked == {place: 1}


def test_keys_grow_old(issuer: Issuer, tokens: Tokens, clock: SimulatedClock) -> None:
    """Keys are fetched again after five minutes; one that was withdrawn is trusted until then."""
    token = lasting(issuer)
    assert verdict(tokens, token) == "ok"
    issuer.keys = [rsa("k2")]
    clock.advance(5 * MINUTE - timedelta(seconds=1))
    assert verdict(tokens, token) == "ok"
    assert issuer.fetches() == 1
    clock.advance(timedelta(seconds=1))
    assert verdict(tokens, lasting(issuer)) == "ok"
    assert issuer.fetches() == 2
    assert verdict(tokens, token) == "token_invalid"


def test_a_key_that_follows_soon_is_found_at_once(issuer: Issuer, tokens: Tokens) -> None:
    """A key that was rotated right after a fetch is looked for when its first token comes."""
    assert verdict(tokens, issuer.token()) == "ok"
    issuer.keys = [rsa("k2"), rsa("k1")]
    assert verdict(tokens, issuer.token(rsa("k2"))) == "ok"
    assert verdict(tokens, issuer.token(rsa("k1"))) == "ok"
    assert issuer.fetches() == 2


def test_a_key_that_follows_a_search_waits_for_the_next_one(
    issuer: Issuer, tokens: Tokens, clock: SimulatedClock
) -> None:
    """Within the cool-down of a search a new key is not found; afterwards it is, with one fetch."""
    assert verdict(tokens, issuer.token()) == "ok"
    assert verdict(tokens, made_up(1)) == "token_invalid"
    issuer.keys = [rsa("k1"), rsa("k2")]
    assert verdict(tokens, issuer.token(rsa("k2"))) == "token_invalid"
    assert verdict(tokens, issuer.token(rsa("k1"))) == "ok"
    clock.advance(timedelta(seconds=10))
    assert verdict(tokens, issuer.token(rsa("k2"))) == "ok"
    assert issuer.fetches() == 3


def test_made_up_keys_cause_one_fetch(issuer: Issuer, tokens: Tokens, clock: SimulatedClock) -> None:
    """Two thousand made-up key ids from forty threads cause one fetch per cool-down, and honest users notice nothing."""
    assert verdict(tokens, issuer.token()) == "ok"
    for rounds in (1, 2):
        with ThreadPoolExecutor(40) as threads:
            verdicts = threads.map(lambda number: verdict(tokens, made_up(number)), range(1_000))
            honest = threads.map(lambda _: verdict(tokens, issuer.token()), range(100))
            assert (set(verdicts), set(honest)) == ({"token_invalid"}, {"ok"})
        assert issuer.fetches() == 1 + rounds
        clock.advance(timedelta(seconds=10))


def test_everybody_at_once(issuer: Issuer, tokens: Tokens, clock: SimulatedClock) -> None:
    """Forty threads that need keys at the same moment cause one fetch, at first and whenever the keys grew old."""
    token, start = lasting(issuer), Barrier(40)

    def reply() -> httpx2.Response:
        sleep(0.1)  # until the others wait for it
        return answer({"keys": [key.as_dict(private=False) for key in issuer.keys]})

    issuer.answers[KEYS] = reply

    def ask(_number: int) -> str:
        start.wait()
        return verdict(tokens, token)

    with ThreadPoolExecutor(40) as threads:
        for rounds in (1, 2, 3):
            assert set(threads.map(ask, range(40))) == {"ok"}
            assert issuer.fetches() == rounds
            clock.advance(5 * MINUTE)


def test_a_key_that_is_being_looked_for(issuer: Issuer, tokens: Tokens) -> None:
    """Whoever comes with a new key while somebody else looks for it waits for the answer, and is not refused."""
    assert verdict(tokens, issuer.token()) == "ok"
    issuer.keys = [rsa("k1"), rsa("k2")]
    token = issuer.token(rsa("k2"))
    with _held_up(issuer) as (is_asked, go_on), ThreadPoolExecutor(8) as threads:
        first = threads.submit(verdict, tokens, token)
        assert is_asked.wait(PATIENCE_S)
        others = [threads.submit(verdict, tokens, token) for _ in range(7)]
        go_on.set()
        assert {one.result() for one in (first, *others)} == {"ok"}
    assert issuer.fetches() == 2


def test_nobody_waits_who_need_not(issuer: Issuer, tokens: Tokens, clock: SimulatedClock) -> None:
    """While one thread fetches keys anew, the others go on with the old ones."""
    token = lasting(issuer)
    assert verdict(tokens, token) == "ok"
    clock.advance(6 * MINUTE)
    with _held_up(issuer) as (is_asked, go_on), ThreadPoolExecutor(1) as threads:
        first = threads.submit(verdict, tokens, token)
        assert is_asked.wait(PATIENCE_S)
        assert verdict(tokens, token) == "ok"
        assert not first.done()
        go_on.set()
        assert first.result() == "ok"
    assert issuer.fetches() == 2


@contextmanager
def _held_up(issuer: Issuer) -> Iterator[tuple[Event, Event]]:
    """Let the issuer's answer wait: the first event tells that it was asked, the second lets it answer."""
    is_asked, go_on = Event(), Event()

    def reply() -> httpx2.Response:
        is_asked.set()
        assert go_on.wait(PATIENCE_S)
        return answer({"keys": [key.as_dict(private=False) for key in issuer.keys]})

    issuer.answers[KEYS] = reply
    try:
        yield is_asked, go_on
    finally:
        go_on.set()
        issuer.comes_up()


def test_the_issuer_is_away_for_a_while(issuer: Issuer, tokens: Tokens, clock: SimulatedClock) -> None:
    """Known keys are served for an hour without the issuer; about others nobody can say; it is asked now and then."""
    token = lasting(issuer)
    assert verdict(tokens, token) == "ok"
    issuer.goes_down()
    clock.advance(30 * MINUTE)
    assert {verdict(tokens, token) for _ in range(50)} == {"ok"}
    assert issuer.fetches() == 2
    assert verdict(tokens, lasting(issuer, rsa("k2"))) == "identity_provider_unavailable"
    clock.advance(30 * MINUTE - timedelta(seconds=1))
    assert verdict(tokens, token) == "ok"
    clock.advance(timedelta(seconds=1))
    assert {verdict(tokens, token) for _ in range(50)} == {"identity_provider_unavailable"}
    issuer.comes_up()
    clock.advance(timedelta(seconds=5))
    assert verdict(tokens, token) == "ok"
    assert verdict(tokens, made_up(1)) == "token_invalid"


def test_the_issuer_was_never_there(issuer: Issuer, tokens: Tokens, clock: SimulatedClock) -> None:
    """Without keys nobody is believed or refused, and a hundred requests at once ask once."""
    issuer.goes_down()
    token = issuer.token()
    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(lambda _: verdict(tokens, token), range(100))) == {"identity_provider_unavailable"}
    assert issuer.fetches() == 1
    issuer.comes_up()
    assert verdict(tokens, token) == "identity_provider_unavailable"
    clock.advance(timedelta(seconds=5))
    assert verdict(tokens, token) == "ok"


def test_a_search_that_fails(issuer: Issuer, tokens: Tokens, clock: SimulatedClock) -> None:
    """If the issuer goes away between two fetches, made-up keys do not bring more than one attempt per cool-down."""
    assert verdict(tokens, issuer.token()) == "ok"
    issuer.goes_down()
    assert {verdict(tokens, made_up(number)) for number in range(50)} == {"identity_provider_unavailable"}
    assert verdict(tokens, issuer.token()) == "ok"
    assert issuer.fetches() == 2


def test_a_clock_that_is_set_back(issuer: Issuer, tokens: Tokens, clock: SimulatedClock) -> None:
    """Keys that seem to come from the future are fetched again, once."""
    clock.advance(10 * MINUTE)
    token = lasting(issuer)
    assert verdict(tokens, token) == "ok"
    clock.advance(-5 * MINUTE)
    assert {verdict(tokens, token) for _ in range(5)} == {"ok"}
    assert issuer.fetches() == 2


def _document(**changes: object) -> Callable[[], httpx2.Response]:
    document = {"issuer": ISSUER, "jwks_uri": KEYS, **changes}
    return lambda: answer({name: value for name, value in document.items() if value is not ...})


def _elsewhere() -> httpx2.Response:
    return httpx2.Response(302, headers={"Location": "https://thief.example.org/keys"})


@pytest.mark.parametrize(
    ("place", "reply"),
    [
        (KEYS, lambda: httpx2.Response(500)),
        (KEYS, lambda: httpx2.Response(204)),
        (KEYS, _elsewhere),
        (KEYS, lambda: answer(b"")),
        (KEYS, lambda: answer(b"<html>")),
        (KEYS, lambda: answer(b"\xff")),
        (KEYS, lambda: answer(b"[" * 100_000)),
        (KEYS, lambda: answer([])),
        (KEYS, lambda: answer({})),
        (KEYS, lambda: answer({"keys": []})),
        (KEYS, lambda: answer({"keys": {"k1": {}}})),
        (KEYS, lambda: answer(b" " * LARGEST + b"{}")),
        (DISCOVERY, lambda: httpx2.Response(404)),
        (DISCOVERY, _elsewhere),
        (DISCOVERY, _document(issuer=f"{ISSUER}/")),
        (DISCOVERY, _document(issuer="https://thief.example.org")),
        (DISCOVERY, _document(issuer=...)),
        (DISCOVERY, _document(jwks_uri=...)),
        (DISCOVERY, _document(jwks_uri=7)),
        (DISCOVERY, _document(jwks_uri="http://id.example.org/keys")),
        (DISCOVERY, _document(jwks_uri="file:///etc/passwd")),
        (DISCOVERY, _document(jwks_uri="https://id.example.org:port/")),
    ],
)
def test_answers_that_cannot_be_used(
    issuer: Issuer, tokens: Tokens, place: str, reply: Callable[[], httpx2.Response]
) -> None:
    """An answer that is not a document of this issuer is as good as none; nobody is led elsewhere."""
    issuer.answers[place] = reply
    assert verdict(tokens, issuer.token()) == "identity_provider_unavailable"
    assert set(issuer.asked) <= {DISCOVERY, KEYS}


def test_an_answer_that_does_not_end(issuer: Issuer, tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that comes in drops is given up after three seconds in all."""
    seconds = iter(range(1_000))
    monkeypatch.setattr(exchange, "monotonic", lambda: next(seconds))
    drops: list[bytes] = []

    def drip() -> Iterator[bytes]:
        while True:
            drops.append(b" ")
            yield drops[-1]

    issuer.answers[KEYS] = lambda: httpx2.Response(200, stream=_Stream(drip()))
    assert verdict(tokens, issuer.token()) == "identity_provider_unavailable"
    assert len(drops) == 4


class _Stream(httpx2.SyncByteStream):
    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        return self._parts


class _Answering(BaseHTTPRequestHandler):
    """Publishes what the issuer behind it would."""

    issuer: ClassVar[Issuer]
    url: ClassVar[str]

    def do_GET(self) -> None:
        reply = self.issuer(httpx2.Request("GET", f"{ISSUER}{self.path.removeprefix('/realms/demo')}"))
        content = reply.read().replace(ISSUER.encode(), self.url.encode())
        self.send_response(reply.status_code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_over_a_real_connection(issuer: Issuer, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys come over real HTTP; when the server is gone, the known ones go on, and others cannot be told."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Handler(_Answering):
        pass

    Handler.issuer = issuer
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Handler.url = f"http://127.0.0.1:{server.server_port}/realms/demo"
        Thread(target=server.serve_forever, daemon=True).start()
        tokens = KeycloakTokens(Realm(issuer=Handler.url, audience="platform", clients=REALM.clients), clock)
        token = issuer.token(iss=Handler.url)
        assert verdict(tokens, token) == "ok"
        issuer.keys = [rsa("k2")]
        assert verdict(tokens, issuer.token(iss=Handler.url)) == "ok"
        assert verdict(tokens, token) == "token_invalid"
        server.shutdown()
    clock.advance(timedelta(seconds=10))
    assert verdict(tokens, issuer.token(iss=Handler.url)) == "ok"
    assert verdict(tokens, signed({"alg": "RS256", "kid": "k3"}, CLAIMS, rsa("k1"))) == "identity_provider_unavailable"
