"""Recurring periods."""

from datetime import datetime
from typing import Final

from attrs import field, frozen

from cityos_adapters.calculators.places import at, between
from cityos_adapters.serialization import Json, LocalTime, dump, load
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.time import Anchor, Interval, Period, zone

MOST: Final = 10_000
"""How many periods are listed at most."""


@frozen(kw_only=True)
class PeriodsInput:
    """An anchor, and either which periods are asked for or an instant whose period is."""

    anchor: LocalTime
    zone: str = field()
    interval: Interval
    count: int = field(default=1, validator=between(1))
    first: int | None = field(default=None, validator=between(0))
    number: int | None = field(default=None, validator=between(1, MOST))
    at: datetime | None = None

    @zone.validator
    def _check_zone(self, _attribute: object, value: str) -> None:
        zone(value)

    def __attrs_post_init__(self) -> None:
        if self.at is not None and (self.first is not None or self.number is not None):
            raise Invalid.at("$.at", "two_questions", "ask by `at`, or by `first` and `number`")


def calculate_periods(data: object) -> dict[str, Json]:
    """List periods by their numbers, or give the one an instant lies in."""
    given = load(PeriodsInput, data)
    anchor = Anchor(local=given.anchor, zone=given.zone, interval=given.interval, count=given.count)
    return {"periods": [_written(period) for period in _asked(given, anchor)]}


def _asked(given: PeriodsInput, anchor: Anchor) -> list[Period]:
    if given.at is not None:
        with at("$.at"):
            return [anchor.period(anchor.index_of(given.at))]
    first, number = given.first or 0, 1 if given.number is None else given.number
    with at("$.first"):
        return [anchor.period(first + step) for step in range(number)]


def _written(period: Period) -> Json:
    return {
        "index": period.index,
        "start": _local(period.start),
        "end": _local(period.end),
        "start_utc": dump(period.start_utc),
        "end_utc": dump(period.end_utc),
    }


def _local(nominal: datetime) -> str:
    return nominal.isoformat(timespec="auto" if nominal.second or nominal.microsecond else "minutes")
