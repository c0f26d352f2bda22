"""Access tokens, proven by the signing keys of their issuer."""

from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import httpx2
from attrs import Attribute, field, frozen
from attrs.validators import optional
from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError

from cityos_adapters.exchange import web_address
from cityos_adapters.keycloak.claims import Malformed, claims_of
from cityos_adapters.keycloak.jwks import ALGORITHMS, Key, Publication
from cityos_adapters.keycloak.ring import KeyRing
from cityos_adapters.serialization import parse
from cityos_core.access.model import Claims
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Invalid, Unauthenticated

_KINDS: Final = ("jwt", "at+jwt", "application/at+jwt")
"""What a header may call an access token, in small letters."""


def _known(_instance: object, _attribute: "Attribute[frozenset[str]]", value: frozenset[str]) -> None:
    if not value or not value <= set(ALGORITHMS):
        raise Invalid("unknown_algorithm", f"tokens are signed by some of {', '.join(ALGORITHMS)}")


def _some(_instance: object, _attribute: "Attribute[frozenset[str]]", value: frozenset[str]) -> None:
    if not value or "" in value:
        raise Invalid("no_clients", "name the clients whose tokens are accepted; none would lock everybody out")


def _named(_instance: object, _attribute: "Attribute[str]", value: str) -> None:
    if not value:
        raise Invalid("no_audience", "name the audience that tokens are meant for")


@frozen(kw_only=True)
class Realm:
    """An issuer, and which of its access tokens are accepted.

    ``issuer`` stands in every token exactly like this. ``clients`` are those that tokens may be issued to (``azp``).
    ``jwks_uri`` is taken from the discovery document unless it is given.
    """

    issuer: str = field(validator=web_address, metadata={"setting": "oidc_issuer"})
    audience: str = field(validator=_named)
    clients: frozenset[str] = field(validator=_some)
    jwks_uri: str | None = field(default=None, validator=optional(web_address))
    algorithms: frozenset[str] = field(default=frozenset(ALGORITHMS), validator=_known)
    leeway_s: int = 5
    """How far the clocks of the issuer and of this machine may be apart."""
    largest_token: int = 16 * 1024
    """In characters."""
    keys_fresh_for: timedelta = timedelta(minutes=5)
    """After it keys are fetched again: so long a key that was withdrawn goes on to be trusted."""
    keys_served_for: timedelta = timedelta(hours=1)
    """So long keys are trusted while the issuer does not answer."""
    search_cool_down: timedelta = timedelta(seconds=10)
    """Key ids that are not known cause at most one fetch in this time."""


class KeycloakTokens:
    """Proves access tokens of one realm; safe to share between threads. ``transport`` replaces the network in tests.

    Accepted is a token that a key of the realm signed by that key's own algorithm, for our audience, issued to one of
    our clients, at the right time, and that is an access token. Refusals are ``Unauthenticated``, with the code
    ``token_invalid`` (nothing is proven), ``token_expired``, ``token_not_yet_valid`` or ``token_not_accepted`` (it is
    genuine, but meant for something else). ``Unavailable("identity_provider_unavailable")`` if keys cannot be had.
    """

    def __init__(
        self, realm: Realm, clock: Clock, *, transport: Callable[[], httpx2.BaseTransport] | None = None
    ) -> None:
        self._realm = realm
        self._clock = clock
        publication = Publication(
            issuer=realm.issuer, jwks_uri=realm.jwks_uri, algorithms=realm.algorithms, transport=transport
        )
        self._keys: KeyRing[Key] = KeyRing(
            fetch=publication,
            clock=clock,
            fresh_for=realm.keys_fresh_for,
            served_for=realm.keys_served_for,
            cool_down=realm.search_cool_down,
        )

    def verify(self, token: str) -> Claims:
        """Give what a token says."""
        if len(token) > self._realm.largest_token or not token.isascii():
            raise _invalid()
        algorithm, key_id = self._header(token)
        key = self._keys.get(key_id)
        if key is None or key.alg != algorithm:
            raise _invalid()
        try:
            claims = jwt.decode(token, key, algorithms=[algorithm]).claims
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise _invalid() from error
        self._require_ours(claims)
        try:
            return claims_of(claims)
        except Malformed as error:
            raise _invalid() from error

    def _header(self, token: str) -> tuple[str, str]:
        """Give the algorithm and the key id that a token names, before anything is believed or fetched for it."""
        try:
            encoded, _, signature = token.split(".")
            header = parse(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
        except (ValueError, Invalid) as error:
            raise _invalid() from error
        if not isinstance(header, dict) or not signature or "crit" in header:
            raise _invalid()
        algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
        if not isinstance(algorithm, str) or not isinstance(key_id, str) or not isinstance(kind, str):
            raise _invalid()
        if algorithm not in self._realm.algorithms or not key_id:
            raise _invalid()
        if kind.lower() not in _KINDS:
            raise _not_accepted()
        return algorithm, key_id

    def _require_ours(self, claims: Mapping[str, object]) -> None:
        realm = self._realm
        rules = jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=realm.leeway_s,
            iss={"essential": True, "value": realm.issuer},
            aud={"essential": True, "value": realm.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            rules.validate(dict(claims))
        except ExpiredTokenError as error:
            raise Unauthenticated("token_expired", "the access token has expired; ask for a new one") from error
        except ClaimError as error:
            raise _misfit(error.claim) from error
        client = claims.get("azp")
        if claims.get("typ") != "Bearer" or not isinstance(client, str) or client not in realm.clients:
            raise _not_accepted()


def _misfit(claim: str) -> Unauthenticated:
    match claim:
        case "iss" | "aud":
            return _not_accepted()
        case "nbf" | "iat":
            detail = "the access token is not valid yet; the clock of its issuer or of this machine is wrong"
            return Unauthenticated("token_not_yet_valid", detail)
        case _:
            return _invalid()


def _invalid() -> Unauthenticated:
    return Unauthenticated("token_invalid", "the access token is not valid; sign in again")


def _not_accepted() -> Unauthenticated:
    return Unauthenticated(
        "token_not_accepted", "the access token is meant for something else; ask for one for this platform"
    )
