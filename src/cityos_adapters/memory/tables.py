"""Rows in memory: tables with indexes, and transactions that can undo what they changed."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from attrs import field, frozen

from cityos_core.kernel.errors import Conflict

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@frozen
class Index(Generic[V]):
    """A way to find rows by something they carry; ``taken`` makes it unique and is the code of the conflict."""

    name: str
    values: Callable[[V], Iterable[Hashable]]
    taken: str | None = None


class Table(Generic[K, V]):
    """Rows by key, and the keys by every indexed value."""

    def __init__(self, *indexes: Index[V]) -> None:
        self.indexes = indexes
        self.rows: dict[K, V] = {}
        self._places: dict[tuple[str, Hashable], dict[K, None]] = {}

    def keys(self, index: str, value: Hashable) -> Iterable[K]:
        """List the keys of the rows that carry a value."""
        return self._places.get((index, value), ())

    def swap(self, key: K, row: V | None) -> V | None:
        """Put a row in its place, or none, and give what stood there."""
        before = self.rows.get(key)
        if before is not None:
            for place in self._of(before):
                self._places[place].pop(key, None)
        if row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = row
            for place in self._of(row):
                self._places.setdefault(place, {})[key] = None
        return before

    def _of(self, row: V) -> Iterator[tuple[str, Hashable]]:
        return ((index.name, value) for index in self.indexes for value in index.values(row))


class Transaction:
    """What one unit of work changed, as the steps that would undo it."""

    def __init__(self) -> None:
        self._is_open = True
        self._undo: list[Callable[[], object]] = []

    def require_open(self) -> None:
        """Refuse whatever is done with a unit of work that has ended."""
        if not self._is_open:
            raise RuntimeError("this unit of work has ended; open another one")

    def record(self, undo: Callable[[], object]) -> None:
        """Remember how to undo a change."""
        self._undo.append(undo)

    def commit(self) -> None:
        """Keep every change."""
        self.require_open()
        self._is_open = False

    def abandon(self) -> None:
        """Undo every change, unless they were committed."""
        if self._is_open:
            self._back_to(0)
            self._is_open = False

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Undo what the block changed if it is refused, so that it happens as a whole or not at all."""
        mark = len(self._undo)
        try:
            yield
        except BaseException:
            self._back_to(mark)
            raise

    def _back_to(self, mark: int) -> None:
        while len(self._undo) > mark:
            self._undo.pop()()


@frozen
class View(Generic[K, V]):
    """A table as one transaction reads and changes it."""

    table: Table[K, V] = field(repr=False)
    transaction: Transaction

    def __len__(self) -> int:
        self.transaction.require_open()
        return len(self.table.rows)

    def get(self, key: K) -> V | None:
        """Give the row with a key."""
        self.transaction.require_open()
        return self.table.rows.get(key)

    def all(self) -> list[V]:
        """List every row."""
        self.transaction.require_open()
        return list(self.table.rows.values())

    def items(self) -> list[tuple[K, V]]:
        """List every key with its row."""
        self.transaction.require_open()
        return list(self.table.rows.items())

    def find(self, index: str, value: Hashable) -> list[V]:
        """List the rows that carry a value."""
        return [row for _, row in self.found(index, value)]

    def found(self, index: str, value: Hashable) -> list[tuple[K, V]]:
        """List the rows that carry a value, with their keys."""
        self.transaction.require_open()
        return [(key, self.table.rows[key]) for key in self.table.keys(index, value)]

    def put(self, key: K, row: V) -> None:
        """Store a row, or raise the ``Conflict`` of the unique index that another row stands in."""
        self.transaction.require_open()
        for index in self.table.indexes:
            if index.taken is not None:
                self._require_free(key, row, index, index.taken)
        self._swap(key, row)

    def drop(self, key: K) -> None:
        """Forget a row."""
        self.transaction.require_open()
        self._swap(key, None)

    def _swap(self, key: K, row: V | None) -> None:
        before = self.table.swap(key, row)
        self.transaction.record(lambda: self.table.swap(key, before))

    def _require_free(self, key: K, row: V, index: Index[V], code: str) -> None:
        for value in index.values(row):
            if any(other != key for other in self.table.keys(index.name, value)):
                raise Conflict(code, f"{value} is already in use; choose another {index.name}")
