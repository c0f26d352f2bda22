"""A database that went away and came back."""

from contextlib import ExitStack

import psycopg

from cityos_adapters.sql.database import SqlDatabase
from cityos_core.kernel.scope import PlatformScope
from servers.postgres import Postgres


def test_connections_from_before_are_not_used(postgres: Postgres, migrated_postgres: str) -> None:
    """After the server ended every connection, the next transactions work as if nothing had happened."""
    name = postgres.borrow(migrated_postgres)
    with SqlDatabase(postgres.as_login(name)) as database:
        with ExitStack() as several:
            for _ in range(4):
                several.enter_context(database(PlatformScope()))
        with psycopg.connect(postgres.as_login(name), autocommit=True) as login:
            login.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = session_user AND pid <> pg_backend_pid()"
            )
        for _ in range(6):
            with database(PlatformScope()) as uow:
                assert uow.tenants.all() == []
    postgres.give_back(name)
