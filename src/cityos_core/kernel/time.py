"""Recurring periods on people's calendars: anchored in local time, half-open, without gap or overlap."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import field, frozen

from cityos_core.kernel.clock import instant
from cityos_core.kernel.errors import Invalid, Refused


class Interval(StrEnum):
    """What periods are counted in."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_DAYS = {Interval.DAY: 1, Interval.WEEK: 7}
_MONTHS = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.YEAR: 12}


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Give an IANA time zone by name; ``Invalid("unknown_zone")`` if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise Invalid("unknown_zone", f"{str(name)[:40]!r} is not an IANA time zone such as Europe/Paris") from None


def to_utc(local: datetime, name: str) -> datetime:
    """Resolve a wall-clock time: in a gap it moves forward by the gap, of a fold the first occurrence counts."""
    try:
        return local.replace(tzinfo=zone(name), fold=0).astimezone(UTC)
    except OverflowError:
        raise _beyond_calendar() from None


@frozen(kw_only=True)
class Period:
    """One period ``[start, end)``: nominal wall-clock times, and the instants they fall on."""

    index: int
    start: datetime
    end: datetime
    start_utc: datetime
    end_utc: datetime


def _check_local(_instance: object, _attribute: object, value: datetime) -> None:
    if value.tzinfo is not None:
        raise Invalid("not_local", "an anchor is a wall-clock time; its zone is named beside it")


@frozen(kw_only=True)
class Anchor:
    """Where recurring periods start, and how long each is: ``count`` times ``interval``.

    Boundary n is always reckoned from the anchor, and clamped to the month's end: 31 January, 28 February, 31 March.
    """

    local: datetime = field(validator=_check_local)
    zone: str = field()
    interval: Interval
    count: int = field(default=1)

    @zone.validator
    def _check_zone(self, _attribute: object, value: str) -> None:
        zone(value)

    @count.validator
    def _check_count(self, _attribute: object, value: int) -> None:
        if type(value) is not int or value < 1:
            raise Invalid("count", "`count` is a whole number of one or more")

    def period(self, index: int) -> Period:
        """Give a period by its number, from zero."""
        if index < 0:
            raise Invalid("negative_index", "periods are numbered from zero")
        start, end = self._boundary(index), self._boundary(index + 1)
        return Period(
            index=index, start=start, end=end, start_utc=to_utc(start, self.zone), end_utc=to_utc(end, self.zone)
        )

    def index_of(self, at: datetime) -> int:
        """Give the number of the period an instant lies in, in constant time; before the anchor it is refused."""
        at = instant(at)
        if at < to_utc(self.local, self.zone):
            raise Refused(
                "before_anchor", f"{at.isoformat()} is before the anchor, {self.local.isoformat()} {self.zone}"
            )
        index = max(0, self._elapsed(at) // self.count)
        while index and not self._starts_by(index, at):
            index -= 1
        while self._starts_by(index + 1, at):
            index += 1
        return index

    def _starts_by(self, index: int, at: datetime) -> bool:
        return to_utc(self._boundary(index), self.zone) <= at

    def _elapsed(self, at: datetime) -> int:
        """Count the intervals from the anchor to an instant, give or take two: clamping and clock changes move it."""
        try:
            local = at.astimezone(zone(self.zone))
        except OverflowError:
            raise _beyond_calendar() from None
        if self.interval in _DAYS:
            return (local.date() - self.local.date()).days // _DAYS[self.interval]
        return (12 * (local.year - self.local.year) + local.month - self.local.month) // _MONTHS[self.interval]

    def _boundary(self, index: int) -> datetime:
        steps = index * self.count
        try:
            if self.interval in _DAYS:
                return self.local + timedelta(days=steps * _DAYS[self.interval])
            return datetime.combine(_months_later(self.local.date(), steps * _MONTHS[self.interval]), self.local.time())
        except (OverflowError, ValueError):
            raise _beyond_calendar() from None


def _months_later(day: date, months: int) -> date:
    year, month = divmod(12 * day.year + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _beyond_calendar() -> Invalid:
    return Invalid("beyond_calendar", "this lies outside the years 1 to 9999")
