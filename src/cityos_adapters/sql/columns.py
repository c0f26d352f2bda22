"""Column types: how the values of the core stand in a table."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeVar, cast

from sqlalchemy import JSON, CheckConstraint, DateTime, Dialect, MetaData, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from cityos_adapters.serialization import dump, load, parse, render
from cityos_core.kernel.clock import instant

_SHORT: Final = 512
"""Documents up to this length are read once and remembered: the same few stand in row after row."""

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
"""Every table; the migrations make the same ones, and a test compares them."""

KEY: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that lists are ordered by: by code point on every database, whatever its locale."""


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept and given in UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else instant(value)

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return cast("datetime", value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


class Choice(TypeDecorator[E]):
    """A member of an enumeration, kept as its text; a check beside it (:func:`one_of`) guards the column."""

    impl = Text
    cache_ok = True

    def __init__(self, members: type[E]) -> None:
        super().__init__()
        self.members = members

    @override
    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        return None if value is None else self.members(value).value

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> E | None:
        return None if value is None else self.members(value)


class _Json(TypeDecorator[T]):
    """JSON, kept as text on SQLite, whose own kind of JSON column turns numbers into floating point."""

    impl = JSON(none_as_null=True)

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else self.impl_instance)


class Document(_Json[T]):
    """A value object in the exchange format; no object is NULL."""

    cache_ok = True

    def __init__(self, cls: type[T]) -> None:
        super().__init__()
        self.cls = cls
        self._remembered = lru_cache(maxsize=1024)(self._read)

    @override
    def process_bind_param(self, value: T | None, dialect: Dialect) -> Any | None:
        if value is None:
            return None
        return render(dump(value)) if dialect.name == "sqlite" else dump(value)

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> T | None:
        if value is None:
            return None
        return self._remembered(value) if len(value) <= _SHORT else self._read(value)

    def _read(self, text: str | bytes) -> T:
        return load(self.cls, parse(text))


class Data(_Json[object]):
    """Whatever JSON can say; ``None`` is its null."""

    impl = JSON()
    cache_ok = True

    @override
    def process_bind_param(self, value: object, dialect: Dialect) -> object:
        return render(dump(value)) if dialect.name == "sqlite" else value

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> object:
        return None if value is None else parse(value)


class Whole(TypeDecorator[int]):
    """A whole number of any size; SQLite, whose numbers end at 64 bits, keeps it as text."""

    impl = Numeric
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else self.impl_instance)

    @override
    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any | None:
        return str(value) if value is not None and dialect.name == "sqlite" else value

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], int]:
        return int


def one_of(column: str, members: type[StrEnum]) -> CheckConstraint:
    """Let a column hold the values of an enumeration only."""
    values = ", ".join(f"'{member.value}'" for member in members)
    return CheckConstraint(f"{column} IN ({values})", name=column)
