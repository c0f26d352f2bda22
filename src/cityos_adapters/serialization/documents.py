"""JSON text: read without mercy, written compactly."""

import json
from collections import Counter
from typing import Final, NoReturn, TypeAlias

from cityos_core.kernel.errors import Invalid

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"
"""What JSON can say, without floats: numbers with a point are strings here."""


def parse(text: str | bytes) -> object:
    """Read one JSON document in UTF-8.

    ``Invalid("not_json")`` for anything that is not exactly that: a byte order mark, a key that appears twice, ``NaN``,
    text after the document, nesting or numbers beyond what can be read.
    """
    try:
        content = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(content, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise _refused(f"the text is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise _refused(f"this is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise _refused("this is nested too deeply to be read") from None
    except ValueError:
        raise _refused("this holds a number with too many digits") from None


def render(data: Json) -> str:
    """Write JSON on one line."""
    return _WRITER.encode(data)


def _refused(detail: str) -> Invalid:
    return Invalid.at("$", "not_json", detail)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise _refused(f"the key {twice[:40]!r} appears twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise _refused(f"{name} is not a number in JSON")


_WRITER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
