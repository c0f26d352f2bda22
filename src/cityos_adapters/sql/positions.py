"""Numbers that rise in the order of recording."""

from typing import Any

from sqlalchemy import BigInteger, literal_column, select, table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class NextPosition(FunctionElement[int]):
    """The next number: from a sequence, or on SQLite, which has one writer, one more than the table's last row."""

    type = BigInteger()
    inherit_cache = True


def next_position_in(name: str) -> NextPosition:
    """Give the number for a new row of a table from which nothing is deleted."""
    return NextPosition(
        select(literal_column("coalesce(max(rowid), 0) + 1")).select_from(table(name)).scalar_subquery()
    )


@compiles(NextPosition, "postgresql")
def _from_sequence(_element: NextPosition, _compiler: SQLCompiler, **_: Any) -> str:
    return "nextval('positions')"


@compiles(NextPosition, "sqlite")
def _from_last_row(element: NextPosition, compiler: SQLCompiler, **_: Any) -> str:
    return compiler.process(element.clauses)
