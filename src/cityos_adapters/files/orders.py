"""Orders from CSV: one line of an order per row, the rows of an order together."""

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from typing import BinaryIO, Final

from attrs import frozen

from cityos_adapters.files.table import Columns, Record, integer, located, mistake, records
from cityos_adapters.serialization import load
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.imports import Row
from cityos_core.orders.draft import OrderDraft

COLUMNS: Final = Columns(
    required=("order_reference", "placed_at", "currency", "line_reference", "sku", "vendor", "quantity", "unit_price"),
    optional=("customer", "discount_percentage", "discount_funded_by", "tax", "shipping", "fulfilled_at"),
)

_OF_ORDER: Final = ("placed_at", "customer", "currency", "fulfilled_at")
_OF_LINE: Final = ("sku", "vendor", "quantity", "unit_price", "tax")
_LINE_PATH: Final = re.compile(r"\$\.lines\[(\d+)\](.*)", re.DOTALL)


@frozen
class _Part:
    """Rows that stand together under one order reference, or under none that could be read."""

    reference: str
    rows: Sequence[Record]

    @property
    def row(self) -> int:
        return self.rows[0].row


def read_orders_csv(stream: BinaryIO) -> Iterator[Row[OrderDraft]]:
    """Read orders from rows, in memory that does not grow with the file, which is read twice.

    An order whose rows stand in several places is rejected at each of them, so that no part of it is taken for the
    whole; so is an order beside a row that cannot be read, because that row may be one of its own.
    """
    with _rewindable(stream) as file, closing(sqlite3.connect("")) as places:
        _note_places(places, file)
        file.seek(0)
        for before, part, after in _with_neighbours(_parts(file)):
            if not part.reference:
                yield from _unnamed(part)
                continue
            unreadable = next((other.row for other in (before, after) if other and not other.reference), None)
            yield _order(part, _scattered(places, part.reference) or _spoiled(unreadable))


def _parts(file: BinaryIO) -> Iterator[_Part]:
    for reference, rows in groupby(records(file, COLUMNS), key=lambda record: record.cells.get("order_reference", "")):
        yield _Part(reference, tuple(rows))


def _with_neighbours(parts: Iterator[_Part]) -> Iterator[tuple[_Part | None, _Part, _Part | None]]:
    before, part = None, next(parts, None)
    while part:
        after = next(parts, None)
        yield before, part, after
        before, part = part, after


def _note_places(places: sqlite3.Connection, file: BinaryIO) -> None:
    """Note on which rows each order begins, in a temporary database that spills to disk."""
    places.execute("CREATE TABLE place (reference BLOB, row INTEGER, PRIMARY KEY (reference, row)) WITHOUT ROWID")
    noted = ((_key(part.reference), part.row) for part in _parts(file) if part.reference)
    places.executemany("INSERT INTO place VALUES (?, ?)", noted)


def _key(reference: str) -> bytes:
    return reference.encode("utf-8", "surrogateescape")


def _scattered(places: sqlite3.Connection, reference: str) -> Invalid | None:
    found = places.execute("SELECT row FROM place WHERE reference = ? ORDER BY row LIMIT 3", [_key(reference)])
    rows = [row for (row,) in found]
    if len(rows) == 1:
        return None
    detail = f"the rows of this order stand apart, from rows {', '.join(map(str, rows))}; put them together"
    return mistake(rows[0], "order_reference", "scattered_order", detail)


def _spoiled(row: int | None) -> Invalid | None:
    if row is None:
        return None
    return mistake(row, None, "beside_unreadable_row", "this row cannot be read and may belong to the order beside it")


def _unnamed(part: _Part) -> Iterator[Row[OrderDraft]]:
    for record in part.rows:
        missing = mistake(record.row, "order_reference", "missing", "this is required")
        yield Row(number=record.row, error=record.error or missing)


def _order(part: _Part, error: Invalid | None) -> Row[OrderDraft]:
    draft, wrong = None, error or next((record.error for record in part.rows if record.error), _disagreement(part))
    if wrong is None:
        try:
            draft = load(OrderDraft, _document(part))
        except Invalid as invalid:
            wrong = located(invalid, lambda found: _column(part, found.path))
    return Row(number=part.row, reference=part.reference, draft=draft, error=wrong)


def _document(part: _Part) -> Mapping[str, object]:
    first = part.rows[0].cells
    shipping = next((record.cells["shipping"] for record in part.rows if "shipping" in record.cells), None)
    return {
        "reference": part.reference,
        **{column: first[column] for column in _OF_ORDER if column in first},
        "lines": [_line(record.cells) for record in part.rows],
        "shipping": [] if shipping is None else [{"amount": shipping}],
    }


def _line(cells: Mapping[str, str]) -> Mapping[str, object]:
    line: dict[str, object] = {column: cells[column] for column in _OF_LINE if column in cells}
    if "line_reference" in cells:
        line["reference"] = cells["line_reference"]
    if "quantity" in cells:
        line["quantity"] = integer(cells["quantity"])
    discount: dict[str, object] = {}
    if "discount_percentage" in cells:
        discount["percentage"] = cells["discount_percentage"]
    if "discount_funded_by" in cells:
        discount["funding"] = {cells["discount_funded_by"]: 1}
    return {**line, "discounts": [discount]} if discount else line


def _disagreement(part: _Part) -> Invalid | None:
    """Find where rows of one order differ in what is the order's; ``shipping`` may also be left empty."""
    for column in (*_OF_ORDER, "shipping"):
        stated = [record for record in part.rows if column != "shipping" or column in record.cells]
        for record in stated[1:]:
            if record.cells.get(column) != stated[0].cells.get(column):
                detail = f"this differs from row {stated[0].row} of the same order"
                return mistake(record.row, column, "rows_disagree", detail)
    return None


def _column(part: _Part, path: str) -> tuple[int, str | None]:
    """Tell which row and column a JSON path of the document came from."""
    if found := _LINE_PATH.match(path):
        record, rest = part.rows[int(found[1])], found[2]
        if "funding" in rest:
            return record.row, "discount_funded_by"
        if rest.startswith(".discounts"):
            return record.row, "discount_percentage"
        key = rest.removeprefix(".")
        return record.row, "line_reference" if key == "reference" else key or None
    key = path.removeprefix("$").removeprefix(".").partition("[")[0]
    return part.row, "order_reference" if key == "reference" else key or None


@contextmanager
def _rewindable(stream: BinaryIO) -> Iterator[BinaryIO]:
    if stream.seekable():
        yield stream
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy)
        copy.seek(0)
        yield copy
