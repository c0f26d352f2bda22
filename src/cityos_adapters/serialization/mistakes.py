"""What went wrong while structuring, as a flat list with JSON paths."""

import json
import re
from collections.abc import Iterator

from attrs import fields
from cattrs.errors import AttributeValidationNote, BaseValidationError, ForbiddenExtraKeysError, IterableValidationNote

from cityos_core.kernel.errors import FieldError, Invalid

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,60}", re.ASCII)


class Unjudged(Exception):  # noqa: N818  it is not a mistake but follows from one that is named elsewhere
    """An amount whose currency is missing or wrong: the currency is the mistake, and it is reported where it stands."""


def malformed(error: BaseException) -> Invalid:
    """Turn whatever structuring raised into one ``Invalid`` that names every mistake."""
    errors = tuple(_mistakes(error, "$"))
    count = "one mistake" if len(errors) == 1 else f"{len(errors)} mistakes"
    return Invalid("malformed", f"the input has {count}", errors)


def below(path: str, key: str | int) -> str:
    """Extend a JSON path by a key of an object or a position in a list."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{path}[{json.dumps(key[:60])}]"


def _mistakes(error: BaseException, path: str) -> Iterator[FieldError]:
    match error:
        case BaseValidationError():
            for inner in error.exceptions:
                yield from _mistakes(inner, path + _place(inner))
        case ForbiddenExtraKeysError():
            for key in sorted(error.extra_fields):
                yield FieldError(below(path, key), "unknown_key", _unknown(error.cl))
        case KeyError():
            yield FieldError(path, "missing", "this is required")
        case Invalid():
            for mistake in error.errors or [FieldError("$", error.code, error.detail)]:
                yield FieldError(path + mistake.path.removeprefix("$"), mistake.code, mistake.detail)
        case ValueError() | TypeError():
            yield FieldError(path, "invalid_value", str(error.args[0]) if error.args else "this value is not possible")
        case Unjudged():
            pass
        case _:
            raise error


def _place(error: BaseException) -> str:
    for note in reversed(getattr(error, "__notes__", ())):
        if isinstance(note, AttributeValidationNote):
            return below("", json_name(note.name))
        if isinstance(note, IterableValidationNote):
            return below("", note.index)
    return ""


def json_name(attribute: str) -> str:
    """Give the JSON key of an attribute: ``from_`` is written ``from``."""
    return attribute.rstrip("_")


def _unknown(cls: type) -> str:
    return f"unknown key; known here: {', '.join(json_name(attribute.name) for attribute in fields(cls))}"
