"""What every kind of export says of itself: how its rows are found, and how they are written."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from attrs import field, frozen

from cityos_core.exports.model import Export, ExportFormat
from cityos_core.kernel.errors import FieldError, Invalid, require_none
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.rendering import Record, cells, csv_lines, rendered
from cityos_core.unit_of_work import UnitOfWork

T = TypeVar("T")

Reader = Callable[[str], object]
"""Reads the text of a filter, or raises ``Invalid``."""

MOMENT: Final = timedelta(microseconds=1)


@frozen(kw_only=True)
class Sheet(Generic[T]):
    """One kind of export. ``rows`` are the lines of its CSV; they are its records unless told otherwise."""

    filters: Mapping[str, Reader]
    page: Callable[[UnitOfWork, Mapping[str, Any], PageRequest], Page[T]]
    columns: tuple[str, ...]
    records: Callable[[UnitOfWork, Sequence[T]], Iterable[Record]]
    rows: Callable[[UnitOfWork, Sequence[T]], Iterable[Record]] = field()
    has_platform: bool = False
    """True if the platform has a list of its own."""
    is_bounded: bool = False
    """True if only what was there when the export was asked for is written: the list may grow by being exported."""

    @rows.default
    def _records(self) -> Callable[[UnitOfWork, Sequence[T]], Iterable[Record]]:
        return self.records

    def read(self, where: Mapping[str, str]) -> dict[str, Any]:
        """Read filters as they are asked for; ``Invalid`` names every one that is not known or not understood."""
        found: dict[str, Any] = {}
        mistakes = []
        for name, text in where.items():
            try:
                found[name] = self._reader(name)(text)
            except Invalid as error:
                mistakes.append(FieldError(f"$.where.{name}", error.code, error.detail))
        require_none(mistakes)
        return found

    def where(self, export: Export) -> Mapping[str, Any]:
        """Give the filters of an export."""
        found = self.read(export.where)
        if self.is_bounded:
            end = export.created_at + MOMENT
            found["until"] = min(found.get("until", end), end)
        return found

    def lines(self, uow: UnitOfWork, items: Sequence[T], form: ExportFormat) -> Iterator[str]:
        """Write one page."""
        if form is ExportFormat.JSONL:
            return (f"{rendered(record)}\n" for record in self.records(uow, items))
        return csv_lines(cells(self.columns, self.rows(uow, items)))

    def heading(self, form: ExportFormat) -> str:
        """Write what stands above the first page."""
        return "" if form is ExportFormat.JSONL else "".join(csv_lines([self.columns]))

    def _reader(self, name: str) -> Reader:
        try:
            return self.filters[name]
        except KeyError:
            known = ", ".join(self.filters)
            raise Invalid("unknown_filter", f"there is no filter {name!r} here; these are: {known}") from None


def word(text: str) -> str:
    """Read a name."""
    if not text:
        raise Invalid("empty_filter", "leave the filter out if it does not matter")
    return text


def one_of(kinds: type[StrEnum]) -> Reader:
    """Read one of an enumeration's values."""

    def read(text: str) -> StrEnum:
        try:
            return kinds(text)
        except ValueError:
            raise Invalid("unknown_value", f"{text!r} is not one of: {', '.join(kinds)}") from None

    return read


def identifier(text: str) -> UUID:
    """Read a UUID."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("not_a_uuid", f"{text!r} is not a UUID") from None


def pair(text: str) -> tuple[str, str]:
    """Read ``NAME=TEXT``."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise Invalid("not_a_pair", f"{text!r} is not of the form NAME=TEXT, such as order=10248")
    return name, value
