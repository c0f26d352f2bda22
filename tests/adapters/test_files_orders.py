"""Orders from files: what is read, and what is said about what cannot be."""

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from cityos_adapters.files import read_orders_csv, read_orders_jsonl
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.imports import Row
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.orders.draft import Discount, LineDraft, OrderDraft, Party, ShippingDraft

HEADER = (
    "order_reference,placed_at,customer,currency,line_reference,sku,vendor,quantity,unit_price,"
    "discount_percentage,discount_funded_by,tax,shipping,fulfilled_at"
)
FIRST = "10248,1996-07-04T00:00:00Z,VINET,USD,1,11,las-cabras,12,14.00,5,vendor,0.50,32.38,1996-07-16T00:00:00Z"
SECOND = "10248,1996-07-04T00:00:00Z,VINET,USD,2,42,leka,10,9.80,,,,,1996-07-16T00:00:00Z"
OTHER = "10249,1996-07-05T00:00:00Z,TOMSP,USD,1,14,mayumis,9,18.60,,,,,"


def _read(*rows: str, header: str = HEADER) -> list[Row[OrderDraft]]:
    return list(read_orders_csv(io.BytesIO("\n".join((header, *rows, "")).encode())))


def _mistakes(row: Row[OrderDraft]) -> list[tuple[str, str]]:
    assert row.draft is None
    assert isinstance(row.error, Invalid)
    return [(mistake.path, mistake.code) for mistake in row.error.errors]


def test_rows_of_an_order_are_one_draft() -> None:
    """Rows that stand together become one order, with what each column says in its place."""
    first, other = _read(FIRST, SECOND, OTHER)
    assert (first.number, first.reference, other.number) == (2, "10248", 4)
    draft = first.draft
    assert draft is not None
    assert draft.lines == (
        LineDraft(
            reference="1",
            sku="11",
            vendor="las-cabras",
            quantity=12,
            unit_price=UnitPrice.of("14.00", "USD"),
            tax=Money.of("0.50", "USD"),
            discounts=(Discount(percentage=Percentage.of("5"), funding={Party.VENDOR: 1}),),
        ),
        LineDraft(reference="2", sku="42", vendor="leka", quantity=10, unit_price=UnitPrice.of("9.80", "USD")),
    )
    assert draft.shipping == (ShippingDraft(amount=Money.of("32.38", "USD")),)
    assert (draft.customer, draft.currency) == ("VINET", "USD")
    assert other.draft is not None
    assert other.draft.fulfilled_at is None


@pytest.mark.parametrize("dressed", [
    "\ufeff{}\r\n{}\r\n\r\n{}\r\n",
    "{}\n\n{}\n{}",
    "{}\n,,,,,,,,,,,,,\n{}\n{}\n",
])  # fmt: skip
def test_marks_line_ends_and_blank_lines_do_not_matter(dressed: str) -> None:
    """A byte order mark, either line end and blank lines change nothing that is read."""
    content = dressed.format(HEADER, FIRST, OTHER).encode()
    assert [row.draft for row in read_orders_csv(io.BytesIO(content))] == [row.draft for row in _read(FIRST, OTHER)]


def test_columns_in_any_order_and_optional_ones_absent() -> None:
    """The header says where a column is; columns that may be empty may be missing."""
    header = "currency,unit_price,quantity,vendor,sku,line_reference,placed_at,order_reference"
    (row,) = _read("USD,9.80,10,leka,42,2,1996-07-04T00:00:00Z,7", header=header)
    assert row.draft is not None
    assert row.draft.lines[0].quantity == 10


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (HEADER.replace("sku,", ""), "lacks sku"),
        (f"{HEADER},colour", "unknown colour"),
        (f"{HEADER},tax", "repeats tax"),
        (HEADER.replace(",", ";"), "semicolons"),
        ("", "lacks"),
    ],
)
def test_header_is_checked(header: str, says: str) -> None:
    """A header that lacks, repeats or invents a column is refused before any row is read."""
    with pytest.raises(Invalid, match=says):
        _read(FIRST, header=header)


def test_empty_file_is_refused() -> None:
    """A file without a header is refused and told what the first line should be."""
    with pytest.raises(Invalid, match="order_reference,placed_at"):
        list(read_orders_csv(io.BytesIO(b"")))


def test_utf16_is_refused() -> None:
    """A file in another encoding is refused at its header."""
    with pytest.raises(Invalid, match="UTF-8"):
        list(read_orders_csv(io.BytesIO(f"{HEADER}\n{FIRST}\n".encode("utf-16"))))


@pytest.mark.parametrize(
    ("before", "after", "place", "code"),
    [
        ("14.00", "14,5", "row 2", "wrong_cell_count"),
        ("14.00", "1e2", "row 2, column unit_price", "not_a_decimal"),
        (",12,", ",1.5,", "row 2, column quantity", "wrong_type"),
        (",12,", ",,", "row 2, column quantity", "missing"),
        ("0.50", "0.505", "row 2, column tax", "surplus_digits"),
        ("32.38", "-1.00", "row 2, column shipping", "negative_amount"),
        (",5,vendor", ",500,vendor", "row 2, column discount_percentage", "percentage_out_of_range"),
        (",5,vendor", ",5,mayor", "row 2, column discount_funded_by", "unknown_value"),
        (",USD,", ",usd,", "row 2, column currency", "unknown_currency"),
        ("1996-07-04T00:00:00Z", "1996-07-04", "row 2, column placed_at", "not_a_time"),
        (",USD,1,", ",USD,,", "row 2, column line_reference", "missing"),
        ("10248,", ",", "row 2, column order_reference", "missing"),
        ("VINET", "VIN\udcffET", "row 2, column customer", "not_utf8"),
        ("VINET", '"VIN"ET', "row 2", "unreadable_row"),
    ],
)
def test_mistakes_are_named_by_row_and_column(before: str, after: str, place: str, code: str) -> None:
    """A mistake in a cell rejects its order and says where it is."""
    content = f"{HEADER}\n{FIRST.replace(before, after)}\n".encode("utf-8", "surrogateescape")
    (row,) = read_orders_csv(io.BytesIO(content))
    assert _mistakes(row)[0] == (place, code)


def test_mistake_in_a_later_row_rejects_the_whole_order() -> None:
    """One wrong row of an order rejects the order, and the next order is read."""
    wrong, other = _read(FIRST, SECOND.replace("9.80", "x"), OTHER)
    assert _mistakes(wrong) == [("row 3, column unit_price", "not_a_decimal")]
    assert other.draft is not None


@pytest.mark.parametrize(("before", "after"), [("VINET", "TOMSP"), ("USD", "EUR"), (",,1996", ",9.99,1996")])
def test_rows_that_disagree_reject_the_order(before: str, after: str) -> None:
    """What is the order's is the same on each of its rows; shipping may be left empty."""
    (row,) = _read(FIRST, SECOND.replace(before, after))
    assert [code for _, code in _mistakes(row)] == ["rows_disagree"]


def test_order_in_several_places_is_rejected_everywhere() -> None:
    """An order whose rows stand apart is never placed in part."""
    first, other, second = _read(FIRST, OTHER, SECOND)
    assert [code for _, code in _mistakes(first) + _mistakes(second)] == ["scattered_order"] * 2
    assert other.draft is not None


@pytest.mark.parametrize("place", [1, 2])
def test_order_beside_an_unreadable_row_is_rejected(place: int) -> None:
    """A row that cannot be read may belong to the order before or after it, so neither is placed in part."""
    rows = [OTHER.replace("10249", "10247"), FIRST, OTHER]
    rows.insert(place, SECOND.replace("10248,", '"10248"x,'))
    found = _read(*rows)
    rejected = [row.reference for row in found if row.draft is None]
    assert rejected == [["10247", "", "10248"], ["10248", "", "10249"]][place - 1]


class _Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


def test_pipe_is_read_too() -> None:
    """Standard input cannot be rewound and is read all the same."""
    content = f"{HEADER}\n{FIRST}\n{SECOND}\n".encode()
    assert [row.reference for row in read_orders_csv(_Pipe(content))] == ["10248"]


def _peak(rows: int) -> int:
    row = OTHER.split(",", 1)[1]
    content = io.BytesIO("\n".join((HEADER, *(f"{number},{row}" for number in range(rows)))).encode())
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_orders_csv(content))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert count == rows


def test_memory_does_not_grow_with_the_file() -> None:
    """Eight times the rows take no more memory to read."""
    _peak(2000)
    assert _peak(8000) < 2 * _peak(1000)


def _lines(*lines: bytes) -> Iterator[Row[OrderDraft]]:
    return read_orders_jsonl(io.BytesIO(b"\n".join(lines)))


ORDER = (
    b'{"reference": "7", "placed_at": "1996-07-04T00:00:00Z", "currency": "USD", "lines": [{"reference": "1",'
    b' "sku": "11", "vendor": "leka", "quantity": 2, "unit_price": "0.5292", "tax": "0.10"}]}'
)


def test_json_lines_are_orders() -> None:
    """Each line is an order of its own, whatever became of the one before."""
    rows = list(_lines(b"\xef\xbb\xbf" + ORDER, b"", b"{", ORDER.replace(b'"7"', b'"8"'), b'["\xff"]'))
    assert [(row.number, row.reference, row.draft is None) for row in rows] == [
        (1, "7", False),
        (3, "", True),
        (4, "8", False),
        (5, "", True),
    ]


def test_json_mistakes_are_named_by_path() -> None:
    """A mistake in a JSON order is named by its JSON path, under the order's reference."""
    (row,) = _lines(ORDER.replace(b'"0.10"', b'"0.101"'))
    assert row.reference == "7"
    assert _mistakes(row) == [("$.lines[0].tax", "surplus_digits")]
