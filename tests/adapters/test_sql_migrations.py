"""Migrations make exactly the tables that the adapter works with, and what is missing from a database is named."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text
from sqlalchemy.schema import CreateSequence, Sequence

from cityos_adapters.sql.columns import METADATA
from cityos_adapters.sql.database import SqlDatabase, engine_for
from cityos_adapters.sql.inspection import check
from cityos_adapters.sql.migration import _config, head, migrate
from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.ids import TenantId
from cityos_core.kernel.scope import PlatformScope, TenantScope
from cityos_core.testing.contracts.examples import AT, uuid
from cityos_core.vendors.model import Member, TeamRole
from servers.postgres import Postgres

KINDS = ("sqlite", "postgresql")


@pytest.fixture
def make_empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Give URLs of databases that were never migrated, for their owner."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'never-migrated.db'}"
        server: Postgres = request.getfixturevalue("postgres")
        return server.as_owner(server.create())

    return make


def _index(index: Any) -> str:
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return str({**index, "dialect_options": options})


def described(engine: Engine) -> dict[str, Any]:
    """Describe every table by all that can be read of it."""
    found = inspect(engine)
    tables = (table for table in found.get_table_names() if table != "alembic_version")
    return {
        table: {
            "columns": [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in found.get_columns(table)],
            "primary": found.get_pk_constraint(table),
            "foreign": sorted(map(str, found.get_foreign_keys(table))),
            "unique": sorted(map(str, found.get_unique_constraints(table))),
            "checks": sorted((c["name"], c["sqltext"]) for c in found.get_check_constraints(table)),
            "indexes": sorted(_index(index) for index in found.get_indexes(table)),
        }
        for table in tables
    }


@pytest.mark.parametrize("kind", KINDS)
def test_migrations_make_the_tables_of_the_adapter(
    kind: str, make_empty: Callable[[str], str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Tables made by migrations and by the adapter's own description are the same to the last check and index."""
    migrated = make_empty(kind)
    migrate(migrated)
    server: Postgres | None = request.getfixturevalue("postgres") if kind == "postgresql" else None
    described_by = f"sqlite:///{tmp_path / 'made.db'}" if server is None else server.as_owner(server.create())
    engines = engine_for(migrated), engine_for(described_by)
    if server is not None:
        with engines[1].connect() as connection:
            connection.execute(CreateSequence(Sequence("positions")))
    METADATA.create_all(engines[1])
    assert described(engines[0]) == described(engines[1])
    assert set(described(engines[0])) == set(METADATA.tables)
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_migrating_again_changes_nothing(kind: str, make_empty: Callable[[str], str]) -> None:
    """A database that is up to date stays as it is, and nothing is found wrong with it."""
    url = make_empty(kind)
    assert check(url) == [f"the schema is at revision none, this version needs {head()}: run `cityos db migrate`"]
    assert migrate(url) == migrate(url) == head()
    assert check(url) == []


@pytest.mark.parametrize("kind", KINDS)
def test_two_migrations_at_once(kind: str, make_empty: Callable[[str], str]) -> None:
    """Whoever comes second waits for the first, and finds everything done."""
    url = make_empty(kind)
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(migrate, [url] * 3)) == [head()] * 3
    assert check(url) == []


NORTH: Final = uuid(1)
SOLD: Final = """
INSERT INTO vendors (tenant_id, id, version, handle, name, kind, status, requirements, team, stores, created_at)
VALUES (:tenant, :vendor, 1, :handle, :handle, 'company', 'approved', '[]', :team, '[]', :at)
"""
TEAM: Final = (
    '[{"email": "Änne@acme.example", "role": "owner", "invited_at": "2026-01-05T09:00:00Z", "joined_at": null},'
    ' {"email": "bo@acme.example", "role": "staff", "invited_at": "2026-01-05T09:00:00Z", "joined_at": null}]'
)


def _first_release(url: str) -> None:
    """Make a database as the first release left it, with vendors in it."""
    engine = engine_for(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        command.upgrade(_config(connection), "0001")
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:
            connection.execute(text("SELECT set_config('app.tenant_id', :tenant, true)"), {"tenant": str(NORTH)})
        for number, (handle, team) in enumerate({"acme": TEAM, "birch": TEAM, "cedar": "[]"}.items()):
            identity = {"tenant": NORTH, "vendor": uuid(10 + number)}
            words = {name: value.hex if is_sqlite else value for name, value in identity.items()}
            connection.execute(text(SOLD), {**words, "handle": handle, "team": team, "at": AT.isoformat()})
        connection.commit()
    engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_first_release(kind: str, make_empty: Callable[[str], str]) -> None:
    """A database of the first release is brought up to date with all that is in it; its teams can be looked up."""
    url = make_empty(kind)
    _first_release(url)
    assert check(url) == [f"the schema is at revision 0001, this version needs {head()}: run `cityos db migrate`"]
    assert migrate(url) == head()
    assert check(url) == []
    with SqlDatabase(url) as database, database(TenantScope(TenantId(NORTH))) as uow:
        vendors = uow.vendors.named(["acme", "birch", "cedar"])
        anna = vendors["acme"].team[0]
        assert anna == Member(email="Änne@acme.example", role=TeamRole.OWNER, invited_at=anna.invited_at)
        assert uow.team_members.of("änne@Acme.example") == [("acme", anna), ("birch", anna)]
        assert uow.team_members.of("nobody@acme.example") == []


def test_a_failed_migration_leaves_nothing(postgres: Postgres) -> None:
    """A migration happens completely or not at all."""
    name = postgres.create()
    with psycopg.connect(postgres.as_owner(name)) as connection:
        connection.execute("CREATE TABLE payout_batches (id int)")
    with pytest.raises(CityOSError):
        migrate(postgres.as_owner(name))
    engine = engine_for(postgres.as_owner(name))
    assert inspect(engine).get_table_names() == ["payout_batches"]
    engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_that_was_never_migrated(kind: str, make_empty: Callable[[str], str]) -> None:
    """Work on a database without tables ends with the command that makes them."""
    with SqlDatabase(make_empty(kind)) as database, database(PlatformScope()) as uow:
        with pytest.raises(CityOSError, match="cityos db migrate") as caught:
            uow.tenants.all()
        assert caught.value.code == "not_migrated"


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        ("ALTER TABLE orders DISABLE ROW LEVEL SECURITY", "tenants are not kept apart in orders"),
        ("ALTER TABLE journals NO FORCE ROW LEVEL SECURITY", "tenants are not kept apart in journals"),
        ("DROP POLICY tenant_is_own ON vendors", "tenants are not kept apart in vendors"),
        (
            "CREATE POLICY wide ON orders USING (true)",
            "a policy that this version does not know lets rows through: wide on orders",
        ),
        ("DROP TRIGGER journal_sums_to_zero ON postings", "nothing checks that journals sum to zero"),
        ("ALTER TABLE postings DISABLE TRIGGER journal_sums_to_zero", "nothing checks that journals sum to zero"),
        ("GRANT DELETE ON postings TO cityos_app", "a privilege that it must not have: delete on postings"),
        ("GRANT TRUNCATE ON orders TO cityos_app", "a privilege that it must not have: truncate on orders"),
        ("ALTER TABLE api_keys DISABLE ROW LEVEL SECURITY", "tenants are not kept apart in api_keys"),
        (
            "CREATE POLICY platform_is_read ON api_keys FOR SELECT USING (true)",
            "a policy that this version does not know lets rows through: platform_is_read on api_keys",
        ),
        ("DROP TRIGGER seal_audit_entry ON audit_entries", "nothing seals the entries of the audit"),
        ("ALTER TABLE audit_entries DISABLE TRIGGER seal_audit_entry", "nothing seals the entries of the audit"),
        ("ALTER FUNCTION seal_audit_entry() SECURITY INVOKER", "nothing seals the entries of the audit"),
        (
            "GRANT EXECUTE ON FUNCTION seal_audit_entry() TO cityos_app",
            "a privilege that it must not have: execute on seal_audit_entry",
        ),
        ("GRANT UPDATE ON audit_entries TO cityos_app", "a privilege that it must not have: update on audit_entries"),
        ("GRANT INSERT ON audit_heads TO cityos_app", "a privilege that it must not have: insert on audit_heads"),
        (
            "GRANT UPDATE (hash) ON audit_heads TO cityos_app",
            "a privilege that it must not have: update on audit_heads",
        ),
        ("ALTER TABLE orders ADD COLUMN extra int", "the schema differs"),
        ("DROP INDEX ix_balances_debts", "the schema differs"),
    ],
)
def test_a_missing_guard_is_named(postgres: Postgres, migrated_postgres: str, damage: str, finding: str) -> None:
    """Each guard that somebody took away is found, and nothing else."""
    name = postgres.create(migrated_postgres)
    with psycopg.connect(postgres.as_owner(name)) as connection:
        connection.execute(damage)
    (found,) = check(postgres.as_login(name))
    assert finding in found


@pytest.mark.parametrize(
    "trigger",
    [
        "journals_no_update",
        "journals_no_delete",
        "postings_no_update",
        "postings_no_delete",
        "audit_entries_no_update",
        "audit_entries_no_delete",
        "audit_targets_no_update",
        "audit_targets_no_delete",
    ],
)
def test_a_missing_trigger_is_named_on_sqlite(make_url: Callable[[str], str], trigger: str) -> None:
    """On SQLite the triggers that keep the ledger and the audit are looked for."""
    url = make_url("sqlite")
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute(f"DROP TRIGGER {trigger}")
    connection.close()
    (found,) = check(url)
    assert trigger in found
