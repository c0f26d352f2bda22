"""What idempotency needs from storage."""

from datetime import datetime
from typing import Protocol

from cityos_core.idempotency.model import Answered


class Answers(Protocol):
    """Keys that were used in one tenant, by principal and key."""

    def find(self, principal: str, key: str) -> Answered | None:
        """Give what is known of a key, and hold the key until the unit of work ends.

        ``Conflict("request_in_flight")`` if another unit of work holds it: it is never waited for where that can be
        helped.
        """
        ...

    def put(self, answered: Answered) -> None:
        """Store a key, in place of what was known of it."""
        ...

    def forget(self, before: datetime) -> None:
        """Remove keys that were first used before an instant."""
        ...
