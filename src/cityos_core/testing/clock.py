"""A clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta
from typing import Final

from cityos_core.kernel.clock import instant

START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When simulated time begins: a Monday morning."""


class SimulatedClock:
    """Tells the time it was set to."""

    def __init__(self, start: datetime = START) -> None:
        self._now = instant(start)

    def now(self) -> datetime:
        """Give the simulated instant, in UTC."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Let time pass, or step back as machines' clocks sometimes do, and give the new instant."""
        self._now += by
        return self._now

    def set(self, at: datetime) -> datetime:
        """Jump to an instant; a naive one is refused."""
        self._now = instant(at)
        return self._now
