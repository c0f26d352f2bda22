"""The laws of counting requests evenly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.access.gcra import SECOND, Pace, allowance, microseconds
from cityos_core.access.model import RateLimit
from cityos_core.kernel.errors import Invalid
from cityos_core.testing import START

LIMITS = st.builds(
    RateLimit,
    requests=st.integers(1, 50) | st.integers(1, 1_000_000),
    seconds=st.integers(1, 60) | st.integers(1, 86_400),
    burst=st.none() | st.integers(1, 50),
)
GAPS = st.lists(st.integers(0, 10) | st.integers(0, 100 * SECOND), max_size=60)
NOW = microseconds(START)


def allowed_at(limit: RateLimit, gaps: list[int]) -> list[int]:
    """Ask after each gap, and list the instants at which it was allowed."""
    pace, caught_up, now, times = Pace.of(limit), NOW, NOW, []
    for gap in gaps:
        now += gap
        allowed, caught_up = pace.take(caught_up, now)
        if allowed:
            times.append(now)
    return times


def how_many(pace: Pace, caught_up: int, now: int, *, most: int) -> int:
    """Ask until it is refused, and count."""
    for count in range(most):
        allowed, caught_up = pace.take(caught_up, now)
        if not allowed:
            return count
    return most


@given(LIMITS, GAPS)
def test_never_more_than_a_burst_and_the_flow(limit: RateLimit, gaps: list[int]) -> None:
    """In any stretch of time no more is allowed than the burst and what the rate gives in that time."""
    times, rate = allowed_at(limit, gaps), Fraction(limit.requests, limit.seconds * SECOND)
    for first, start in enumerate(times):
        for last, end in enumerate(times[first:], first):
            assert last - first + 1 <= (limit.burst or limit.requests) + rate * (end - start)


@given(LIMITS, st.integers(1, 60))
def test_an_even_flow_is_never_refused(limit: RateLimit, count: int) -> None:
    """Whoever keeps to the rate is always allowed."""
    assert len(allowed_at(limit, [Pace.of(limit).interval] * count)) == count


@given(LIMITS, GAPS, st.integers(0, 10 * SECOND), st.integers(0, 10 * SECOND))
def test_waiting_never_hurts(limit: RateLimit, gaps: list[int], sooner: int, longer: int) -> None:
    """What is allowed now is allowed later too, and then leaves no less; nothing that was counted is taken back."""
    pace, caught_up, now = Pace.of(limit), NOW, NOW
    for gap in gaps:
        now += gap
        _, caught_up = pace.take(caught_up, now)
    early, late = now + sooner, now + sooner + longer
    first, second = pace.take(caught_up, early), pace.take(caught_up, late)
    assert second[0] >= first[0]
    assert second[1] - late <= first[1] - early or second[0] > first[0]
    assert second[1] >= first[1] >= caught_up


@given(LIMITS, GAPS)
def test_what_is_told_is_true(limit: RateLimit, gaps: list[int]) -> None:
    """So many are left as are told, a refusal ends when it says, and everything is back when it says."""
    pace, caught_up, now = Pace.of(limit), NOW, NOW
    for gap in gaps:
        now += gap
        allowed, caught_up = pace.take(caught_up, now)
        told = allowance(limit, allowed=allowed, ahead=caught_up - now)
        assert 0 <= told.remaining < told.limit
        assert (told.retry_after_s > 0) is not allowed
        wait = round(told.retry_after_s * SECOND)
        assert pace.take(caught_up, now + wait)[0] is True or allowed
        assert allowed or pace.take(caught_up, now + wait - 1)[0] is False
        back = now + round(told.reset_after_s * SECOND)
        assert pace.take(caught_up, back) == pace.take(back, back)
        assert how_many(pace, caught_up, now, most=60) == min(told.remaining, 60)


@given(LIMITS, st.integers(0, 10**15))
def test_a_clock_that_was_set_back_locks_nobody_out(limit: RateLimit, back: int) -> None:
    """However far ahead a key seems to be, it waits no longer than for one request of a spent burst."""
    pace = Pace.of(limit)
    allowed, caught_up = pace.take(NOW + back, NOW)
    assert caught_up <= NOW + pace.span
    assert allowed or pace.take(caught_up, NOW + pace.interval)[0]


@pytest.mark.parametrize("wrong", [{"requests": 0}, {"requests": 1, "seconds": 86_401}, {"requests": 1, "burst": 0}])
def test_limits_that_cannot_be_counted(wrong: dict[str, int]) -> None:
    """A limit of nothing, or over more than a day, is refused."""
    with pytest.raises(Invalid, match=r"of a rate limit is from 1 to"):
        RateLimit(**wrong)
