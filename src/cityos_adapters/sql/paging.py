"""Pages by keyset: the cursor holds the key of the last row, and the next page starts after it in the index."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Integer, Tuple, Uuid, literal, tuple_

from cityos_adapters.serialization import parse
from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.session import Session
from cityos_adapters.sql.statements import AnyRow, Query
from cityos_core.kernel.clock import instant
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.paging import Page, PageRequest

T = TypeVar("T")


def page(
    session: Session,
    statement: Query,
    keys: Sequence[Column[Any]],
    request: PageRequest,
    load: Callable[[Sequence[AnyRow]], Sequence[T]],
    *,
    newest_first: bool = False,
) -> Page[T]:
    """Cut the page that was asked for out of a statement, in the order of ``keys``, which are unique together."""
    if request.after is not None:
        last = _values(keys, request.after)
        statement = statement.where(tuple_(*keys) < last if newest_first else tuple_(*keys) > last)
    order = [key.desc() for key in keys] if newest_first else keys
    rows = session.all(statement.order_by(*order).limit(request.limit + 1))
    shown = rows[: request.limit]
    return Page(tuple(load(shown)), _cursor(shown[-1], keys) if len(rows) > len(shown) else None)


def begins_with(column: Column[str], prefix: str) -> ColumnElement[bool]:
    """Match text that begins with a prefix, by a range of the index instead of a pattern."""
    return (column >= prefix) & (column < prefix + "\U0010ffff")


def _values(keys: Sequence[Column[Any]], cursor: str) -> Tuple:
    try:
        words = cast("list[object]", parse(cursor))
        values = [_value(column, word) for column, word in zip(keys, words, strict=True)]
    except (ValueError, TypeError, Invalid):
        raise Invalid(
            "invalid_cursor", "this cursor is not from a page of this list; start again without one"
        ) from None
    return tuple_(*(literal(value, column.type) for column, value in zip(keys, values, strict=True)))


def _cursor(row: AnyRow, keys: Sequence[Column[Any]]) -> str:
    return json.dumps([_word(getattr(row, column.name)) for column in keys])


def _word(value: Any) -> str | int:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _value(column: Column[Any], word: Any) -> Any:
    if isinstance(column.type, Integer):
        return int(word)
    if type(word) is not str or "\x00" in word:
        raise ValueError(word)
    if isinstance(column.type, Instant):
        return instant(datetime.fromisoformat(word))
    return UUID(word) if isinstance(column.type, Uuid) else word
