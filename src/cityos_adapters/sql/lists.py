"""Conditions on lists: one parameter, so that the text of a statement is the same however long the list is."""

import json
from collections.abc import Iterable
from typing import Any, Final, Self

from sqlalchemy import (
    JSON,
    BindParameter,
    Boolean,
    ColumnElement,
    Dialect,
    Subquery,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from cityos_adapters.sql.growth import as_json
from cityos_adapters.sql.statements import Values


class Several(TypeDecorator[Iterable[Any]]):
    """Values of one type: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, one: TypeEngine[Any]) -> None:
        super().__init__()
        self.one = one

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self.one))

    @override
    def process_bind_param(self, value: Iterable[Any] | None, dialect: Dialect) -> Any:
        values = list(value or ())
        if dialect.name != "sqlite":
            return values
        write = self.one.dialect_impl(dialect).bind_processor(dialect)
        return _json(values if write is None else map(write, values))


class Pairs(TypeDecorator[Iterable[tuple[str, str]]]):
    """Pairs of texts, as JSON."""

    impl = Text
    cache_ok = True

    @override
    def process_bind_param(self, value: Iterable[tuple[str, str]] | None, dialect: Dialect) -> str:
        return _json(value or ())


class Rows(TypeDecorator[Iterable[Values]]):
    """Rows with columns of these names and types, as JSON."""

    impl = Text
    cache_ok = True

    def __init__(self, **columns: TypeEngine[Any]) -> None:
        super().__init__()
        self.columns = columns

    @override
    def process_bind_param(self, value: Iterable[Values] | None, dialect: Dialect) -> str:
        rows = list(value or ())
        if dialect.name != "sqlite":
            return as_json(rows)
        written = {name: kind.dialect_impl(dialect).bind_processor(dialect) for name, kind in self.columns.items()}
        return _json(
            {name: write(row[name]) if write else row[name] for name, write in written.items()} for row in rows
        )


class Elements(FunctionElement[Any]):
    """The elements of a list in JSON, one a row."""

    inherit_cache = True


class Member(ColumnElement[Any]):
    """A member of a JSON object, as a value of a type."""

    inherit_cache = False

    def __init__(self, element: ColumnElement[Any], name: str, kind: TypeEngine[Any]) -> None:
        self.element = element
        self.name = name
        self.type = kind


def given(name: str, **columns: TypeEngine[Any]) -> Subquery:
    """Make a table of the rows of the parameter of this name."""
    elements = Elements(bindparam(name, type_=Rows(**columns))).table_valued("value")
    members = (Member(elements.c.value, key, kind).label(key) for key, kind in columns.items())
    return select(*members).select_from(elements).subquery(name)


class Among(ColumnElement[bool]):
    """True if a value, or a pair of them, is in a list."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, columns: tuple[ColumnElement[Any], ...], listed: BindParameter[Any]) -> None:
        self.columns = columns
        self.listed = listed

    @override
    def self_group(self, against: Any = None) -> Self:
        return self  # a condition as it stands; SQLAlchemy would compare it with 1, and SQLite then not use an index


def among(value: ColumnElement[Any], name: str = "ids") -> Among:
    """Limit a column to the values of the parameter of this name."""
    return Among((value,), bindparam(name, type_=Several(value.type)))


def pair_among(first: ColumnElement[str], second: ColumnElement[str], name: str) -> Among:
    """Limit two columns to the pairs of the parameter of this name."""
    return Among((first, second), bindparam(name, type_=Pairs()))


@compiles(Among, "postgresql")
def _on_postgresql(element: Among, compiler: SQLCompiler, **how: Any) -> str:
    if len(element.columns) == 1:
        return compiler.process(element.columns[0] == any_(element.listed), **how)
    pair = func.json_array_elements(cast(element.listed, JSON)).table_valued(column("value", JSON)).c.value
    return compiler.process(tuple_(*element.columns).in_(select(pair[0].as_string(), pair[1].as_string())), **how)


@compiles(Among, "sqlite")
def _on_sqlite(element: Among, compiler: SQLCompiler, **how: Any) -> str:
    one = func.json_each(element.listed).table_valued("value").c.value
    if len(element.columns) == 1:
        return compiler.process(element.columns[0].in_(select(one)), **how)
    pair = (func.json_extract(one, f"$[{place}]") for place in (0, 1))
    return compiler.process(tuple_(*element.columns).in_(select(*pair)), **how)


@compiles(Elements, "postgresql")
def _elements_on_postgresql(element: Elements, compiler: SQLCompiler, **how: Any) -> str:
    return f"json_array_elements(CAST({compiler.process(element.clauses, **how)} AS JSON))"


@compiles(Elements, "sqlite")
def _elements_on_sqlite(element: Elements, compiler: SQLCompiler, **how: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **how)})"


@compiles(Member, "postgresql")
def _member_on_postgresql(member: Member, compiler: SQLCompiler, **how: Any) -> str:
    kind = compiler.dialect.type_compiler_instance.process(member.type)
    return f"CAST({compiler.process(member.element, **how)} ->> '{member.name}' AS {kind})"


@compiles(Member, "sqlite")
def _member_on_sqlite(member: Member, compiler: SQLCompiler, **how: Any) -> str:
    return f"json_extract({compiler.process(member.element, **how)}, '$.{member.name}')"


def _json(values: Iterable[Any]) -> str:
    return _WRITER.encode(list(values))


_WRITER: Final = json.JSONEncoder(ensure_ascii=False)
