"""A request as it arrived, and what its path and head say."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from attrs import field, frozen

from cityos_core.access.model import Knock
from cityos_core.kernel.errors import Forbidden, Invalid, NotFound, Unauthenticated
from cityos_core.kernel.ids import ImpersonationId
from cityos_core.recording import Expectation
from cityos_http import conditional, dto, identifiers
from cityos_http.asking import NOWHERE
from cityos_http.endpoint import Endpoint, Key

LONGEST_KEY: Final = 255
LONGEST_NAME: Final = 200


@frozen(kw_only=True)
class Incoming:
    """A request as it arrived; header names are in lower case."""

    path_values: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    repeated: frozenset[str]
    """The names of headers that were given more than once."""
    body: bytes
    address: str | None
    host: str
    request_id: str
    told: dict[str, str] = field(factory=dict)
    """What the log says of the request beside the rest."""

    def header(self, name: str) -> str | None:
        """Give a header that may be given once."""
        if name in self.repeated:
            raise Invalid("invalid_header", f"give the header {name} once")
        return self.headers.get(name)

    @property
    def knock(self) -> Knock:
        """What it shows at the door."""
        return Knock(
            host=self.header("host") or "",
            bearer=_bearer(self.header("authorization")),
            publishable_key=self.header("x-publishable-key"),
            impersonation=_impersonation(self.header("x-impersonation")),
            address=self.address,
        )

    def places(self, endpoint: Endpoint) -> dict[str, object]:
        """Read the path; what cannot be the id of anything is the id of nothing."""
        return {name: _place(kind, self.path_values[name]) for name, kind in endpoint.places.items()}

    def key(self, endpoint: Endpoint) -> str | None:
        """Read the idempotency key, where the endpoint knows one."""
        key = self.header("idempotency-key")
        if endpoint.key is Key.NONE:
            return None
        if key is None:
            if endpoint.key is Key.REQUIRED:
                raise Invalid(
                    "missing_idempotency_key",
                    "send an Idempotency-Key header, such as a new UUID; the same key makes a repetition safe",
                )
            return None
        if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise Invalid("invalid_header", f"an Idempotency-Key is 1 to {LONGEST_KEY} printable ASCII characters")
        return key

    def fingerprint(self, endpoint: Endpoint) -> str:
        """Tell whether two requests ask for the same: by operation, path, query, body and whom it is for."""
        parts = [
            endpoint.operation,
            *(f"{name}={value}" for name, value in sorted(self.path_values.items())),
            *(f"{name}={value}" for name, value in sorted(self.query)),
            self.headers.get("x-vendor", ""),
            self.headers.get("if-match", ""),
        ]
        return sha256("\n".join(parts).encode() + b"\n\n" + self.body).hexdigest()

    def expectation(self, endpoint: Endpoint, places: Mapping[str, object]) -> Expectation | None:
        """Say which version of what is to be changed, where the endpoint insists on it."""
        if endpoint.versioned is None:
            return None
        version, subject = conditional.expected(self.header("if-match")), places[endpoint.versioned]
        if version is None or not isinstance(subject, UUID):
            return None
        return Expectation(id=subject, version=version)


def _bearer(header: str | None) -> str | None:
    if header is None:
        return None
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthenticated("authentication_required", "write Authorization: Bearer <token or API key>")
    return credential.strip()


def _impersonation(header: str | None) -> str | None:
    if header is None:
        return None
    try:
        return str(identifiers.read(ImpersonationId, header))
    except Invalid:
        raise Forbidden("forbidden", "X-Impersonation names no impersonation of yours that is under way") from None


def _place(kind: Any, text: str) -> object:
    if kind is str:
        if not text or len(text) > LONGEST_NAME or not text.isprintable():
            raise NotFound("not_found", NOWHERE)
        return text
    try:
        return dto.WIRE.load(kind, text)
    except Invalid:
        raise NotFound("not_found", NOWHERE) from None
