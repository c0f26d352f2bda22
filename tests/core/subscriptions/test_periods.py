"""The periods that cycles are billed by."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.time import Anchor, Interval
from cityos_core.testing.strategies import ZONES, anchors
from core.subscriptions.samples import Book, at, plan, subscribe


def _starts(local: str, interval: Interval, number: int, *, count: int = 1) -> list[str]:
    anchor = Anchor(local=datetime.fromisoformat(local), zone="Europe/Paris", interval=interval, count=count)
    return [anchor.period(index).start.date().isoformat() for index in range(number)]


@pytest.mark.parametrize(
    ("local", "interval", "expected"),
    [
        ("2024-01-31", Interval.MONTH, ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        ("2025-01-31", Interval.MONTH, ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"]),
        ("2024-02-29", Interval.YEAR, ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2024-11-30", Interval.QUARTER, ["2024-11-30", "2025-02-28", "2025-05-30", "2025-08-30"]),
    ],
)
def test_boundaries_come_back_to_the_anchor(local: str, interval: Interval, expected: list[str]) -> None:
    """A short month clamps one boundary and no later one; quarters and years keep the anchor's month and day."""
    assert _starts(local, interval, len(expected)) == expected


def test_a_hundred_thousand_anchors_tile() -> None:
    """Periods of random anchors touch without gap or overlap, and the instants at their ends find them again."""
    chance = Random(20250131)
    first = datetime.fromisoformat("1990-01-01")
    for _ in range(100_000):
        anchor = Anchor(
            local=first + timedelta(minutes=chance.randrange(50 * 525_600)),
            zone=chance.choice(ZONES),
            interval=chance.choice(list(Interval)),
            count=chance.randint(1, 6),
        )
        period = anchor.period(chance.randrange(300))
        following = anchor.period(period.index + 1)
        assert (period.end, period.end_utc) == (following.start, following.start_utc)
        assert period.start < period.end
        if period.start_utc < period.end_utc:
            assert anchor.index_of(period.start_utc) == period.index
            assert anchor.index_of(period.end_utc - timedelta(microseconds=1)) == period.index


@given(anchors(), st.integers(0, 10**5))
def test_far_periods_are_found_at_once(anchor: Anchor, days: int) -> None:
    """However far an instant is from the anchor, its period is found without walking there."""
    instant = anchor.period(0).start_utc + timedelta(days=days)
    period = anchor.period(anchor.index_of(instant))
    assert period.start_utc <= instant < period.end_utc


def test_a_cycle_due_in_a_gap_is_billed_once() -> None:
    """A daily boundary at 02:30 on the day clocks go forward falls due once, an hour later by the clock."""
    book = Book(plan(interval=Interval.DAY), start=at("2025-03-28T01:30"), place="Europe/Paris")
    book.bill_until(at("2025-03-31T12:00"))
    assert book.begun == [0, 1, 2, 3]
    assert book.subscription.period(2).start_utc == at("2025-03-30T01:30")


def test_cycles_count_from_the_anchor() -> None:
    """The cycle that an instant lies in is found from the anchor, and its end is when the next one falls due."""
    subscription = subscribe(plan())
    assert subscription.cycle_at(at("2025-02-28T11:59")) == 0
    assert subscription.cycle_at(at("2025-02-28T12:00")) == 1
    assert subscription.due_at == at("2025-01-31T12:00")
