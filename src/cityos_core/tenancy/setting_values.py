"""How stored JSON becomes the typed value of a setting: one small reader per shape, each saying what it expects."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TypeVar

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.money import Money, Percentage
from cityos_core.tenancy.model import Json

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_WIDEST: Final = 64


def invalid(expected: str, value: Json) -> Invalid:
    """Say what a value should have been."""
    return Invalid("invalid_setting", f"expected {expected}, not {value!r}")


def text(value: Json) -> str:
    """Read a word or a line of text that is not empty."""
    if type(value) is not str or not value.strip():
        raise invalid("a text that is not empty", value)
    return value


def flag(value: Json) -> bool:
    """Read true or false."""
    if type(value) is not bool:
        raise invalid("true or false", value)
    return value


def whole(least: int, most: int) -> Callable[[Json], int]:
    """Read a whole number within bounds, both inclusive."""

    def read(value: Json) -> int:
        if type(value) is not int or not least <= value <= most:
            raise invalid(f"a whole number from {least} to {most}", value)
        return value

    return read


def choice(options: type[E]) -> Callable[[Json], E]:
    """Read one of the words of an enumeration."""

    def read(value: Json) -> E:
        if not isinstance(value, str) or value not in list(options):
            raise invalid(f"one of {', '.join(options)}", value)
        return options(value)

    return read


def percentage(value: Json) -> Percentage:
    """Read a percentage written as a decimal string, such as ``"8.5"``."""
    if type(value) is not str:
        raise invalid('a percentage as a decimal string such as "8.5"', value)
    return Percentage.of(value)


def words(value: Json) -> tuple[str, ...]:
    """Read a list of different words."""
    items = tuple(text(item) for item in listed(value))
    if len(set(items)) != len(items):
        raise invalid("a list in which nothing is named twice", value)
    return items


def listed(value: Json) -> list[Json]:
    """Read a list."""
    if not isinstance(value, list):
        raise invalid("a list", value)
    return value


def mapped(value: Json) -> dict[str, Json]:
    """Read an object."""
    if not isinstance(value, dict):
        raise invalid("an object", value)
    return value


def fields(value: Json, *known: str) -> dict[str, Json]:
    """Read an object that has no other keys than these."""
    found = mapped(value)
    for key in found:
        if key not in known:
            raise Invalid("unknown_key", f"{key!r} is not known here; the keys are {', '.join(known)}")
    return found


def amounts(value: Json) -> Mapping[str, Money]:
    """Read amounts by currency, such as ``{"EUR": "25.00", "JPY": "3000"}``; zero or more each."""
    read = {currency: Money.of(text(amount), currency) for currency, amount in mapped(value).items()}
    if any(amount.minor < 0 for amount in read.values()):
        raise invalid("amounts of zero or more", value)
    return read


def without_floats(value: object, path: str = "$") -> Json:
    """Check that something is JSON without floating-point numbers, all the way down."""
    if isinstance(value, str):
        return _storable(value, path)
    if isinstance(value, int) and value.bit_length() >= _WIDEST:
        raise Invalid("invalid_setting", f"{path}: a whole number has at most {_WIDEST} bits")
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, list | tuple):
        return [without_floats(item, f"{path}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {_storable(key, path): without_floats(item, f"{path}.{key}") for key, item in value.items()}
    raise Invalid(
        "invalid_setting", f'{path}: {value!r} is not JSON without floats; write numbers with a point as text: "8.5"'
    )


def _storable(value: str, path: str) -> str:
    """Check that every database can hold a text."""
    if _UNSTORABLE.search(value):
        raise Invalid("invalid_setting", f"{path}: text holds no NUL and no lone surrogates")
    return value
