"""Parts of periods: what of a period is left at an instant, in calendar days or in seconds."""

from datetime import date, datetime
from fractions import Fraction

from attrs import frozen

from cityos_core.kernel.clock import instant
from cityos_core.kernel.proration import Resolution, Span
from cityos_core.kernel.time import Period, zone
from cityos_core.subscriptions.invoices import Covers


@frozen
class Stretch:
    """A part of a period, and its exact share of the whole."""

    covers: Covers
    share: Fraction


def local_time(at: datetime, place: str) -> datetime:
    """Give the wall-clock time of an instant in a zone; the day begins at its first midnight."""
    return instant(at).astimezone(zone(place)).replace(tzinfo=None, fold=0)


def span(period: Period, resolution: Resolution) -> Covers:
    """Give a period as it is counted: its days, or its first and last instants."""
    if resolution is Resolution.DAY:
        return Span(period.start.date(), period.end.date())
    return Span(period.start_utc, period.end_utc)


def whole(period: Period, resolution: Resolution) -> Stretch:
    """Give all of a period."""
    return Stretch(span(period, resolution), Fraction(1))


def rest(period: Period, at: datetime, *, place: str, resolution: Resolution) -> Stretch:
    """Give what is left of a period at an instant. By days, the day it falls on is left as a whole."""
    found = span(period, resolution)
    return after(found, at, until=found.end, place=place)


def after(covers: Covers, at: datetime, *, until: date | datetime, place: str) -> Stretch:
    """Give what of a span lies from an instant until an end within it, counted as the span is."""
    start, end = covers.start, min(until, covers.end)
    day_or_time = instant(at) if isinstance(start, datetime) else local_time(at, place).date()
    left = Span(max(start, min(day_or_time, end)), end)
    return Stretch(left, left.length / covers.length if covers.length else Fraction(0))
