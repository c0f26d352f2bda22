"""Paging, identifiers, fault points and instants."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cityos_core.kernel import faults
from cityos_core.kernel.clock import instant, instant_or_none
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import PLATFORM
from cityos_core.kernel.paging import LARGEST_PAGE, Page, PageRequest, every
from cityos_core.kernel.scope import PlatformScope


@pytest.mark.parametrize("limit", [0, -1, LARGEST_PAGE + 1, True, 2.0])
def test_pages_are_bounded(limit: int) -> None:
    """A page holds one to a hundred items."""
    with pytest.raises(Invalid, match="1 to 100"):
        PageRequest(limit)


def test_pages_say_whether_more_follows() -> None:
    """A page with a key that continues after it has more."""
    assert PageRequest().limit == 25
    assert Page((1, 2), after="2").has_more
    assert not Page((1, 2)).has_more


def test_every_page_is_read_in_turn() -> None:
    """A whole list is read by the largest pages there are, each after the last one's key."""
    numbers = list(range(250))

    def fetch(request: PageRequest) -> Page[int]:
        start = int(request.after or 0)
        end = start + request.limit
        return Page(tuple(numbers[start:end]), after=str(end) if end < len(numbers) else None)

    assert list(every(fetch)) == numbers


def test_the_platform_owns_what_belongs_to_no_tenant() -> None:
    """Platform rows carry the nil identifier."""
    assert PlatformScope().tenant_id == PLATFORM
    assert PLATFORM.int == 0


def test_fault_points_do_nothing_unless_hooked() -> None:
    """A fault point reaches the hook while it is there, the outer one after an inner, and nobody afterwards."""
    seen: list[str] = []
    faults.point("before")
    with faults.hooked(seen.append):
        faults.point("outer")
        with faults.hooked(lambda name: seen.append(name.upper())):
            faults.point("inner")
        faults.point("outer again")
    faults.point("after")
    assert seen == ["outer", "INNER", "outer again"]


def test_a_crash_passes_ordinary_handlers() -> None:
    """What stands for the death of a process is no ordinary exception, and the hook is gone after it."""

    def die(name: str) -> None:
        raise faults.Crash(name)

    assert not issubclass(faults.Crash, Exception)
    with pytest.raises(faults.Crash), faults.hooked(die):
        faults.point("payout.before_send")
    faults.point("payout.before_send")


def test_instants_are_aware() -> None:
    """An instant is taken to UTC; a time without a zone is refused."""
    paris = datetime(2025, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert instant(paris).isoformat() == "2025-06-01T10:00:00+00:00"
    assert instant_or_none(None) is None
    assert instant_or_none(paris) == paris
    with pytest.raises(Invalid, match="has no time zone"):
        instant(datetime(2025, 6, 1))  # noqa: DTZ001


def test_instants_at_the_end_of_time_are_refused() -> None:
    """An instant that UTC cannot write is refused."""
    with pytest.raises(Invalid, match="1 to 9999"):
        instant(datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))))
    assert instant(datetime.max.replace(tzinfo=UTC)).year == 9999
