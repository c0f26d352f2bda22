"""Values as text, for whoever reads them elsewhere: JSON, and cells of a table that no spreadsheet runs."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Final
from uuid import UUID

from cityos_core.kernel.decimals import exact_text
from cityos_core.kernel.money import Money, Percentage, UnitPrice

NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
"""What starts a formula, also in the wide forms that some spreadsheets take for the same."""


Record = Mapping[str, object]
"""One result: names to values; money, times and ids are written in their text form."""


def plain(value: object) -> object:
    """Write what JSON does not know: exact numbers as decimal strings, times as RFC 3339 in UTC, identifiers as text."""
    if isinstance(value, Money | Percentage | UnitPrice):
        return value.text
    if isinstance(value, date):
        return _time(value) if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, Fraction):
        return exact_text(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping | Iterable):
        return dict(value) if isinstance(value, Mapping) else list(value)
    raise TypeError(f"{type(value).__name__} has no text form")


def _time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def rendered(value: object, *, indent: int | None = None) -> str:
    """Write JSON."""
    return json.dumps(value, default=plain, ensure_ascii=False, indent=indent)


def cell(value: object) -> str:
    """Write a value in one line: nothing as empty text, lists separated by commas, control characters as spaces."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _CONTROL.sub(" ", value)
    if isinstance(value, bool | int | Mapping):
        return rendered(value)
    shown = plain(value)
    if isinstance(shown, list):
        return ", ".join(map(cell, shown))
    return str(shown)


def guarded(text: str) -> str:
    """Keep a spreadsheet from running a text as a formula: anything but a number that could start one is quoted."""
    return f"'{text}" if text.startswith(_FORMULA) and not NUMBER.fullmatch(text) else text


def cells(columns: Sequence[str], records: Iterable[Record]) -> Iterator[list[str]]:
    """Write records as rows of the named columns."""
    for record in records:
        yield [cell(record.get(column)) for column in columns]


class _Line:
    """Gives back what a CSV writer writes."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write rows as lines of CSV, each cell guarded."""
    writer = csv.writer(_Line(), lineterminator="\n")
    for row in rows:
        yield writer.writerow([guarded(text) for text in row])
