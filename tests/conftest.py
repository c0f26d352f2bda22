"""What all tests share: databases of every kind, and a word at the end about what was not covered."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.sql.database import SqlDatabase
from cityos_adapters.sql.migration import migrate
from cityos_core.unit_of_work import UnitOfWorkFactory
from servers import postgres as server

pytest.register_assert_rewrite("cityos_core.testing.contracts")

IS_CI = "CI" in os.environ
"""There the same examples are tried every time; elsewhere new ones."""

settings.register_profile("cityos", deadline=None, max_examples=60, derandomize=IS_CI)
settings.load_profile("cityos")


@pytest.fixture(scope="session")
def postgres() -> Iterator[server.Postgres]:
    """A PostgreSQL server for this session, or this worker's part of it."""
    with server.running() as running:
        yield running


@pytest.fixture(scope="session")
def migrated_postgres(postgres: server.Postgres) -> str:
    """The name of an empty, migrated PostgreSQL database to copy."""
    name = postgres.create()
    migrate(postgres.as_owner(name))
    return name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite database to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def make_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Give URLs of empty, migrated databases, each its own: of kind ``sqlite`` or ``postgresql``."""
    copies: list[str] = []

    def make(kind: str) -> str:
        if kind == "sqlite":
            path = tmp_path / f"city-{len(list(tmp_path.glob('city-*.db')))}.db"
            shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
            return f"sqlite:///{path}"
        postgres = request.getfixturevalue("postgres")
        copies.append(postgres.borrow(request.getfixturevalue("migrated_postgres")))
        return str(postgres.as_login(copies[-1]))

    yield make
    for name in copies:
        request.getfixturevalue("postgres").give_back(name)


@pytest.fixture(scope="session")
def connected(postgres: server.Postgres) -> Iterator[dict[str, SqlDatabase]]:
    """Connections to PostgreSQL databases, kept from test to test."""
    databases: dict[str, SqlDatabase] = {}
    yield databases
    for database in databases.values():
        database.close()


@pytest.fixture
def make_database(
    request: pytest.FixtureRequest, make_url: Callable[[str], str]
) -> Iterator[Callable[[str], UnitOfWorkFactory]]:
    """Make empty databases, each its own: of kind ``memory``, ``sqlite`` or ``postgresql``."""
    files: list[SqlDatabase] = []

    def make(kind: str) -> UnitOfWorkFactory:
        if kind == "memory":
            return MemoryDatabase()
        url = make_url(kind)
        if kind == "sqlite":
            files.append(SqlDatabase(url, durable=False))
            return files[-1]
        kept: dict[str, SqlDatabase] = request.getfixturevalue("connected")
        if url not in kept:
            kept[url] = SqlDatabase(url)
        return kept[url]

    yield make
    for database in files:
        database.close()


def _needs_postgres(item: pytest.Item) -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return "postgresql" in parameters.values() or "postgres" in getattr(item, "fixturenames", ())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need PostgreSQL where there is none; the end of the run says so."""
    if server.is_available():
        return
    left_out = [item for item in items if _needs_postgres(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not covered, and how to cover it."""
    if not server.is_available():
        terminalreporter.section("not covered")
        terminalreporter.line(
            "PostgreSQL: no server for this platform came with the test dependencies."
            f" Set {server.GIVEN}=postgresql://user:password@host/database (a role that may create databases and roles)."
        )
