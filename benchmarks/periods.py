"""Finding the period of an instant, near the anchor and far from it, against the clock arithmetic that it cannot do without."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from time import perf_counter
from typing import Final
from zoneinfo import ZoneInfo

from benchmarks.ratios import Ratio, show
from cityos_core.kernel.time import Anchor, Interval

ANCHOR: Final = Anchor(local=datetime.fromisoformat("2000-01-31T09:30"), zone="Europe/Paris", interval=Interval.MONTH)
PLACE: Final = ZoneInfo(ANCHOR.zone)
LOOKUPS: Final = 20_000
NEAR: Final = 12
FAR: Final = 12 * 1000
"""Periods from the anchor: within a year, and within a thousand."""

MOST_GROWTH: Final = 1.5
"""Of a lookup, when there are a thousand times the periods."""

LEAST: Final = 1 / 8
"""Of taking an instant to local time and two local times back, which are the boundaries around it."""


def instants(periods: int) -> list[datetime]:
    """Make up instants anywhere in so many periods."""
    random, span = Random(4), timedelta(days=30 * periods)
    start = datetime(2000, 2, 1, tzinfo=UTC)
    return [start + span * random.random() for _ in range(LOOKUPS)]


def around(at: datetime) -> int:
    """Go from an instant to local time, and back twice."""
    local = at.astimezone(PLACE)
    return local.astimezone(UTC).day + local.replace(hour=1).astimezone(UTC).day


def rate(find: Callable[[datetime], int], wanted: Sequence[datetime]) -> float:
    """Give the lookups per second, the best of three times."""
    return max(_rate(find, wanted) for _ in range(3))


def _rate(find: Callable[[datetime], int], wanted: Sequence[datetime]) -> float:
    start = perf_counter()
    for at in wanted:
        find(at)
    return len(wanted) / (perf_counter() - start)


def run() -> Iterator[Ratio]:
    """Measure how lookups grow with the distance from the anchor, and their rate against the floor."""
    near, far = instants(NEAR), instants(FAR)
    close, distant = rate(ANCHOR.index_of, near), rate(ANCHOR.index_of, far)
    floor = rate(around, near)
    yield Ratio(
        name="period of an instant, a thousand times as far",
        value=close / distant,
        most=MOST_GROWTH,
        measured=f"{close:.0f} near, {distant:.0f} far lookups/s",
    )
    yield Ratio(
        name="period of an instant, against three conversions between zones",
        value=close / floor,
        least=LEAST,
        measured=f"{close:.0f} of {floor:.0f} lookups/s",
    )


if __name__ == "__main__":
    show(run())
