"""Importing files: what is counted, what is told, how it ends."""

import json
from pathlib import Path

import pytest

from cli.market import ORDERS, VENDORS
from cli.shell import Cityos, read

CSV = """order_reference,placed_at,currency,line_reference,sku,vendor,quantity,unit_price,shipping
10251,1996-07-08T00:00:00Z,USD,1,11,las-cabras,6,16.80,41.34
10251,1996-07-08T00:00:00Z,USD,2,42,leka,15,15.60,
10252,1996-07-09T00:00:00Z,USD,1,42,leka,x,64.80,51.30
"""


def test_again_changes_nothing(north: Cityos) -> None:
    """What was imported once is unchanged when it is imported again."""
    again = north("vendors", "import", "vendors.csv", "--output", "json").succeeded()
    assert read(again) == {"created": 0, "updated": 0, "unchanged": 2, "rejected": 0}


def test_some_rejected_rows_are_told_and_end_with_10(north: Cityos, tmp_path: Path) -> None:
    """Without a file for them rejected rows are told on standard error, each in a line, and data stays data."""
    (tmp_path / "orders.csv").write_text(CSV)
    result = north("orders", "import", "orders.csv", "--output", "json")
    assert result.code == 10
    assert read(result)["created"] == 1
    assert "row 4 10252: row 4, column quantity: this is a whole number" in result.err
    assert result.err.endswith("1 of 2 rows were rejected\n")
    assert read(north("orders", "show", "10251", "--output", "json").succeeded())["total"] == "376.14"


def test_all_rejected_rows_end_with_8(north: Cityos, tmp_path: Path) -> None:
    """A file of which nothing can be used is invalid."""
    (tmp_path / "orders.jsonl").write_text("{}\n[]\n")
    result = north("orders", "import", "orders.jsonl", "--errors", "rejected.csv")
    assert result.code == 8
    assert (tmp_path / "rejected.csv").read_text().count("\n") == 3


def test_many_rejected_rows_are_counted(north: Cityos, tmp_path: Path) -> None:
    """A flood of mistakes does not flood the terminal."""
    (tmp_path / "orders.jsonl").write_text("{}\n" * 50)
    result = north("orders", "import", "orders.jsonl")
    assert "and 40 more rejected rows" in result.err
    assert result.err.count("\n") == 12


def test_wrong_header_is_invalid_and_imports_nothing(north: Cityos, tmp_path: Path) -> None:
    """A file with the wrong columns is refused as a whole."""
    (tmp_path / "vendors.csv").write_text(VENDORS.replace("handle", "id"))
    result = north("vendors", "import", "vendors.csv")
    assert (result.code, result.out) == (8, "")
    assert "lacks handle" in result.err


def test_standard_input(north: Cityos) -> None:
    """A dash reads what is piped in, in the form that is named."""
    piped = north("orders", "import", "-", "--format", "csv", stdin="\n".join(CSV.splitlines()[:3]) + "\n")
    assert piped.succeeded().out.splitlines()[1] == "created\t1"
    lines = north("orders", "import", "-", stdin=json.dumps(ORDERS[1]))
    assert lines.succeeded().out.splitlines()[1] == "created\t1"


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("vendors", "import", "gone.csv"), 8, "gone.csv cannot be read"),
        (("vendors", "import", "."), 8, "cannot be read"),
        (("vendors", "import", "vendors.csv", "--errors", "vendors.csv"), 2, "being read"),
        (("vendors", "import", "vendors.csv", "--errors", "no/where.csv"), 2, "no folder"),
        (("commission", "rules", "import", "vendors.csv"), 8, "JSON"),
    ],
)
def test_files_that_cannot_be_used(north: Cityos, args: tuple[str, ...], code: int, says: str) -> None:
    """A file that is not there, or is not what it should be, is named in one line."""
    result = north(*args)
    assert result.code == code
    assert says in result.err
    assert result.err.count("\n") == 1


def test_errors_file_cannot_become_a_formula(north: Cityos, tmp_path: Path) -> None:
    """What a spreadsheet would run is quoted in the file of rejected rows as well."""
    (tmp_path / "vendors.csv").write_text("handle,name\n=cmd,Calc\n")
    assert north("vendors", "import", "vendors.csv", "--errors", "rejected.csv").code == 8
    assert "\n2,'=cmd,invalid_handle," in (tmp_path / "rejected.csv").read_text()


def test_order_that_changed_is_rejected(north: Cityos, tmp_path: Path) -> None:
    """An order that differs from the one placed under its reference is rejected, and the placed one stays."""
    changed = {**ORDERS[1], "customer": "SOMEONE"}
    (tmp_path / "changed.jsonl").write_text(f"{json.dumps(ORDERS[1])}\n{json.dumps(changed)}\n")
    result = north("orders", "import", "changed.jsonl")
    assert result.code == 10
    assert read(north("orders", "show", "10249", "--output", "json"))["customer"] is None
