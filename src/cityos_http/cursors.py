"""Cursors: where a list goes on, sealed so that only the list it came from accepts it, and nobody reads it.

Where the policy leaves out much, a list goes on behind something that its reader may not see.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256, shake_256
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
        seal = self._seal(text, place)
        return urlsafe_b64encode(seal + self._veiled(text, seal)).decode().rstrip("=")

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
        if urlsafe_b64encode(sealed).decode().rstrip("=") != cursor:  # Base64 can be written in several ways
            return None
        seal = sealed[:_SEAL]
        text = self._veiled(sealed[_SEAL:], seal)
        return str(json.loads(text)) if hmac.compare_digest(seal, self._seal(text, place)) else None

    def _seal(self, text: bytes, place: str) -> bytes:
        key = sha256(b"cursor\n" + self.secret_key.encode()).digest()
        return hmac.new(key, place.encode() + b"\n" + text, sha256).digest()[:_SEAL]

    def _veiled(self, text: bytes, seal: bytes) -> bytes:
        """Hide a text under its seal, or show what was hidden: the same step both ways."""
        stream = shake_256(b"cursor veil\n" + seal + self.secret_key.encode()).digest(len(text))
        return bytes(one ^ other for one, other in zip(text, stream, strict=True))
