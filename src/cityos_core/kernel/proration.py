"""The part of an amount that belongs to a part of a period: an exact fraction, rounded once."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import lcm
from typing import Generic, TypeVar

from attrs import frozen

from cityos_core.kernel.clock import instant
from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.money import Money

D = TypeVar("D", date, datetime)


class Resolution(StrEnum):
    """In what a period is counted: calendar days, or the seconds between instants."""

    DAY = "day"
    SECOND = "second"


@frozen
class Span(Generic[D]):
    """What lies between two dates, or between two instants: ``[start, end)``."""

    start: D
    end: D

    def __attrs_post_init__(self) -> None:
        if self.end < self.start:
            raise Invalid("reversed_span", "this ends before it starts")

    @property
    def length(self) -> Fraction:
        """How long it is, exactly: days between dates, seconds between instants."""
        return _length(self.start, self.end)


def _length(start: date, end: date) -> Fraction:
    if isinstance(start, datetime) and isinstance(end, datetime):
        return Fraction((instant(end) - instant(start)) // timedelta(microseconds=1), 10**6)
    return Fraction((end - start).days)


@frozen
class Proration:
    """A part of an amount, and the fraction of the period that it stands for, in days or seconds."""

    amount: Money
    numerator: int
    denominator: int


def proration(amount: Money, period: Span[D], part: Span[D]) -> Proration:
    """Give what of ``amount``, the price of the whole ``period``, falls on a ``part`` of it, rounded once.

    ``Refused("outside_period")`` if the part is not within the period; ``Invalid("empty_period")`` if there is no period.
    """
    whole, taken = period.length, part.length
    if whole == 0:
        raise Invalid("empty_period", "a period ends after it starts")
    if part.start < period.start or part.end > period.end:
        raise Refused("outside_period", f"{part.start} to {part.end} is not within {period.start} to {period.end}")
    scale = lcm(whole.denominator, taken.denominator)
    return Proration(amount.share(taken / whole), int(taken * scale), int(whole * scale))
