"""Cursors: where a list goes on, sealed so that only the list it came from accepts it."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final

from attrs import field, frozen

from cityos_core.kernel.errors import Invalid

_SEAL: Final = 16
LONGEST: Final = 2000


@frozen
class Cursors:
    """Writes and reads cursors of one city."""

    secret_key: str = field(repr=False)

    def write(self, after: str, *, place: str) -> str:
        """Seal where a list goes on; ``place`` names the list: its tenant, operation and filters."""
        text = json.dumps(after).encode()
        return urlsafe_b64encode(self._seal(text, place) + text).decode().rstrip("=")

    def read(self, cursor: str, *, place: str) -> str:
        """Say where the list goes on; ``Invalid("invalid_cursor")`` if it was not written for this list."""
        text = self._opened(cursor, place) if len(cursor) <= LONGEST else None
        if text is None:
            raise Invalid(
                "invalid_cursor", "this cursor was not made for this list and these filters; begin again without one"
            )
        return text

    def _opened(self, cursor: str, place: str) -> str | None:
        try:
            sealed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            return None
        seal, text = sealed[:_SEAL], sealed[_SEAL:]
        return str(json.loads(text)) if hmac.compare_digest(seal, self._seal(text, place)) else None

    def _seal(self, text: bytes, place: str) -> bytes:
        key = sha256(b"cursor\n" + self.secret_key.encode()).digest()
        return hmac.new(key, place.encode() + b"\n" + text, sha256).digest()[:_SEAL]
