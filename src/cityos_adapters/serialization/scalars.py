"""Single values in JSON: exact types only, decimal numbers as strings, times with an offset."""

import re
import reprlib
from datetime import UTC, date, datetime
from enum import Enum
from fractions import Fraction
from typing import NewType, NoReturn, TypeVar
from uuid import UUID

from cityos_core.kernel import clock
from cityos_core.kernel.decimals import fraction
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.money import LIMIT, Percentage

E = TypeVar("E", bound=Enum)

LocalTime = NewType("LocalTime", datetime)
"""A wall-clock time that says nothing about its zone."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_RATIO = re.compile(r"(-?[0-9]{1,60})/([0-9]{1,60})", re.ASCII)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "true or false", int: "a number", float: "a number"}


def wrong_type(value: object, wanted: str) -> NoReturn:
    """Say what was wanted and what was given."""
    raise Invalid("wrong_type", f"this is {wanted}, not {_KINDS.get(type(value), 'null')}")


def string(value: object, wanted: str = "a string") -> str:
    """Read text that every database can hold."""
    if type(value) is not str:
        if type(value) in {int, float}:
            raise Invalid("wrong_type", f"this is {wanted}: write it as a string, in quotes")
        wrong_type(value, wanted)
    if _UNSTORABLE.search(value):
        raise Invalid("unstorable_text", "text holds no NUL and no lone surrogates")
    return value


def integer(value: object) -> int:
    """Read a whole number of at most 64 bits."""
    if type(value) is not int:
        if type(value) is float:
            raise Invalid("wrong_type", "this is a whole number, written without a point or exponent")
        wrong_type(value, "a whole number")
    if not -LIMIT < value < LIMIT:
        raise Invalid("too_large", "this number is beyond 64 bits")
    return value


def boolean(value: object) -> bool:
    """Read true or false, nothing that merely counts as one."""
    return value if type(value) is bool else wrong_type(value, "true or false")


def percentage(value: object) -> Percentage:
    """Read a percentage such as ``8.5``."""
    return Percentage.of(string(value, 'a decimal string such as "8.5"'))


def exact(value: object) -> Fraction:
    """Read a decimal string, or a ratio such as ``1/3``."""
    text = string(value, 'a decimal string such as "19.99"')
    ratio = _RATIO.fullmatch(text)
    if ratio is None:
        return fraction(text)
    if int(ratio[2]) == 0:
        raise Invalid("not_a_decimal", "nothing is divided by zero")
    return Fraction(int(ratio[1]), int(ratio[2]))


def weight(value: object) -> int | Fraction:
    """Read a weight: a whole number, or a decimal string, of zero or more."""
    found = integer(value) if type(value) is int else exact(value)
    if found < 0:
        raise Invalid("negative_weight", "weights are zero or more")
    return found


def day(value: object) -> date:
    """Read a date such as ``2025-06-01``."""
    text = string(value, 'a date such as "2025-06-01"')
    return _calendar(text, _DATE, 'a date such as "2025-06-01"').date()


def local_time(value: object) -> LocalTime:
    """Read a wall-clock time such as ``2024-01-31T00:00``."""
    text = string(value, 'a local time such as "2024-01-31T00:00"')
    return LocalTime(_calendar(text, _LOCAL, 'a local time such as "2024-01-31T00:00", without an offset'))


def instant(value: object) -> datetime:
    """Read an RFC 3339 time, which has an offset, and take it to UTC."""
    wanted = 'an RFC 3339 time with an offset, such as "2025-06-01T12:00:00Z"'
    return clock.instant(_calendar(string(value, wanted), _INSTANT, wanted))


def _calendar(text: str, form: re.Pattern[str], wanted: str) -> datetime:
    if not form.fullmatch(text):
        raise Invalid("not_a_time", f"{reprlib.repr(text)} is not {wanted}")
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise Invalid("not_a_time", f"{reprlib.repr(text)} is not {wanted}: {error}") from None


def identifier(value: object) -> UUID:
    """Read a UUID in its usual form."""
    text = string(value, "a UUID")
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text.lower():
        raise Invalid("not_a_uuid", f"{reprlib.repr(text)} is not a UUID")
    return found


def member(value: object, cls: type[E]) -> E:
    """Read one of an enumeration's values."""
    for found in cls:
        if type(value) is str and found.value == value:
            return found
    known = ", ".join(str(found.value) for found in cls)
    raise Invalid("unknown_value", f"{reprlib.repr(value)} is not one of: {known}")


def instant_text(value: datetime) -> str:
    """Write an aware time in UTC, with ``Z``; a wall-clock time stays as it is."""
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
