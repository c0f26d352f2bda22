"""Rows that stream in from files: each stands alone, and each gets an answer."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import Final, Generic, TypeVar

from attrs import frozen

from cityos_core.kernel.errors import CityOSError, Conflict, Invalid

T = TypeVar("T")

CHUNK: Final = 100
"""Rows that share a transaction."""


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@frozen(kw_only=True)
class Row(Generic[T]):
    """One record of a file: where it began, what it is called, and either what it says or why it cannot be read."""

    number: int
    reference: str = ""
    draft: T | None = None
    error: CityOSError | None = None

    def readable(self) -> T:
        """Give what the row says, or raise why it cannot be read."""
        if self.draft is None:
            raise self.error or Invalid("empty_row", f"row {self.number} says nothing")
        return self.draft

    def answer(self, outcome: Outcome, error: CityOSError | None = None) -> "RowResult":
        """Answer the row."""
        return RowResult(number=self.number, reference=self.reference, outcome=outcome, error=error)


@frozen(kw_only=True)
class RowResult:
    """The answer to one row; ``error`` says why it was rejected."""

    number: int
    reference: str
    outcome: Outcome
    error: CityOSError | None = None


def import_in_chunks(
    rows: Iterable[Row[T]], write: Callable[[Sequence[Row[T]]], Sequence[RowResult]], *, size: int = CHUNK
) -> Iterator[RowResult]:
    """Hand rows to ``write`` a transaction at a time and give its answers, in bounded memory, as they are taken.

    ``write`` judges each row by itself. If another writer makes a whole chunk conflict, its rows are written one by one,
    so that only those in conflict are rejected.
    """
    coming = iter(rows)
    while chunk := list(islice(coming, size)):
        try:
            results = write(chunk)
        except Conflict:
            results = [_alone(row, write) for row in chunk]
        yield from results


def _alone(row: Row[T], write: Callable[[Sequence[Row[T]]], Sequence[RowResult]]) -> RowResult:
    try:
        return write([row])[0]
    except Conflict as error:
        return row.answer(Outcome.REJECTED, error)
