"""Access tokens of Keycloak: which are believed, what they say, and what it costs to find out."""

import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.issuer import CLAIMS, ISSUER, KEYS, NOW, Issuer, answer, ec, encoded, rsa, signed
from cityos_adapters.keycloak import KeycloakTokens, Realm
from cityos_core.access.model import Claims
from cityos_core.access.ports import Tokens
from cityos_core.kernel.errors import Unauthenticated
from cityos_core.testing import SimulatedClock
from usecases.town import code

REALM = Realm(issuer=ISSUER, audience="platform", clients=frozenset({"web", "worker"}))
HEADER = {"alg": "RS256", "typ": "JWT", "kid": "k1"}


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


def refused(tokens: Tokens, token: str) -> str:
    """Show a token that is not believed, and give the code of the refusal."""
    with pytest.raises(Unauthenticated) as refusal:
        tokens.verify(token)
    return refusal.value.code


def test_an_access_token_is_believed(issuer: Issuer, tokens: Tokens) -> None:
    """A genuine token says who it is, by which client, and which roles they have."""
    token = issuer.token(
        name="Alice Archer",
        email="alice@example.org",
        email_verified=True,
        realm_access={"roles": ["buyer", "offline_access"]},
        resource_access={"platform": {"roles": ["quote:read"]}, "account": {"roles": ["view-profile"]}},
    )
    assert tokens.verify(token) == Claims(
        subject="8b5c",
        name="Alice Archer",
        email="alice@example.org",
        roles=frozenset({"buyer", "offline_access", "platform:quote:read", "account:view-profile"}),
        organizations=None,
        client="web",
    )


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, Claims(subject="8b5c", name="alice", client="web")),
        ({"preferred_username": ...}, Claims(subject="8b5c", client="web")),
        ({"aud": "platform"}, Claims(subject="8b5c", name="alice", client="web")),
        ({"azp": "worker"}, Claims(subject="8b5c", name="alice", client="worker")),
        ({"email": "a@b.c"}, Claims(subject="8b5c", name="alice", client="web")),
        ({"email": "a@b.c", "email_verified": "true"}, Claims(subject="8b5c", name="alice", client="web")),
        ({"realm_access": {}, "resource_access": {}}, Claims(subject="8b5c", name="alice", client="web")),
        ({"organization": []}, Claims(subject="8b5c", name="alice", client="web", organizations=frozenset())),
        (
            {"organization": ["acme"]},
            Claims(subject="8b5c", name="alice", client="web", organizations=frozenset({"acme"})),
        ),
        (
            {"organization": {"acme": {"id": "4f", "attr": ["x"]}, "other": {}}},
            Claims(subject="8b5c", name="alice", client="web", organizations=frozenset({"acme", "other"})),
        ),
        (
            {"realm_access": {"roles": ["platform:admin"]}, "resource_access": {"a:b": {"roles": ["c"]}}},
            Claims(subject="8b5c", name="alice", client="web"),
        ),
        ({"exp": NOW - 4, "iat": NOW - 400}, Claims(subject="8b5c", name="alice", client="web")),
        ({"iat": NOW + 5, "nbf": NOW + 5}, Claims(subject="8b5c", name="alice", client="web")),
    ],
)
def test_what_a_token_says(issuer: Issuer, tokens: Tokens, claims: dict[str, Any], expected: Claims) -> None:
    """Absent roles are none, both shapes of organisations are read, an address counts only if it was verified."""
    assert tokens.verify(issuer.token(**claims)) == expected


@pytest.mark.parametrize("kind", ["JWT", "at+jwt", "application/at+jwt", "AT+JWT", None])
def test_what_a_header_may_call_it(issuer: Issuer, tokens: Tokens, kind: str | None) -> None:
    """The header may name either kind of token, or none."""
    header = {name: value for name, value in {**HEADER, "typ": kind}.items() if value}
    assert tokens.verify(issuer.token(header=header)).subject == "8b5c"


@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"exp": NOW - 5}, "token_expired"),
        ({"exp": 0}, "token_expired"),
        ({"exp": ...}, "token_invalid"),
        ({"exp": str(NOW + 300)}, "token_invalid"),
        ({"exp": True}, "token_invalid"),
        ({"exp": None}, "token_invalid"),
        ({"exp": float("inf")}, "token_invalid"),
        ({"exp": float("nan")}, "token_invalid"),
        ({"iat": NOW + 6}, "token_not_yet_valid"),
        ({"nbf": NOW + 6}, "token_not_yet_valid"),
        ({"iss": "https://id.example.org/realms/other"}, "token_not_accepted"),
        ({"iss": f"{ISSUER}/"}, "token_not_accepted"),
        ({"iss": [ISSUER]}, "token_not_accepted"),
        ({"iss": ...}, "token_not_accepted"),
        ({"aud": "account"}, "token_not_accepted"),
        ({"aud": []}, "token_not_accepted"),
        ({"aud": ["platform", 7]}, "token_not_accepted"),
        ({"aud": ...}, "token_not_accepted"),
        ({"azp": "intruder"}, "token_not_accepted"),
        ({"azp": ["web"]}, "token_not_accepted"),
        ({"azp": ...}, "token_not_accepted"),
        ({"typ": "ID"}, "token_not_accepted"),
        ({"typ": "Refresh"}, "token_not_accepted"),
        ({"typ": ...}, "token_not_accepted"),
        ({"sub": ...}, "token_invalid"),
        ({"sub": ""}, "token_invalid"),
        ({"sub": 7}, "token_invalid"),
        ({"realm_access": ["admin"]}, "token_invalid"),
        ({"realm_access": {"roles": "admin"}}, "token_invalid"),
        ({"realm_access": {"roles": [{"name": "admin"}]}}, "token_invalid"),
        ({"resource_access": {"platform": ["admin"]}}, "token_invalid"),
        ({"organization": "acme"}, "token_invalid"),
        ({"organization": None}, "token_invalid"),
        ({"organization": [7]}, "token_invalid"),
        ({"organization": [""]}, "token_invalid"),
        ({"organization": {"acme": "4f"}}, "token_invalid"),
    ],
)
def test_genuine_but_refused(issuer: Issuer, tokens: Tokens, claims: dict[str, Any], refusal: str) -> None:
    """A token that our issuer signed is refused if it is late, early, meant for something else, or malformed."""
    assert refused(tokens, issuer.token(**claims)) == refusal


def _by_hmac(header: dict[str, str]) -> str:
    content = f"{encoded(header)}.{encoded(CLAIMS)}"
    public = rsa("k1").as_pem(private=False)
    return f"{content}.{encoded(hmac.digest(public, content.encode(), 'sha256'))}"


FORGED: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "points": lambda: "..",
    "not a token": lambda: "a.b.c",
    "an API key": lambda: "csk_live_4711",
    "an encrypted token": lambda: "e30.e30.e30.e30.e30",
    "not ASCII": lambda: "é.ü.ß",
    "not UTF-8 inside": lambda: signed(b"\xff\xfe", CLAIMS, rsa("k1")),
    "claims that are not UTF-8": lambda: signed(HEADER, b"\xff\xfe", rsa("k1")),
    "claims that are a list": lambda: signed(HEADER, [CLAIMS], rsa("k1")),
    "claims that are deep": lambda: signed(HEADER, b"[" * 5_000, rsa("k1")),
    "a header that is a list": lambda: signed(["alg", "kid"], CLAIMS, rsa("k1")),
    "a header that is deep": lambda: signed(b"[" * 5_000, CLAIMS, rsa("k1")),
    "a header that is empty": lambda: signed({}, CLAIMS, rsa("k1")),
    "two algorithms": lambda: signed(b'{"alg":"none","alg":"RS256","kid":"k1"}', CLAIMS, rsa("k1")),
    "no algorithm": lambda: signed({"typ": "JWT", "kid": "k1"}, CLAIMS, rsa("k1")),
    "alg none": lambda: f"{encoded({**HEADER, 'alg': 'none'})}.{encoded(CLAIMS)}.",
    "alg None": lambda: f"{encoded({**HEADER, 'alg': 'None'})}.{encoded(CLAIMS)}.",
    "alg none, signed": lambda: signed({**HEADER, "alg": "none"}, CLAIMS, rsa("k1")),
    "no signature": lambda: f"{encoded(HEADER)}.{encoded(CLAIMS)}.",
    "HMAC with the public key": lambda: _by_hmac({**HEADER, "alg": "HS256"}),
    "HMAC called RS256": lambda: _by_hmac(HEADER),
    "PS256 with the key for RS256": lambda: signed({**HEADER, "alg": "PS256"}, CLAIMS, rsa("k1"), "PS256"),
    "PS256 called RS256": lambda: signed(HEADER, CLAIMS, rsa("k1"), "PS256"),
    "RS512": lambda: signed({**HEADER, "alg": "RS512"}, CLAIMS, rsa("k1"), "RS512"),
    "ES256 with the name of an RSA key": lambda: signed({**HEADER, "alg": "ES256"}, CLAIMS, ec("e1"), "ES256"),
    "RS256 with the name of an EC key": lambda: signed({**HEADER, "kid": "e1"}, CLAIMS, rsa("k1")),
    "another signer": lambda: signed(HEADER, CLAIMS, rsa("thief")),
    "an unknown key": lambda: signed({**HEADER, "kid": "thief"}, CLAIMS, rsa("thief")),
    "no key id": lambda: signed({"alg": "RS256", "typ": "JWT"}, CLAIMS, rsa("k1")),
    "an empty key id": lambda: signed({**HEADER, "kid": ""}, CLAIMS, rsa("k1")),
    "a numeric key id": lambda: signed({**HEADER, "kid": 1}, CLAIMS, rsa("k1")),
    "a list of key ids": lambda: signed({**HEADER, "kid": ["k1"]}, CLAIMS, rsa("k1")),
    "a critical extension": lambda: signed({**HEADER, "crit": ["exp"], "exp": NOW}, CLAIMS, rsa("k1")),
    "an empty list of critical extensions": lambda: signed({**HEADER, "crit": []}, CLAIMS, rsa("k1")),
    "an unencoded payload": lambda: signed({**HEADER, "b64": False, "crit": ["b64"]}, CLAIMS, rsa("k1")),
    "the key it brings along": lambda: signed(
        {**HEADER, "kid": "thief", "jwk": {"kty": "RSA", "kid": "thief"}}, CLAIMS, rsa("thief")
    ),
    "an oversized one": lambda: signed(HEADER, {**CLAIMS, "groups": ["/acme"] * 2_000}, rsa("k1")),
    "one with padding": lambda: f"{signed(HEADER, CLAIMS, rsa('k1'))}==",
    "one with a space": lambda: f" {signed(HEADER, CLAIMS, rsa('k1'))}",
    "one with a line more": lambda: f"{signed(HEADER, CLAIMS, rsa('k1'))}\n",
}


@pytest.mark.parametrize("forged", FORGED)
def test_forged(issuer: Issuer, tokens: Tokens, forged: str) -> None:
    """What nobody can prove is refused with one code that says nothing about why."""
    issuer.keys = [rsa("k1"), ec("e1")]
    tokens.verify(issuer.token())
    assert refused(tokens, FORGED[forged]()) == "token_invalid"
    with pytest.raises(Unauthenticated) as refusal:
        tokens.verify(FORGED[forged]())
    assert refusal.value.detail == "the access token is not valid; sign in again"


@given(st.data())
def test_a_changed_token_is_refused(data: st.DataObject) -> None:
    """No character of a token can be another one."""
    issuer = Issuer()
    tokens = KeycloakTokens(REALM, SimulatedClock(), transport=issuer.transport)
    token = issuer.token()
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABab01-_.+/=é ").filter(lambda sign: sign != token[place]))
    assert refused(tokens, token[:place] + other + token[place + 1 :]).startswith("token_")


@given(st.text() | st.tuples(*[st.text("ABCabc123-_=", max_size=20)] * 3).map(".".join))
@example("\ud800.a.b")
@example("." * 20_000)
def test_any_text_is_refused(text: str) -> None:
    """Whatever somebody sends is refused, and nobody asks the issuer because of it."""
    issuer = Issuer()
    assert refused(KeycloakTokens(REALM, SimulatedClock(), transport=issuer.transport), text) == "token_invalid"
    assert not issuer.asked


@given(
    st.dictionaries(
        st.sampled_from([*CLAIMS, "organization", "realm_access", "resource_access", "email", "email_verified", "nbf"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=5,
        ),
    )
)
def test_any_claims_are_judged(claims: dict[str, Any]) -> None:
    """A genuine token with odd claims is accepted or refused, and breaks nothing."""
    issuer = Issuer()
    tokens = KeycloakTokens(REALM, SimulatedClock(), transport=issuer.transport)
    try:
        found = tokens.verify(issuer.token(**claims))
    except Unauthenticated as refusal:
        assert refusal.code.startswith("token_")  # noqa: PT017  either is right
    else:
        assert found.subject == claims.get("sub", CLAIMS["sub"])
        assert claims.get("iss", ISSUER) == ISSUER


def test_an_id_token_is_no_access_token(issuer: Issuer, tokens: Tokens) -> None:
    """What is for the client to read, or for the issuer, does not open our door, whatever its header says."""
    assert refused(tokens, issuer.token(typ="ID", nonce="n", at_hash="h")) == "token_not_accepted"
    assert refused(tokens, issuer.token(header={**HEADER, "typ": "logout+jwt"})) == "token_not_accepted"


def test_algorithms_of_both_kinds_of_key(issuer: Issuer, tokens: Tokens) -> None:
    """Keys of both kinds work side by side."""
    issuer.keys = [rsa("k1"), ec("e1")]
    assert tokens.verify(issuer.token(rsa("k1"))) == tokens.verify(issuer.token(ec("e1")))


def test_an_algorithm_that_is_not_allowed(issuer: Issuer, clock: SimulatedClock) -> None:
    """A realm that allows one algorithm takes no key of another one."""
    issuer.keys = [rsa("k1"), ec("e1")]
    tokens = KeycloakTokens(
        Realm(issuer=ISSUER, audience="platform", clients=frozenset({"web"}), algorithms=frozenset({"RS256"})),
        clock,
        transport=issuer.transport,
    )
    assert tokens.verify(issuer.token(rsa("k1"))).subject == "8b5c"
    assert refused(tokens, issuer.token(ec("e1"))) == "token_invalid"


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa("odd", use="enc"),
        lambda: rsa("odd", alg="RSA-OAEP", use="enc"),
        lambda: rsa("odd", alg="PS256"),
        lambda: ec("odd", "P-384", "ES384"),
        lambda: ec("odd", "P-384", "ES256"),
    ],
    ids=["for encryption", "for encryption by name", "PS256", "ES384", "a curve that does not suit"],
)
def test_keys_for_something_else(issuer: Issuer, tokens: Tokens, make: Callable[[], Any]) -> None:
    """Keys in the set that are not for signing access tokens are passed over."""
    key = make()
    issuer.keys = [key, rsa("k1")]
    claimed, signer = ("ES256", key.alg) if key.key_type == "EC" else ("RS256", "RS256")
    token = signed({**HEADER, "alg": claimed, "kid": "odd"}, CLAIMS, _for_signing(key), signer)
    assert tokens.verify(issuer.token(rsa("k1"))).subject == "8b5c"
    assert refused(tokens, token) == "token_invalid"


def _for_signing(key: Any) -> Any:
    return key if key.get("use") == "sig" else type(key).import_key(key.private_key)


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        "k1",
        {},
        {"kty": "RSA"},
        {"kty": "RSA", "alg": "RS256", "kid": "odd", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "alg": "RS256", "kid": "odd", "n": "!" * 400, "e": "AQAB"},
        {"kty": "RSA", "alg": "RS256", "kid": "odd", "n": encoded(b"\xff" * 128), "e": "AQAB"},
        {"kty": "RSA", "alg": ["RS256"], "kid": "odd", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "alg": "ES256", "kid": "odd", "crv": "P-0", "x": "AQAB", "y": "AQAB"},
        {"kty": "EC", "alg": "ES256", "kid": "odd", "crv": "P-256", "x": "AQAB", "y": "AQAB"},
        {"kty": "oct", "alg": "RS256", "kid": "odd", "k": "AQAB"},
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "odd", "pub": "AQAB"},
    ],
)
def test_broken_keys(issuer: Issuer, tokens: Tokens, jwk: object) -> None:
    """A key that cannot be read, is weak or of an unknown kind does not take the others with it."""
    good = rsa("k1").as_dict(private=False)
    issuer.answers[KEYS] = lambda: answer({"keys": [jwk, good]})
    assert tokens.verify(issuer.token()).subject == "8b5c"


def test_the_first_of_two_keys_with_one_id(issuer: Issuer, tokens: Tokens) -> None:
    """A second key under a known id replaces nothing."""
    issuer.keys = [rsa("k1"), rsa("k1", bits=3072)]
    assert tokens.verify(issuer.token(rsa("k1"))).subject == "8b5c"
    assert refused(tokens, issuer.token(rsa("k1", bits=3072))) == "token_invalid"


@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_addresses_in_a_token_are_never_asked(issuer: Issuer, tokens: Tokens, name: str) -> None:
    """A token cannot say where its key is to be found."""
    place = "https://thief.example.org/keys"
    issuer.answers[place] = lambda: answer({"keys": [rsa("thief").as_dict(private=False)]})
    assert refused(tokens, signed({**HEADER, "kid": "thief", name: place}, CLAIMS, rsa("thief"))) == "token_invalid"
    assert refused(tokens, signed({**HEADER, name: place}, CLAIMS, rsa("thief"))) == "token_invalid"
    assert place not in issuer.asked


def test_the_clock_decides(issuer: Issuer, tokens: Tokens, clock: SimulatedClock) -> None:
    """A token is good until the leeway after its expiry, by the clock that the application goes by."""
    token = issuer.token()
    clock.advance(timedelta(seconds=304))
    assert tokens.verify(token).subject == "8b5c"
    clock.advance(timedelta(seconds=1))
    assert refused(tokens, token) == "token_expired"


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"issuer": "id.example.org"}, "invalid_address"),
        ({"issuer": "ftp://id.example.org"}, "invalid_address"),
        ({"issuer": "https://user:secret@id.example.org"}, "invalid_address"),
        ({"jwks_uri": "file:///etc/passwd"}, "invalid_address"),
        ({"audience": ""}, "no_audience"),
        ({"clients": frozenset()}, "no_clients"),
        ({"algorithms": frozenset({"HS256"})}, "unknown_algorithm"),
        ({"algorithms": frozenset()}, "unknown_algorithm"),
    ],
)
def test_a_realm_that_would_let_in_anybody_or_nobody(changes: dict[str, Any], mistake: str) -> None:
    """A realm cannot be set up without an issuer, an audience, clients and algorithms that prove something."""
    words = {"issuer": ISSUER, "audience": "platform", "clients": frozenset({"web"}), **changes}
    assert code(lambda: Realm(**words)) == mistake
