"""CSV as it really comes: a header that is checked, records one by one, mistakes by row and column."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from attrs import frozen

from cityos_core.kernel.errors import FieldError, Invalid

LONGEST_LINE: Final = 1_048_576
"""Characters in one line; what is longer is not a table."""

_UNDECODABLE: Final = re.compile("[\udc80-\udcff]")


@frozen
class Columns:
    """The columns a file may have, in any order, and which of them it must have."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every column."""
        return self.required + self.optional


@frozen(kw_only=True)
class Record:
    """One record: the line it begins on, its cells that are not empty, and why it cannot be read, if so."""

    row: int
    cells: Mapping[str, str]
    error: Invalid | None = None


def records(stream: BinaryIO, columns: Columns) -> Iterator[Record]:
    """Read a table in UTF-8, with or without a byte order mark, whatever its line ends; empty lines are passed over.

    ``Invalid`` if the header is not what it should be; a record that cannot be read is given with its ``error``.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        reader = csv.reader(_lines(text), strict=True)
        header = _header(next(reader, None), columns)
        while True:
            row = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Record(row=row, cells={}, error=mistake(row, None, "unreadable_row", f"this is not CSV: {error}"))
                continue
            if any(cell.strip() for cell in cells):
                yield _record(row, header, cells)
    except csv.Error as error:
        raise Invalid("unreadable_header", f"the first line is not CSV: {error}") from None
    finally:
        text.detach()


def integer(text: str) -> int | str:
    """Read a whole number where there is one; anything else stays text, for the schema to judge."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII) else text


def located(error: Invalid, where: Callable[[FieldError], tuple[int, str | None]]) -> Invalid:
    """Say where in the table the mistakes are; ``where`` turns one at a JSON path into a row and a column."""
    return Invalid(
        error.code,
        error.detail,
        [FieldError(_place(*where(mistake)), mistake.code, mistake.detail) for mistake in error.errors],
    )


def mistake(row: int, column: str | None, code: str, detail: str) -> Invalid:
    """Say what is wrong at one place of the table."""
    return Invalid(code, detail, [FieldError(_place(row, column), code, detail)])


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise Invalid("line_too_long", f"line {number} is longer than {LONGEST_LINE} characters")
        yield line


def _header(cells: Sequence[str] | None, columns: Columns) -> Sequence[str]:
    if cells is None:
        raise Invalid("empty_file", f"the file is empty; its first line names the columns {','.join(columns.all)}")
    if any(_UNDECODABLE.search(cell) for cell in cells):
        raise Invalid("not_utf8", "the file is not UTF-8; save it as CSV in UTF-8")
    names = [cell.strip() for cell in cells]
    if len(names) == 1 and ";" in names[0]:
        raise Invalid("wrong_separator", "the columns are separated by semicolons; save the file with commas")
    for problem, found in (
        ("lacks", [name for name in columns.required if name not in names]),
        ("has unknown", [name or "(empty)" for name in names if name not in columns.all]),
        ("repeats", [name for name in columns.all if names.count(name) > 1]),
    ):
        if found:
            known = ",".join(columns.all)
            raise Invalid("wrong_columns", f"the header {problem} {', '.join(found)}; the columns are {known}")
    return names


def _record(row: int, header: Sequence[str], cells: Sequence[str]) -> Record:
    named = {column: cell for column, cell in zip(header, cells, strict=False) if cell}
    error = None
    if len(cells) != len(header):
        error = mistake(row, None, "wrong_cell_count", f"{len(cells)} cells under {len(header)} columns")
    for column, cell in named.items():
        if _UNDECODABLE.search(cell):
            error = mistake(row, column, "not_utf8", "this is not UTF-8; save the file as CSV in UTF-8")
    return Record(row=row, cells=named, error=error)


def _place(row: int, column: str | None) -> str:
    return f"row {row}, column {column}" if column else f"row {row}"
