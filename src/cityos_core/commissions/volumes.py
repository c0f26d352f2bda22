"""Vendors' volumes as they grew, told from a stream of past sales."""

from collections import deque
from datetime import datetime

from attrs import field, frozen

from cityos_core.commissions.lines import VolumeWindow
from cityos_core.commissions.rules import VolumePeriod
from cityos_core.commissions.windows import interval

Key = tuple[str, str, VolumeWindow]
"""Vendor, currency and window."""


@frozen
class RunningVolumes:
    """Volumes per vendor, currency and window; sales are added in order of occurrence.

    A calendar period is held as one amount, a rolling one as an amount per instant of a sale within it.
    """

    windows: tuple[VolumeWindow, ...]
    zone: str
    _parts: dict[Key, deque[tuple[datetime, int]]] = field(factory=dict, init=False, repr=False)
    _totals: dict[Key, int] = field(factory=dict, init=False, repr=False)

    def before(self, vendor: str, currency: str, window: VolumeWindow, at: datetime) -> int:
        """Give the volume of the window that ends at an instant, as far as it was added."""
        since, _ = interval(window, at, self.zone)
        return self._since((vendor, currency, window), since)

    def add(self, vendor: str, currency: str, at: datetime, volume: int) -> None:
        """Add a sale."""
        for window in self.windows:
            since, _ = interval(window, at, self.zone)
            key = (vendor, currency, window)
            total = self._since(key, since)
            parts = self._parts.setdefault(key, deque())
            part = at if window.period is VolumePeriod.ROLLING else since
            if parts and parts[-1][0] == part:
                parts[-1] = (part, parts[-1][1] + volume)
            else:
                parts.append((part, volume))
            self._totals[key] = total + volume

    def _since(self, key: Key, since: datetime) -> int:
        parts = self._parts.get(key)
        while parts and parts[0][0] < since:
            self._totals[key] -= parts.popleft()[1]
        return self._totals.get(key, 0)
