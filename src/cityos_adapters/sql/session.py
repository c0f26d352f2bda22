"""One transaction on one connection in one scope: what every repository speaks through."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, PoolProxiedConnection, Table, Update, Uuid, bindparam, or_, true, update

from cityos_adapters.sql.failures import lost_commit, stale, translated, unstorable
from cityos_adapters.sql.growth import Growth, as_json, recorded, together
from cityos_adapters.sql.statements import AnyRow, Query, Statement, Statements, Values
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import PLATFORM, TenantId
from cityos_core.kernel.scope import PlatformScope, Scope

Part = tuple[Growth, Sequence[Values]]

OWNER: Final = bindparam("owner", type_=Uuid())
"""The tenant of the scope, in every statement on every database; PostgreSQL's row-level security is the second fence."""

ID: Final = bindparam("id_", type_=Uuid())


class Session:
    """Runs statements for one unit of work.

    On SQLite a transaction reads without locking anyone out until its first write or lock, and there begins anew as an
    immediate one: what it read before may have changed in between, as under PostgreSQL's read committed. Versions and
    locks guard both alike.
    """

    def __init__(self, connection: PoolProxiedConnection, statements: Statements, scope: Scope) -> None:
        self.tenant = TenantId(scope.tenant_id)
        self.is_platform = isinstance(scope, PlatformScope)
        self.wrote_configuration = False
        self._connection = connection
        self._cursor: Any = connection.cursor()
        self._statements = statements
        self._failure: Any = statements.dialect.loaded_dbapi.Error
        self.is_postgresql = statements.dialect.name == "postgresql"
        self._may_write = self.is_postgresql
        self._is_open = True
        self._has_failed = False
        self._waiting: list[Part] = []

    def all(self, statement: Query, **values: Any) -> Sequence[AnyRow]:
        """Read rows."""
        self._send()
        return self._ask(statement, {"owner": self.tenant, **values})

    def first(self, statement: Query, **values: Any) -> AnyRow | None:
        """Read one row, or none."""
        return next(iter(self.all(statement, **values)), None)

    def lock(self, statement: Query, **values: Any) -> Sequence[AnyRow]:
        """Read rows with ``FOR UPDATE``."""
        self._begin_writing()
        return self.all(statement, **values)

    def change(self, statement: Statement, **values: Any) -> Sequence[AnyRow]:
        """Write by a statement that answers; give its rows, in no order."""
        self._begin_writing()
        self._send()
        return self._ask(statement, {"owner": self.tenant, **values})

    def grow(self, *parts: Part) -> Sequence[AnyRow]:
        """Add rows to tables now, earlier tables first; give what the last one answers, if it does."""
        self.grow_later(*parts)
        return self._send()

    def grow_later(self, *parts: Part) -> None:
        """Add rows to tables before anything else is done, at the latest with the commit: fewer round trips.

        For rows that nobody else can have added, because what is wrong with them is only said then.
        """
        self._begin_writing()
        for growth, rows in parts:
            if any(growth.table is waiting.table for waiting, _ in self._waiting):
                self._send()
            if rows:
                self._waiting.append((growth, rows))

    def save(self, table: Table, rows: Sequence[Values]) -> None:
        """Replace rows that are at the version they carry, one version up; ``Conflict("stale")`` if one is not."""
        if rows and self._succeed(table, rows) != len(rows):
            raise stale()

    def run(self, statement: Statement, **values: Any) -> int:
        """Write by any other statement; give how many rows it touched."""
        return self.run_each(statement, [values])

    def run_each(self, statement: Statement, rows: Sequence[Values]) -> int:
        """Write by any other statement, once for each of these values; give how many rows it touched."""
        self._begin_writing()
        self._send()
        return self._tell(statement, [{"owner": self.tenant, **row} for row in rows])

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let the block happen completely or not at all; the unit of work goes on after a conflict in it."""
        self._begin_writing()
        self._control("SAVEPOINT whole")
        try:
            yield
        except BaseException:
            self._waiting.clear()
            self._control("ROLLBACK TO SAVEPOINT whole")
            self._has_failed = False
            raise
        self._control("RELEASE SAVEPOINT whole")

    def seen(self, table: Table) -> ColumnElement[bool]:
        """Limit a shared table to what the scope sees: the platform everything, a tenant the platform's and its own."""
        return true() if self.is_platform else table.c.tenant_id.in_((OWNER, PLATFORM))

    def require_own(self, owner: UUID, *, platform_may: bool = False) -> None:
        """Refuse to write what belongs to someone else."""
        if owner != self.tenant and not (platform_may and self.is_platform):
            raise Invalid(
                "foreign_tenant", "this belongs to another tenant; open a unit of work in that tenant's scope"
            )

    def require_platform(self) -> None:
        """Refuse to reach into every scope from within one."""
        if not self.is_platform:
            raise Invalid(
                "platform_only", "this is about all tenants at once; open a unit of work in the platform's scope"
            )

    def commit(self) -> None:
        """End the transaction for good."""
        self._require_open()
        if self._has_failed:
            raise RuntimeError("a statement of this unit of work failed; leave it and open another one")
        self._send()
        self._is_open = False
        try:
            self._connection.commit()
        except self._failure as error:
            raise (lost_commit() if self._is_lost(error) else translated(error)) from error

    def close(self) -> None:
        """Undo what was not committed."""
        self._is_open = False
        self._connection.close()

    def _require_open(self) -> None:
        if not self._is_open:
            raise RuntimeError("this unit of work has ended; open another one")

    def _begin_writing(self) -> None:
        if not self._may_write:
            self._require_open()
            self._may_write = True
            self._control("COMMIT")
            self._control("BEGIN IMMEDIATE")

    def _succeed(self, table: Table, rows: Sequence[Values]) -> int:
        if self.is_postgresql and len(rows) > 1:
            return self.run(succession_of_many(table, tuple(rows[0])), **{table.name: as_json(rows)})
        return self.run_each(succession(table), [_succeeding(table, row) for row in rows])

    def _send(self) -> Sequence[AnyRow]:
        if not self._waiting:
            return ()
        parts, self._waiting = self._waiting, []
        try:
            return self._sent_together(parts) if self.is_postgresql else self._sent_in_turn(parts)
        except BaseException:
            self._has_failed = True  # what waited is lost, whatever went wrong
            raise

    def _sent_together(self, parts: Sequence[Part]) -> Sequence[AnyRow]:
        statement = together(tuple(growth for growth, _ in parts))
        return self._ask(statement, {growth.table.name: as_json(rows) for growth, rows in parts})

    def _sent_in_turn(self, parts: Sequence[Part]) -> Sequence[AnyRow]:
        answers: Sequence[AnyRow] = ()
        for growth, rows in parts:
            if len(growth.each.exported_columns):
                answers = [answer for row in rows for answer in self._ask(growth.each, row)]
            else:
                self._tell(growth.each, rows)
        return answers

    def _ask(self, statement: Statement, values: Values) -> Sequence[AnyRow]:
        prepared = self._statements(statement, values)
        return prepared.rows(self._run(prepared.text, prepared.parameters(values), answers=prepared.row is not None))

    def _tell(self, statement: Statement, rows: Sequence[Values]) -> int:
        prepared = self._statements(statement, rows[0])
        written = [prepared.parameters(row) for row in rows]
        self._run(prepared.text, written[0] if len(written) == 1 else written)
        return int(self._cursor.rowcount)

    def _control(self, statement: str) -> None:
        self._send()
        self._run(statement)

    def _run(
        self, text: str, values: dict[str, Any] | Sequence[Values] = (), *, answers: bool = False
    ) -> Sequence[Any]:
        """Let the driver run a statement, once for each of a list of values; all that is sent passes here."""
        self._require_open()
        try:
            if isinstance(values, dict):
                self._cursor.execute(text, values)
            elif values:
                self._cursor.executemany(text, values)
            else:
                self._cursor.execute(text)
            return self._cursor.fetchall() if answers else ()
        except self._failure as error:
            self._has_failed = True
            self._is_lost(error)
            raise translated(error) from error
        except (OverflowError, UnicodeEncodeError) as error:
            self._has_failed = True
            raise unstorable(error) from error

    def _is_lost(self, error: Any) -> bool:
        """Tell whether the connection broke; the pool will not give it to anyone else."""
        is_lost = self._statements.dialect.is_disconnect(error, self._connection.dbapi_connection, self._cursor)
        if is_lost:
            self._connection.invalidate(error)
        return is_lost


def reached(table: Table) -> ColumnElement[bool]:
    """Limit a guarded table to what the scope reaches: the platform everything, a tenant its own."""
    return or_(table.c.tenant_id == OWNER, OWNER == PLATFORM)


@cache
def succession(table: Table) -> Update:
    """Change a row that is still at the version that was read."""
    keys = [column == bindparam(f"{column.name}_", type_=column.type) for column in _told_apart_by(table)]
    return (
        update(table)
        .where(table.c.tenant_id == OWNER, *keys, table.c.version == bindparam("expected"))
        .values(version=table.c.version + 1)
    )


@cache
def succession_of_many(table: Table, names: tuple[str, ...]) -> Update:
    """Change rows that are still at the versions that were read, in one statement on PostgreSQL."""
    given = recorded(table, names)
    keys = [column == given.c[column.name] for column in (*table.primary_key.columns, table.c.version)]
    changed = {name: given.c[name] for name in names if name not in _fixed(table)}
    return update(table).where(*keys).values(changed | {"version": table.c.version + 1})


def _succeeding(table: Table, row: Values) -> Values:
    changed = {name: value for name, value in row.items() if name not in _fixed(table)}
    keys = {f"{column.name}_": row[column.name] for column in _told_apart_by(table)}
    return {**changed, **keys, "owner": row["tenant_id"], "expected": row["version"]}


@cache
def _told_apart_by(table: Table) -> tuple[Column[Any], ...]:
    return tuple(column for column in table.primary_key.columns if column.name != "tenant_id")


@cache
def _fixed(table: Table) -> frozenset[str]:
    return frozenset({"version", *(column.name for column in table.primary_key.columns)})
