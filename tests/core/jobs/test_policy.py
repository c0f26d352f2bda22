"""When operations fall due, what is tried again and how soon, and what a row says went wrong."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.jobs.policy import ATTEMPTS, Audience, Rhythm, back_off, may_heal, wording
from cityos_core.kernel.errors import (
    CityOSError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    PreconditionFailed,
    Refused,
    Throttled,
    Unavailable,
)
from cityos_core.kernel.time import to_utc
from cityos_core.testing.strategies import ZONES, instants

MINUTE = timedelta(minutes=1)
TWICE = Rhythm(at=(time(17), time(9)))

times = st.lists(st.times().map(lambda at: at.replace(microsecond=0, tzinfo=None)), min_size=1, max_size=4)
zones = st.sampled_from(ZONES)


def utc(text: str) -> datetime:
    """Read an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "place", "expected"),
    [
        ("2026-01-05T08:59:59", "UTC", "2026-01-05T09:00:00"),
        ("2026-01-05T09:00:00", "UTC", "2026-01-05T17:00:00"),
        ("2026-01-05T17:00:00", "UTC", "2026-01-06T09:00:00"),
        ("2026-01-05T07:59:59", "Europe/Berlin", "2026-01-05T08:00:00"),
        ("2026-07-05T07:00:00", "Europe/Berlin", "2026-07-05T15:00:00"),
        ("2026-01-05T23:30:00", "Pacific/Kiritimati", "2026-01-06T03:00:00"),
        ("2026-01-05T23:30:00", "Asia/Kolkata", "2026-01-06T03:30:00"),
        ("2026-03-28T17:00:00", "Europe/Berlin", "2026-03-29T07:00:00"),
    ],
)
def test_times_of_the_local_day(now: str, place: str, expected: str) -> None:
    """An operation that is due at times of the day is due at those of the tenant's clocks, the next one first."""
    assert TWICE.after(utc(now), place) == utc(expected)


@pytest.mark.parametrize(
    ("at", "now", "expected"),
    [
        ((time(2, 30),), "2026-03-29T00:59:59", "2026-03-29T01:30:00"),
        ((time(2, 30), time(3)), "2026-03-29T00:30:00", "2026-03-29T01:00:00"),
        ((time(2, 30),), "2026-10-24T23:00:00", "2026-10-25T00:30:00"),
        ((time(2, 30),), "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
    ],
)
def test_clock_changes(at: tuple[time, ...], now: str, expected: str) -> None:
    """A time that the clocks skip comes as much later, one that they show twice comes once, and none is left out."""
    assert Rhythm(at=at).after(utc(now), "Europe/Berlin") == utc(expected)


@given(instants(), times, zones)
def test_days_have_every_time_once(now: datetime, at: list[time], place: str) -> None:
    """Going from each time to the next leaves out none of the local days' times, and comes to each once."""
    rhythm, slots = Rhythm(at=tuple(at)), [now]
    for _ in range(2 * len(at)):
        slots.append(rhythm.after(slots[-1], place))
    assert slots == sorted(set(slots))
    first, last = (slot.astimezone(ZoneInfo(place)).date() for slot in (slots[0], slots[-1]))
    days = [first + timedelta(days=number) for number in range(-1, (last - first).days + 2)]
    expected = {to_utc(datetime.combine(day, moment), place) for day in days for moment in at}
    assert set(slots[1:]) == {slot for slot in expected if now < slot <= slots[-1]}


@given(instants(), st.timedeltas(timedelta(seconds=1), timedelta(days=7)), zones)
def test_intervals_are_the_same_for_everyone(now: datetime, every: timedelta, place: str) -> None:
    """An operation that is due every so often is due at the same instants wherever and whenever one looks."""
    rhythm = Rhythm(every=every)
    following = rhythm.after(now, place)
    assert timedelta() < following - now <= every
    assert rhythm.after(following - timedelta(microseconds=1), "UTC") == following
    assert rhythm.after(following, "UTC") == following + every


def test_hours_begin_on_the_hour() -> None:
    """Intervals are counted from midnight."""
    assert Rhythm(every=5 * MINUTE).after(utc("2026-01-05T09:03:10"), "Asia/Kolkata") == utc("2026-01-05T09:05:00")


def test_a_rhythm_is_one_or_the_other() -> None:
    """A rhythm has an interval or times of the day."""
    with pytest.raises(Invalid, match="either"):
        Rhythm()
    with pytest.raises(Invalid, match="either"):
        Rhythm(every=MINUTE, at=(time(9),))


def test_waiting() -> None:
    """After the first failures a job waits for 2, 4 and 8 seconds, and no longer after more of them."""
    assert [back_off(attempts).total_seconds() for attempts in (1, 2, 3, 4, 10)] == [2, 4, 8, 8, 8]
    assert ATTEMPTS == 3


@pytest.mark.parametrize(
    ("error", "heals"),
    [
        (Unavailable("away", ""), True),
        (Throttled("limited", "", retry_after_s=1), True),
        (OutcomeUnknown("unknown", ""), True),
        (Conflict("stale", ""), True),
        (Conflict("given_up", ""), True),
        (ZeroDivisionError(), True),
        (Conflict("invalid_state", ""), False),
        (PreconditionFailed("precondition_failed", ""), False),
        (Refused("refused", ""), False),
        (Invalid("invalid", ""), False),
        (NotFound("not_found", ""), False),
        (Forbidden("forbidden", ""), False),
    ],
)
def test_what_is_tried_again(error: Exception, heals: bool) -> None:
    """Tried again is what another time may end otherwise; a refusal stays one."""
    assert may_heal(error) is heals


def test_what_is_said() -> None:
    """A row says what went wrong in our own words; what is not ours is named, for it may hold anything."""
    assert wording(CityOSError("away", "the bank is away")) == "away: the bank is away"
    assert wording(ValueError("password=hunter2")) == "unexpected ValueError"


def test_audiences() -> None:
    """An operation is for tenants, for the platform, or for everyone."""
    assert [(one.has_tenants, one.has_platform) for one in Audience] == [(True, False), (False, True), (True, True)]
