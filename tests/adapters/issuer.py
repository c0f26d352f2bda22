"""An identity provider that stands for Keycloak: signs whatever it is told to, publishes keys, and misbehaves on demand."""

import json
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from threading import Lock
from typing import Any, Final

import httpx2
from attrs import define, field
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from cityos_core.testing.clock import START

ISSUER: Final = "https://id.example.org/realms/demo"
KEYS: Final = f"{ISSUER}/protocol/openid-connect/certs"
NOW: Final = int(START.timestamp())

CLAIMS: Final[Mapping[str, Any]] = {
    "iss": ISSUER,
    "sub": "8b5c",
    "aud": ["platform", "account"],
    "azp": "web",
    "typ": "Bearer",
    "iat": NOW,
    "exp": NOW + 300,
    "jti": "1",
    "scope": "openid",
    "preferred_username": "alice",
}
"""What an access token says if nothing else is asked for."""


@cache
def rsa(kid: str, alg: str = "RS256", use: str = "sig", bits: int = 2048) -> RSAKey:
    """Make an RSA key, once per name."""
    return RSAKey.generate_key(bits, {"kid": kid, "use": use, "alg": alg})


@cache
def ec(kid: str, curve: str = "P-256", alg: str = "ES256") -> ECKey:
    """Make a key on an elliptic curve, once per name."""
    return ECKey.generate_key(curve, {"kid": kid, "use": "sig", "alg": alg})


def encoded(part: object) -> str:
    """Write a part of a token: bytes as they are, anything else as JSON."""
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(header: object, payload: object, key: RSAKey | ECKey, alg: str = "RS256") -> str:
    """Sign anything, with no regard for what the header says."""
    content = f"{encoded(header)}.{encoded(payload)}"
    return f"{content}.{encoded(JWSRegistry.algorithms[alg].sign(content.encode(), key))}"


def answer(document: object, status: int = 200) -> httpx2.Response:
    """Answer with a document, or with these bytes, as they come from a network: not read yet."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return httpx2.Response(status, stream=httpx2.ByteStream(content))


@define
class Issuer:
    """Answers as Keycloak does, over a transport that takes the place of the network."""

    keys: list[RSAKey | ECKey] = field(factory=lambda: [rsa("k1")])
    answers: dict[str, Callable[[], httpx2.Response]] = field(factory=dict)
    """What is answered at an address instead of what belongs there."""
    asked: Counter[str] = field(factory=Counter)
    _lock: Lock = field(factory=Lock, init=False)

    def transport(self) -> httpx2.MockTransport:
        """Give what takes the place of the network."""
        return httpx2.MockTransport(self)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request."""
        url = str(request.url)
        with self._lock:
            self.asked[url] += 1
        if url in self.answers:
            return self.answers[url]()
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return answer({"issuer": ISSUER, "jwks_uri": KEYS})
        if url == KEYS:
            return answer({"keys": [key.as_dict(private=False) for key in self.keys]})
        return httpx2.Response(404)

    def token(
        self, key: RSAKey | ECKey | None = None, header: Mapping[str, object] | None = None, **claims: Any
    ) -> str:
        """Issue an access token. A claim that is ``...`` is left out."""
        key = key or self.keys[0]
        alg = str(key.alg)
        payload = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}
        return signed(header or {"alg": alg, "typ": "JWT", "kid": key.kid}, payload, key, alg)

    def fetches(self) -> int:
        """Tell how often the keys were asked for."""
        return self.asked[KEYS]

    def goes_down(self, place: str = KEYS) -> None:
        """Let nobody answer at an address from now on."""

        def refuse() -> httpx2.Response:
            raise httpx2.ConnectError("connection refused")

        self.answers[place] = refuse

    def comes_up(self, place: str = KEYS) -> None:
        """Answer again."""
        del self.answers[place]
