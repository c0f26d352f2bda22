"""The signing keys that an issuer publishes, fetched and sorted out."""

from collections.abc import Callable, Mapping
from typing import Final

import httpx2
from attrs import frozen
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from cityos_adapters.exchange import Unanswered, exchange

Key = RSAKey | ECKey

TIMEOUT_S: Final = 3.0
LARGEST: Final = 256 * 1024
"""How many bytes a discovery document or a key set may have."""

_PARTS: Final = {"RS256": ("RSA", ("n", "e")), "ES256": ("EC", ("crv", "x", "y"))}
"""Of each algorithm the type of its keys, and what a public key of this type consists of."""

ALGORITHMS: Final = tuple(_PARTS)

_SHORTEST: Final = 342
"""How many characters the modulus of an RSA key of 2048 bits has."""


@frozen(kw_only=True)
class Publication:
    """Where an issuer publishes its keys: at ``jwks_uri``, or where its discovery document says. Asked anew every time."""

    issuer: str
    jwks_uri: str | None
    algorithms: frozenset[str]
    transport: Callable[[], httpx2.BaseTransport] | None = None

    def __call__(self) -> Mapping[str, Key]:
        """Fetch the keys, by key id, or say with ``Unanswered`` why they cannot be had."""
        transport = self.transport() if self.transport else None
        with httpx2.Client(transport=transport) as client:
            uri = self.jwks_uri or self._discovered(client)
            keys = self._usable(_get(client, uri))
        if not keys:
            raise Unanswered(f"{uri} has no key for {', '.join(sorted(self.algorithms))}")
        return keys

    def _discovered(self, client: httpx2.Client) -> str:
        place = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        document = _get(client, place)
        issuer = document.get("issuer")
        if issuer != self.issuer:
            raise Unanswered(f"{place} is of another issuer: {issuer!r}")
        uri = document.get("jwks_uri")
        if not isinstance(uri, str) or not uri.startswith(("https://", f"{self.issuer.partition('://')[0]}://")):
            raise Unanswered(f"{place} names no place for keys that is as safe as itself: {uri!r}")
        return uri

    def _usable(self, document: Mapping[str, object]) -> dict[str, Key]:
        """Pick the keys that verify signatures; of two with one id the first. Whatever else is there is passed over."""
        published = document.get("keys")
        found: dict[str, Key] = {}
        for jwk in published if isinstance(published, list) else ():
            key = _key(jwk) if isinstance(jwk, dict) else None
            if key is not None and key.kid and key.alg in self.algorithms:
                found.setdefault(key.kid, key)
        return found


def _get(client: httpx2.Client, url: str) -> Mapping[str, object]:
    document = exchange(client, "GET", url, within_s=TIMEOUT_S, at_most=LARGEST)
    if not isinstance(document, dict):
        raise Unanswered(f"{url} did not answer with an object")
    return document


def _key(jwk: Mapping[str, object]) -> Key | None:
    """Read a public key that is pinned to one algorithm; none if it is for something else, weak or broken."""
    kind, parts = _PARTS.get(str(jwk.get("alg")), ("", ()))
    known = {name: value for name in ("kty", "kid", "alg", *parts) if isinstance(value := jwk.get(name), str)}
    if not kind or known.get("kty") != kind or jwk.get("use", "sig") != "sig":
        return None
    if kind == "RSA" and len(known.get("n", "")) < _SHORTEST:
        return None
    try:
        return RSAKey.import_key({**known}) if kind == "RSA" else ECKey.import_key({**known})
    except (JoseError, ValueError, TypeError, KeyError):
        return None
