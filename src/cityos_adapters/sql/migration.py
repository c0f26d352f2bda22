"""Bringing a database to the newest schema."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from cityos_adapters.sql.database import engine_for
from cityos_adapters.sql.failures import translated
from cityos_core.kernel.errors import Unavailable

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_BEGIN: Final = {"postgresql": "BEGIN; SELECT pg_advisory_xact_lock(109312037548915)", "sqlite": "BEGIN IMMEDIATE"}
"""The number is this application's, and stands for nothing."""


def migrate(url: str) -> str:
    """Bring a database to the newest schema, all or nothing, and give the revision it is at; forwards only.

    On PostgreSQL the URL's role owns the tables, and needs CREATEROLE the first time, to make the runtime role. Two
    migrations at once wait for each other. ``Unavailable`` if the database does not answer.
    """
    engine = engine_for(url)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(_BEGIN[connection.dialect.name])
            command.upgrade(_config(connection), "head")
            revision = current(connection)
            connection.commit()
    except SQLAlchemyError as error:
        raise translated(error) from error
    finally:
        engine.dispose()
    return revision


def require_schema(url: str) -> None:
    """Refuse a database that only older versions can work with: ``Unavailable``.

    One that does not answer may come back, and a newer schema has room for this version: both are let be.
    """
    engine = engine_for(url)
    try:
        with engine.connect() as connection:
            revision = current(connection)
    except SQLAlchemyError:
        return
    finally:
        engine.dispose()
    older = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()} - {head()}
    if not revision or revision in older:
        raise Unavailable("old_schema", behind(revision))


def behind(revision: str) -> str:
    """Say that a database is not at the schema of this version."""
    return f"the schema is at revision {revision or 'none'}, this version needs {head()}: run `cityos db migrate`"


def head() -> str:
    """Give the newest revision this version knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(connection: Connection) -> str:
    """Give the revision a database is at, empty if it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
