"""Counting requests evenly (GCRA), in whole microseconds: the arithmetic of whoever keeps the count.

A key has one number: the instant at which it will have caught up, when nothing counts against it any more. Every
request that is allowed moves it on by one interval; one that would move it further ahead than a burst is not allowed.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

from cityos_core.access.model import RateLimit
from cityos_core.access.ports import Allowance

SECOND: Final = 1_000_000
"""Microseconds in a second."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class Pace:
    """A rate limit as it is counted: the interval between requests, rounded up, and how many may come at once."""

    interval: int
    burst: int

    @classmethod
    def of(cls, limit: RateLimit) -> "Pace":
        """Take the pace of a rate limit."""
        return cls(-(-limit.seconds * SECOND // limit.requests), limit.burst or limit.requests)

    @property
    def span(self) -> int:
        """How far ahead of the present a key may be."""
        return self.interval * self.burst

    def take(self, caught_up: int, now: int) -> tuple[bool, int]:
        """Count a request: say whether it is allowed, and when the key will have caught up.

        A key that is ahead by more than the span (a clock was set back, a limit was lowered) is not held longer than it.
        """
        start = min(max(caught_up, now), now + self.span)
        after = start + self.interval
        return (True, after) if after <= now + self.span else (False, start)


def allowance(limit: RateLimit, *, allowed: bool, ahead: int) -> Allowance:
    """Say what is left of a limit to a key that is so many microseconds ahead, after the request was counted."""
    pace = Pace.of(limit)
    left = pace.span - ahead
    return Allowance(
        allowed=allowed,
        limit=pace.burst,
        remaining=max(left // pace.interval, 0),
        reset_after_s=ahead / SECOND,
        retry_after_s=0 if allowed else max(pace.interval - left, 0) / SECOND,
    )


def microseconds(moment: datetime) -> int:
    """Write an instant as microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
