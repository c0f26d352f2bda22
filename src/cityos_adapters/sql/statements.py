"""Statements that SQLAlchemy writes, each once, and the driver runs.

The text of a statement, how its parameters are kept and how its columns are read are the same every time; working them
out anew for every execution costs several times what SQLite takes to run it.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from attrs import frozen
from sqlalchemy import Delete, Dialect, Insert, Select, Update
from sqlalchemy.types import TypeEngine, Uuid

_REMEMBERED: Final = 16384
"""How many identifiers are not read anew: the same few stand in row after row."""

Values = Mapping[str, Any]
Query = Select[*tuple[Any, ...]]
Statement = Query | Insert | Update | Delete
Change = Callable[[Any], Any]

AnyRow: TypeAlias = Any
"""A row: its columns are its attributes."""


@frozen(eq=False)
class Prepared:
    """A statement as the driver takes it; ``row`` makes a row of its columns, if it gives any."""

    text: str
    given: tuple[tuple[str, Change | None], ...]
    """The parameters that come with each execution, and how each is written."""
    fixed: Values
    """The parameters that are part of the statement."""
    row: Callable[[Iterable[Any]], AnyRow] | None
    read: tuple[tuple[int, Change], ...]
    """How the columns are read that are not taken as they come, by their place."""

    def parameters(self, values: Values) -> dict[str, Any]:
        """Write the values of one execution."""
        written = dict(self.fixed)
        for name, write in self.given:
            written[name] = values[name] if write is None else write(values[name])
        return written

    def rows(self, fetched: Iterable[Sequence[Any]]) -> list[AnyRow]:
        """Read what came back."""
        if self.row is None:
            return []
        return [self.row(self._values(found)) for found in fetched] if self.read else [*map(self.row, fetched)]

    def _values(self, found: Sequence[Any]) -> list[Any]:
        values = list(found)
        for place, read in self.read:
            values[place] = read(values[place])
        return values


class Statements:
    """Prepares statements for a kind of database, and remembers them as long as they live; shared between threads."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        read = self._kept(Uuid()).result_processor(dialect, None)
        self._identifier = None if read is None else lru_cache(_REMEMBERED)(read)
        self._known: WeakKeyDictionary[Statement, dict[tuple[str, ...], Prepared]] = WeakKeyDictionary()

    def __call__(self, statement: Statement, values: Values) -> Prepared:
        """Give a statement prepared for values of these names; what it writes may depend on them."""
        names, known = tuple(values), self._known.get(statement, {})
        if names not in known:
            known = self._known.setdefault(statement, {})
            known[names] = self._prepare(statement, names)
        return known[names]

    def _prepare(self, statement: Statement, names: tuple[str, ...]) -> Prepared:
        compiled = statement.compile(dialect=self.dialect, column_keys=list(names))
        if compiled.post_compile_params:
            raise TypeError(f"lists are given by `among`, so that the text stays the same: {compiled}")
        given: dict[str, Change | None] = {}
        fixed: dict[str, Any] = {}
        for bind, name in compiled.bind_names.items():
            write = self._kept(bind.type).bind_processor(self.dialect)
            if name in names or bind.required:
                given[name] = write
            else:
                fixed[name] = bind.effective_value if write is None else write(bind.effective_value)
        columns = list(statement.exported_columns)
        reads = (self._reading(column.type) for column in columns)
        row = namedtuple("Row", [column.name for column in columns])  # type: ignore[misc]  # noqa: PYI024  made at run time
        return Prepared(
            text=compiled.string,
            given=tuple(given.items()),
            fixed=fixed,
            row=row._make if columns else None,
            read=tuple((place, read) for place, read in enumerate(reads) if read is not None),
        )

    def _reading(self, kind: TypeEngine[Any]) -> Change | None:
        return self._identifier if isinstance(kind, Uuid) else self._kept(kind).result_processor(self.dialect, None)

    def _kept(self, kind: TypeEngine[Any]) -> TypeEngine[Any]:
        return kind.dialect_impl(self.dialect)
