"""A database by its URL: connections in the right role and mode, and units of work over them."""

from functools import partial
from typing import Any, Final, Self
from uuid import UUID

from attrs import frozen
from sqlalchemy import URL, Engine, PoolProxiedConnection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from uuid_utils.compat import uuid7

from cityos_adapters.serialization import render
from cityos_adapters.sql.failures import translated
from cityos_adapters.sql.session import Session
from cityos_adapters.sql.statements import Statements
from cityos_adapters.sql.unit_of_work import SqlUnitOfWork
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import Identifiers
from cityos_core.kernel.scope import Scope
from cityos_core.unit_of_work import UnitOfWork

RUNTIME_ROLE: Final = "cityos_app"
"""Who the application is on PostgreSQL: not an owner, bound by row-level security, unable to rewrite the ledger."""

_LOCK_TIMEOUT_S: Final = 10


@frozen
class TimeOrderedIdentifiers:
    """UUID version 7: unique everywhere, rising within a process."""

    def new(self) -> UUID:
        """Give the next identifier."""
        return uuid7()


class SqlDatabase:
    """Makes units of work over one database, migrated before; safe to share between threads.

    ``postgresql://`` and ``sqlite:///`` URLs are understood. ``pool_size`` connections are kept and twice as many made at
    most. ``durable=False`` lets SQLite answer before the disk has: for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        identifiers: Identifiers | None = None,
        pool_size: int = 8,
        durable: bool = True,
    ) -> None:
        self._identifiers = identifiers or TimeOrderedIdentifiers()
        self._engine = engine_for(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=_LOCK_TIMEOUT_S,
            json_serializer=render,
            json_deserializer=_as_it_stands,
        )
        self._statements = Statements(self._engine.dialect)
        self._opening = "BEGIN"
        if self._engine.dialect.name == "postgresql":
            self._opening += "; SELECT set_config('app.tenant_id', '{tenant}', true)"
            event.listen(self._engine, "connect", _become_runtime)
        elif not durable:
            event.listen(self._engine, "connect", _forget_durability)

    def __call__(self, scope: Scope) -> UnitOfWork:
        """Make a unit of work in a scope."""
        return SqlUnitOfWork(partial(self._begin, scope), self._identifiers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._engine.dispose()

    def _begin(self, scope: Scope) -> Session:
        """Open a transaction; where the database went away and came back, no connection from before is tried twice."""
        failure = self._engine.dialect.loaded_dbapi.Error
        for is_last in (False, True):
            connection = self._connection()
            try:
                connection.cursor().execute(self._opening.format(tenant=scope.tenant_id))
            except failure as error:
                is_lost = self._engine.dialect.is_disconnect(error, connection.dbapi_connection, None)
                connection.invalidate(error)
                if is_last or not is_lost:
                    raise translated(error) from error
                self._engine.dispose()
            else:
                return Session(connection, self._statements, scope)
        raise AssertionError("the last attempt gives an answer")

    def _connection(self) -> PoolProxiedConnection:
        try:
            return self._engine.raw_connection()
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            raise translated(error) from error


def engine_for(url: str, **options: Any) -> Engine:
    """Make an engine in the URL's own role; ``Invalid("unsupported_database")`` if it is neither database.

    Transactions begin with an explicit ``BEGIN``, so that it can bring along what belongs to it in one round trip.
    """
    driver = driver_url(url)
    if driver.drivername != "sqlite+pysqlite":
        return create_engine(driver, isolation_level="AUTOCOMMIT", **options)
    engine = create_engine(driver, isolation_level="AUTOCOMMIT", paramstyle="named", **options)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def driver_url(url: str) -> URL:
    """Turn the URL that people write into the one that names the driver."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _unsupported("it is not a URL") from None
    match parsed.drivername:
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return parsed.set(drivername="postgresql+psycopg")
        case "sqlite" | "sqlite+pysqlite" if parsed.database not in (None, "", ":memory:"):
            return parsed.set(drivername="sqlite+pysqlite")
        case "sqlite" | "sqlite+pysqlite":
            raise _unsupported("a SQLite database needs a file, because every connection opens it anew")
        case other:
            raise _unsupported(f"{other} is not supported")


def _unsupported(why: str) -> Invalid:
    return Invalid(
        "unsupported_database", f"{why}; write sqlite:///file.db or postgresql://user:password@host/database"
    )


def _as_it_stands(text: str | bytes) -> str | bytes:
    return text


def _become_runtime(connection: Any, _record: object) -> None:
    connection.execute(f"SET ROLE {RUNTIME_ROLE}; SET TIME ZONE 'UTC'; SET lock_timeout = '{_LOCK_TIMEOUT_S}s'")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    for setting in (
        "foreign_keys = ON",
        "recursive_triggers = ON",
        f"busy_timeout = {_LOCK_TIMEOUT_S * 1000}",
        "journal_mode = WAL",
    ):
        connection.execute(f"PRAGMA {setting}")


def _forget_durability(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA wal_autocheckpoint = 20000")  # pages that many commits write are copied once
