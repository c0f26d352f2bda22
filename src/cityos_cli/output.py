"""Results on standard output: a table for eyes, JSON, JSON lines or CSV for programs, nothing else ever.

Away from a terminal the table becomes lines of tab-separated values, so that a pipe gets data and no decoration.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain, islice
from typing import Final, TextIO

from attrs import Factory, frozen

from cityos_core.kernel.rendering import NUMBER, Record, cell, cells, csv_lines, rendered

_WIDEST: Final = 1000
_NARROWEST: Final = 24
"""Columns that text is broken into, where a terminal is too narrow for all of it."""


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


@frozen
class Output:
    """Where results go and in which form."""

    format: Format = Format.TABLE
    stream: TextIO = Factory(lambda: sys.stdout)

    def rows(self, columns: Sequence[str], records: Iterable[Record]) -> None:
        """Write a list; JSON holds whole records, the other forms the named columns.

        Nothing is written before the first record is there: a command that fails at once leaves no half a table.
        """
        records = _begun(records)
        match self.format:
            case Format.JSON:
                self._json_list(records)
            case Format.JSONL:
                for record in records:
                    self._line(rendered(record))
            case Format.CSV:
                self._csv(columns, records)
            case Format.TABLE:
                self._table(columns, records)

    def record(self, record: Record) -> None:
        """Write one result: an object in JSON, else a line per name and value."""
        match self.format:
            case Format.JSON:
                self._line(rendered(record, indent=2))
            case Format.JSONL:
                self._line(rendered(record))
            case Format.CSV:
                self._csv(list(record), [record])
            case Format.TABLE:
                self._table(("name", "value"), ({"name": name, "value": value} for name, value in record.items()))

    def heading(self, title: str) -> None:
        """Write a line above what follows, where several lists are read one after another."""
        self._line(f"\n{title}")

    def document(self, document: Record, columns: Sequence[str], records: Iterable[Record]) -> None:
        """Write a document in JSON, and its most useful list in the other forms."""
        if self.format is Format.JSON:
            self.record(document)
        else:
            self.rows(columns, records)

    def sheet(
        self, document: Record, summary: Record, title: str, columns: Sequence[str], records: Sequence[Record]
    ) -> None:
        """Write a document in JSON; elsewhere what sums it up, and in a table what it consists of below that."""
        if self.format in (Format.JSON, Format.JSONL):
            self.record(document)
            return
        self.record(summary)
        if self.format is Format.TABLE and records:
            self.heading(title)
            self.rows(columns, records)

    def text(self, document: Record, lines: Iterable[str]) -> None:
        """Write a document in JSON, and its words elsewhere."""
        if self.format in (Format.JSON, Format.JSONL):
            self.record(document)
        elif self.format is Format.CSV:
            self._csv(("text",), ({"text": line} for line in lines))
        else:
            for line in lines:
                self._line(cell(line))

    def _line(self, text: str) -> None:
        self.stream.write(f"{text}\n")

    def _json_list(self, records: Iterable[Record]) -> None:
        separator = "[\n"
        for record in records:
            self.stream.write(separator + rendered(record))
            separator = ",\n"
        self._line("[]" if separator == "[\n" else "\n]")

    def _csv(self, columns: Sequence[str], records: Iterable[Record]) -> None:
        for line in csv_lines(chain([columns], cells(columns, records))):
            self.stream.write(line)

    def _table(self, columns: Sequence[str], records: Iterable[Record]) -> None:
        if self.stream.isatty():
            self._drawn(columns, records)
            return
        for row in chain([columns], cells(columns, records)):
            self._line("\t".join(row))

    def _drawn(self, columns: Sequence[str], records: Iterable[Record]) -> None:
        """Draw a table; what has no spaces is never broken, so that an id can be copied, even if the line is long."""
        from rich import box
        from rich.cells import cell_len
        from rich.console import Console
        from rich.measure import Measurement
        from rich.table import Table
        from rich.text import Text

        rows = [[_shown(record.get(column)) for column in columns] for record in records]
        table = Table(box=box.SIMPLE_HEAD)
        for place, column in enumerate(columns):
            cells = [row[place] for row in rows]
            numeric = any(cells) and all(NUMBER.fullmatch(cell) for cell in cells if cell)
            breaks = any(" " in cell for cell in cells)
            longest = max(map(cell_len, (column, *cells)))
            table.add_column(
                column.replace("_", " "),
                justify="right" if numeric else "left",
                min_width=min(longest, _NARROWEST) if breaks else longest,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*map(Text, row))
        console = Console(file=self.stream, markup=False, highlight=False)
        least = Measurement.get(console, console.options.update(width=_WIDEST), table).minimum
        console.print(table, width=max(console.width, least), crop=False, soft_wrap=least > console.width)


def _shown(value: object) -> str:
    """Write a value for eyes: parties and amounts side by side in place of JSON."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {cell(item)}" for name, item in value.items())
    return cell(value)


def _begun(records: Iterable[Record]) -> Iterator[Record]:
    rest = iter(records)
    return chain(list(islice(rest, 1)), rest)
