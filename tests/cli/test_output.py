"""Results: one set of records, four forms."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from uuid import UUID

import pytest

from cityos_cli.output import Format, Output
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.kernel.rendering import Record, cell
from cityos_core.payouts.model import PayoutStatus
from cli.shell import Terminal

RECORDS: list[Record] = [
    {"name": "Exotic Liquids", "amount": Money(-1999, "EUR"), "tags": ("a", "b"), "note": None},
    {"name": "=cmd|' /C calc'!A0", "amount": Money(1200, "JPY"), "tags": (), "note": "two\nlines\tand \x1b[31mred"},
]
COLUMNS = ("name", "amount", "tags", "note")


def _written(form: Format, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    Output(form, stream).rows(COLUMNS, RECORDS)
    return stream.getvalue()


def test_json_is_whole_records() -> None:
    """JSON is a list of records, amounts as decimal strings."""
    assert json.loads(_written(Format.JSON)) == [
        {"name": "Exotic Liquids", "amount": "-19.99", "tags": ["a", "b"], "note": None},
        {"name": "=cmd|' /C calc'!A0", "amount": "1200", "tags": [], "note": "two\nlines\tand \x1b[31mred"},
    ]


def test_json_of_nothing_is_an_empty_list() -> None:
    """No results are an empty list, not nothing at all."""
    stream = io.StringIO()
    Output(Format.JSON, stream).rows(COLUMNS, [])
    assert json.loads(stream.getvalue()) == []


def test_json_lines_is_a_record_per_line() -> None:
    """JSON lines holds the same records, one on each line."""
    lines = _written(Format.JSONL).splitlines()
    assert [json.loads(line) for line in lines] == json.loads(_written(Format.JSON))


def test_csv_cannot_become_a_formula() -> None:
    """A text that a spreadsheet would run is quoted; a negative amount is left a number."""
    rows = list(csv.reader(io.StringIO(_written(Format.CSV))))
    assert rows[0] == list(COLUMNS)
    assert rows[1] == ["Exotic Liquids", "-19.99", "a, b", ""]
    assert rows[2][0] == "'=cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    "text", ["=1+1", "+SUM(A1)", "-2+3", "@x", "\t=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x"]
)
def test_formulas_are_quoted(text: str) -> None:
    """Every way to begin a formula is met."""
    stream = io.StringIO()
    Output(Format.CSV, stream).rows(("x",), [{"x": text}])
    (cell,) = list(csv.reader(io.StringIO(stream.getvalue())))[1]
    assert not cell.startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))


def test_pipe_gets_lines_of_values() -> None:
    """Away from a terminal a table is lines of tab-separated values, one per record, without decoration."""
    lines = _written(Format.TABLE).splitlines()
    assert [line.count("\t") for line in lines] == [3, 3, 3]
    assert lines[1] == "Exotic Liquids\t-19.99\ta, b\t"
    assert "\x1b" not in lines[2]


def test_terminal_gets_a_table() -> None:
    """On a terminal a table is drawn, and nothing in the data can move the cursor."""
    written = _written(Format.TABLE, Terminal())
    assert "Exotic Liquids" in written
    assert "─" in written
    assert "\x1b[31m" not in written


def test_identifiers_are_never_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """However narrow the terminal is, an id stays in one piece to be copied, and text is folded."""
    monkeypatch.setenv("COLUMNS", "40")
    stream, text = Terminal(), "a text that is rather longer than its column"
    Output(Format.TABLE, stream).rows(
        ("id", "batch", "text"), [{"id": UUID(int=1), "batch": UUID(int=2), "text": text}]
    )
    assert str(UUID(int=1)) in stream.getvalue()
    assert str(UUID(int=2)) in stream.getvalue()
    assert text not in stream.getvalue()


@pytest.mark.parametrize("form", list(Format))
def test_one_record(form: Format) -> None:
    """A single result is an object in JSON and named values elsewhere."""
    stream = io.StringIO()
    Output(form, stream).record({"ok": True, "count": 3})
    written = stream.getvalue()
    expected = {
        Format.TABLE: "name\tvalue\nok\ttrue\ncount\t3\n",
        Format.CSV: "ok,count\ntrue,3\n",
        Format.JSONL: '{"ok": true, "count": 3}\n',
        Format.JSON: '{\n  "ok": true,\n  "count": 3\n}\n',
    }
    assert written == expected[form]


def test_document_is_whole_in_json_only() -> None:
    """A document is written whole in JSON; the other forms hold its list."""
    whole, rows = io.StringIO(), io.StringIO()
    Output(Format.JSON, whole).document({"total": 1, "rows": RECORDS}, COLUMNS, RECORDS)
    Output(Format.JSONL, rows).document({"total": 1, "rows": RECORDS}, COLUMNS, RECORDS)
    assert json.loads(whole.getvalue())["total"] == 1
    assert len(rows.getvalue().splitlines()) == 2


@pytest.mark.parametrize("form", list(Format))
def test_a_sheet_is_whole_in_json_only(form: Format) -> None:
    """A document is written whole in JSON; elsewhere its sums, in a table with what it consists of below."""
    stream, nothing = io.StringIO(), io.StringIO()
    Output(form, stream).sheet({"total": 1, "rows": RECORDS}, {"total": 1}, "Rows", COLUMNS, RECORDS)
    Output(form, nothing).sheet({"total": 1, "rows": []}, {"total": 1}, "Rows", COLUMNS, [])
    written = stream.getvalue()
    assert ("Exotic Liquids" in written) == (form is not Format.CSV)
    assert ("\nRows\nname\tamount" in written, "Rows" in nothing.getvalue()) == (form is Format.TABLE, False)
    assert "total" in nothing.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Percentage.of("8.5"), "8.5"),
        (UnitPrice.of("0.5292", "EUR"), "0.5292"),
        (datetime(2026, 1, 5, 10, tzinfo=timezone(timedelta(hours=1))), "2026-01-05T09:00:00Z"),
        (datetime(2026, 1, 5, 9, 0, 0, 5, UTC), "2026-01-05T09:00:00.000005Z"),
        (date(2026, 1, 5), "2026-01-05"),
        (Fraction(5, 2), "2.5"),
        (Fraction(-1, 3), "-1/3"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PayoutStatus.PAID, "paid"),
        (False, "false"),
        ({"a": Money(5, "EUR")}, '{"a": "0.05"}'),
    ],
)
def test_text_forms(value: object, text: str) -> None:
    """Every kind of value has one text form."""
    assert cell(value) == text


def test_floats_have_no_text_form() -> None:
    """A float is a mistake wherever it appears."""
    with pytest.raises(TypeError, match="float"):
        cell(0.1)


@pytest.mark.parametrize("form", [Format.JSON, Format.JSONL, Format.CSV, Format.TABLE])
def test_lists_are_streamed(form: Format) -> None:
    """Away from a terminal the first record is written before the second is made."""
    stream = io.StringIO()

    def records() -> Iterator[Record]:
        yield {"name": "first"}
        assert "first" in stream.getvalue()
        yield {"name": "second"}

    Output(form, stream).rows(("name",), records())
    assert "second" in stream.getvalue()
