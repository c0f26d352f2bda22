"""Simulated time and deterministic identifiers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import PLATFORM
from cityos_core.testing import START, SequentialIdentifiers, SimulatedClock


def test_time_stands_still() -> None:
    """A simulated clock tells the same instant, in UTC, until it is moved."""
    clock = SimulatedClock()
    assert clock.now() == clock.now() == START
    assert clock.now().tzinfo is UTC


def test_time_passes() -> None:
    """Advancing moves the clock by that much and tells the new instant, backwards too."""
    clock = SimulatedClock()
    assert clock.advance(timedelta(days=31, microseconds=1)) == START + timedelta(days=31, microseconds=1)
    assert clock.advance(timedelta(days=-31)) == START + timedelta(microseconds=1) == clock.now()


def test_time_is_set() -> None:
    """Setting jumps to an instant, which is told in UTC whatever zone it was written in."""
    clock = SimulatedClock(datetime(2026, 3, 29, 1, 59, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now().isoformat() == "2026-03-29T00:59:00+00:00"
    assert clock.set(datetime(2030, 1, 1, tzinfo=UTC)) == datetime(2030, 1, 1, tzinfo=UTC) == clock.now()


def test_naive_time_is_refused() -> None:
    """A clock is neither started nor set without a time zone."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  that is the point
    with pytest.raises(Invalid):
        SimulatedClock(naive)
    with pytest.raises(Invalid):
        SimulatedClock().set(naive)


def test_identifiers_repeat_in_every_run() -> None:
    """The same seed gives the same identifiers in rising order, and none of them is the platform's."""
    first, second = ([ids.new() for _ in range(1000)] for ids in (SequentialIdentifiers(), SequentialIdentifiers()))
    assert first == second == sorted(set(first))
    assert PLATFORM not in first
    assert {identifier.version for identifier in first} == {7}


def test_seeds_never_meet() -> None:
    """Identifiers of different seeds are different, and those of a higher seed are higher."""
    low, high = ([ids.new() for _ in range(100)] for ids in (SequentialIdentifiers(3), SequentialIdentifiers(4)))
    assert max(low) < min(high)


@pytest.mark.parametrize("seed", [-1, 2**48])
def test_seeds_are_limited(seed: int) -> None:
    """A seed that would run into another's identifiers is refused."""
    with pytest.raises(Invalid):
        SequentialIdentifiers(seed)


def test_threads_never_share_an_identifier() -> None:
    """Identifiers taken in many threads are all different."""
    ids = SequentialIdentifiers()
    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(lambda _: ids.new(), range(2000)))
    assert len(set(taken)) == 2000
