"""Adding and changing many rows at once.

On PostgreSQL the rows of a table travel as one JSON parameter, and several tables share a statement: a few times cheaper
than a parameter for every value and a round trip for every table. SQLite, which is never far, takes row after row.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from attrs import frozen
from sqlalchemy import (
    JSON,
    ColumnClause,
    Insert,
    Table,
    TableValuedAlias,
    Text,
    Update,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.dml import Insert as InsertOr
from sqlalchemy.types import TypeEngine

from cityos_adapters.serialization import dump
from cityos_adapters.sql.statements import Values
from cityos_core.kernel.clock import instant


@frozen(eq=False)
class Growth:
    """How rows are added to a table, or change it: ``each`` on SQLite, ``whole`` on PostgreSQL."""

    table: Table
    each: Insert | Update
    whole: Insert | Update


def growth(table: Table, finish: Callable[[InsertOr], Insert] = lambda statement: statement) -> Growth:
    """Say how rows are added to a table; ``finish`` says what happens to those that are there already."""
    names = [column.name for column in table.c if column.default is None]
    whole = insert(table).from_select(names, select(recorded(table, names)))
    return Growth(table, finish(insert(table)), finish(whole))


def recorded(table: Table, names: Sequence[str]) -> TableValuedAlias:
    """Read rows of a table on PostgreSQL out of the parameter by its name."""
    record: ColumnClause[Any] = literal_column(f"NULL::{table.name}")
    text = cast(bindparam(table.name, type_=Text()), JSON())
    return func.json_populate_recordset(record, text).table_valued(*names)


def replacing(table: Table) -> Growth:
    """Say that rows are added to a table, or take the place of those with the same key."""
    keys = table.primary_key.columns

    def finish(statement: InsertOr) -> InsertOr:
        return statement.on_conflict_do_update(
            index_elements=[column.name for column in keys],
            set_={column.name: statement.excluded[column.name] for column in table.c if column.name not in keys},
        )

    return growth(table, finish)


def changing(table: Table, change: Callable[[Any], Update], **given: TypeEngine[Any]) -> Growth:
    """Say how rows of these values change a table; ``change`` writes the statement for values by their names."""
    text = cast(bindparam(table.name, type_=Text()), JSON())
    columns = (column(name, kind) for name, kind in given.items())
    rows = func.json_to_recordset(text).table_valued(*columns).render_derived(name="given", with_types=True)
    each = change(SimpleNamespace(**{name: bindparam(name, type_=kind) for name, kind in given.items()}))
    return Growth(table, each, change(rows.c))


@lru_cache(maxsize=256)
def together(growths: tuple[Growth, ...]) -> Insert | Update:
    """Join what happens to several tables into one statement, with a parameter by the name of each.

    It happens in this order, but for a last one that answers: rows that several transactions lock are locked in the same
    order by all. PostgreSQL carries out the statement itself and then its parts from the last one back.
    """
    first, *others = growths[-1:] + growths[:-1] if len(growths[-1].whole.exported_columns) else growths
    return first.whole.add_cte(*(part.whole.cte(f"{part.table.name}_changed") for part in reversed(others)))


def as_json(rows: Sequence[Values]) -> str:
    """Write rows as PostgreSQL reads them."""
    return _JSON.encode(rows)


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return value.hex  # PostgreSQL reads it as well, and most of what is written are ids
    if isinstance(value, datetime):
        return instant(value).isoformat()
    return dump(value)


_JSON: Final = json.JSONEncoder(default=_plain, separators=(",", ":"), ensure_ascii=False)
