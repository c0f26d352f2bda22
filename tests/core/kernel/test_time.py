"""Recurring periods."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.time import Anchor, Interval, to_utc, zone
from cityos_core.testing.strategies import anchors, instants


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _anchor(local: str, place: str = "Europe/Paris", interval: Interval = Interval.MONTH, count: int = 1) -> Anchor:
    return Anchor(local=_local(local), zone=place, interval=interval, count=count)


def _starts(anchor: Anchor, number: int) -> list[str]:
    return [anchor.period(index).start.date().isoformat() for index in range(number)]


@given(anchors(), st.integers(0, 400))
@settings(max_examples=300)
@example(_anchor("2011-12-01T12:00", "Pacific/Apia", Interval.DAY), 28)
@example(_anchor("2011-01-30T12:00", "Pacific/Apia"), 11)
def test_periods_tile(anchor: Anchor, index: int) -> None:
    """A period ends where the next begins, locally and in UTC, and never before it starts."""
    period, following = anchor.period(index), anchor.period(index + 1)
    assert (period.end, period.end_utc) == (following.start, following.start_utc)
    assert period.start < period.end
    assert period.start_utc <= period.end_utc


@given(anchors(), st.integers(0, 400), st.data())
@settings(max_examples=300)
def test_instants_find_their_period(anchor: Anchor, index: int, data: st.DataObject) -> None:
    """Every instant from a period's first to just before its last lies in it and in no other."""
    period = anchor.period(index)
    length = (period.end_utc - period.start_utc) // timedelta(microseconds=1)
    for offset in (0, length - 1, data.draw(st.integers(0, max(0, length - 1)))):
        if 0 <= offset < length:
            assert anchor.index_of(period.start_utc + timedelta(microseconds=offset)) == index


@given(anchors(), instants())
@settings(max_examples=300)
@example(_anchor("2011-12-01T12:00", "Pacific/Apia", Interval.DAY), datetime(2011, 12, 30, 19, tzinfo=UTC))
def test_the_period_found_holds_the_instant(anchor: Anchor, at: datetime) -> None:
    """Whatever the instant, it lies in the half-open period that is found for it, or before the anchor."""
    if at < to_utc(anchor.local, anchor.zone):
        with pytest.raises(Refused) as caught:
            anchor.index_of(at)
        assert caught.value.code == "before_anchor"
    else:
        period = anchor.period(anchor.index_of(at))
        assert period.start_utc <= at < period.end_utc


@given(anchors(), st.integers(0, 10**4))
def test_month_boundaries_keep_the_anchor(anchor: Anchor, index: int) -> None:
    """Boundaries keep the anchor's time, and its day of the month unless the month is too short."""
    boundary = anchor.period(index % 500).start
    assert boundary.time() == anchor.local.time()
    if anchor.interval in {Interval.MONTH, Interval.QUARTER, Interval.YEAR}:
        assert boundary.day <= anchor.local.day
        assert boundary.day == anchor.local.day or (boundary + timedelta(days=1)).day == 1


def test_clamped_from_the_anchor() -> None:
    """31 January, 29 February in a leap year, 31 March: each from the anchor, never from the boundary before."""
    assert _starts(_anchor("2024-01-31T00:00"), 5) == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
        "2024-04-30",
        "2024-05-31",
    ]
    assert _starts(_anchor("2023-01-31T00:00"), 3) == ["2023-01-31", "2023-02-28", "2023-03-31"]


def test_a_leap_day_returns() -> None:
    """A yearly anchor on 29 February falls on the 28th between leap years, and returns to the 29th."""
    leap = _anchor("2024-02-29T00:00", interval=Interval.YEAR)
    assert _starts(leap, 5) == ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


@pytest.mark.parametrize(
    ("interval", "count", "expected"),
    [(Interval.DAY, 10, ["2024-01-31", "2024-02-10"]), (Interval.WEEK, 2, ["2024-01-31", "2024-02-14"]),
     (Interval.QUARTER, 1, ["2024-01-31", "2024-04-30"]), (Interval.MONTH, 13, ["2024-01-31", "2025-02-28"])],
)  # fmt: skip
def test_counts(interval: Interval, count: int, expected: list[str]) -> None:
    """Every ten days, every two weeks, quarters that keep the month's end, thirteen months."""
    assert _starts(_anchor("2024-01-31T00:00", interval=interval, count=count), 2) == expected


def test_a_gap_moves_forward_and_a_fold_counts_once() -> None:
    """02:30 on the day clocks go forward is 03:30; on the day they go back it is the first 02:30."""
    assert to_utc(_local("2025-03-30T02:30"), "Europe/Paris").isoformat() == "2025-03-30T01:30:00+00:00"
    assert to_utc(_local("2025-03-30T02:30"), "Europe/Paris").astimezone(ZoneInfo("Europe/Paris")).hour == 3
    assert to_utc(_local("2025-10-26T02:30"), "Europe/Paris").isoformat() == "2025-10-26T00:30:00+00:00"
    assert to_utc(_local("2025-10-26T02:30").replace(fold=1), "Europe/Paris").isoformat() == "2025-10-26T00:30:00+00:00"


def test_nominal_times_stay_in_the_gap() -> None:
    """A daily boundary in the gap keeps its nominal time; only the instant moves."""
    period = _anchor("2025-03-29T02:30", interval=Interval.DAY).period(1)
    assert period.start == _local("2025-03-30T02:30")
    assert period.start_utc == datetime(2025, 3, 30, 1, 30, tzinfo=UTC)


def test_a_day_that_never_was_is_an_empty_period() -> None:
    """Samoa skipped 30 December 2011: that day's period is empty, and its neighbours still touch."""
    anchor = _anchor("2011-12-29T12:00", "Pacific/Apia", Interval.DAY)
    skipped = anchor.period(1)
    assert skipped.start_utc == skipped.end_utc
    assert anchor.index_of(skipped.start_utc) == 2
    assert anchor.index_of(skipped.start_utc - timedelta(microseconds=1)) == 0


def test_a_day_may_begin_twice() -> None:
    """Newfoundland went back from 00:01 to 23:01: the day had begun at its first midnight, whatever the clock says after."""
    anchor = _anchor("2005-10-28T00:00", "America/St_Johns", Interval.DAY)
    second_evening = anchor.period(2).start_utc + timedelta(minutes=30)
    assert second_evening.astimezone(ZoneInfo("America/St_Johns")).isoformat() == "2005-10-29T23:30:00-03:30"
    assert anchor.index_of(second_evening) == 2


def test_index_takes_an_instant_of_any_offset() -> None:
    """The same instant gives the same period however it is written; a time without offset is refused."""
    anchor = _anchor("2024-01-31T00:00")
    at = datetime(2024, 2, 28, 23, 0, tzinfo=UTC)
    assert anchor.index_of(at) == anchor.index_of(at.astimezone(timezone(timedelta(hours=9)))) == 1
    with pytest.raises(Invalid, match="time zone"):
        anchor.index_of(_local("2024-03-01"))


@pytest.mark.parametrize("name", ["", "Mars/Base", "../UTC", "Europe", "UTC\0", "x" * 5000, "/etc/passwd", None])
def test_unknown_zones_are_refused(name: str) -> None:
    """A zone is one of the IANA database, by its name, and never a path."""
    with pytest.raises(Invalid) as caught:
        zone(name)
    assert caught.value.code == "unknown_zone"


@pytest.mark.parametrize("count", [0, -1, True, 1.5])
def test_counts_are_whole_and_positive(count: int) -> None:
    """A period is one interval or more."""
    with pytest.raises(Invalid, match="one or more"):
        _anchor("2024-01-31T00:00", count=count)


def test_an_anchor_is_local() -> None:
    """An anchor is a wall-clock time and does not carry an offset."""
    with pytest.raises(Invalid, match="wall-clock"):
        _anchor("2024-01-31T00:00+01:00")


@pytest.mark.parametrize("interval", Interval)
@pytest.mark.parametrize("index", [10**6 * 9, 10**30])
def test_the_calendar_ends(interval: Interval, index: int) -> None:
    """Beyond the year 9999 there is no period, however large the number."""
    with pytest.raises(Invalid) as caught:
        _anchor("2024-01-31T00:00", interval=interval).period(index)
    assert caught.value.code == "beyond_calendar"


def test_the_ends_of_the_calendar_are_refused() -> None:
    """Where UTC or the zone leaves the years 1 to 9999 nothing is guessed."""
    with pytest.raises(Invalid, match="1 to 9999"):
        to_utc(_local("0001-01-01"), "Asia/Tokyo")
    with pytest.raises(Invalid, match="1 to 9999"):
        _anchor("2024-01-31T00:00", "Asia/Tokyo").index_of(datetime.max.replace(tzinfo=UTC))
    with pytest.raises(Invalid, match="from zero"):
        _anchor("2024-01-31T00:00").period(-1)
