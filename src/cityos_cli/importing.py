"""Importing a file: streamed, each row answered, the rejected ones in a file of their own."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO, Final, TypeVar

import typer

from cityos_cli.failures import INVALID, PARTIAL, Stopped, UsageError, one_line
from cityos_cli.output import Format, Output
from cityos_cli.progress import note, reading
from cityos_cli.session import Session
from cityos_core.kernel.errors import CityOSError, Invalid
from cityos_core.kernel.imports import Outcome, Row, RowResult
from cityos_core.kernel.rendering import Record
from cityos_core.kernel.scope import TenantScope

T = TypeVar("T")

ERROR_COLUMNS: Final = ("row", "reference", "code", "detail")
SHOWN: Final = 10
"""Rejected rows that are told on standard error when there is no file for them."""

File = Annotated[Path, typer.Argument(help="The file to read, - for standard input.")]
Errors = Annotated[Path | None, typer.Option(help="Where to write the rejected rows, as CSV.")]


class FileFormat(StrEnum):
    """The two forms of a file of rows."""

    CSV = "csv"
    JSONL = "jsonl"


Form = Annotated[
    FileFormat | None, typer.Option("--format", help="By default csv for a name ending in .csv, else jsonl.")
]


def form_of(path: Path, form: FileFormat | None) -> FileFormat:
    """Give the form of a file: the one that is named, else the one that its name says."""
    return form or (FileFormat.CSV if path.suffix.lower() == ".csv" else FileFormat.JSONL)


def import_file(
    session: Session,
    path: Path,
    read: Callable[[BinaryIO], Iterator[Row[T]]],
    import_rows: Callable[[TenantScope, Iterable[Row[T]]], Iterable[RowResult]],
    *,
    errors: Path | None = None,
) -> None:
    """Import every row and print how many were created, updated, unchanged and rejected.

    Ends with 10 if some rows were rejected and with 8 if all were. What was imported stays, whatever comes after it;
    importing the same file again changes nothing.
    """
    counts: Counter[Outcome] = Counter()
    scope = session.scope
    with ExitStack() as stack:
        stream = stack.enter_context(reading(path))
        rejected = _rejected(import_rows(scope, read(stream)), counts)
        try:
            if errors:
                file = stack.enter_context(_writable(errors, path).open("w", encoding="utf-8", newline=""))
                Output(Format.CSV, file).rows(ERROR_COLUMNS, rejected)
            else:
                _tell(rejected)
        except CityOSError:
            if counts:
                note(f"cityos: stopped after {counts.total()} rows, which stay; the same file can be imported again")
            raise
    session.output.record({outcome.value: counts[outcome] for outcome in Outcome})
    _end(counts, errors)


def _rejected(results: Iterable[RowResult], counts: Counter[Outcome]) -> Iterator[Record]:
    for result in results:
        counts[result.outcome] += 1
        error = result.error
        if error is not None:
            code = error.errors[0].code if isinstance(error, Invalid) and error.errors else error.code
            detail = one_line(error, with_code=False)
            yield {"row": result.number, "reference": result.reference, "code": code, "detail": detail}


def _writable(errors: Path, path: Path) -> Path:
    if errors.exists() and path.exists() and errors.samefile(path):
        raise UsageError("--errors names the file that is being read; name another one")
    if not errors.parent.is_dir():
        raise UsageError(f"--errors: there is no folder {errors.parent}")
    return errors


def _tell(rejected: Iterator[Record]) -> None:
    for record in islice(rejected, SHOWN):
        note(f"cityos: row {record['row']} {record['reference']}: {record['detail']} [{record['code']}]")
    more = sum(1 for _ in rejected)
    if more:
        note(f"cityos: and {more} more rejected rows; --errors FILE keeps them all")


def _end(counts: Counter[Outcome], errors: Path | None) -> None:
    rejected, total = counts[Outcome.REJECTED], counts.total()
    if rejected:
        place = f"; they are in {errors}" if errors else ""
        raise Stopped(f"{rejected} of {total} rows were rejected{place}", INVALID if rejected == total else PARTIAL)
