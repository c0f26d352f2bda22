"""What goes over the wire, both ways: the strict JSON form with prefixed ids and money that names its currency."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin

from attrs import NOTHING, fields, frozen

from cityos_adapters.serialization import Json, Strict, parse, scalars
from cityos_core.kernel.errors import FieldError, Invalid
from cityos_core.kernel.money import Money, UnitPrice
from cityos_http import identifiers, problems

T = TypeVar("T")

FIRST_YEAR: Final = 1000
LAST_YEAR: Final = 9000

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)


def _amount(value: Money | UnitPrice) -> dict[str, str]:
    return {"amount": value.text, "currency": value.currency}


def _instant(value: object) -> datetime:
    """Read an instant to which years can be added, and from which they can be taken."""
    found = scalars.instant(value)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise Invalid("not_a_time", f"times here are in the years {FIRST_YEAR} to {LAST_YEAR}")
    return found


WIRE: Final = Strict.of(
    {datetime: _instant, **{kind: partial(identifiers.read, kind) for kind in identifiers.PREFIXES}},
    {
        Money: _amount,
        UnitPrice: _amount,
        **{kind: partial(identifiers.written, kind) for kind in identifiers.PREFIXES},
    },
)
"""The form of the API."""


@frozen
class Depth:
    """How deeply a body may be nested."""

    most: int

    def check(self, value: object) -> None:
        """Refuse what is nested more deeply."""
        level = [value]
        for _ in range(self.most):
            level = [inner for outer in level for inner in _inside(outer)]
            if not level:
                return
        raise Invalid.at("$", "too_deep", f"a body is nested {self.most} levels deep at most")


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def read_body(cls: type[T], content: bytes, depth: Depth) -> T:
    """Build what a body says; ``Invalid`` names every mistake by its JSON Pointer."""
    try:
        data = parse(content)
        depth.check(data)
        return WIRE.load(cls, data)
    except Invalid as error:
        raise problems.in_body(error) from None


def read_query(cls: type[T], given: Iterable[tuple[str, str]]) -> T:
    """Build what the query parameters say; unknown ones and ones given twice are mistakes."""
    kinds: dict[str, Any] = {attribute.name: attribute.type for attribute in fields(cls)}  # type: ignore[arg-type]
    data: dict[str, object] = {}
    mistakes = []
    for name, text in given:
        if name in data:
            mistakes.append(FieldError(f"query/{name[:60]}", "repeated", "give this once"))
        elif name not in kinds:
            known = ", ".join(kinds) or "none"
            mistakes.append(FieldError(f"query/{name[:60]}", "unknown_parameter", f"unknown; known here: {known}"))
        else:
            data[name] = _plain(text, plain_type(kinds[name]))
    try:
        found = WIRE.load(cls, data)
    except Invalid as error:
        mistakes += problems.in_query(error).errors
    else:
        if not mistakes:
            return found
    raise Invalid("malformed", "the query parameters are not understood", mistakes)


def plain_type(kind: Any) -> Any:
    """Give the type that is meant where it may also be absent."""
    if get_origin(kind) in (Union, UnionType):
        rest = [part for part in get_args(kind) if part is not NoneType]
        return rest[0] if len(rest) == 1 else kind
    return kind


def _plain(text: str, kind: Any) -> object:
    if kind is int and _INTEGER.fullmatch(text):
        return int(text)
    if kind is bool and text in ("true", "false"):
        return text == "true"
    return text


def written(value: object) -> Json:
    """Write an answer."""
    return WIRE.dump(value)


def required(cls: Any) -> Mapping[str, bool]:
    """Say which attributes of a class must be given."""
    return {attribute.name: attribute.default is NOTHING for attribute in fields(cls)}
