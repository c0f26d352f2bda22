"""Is a database as it has to be: the schema of this version, and every guard of tenants and money in force."""

from collections.abc import Iterator
from typing import Any, Final

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from cityos_adapters.sql import tables
from cityos_adapters.sql.columns import METADATA
from cityos_adapters.sql.database import RUNTIME_ROLE, engine_for
from cityos_adapters.sql.failures import translated
from cityos_adapters.sql.migration import current, head

_APPEND_ONLY: Final = (tables.ledger.journals.name, tables.ledger.postings.name)

_UNFENCED: Final = text(
    """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names) AND NOT (
        c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
            SELECT FROM pg_policy p
            WHERE p.polrelid = c.oid AND p.polcmd = '*' AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL
        )
    )
    ORDER BY c.relname
    """
)
_FOREIGN_POLICIES: Final = text(
    """
    SELECT format('%s on %s', p.polname, c.relname) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND p.polpermissive
        AND p.polname NOT IN ('tenant_is_own', 'platform_is_read')
    ORDER BY 1
    """
)
_SUM_TRIGGERS: Final = text(
    """
    SELECT count(*) FROM pg_trigger
    WHERE tgrelid = to_regclass('postings') AND tgname = 'journal_sums_to_zero'
        AND tgdeferrable AND tginitdeferred AND tgenabled IN ('O', 'A')
    """
)
_FORBIDDEN: Final = text(
    """
    SELECT format('%s on %s', lower(privilege), c.relname)
    FROM pg_class c, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)
        AND (privilege IN ('TRUNCATE', 'TRIGGER') OR c.relname = ANY(:append_only))
        AND has_table_privilege(CAST(:role AS name), c.oid, privilege)
    ORDER BY 1
    """
)
_ROLE: Final = text("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = :role")
_OWNED: Final = text(
    """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)
        AND pg_has_role(CAST(:role AS name), c.relowner, 'MEMBER')
    ORDER BY c.relname
    """
)
_MAY_BECOME: Final = text("SELECT pg_has_role(current_user, CAST(:role AS name), 'MEMBER')")
_SQLITE_TRIGGERS: Final = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")


def check(url: str) -> list[str]:
    """List what is wrong with a database, in words; nothing if all is well. ``Unavailable`` if it does not answer."""
    engine = engine_for(url)
    try:
        with engine.connect() as connection:
            return list(problems(connection))
    except SQLAlchemyError as error:
        raise translated(error) from error
    finally:
        engine.dispose()


def problems(connection: Connection) -> Iterator[str]:
    """Name what is wrong with a database, one thing after the other; an outdated schema hides the rest."""
    revision = current(connection)
    if revision != head():
        yield f"the schema is at revision {revision or 'none'}, this version needs {head()}: run `cityos db migrate`"
        return
    for difference in compare_metadata(MigrationContext.configure(connection), METADATA):
        yield f"the schema differs from what revision {revision} makes: {_named(difference)}"
    if connection.dialect.name == "postgresql":
        yield from _unguarded_postgresql(connection)
    else:
        yield from _unguarded_sqlite(connection)


def _unguarded_postgresql(connection: Connection) -> Iterator[str]:
    values = {"names": list(METADATA.tables), "append_only": list(_APPEND_ONLY), "role": RUNTIME_ROLE}
    for table in connection.scalars(_UNFENCED, values):
        yield f"tenants are not kept apart in {table}: row-level security is not enabled, forced and complete"
    for policy in connection.scalars(_FOREIGN_POLICIES):
        yield f"a policy that this version does not know lets rows through: {policy}"
    if not connection.scalar(_SUM_TRIGGERS):
        yield "nothing checks that journals sum to zero: the trigger journal_sums_to_zero on postings is missing"
    role = connection.execute(_ROLE, values).first()
    if role is None:
        yield f"there is no role {RUNTIME_ROLE}, as which the application runs"
        return
    if role.rolsuper or role.rolbypassrls:
        yield f"{RUNTIME_ROLE} could bypass row-level security: ALTER ROLE {RUNTIME_ROLE} NOSUPERUSER NOBYPASSRLS"
    for table in connection.scalars(_OWNED, values):
        yield f"{RUNTIME_ROLE} could bypass row-level security: it is a member of the owner of {table}"
    for privilege in connection.scalars(_FORBIDDEN, values):
        yield f"{RUNTIME_ROLE} has a privilege that it must not have: {privilege}"
    if not connection.scalar(_MAY_BECOME, values):
        yield f"the login of the URL cannot become {RUNTIME_ROLE}: GRANT {RUNTIME_ROLE} to it"


def _unguarded_sqlite(connection: Connection) -> Iterator[str]:
    present = set(connection.scalars(_SQLITE_TRIGGERS))
    for table in _APPEND_ONLY:
        for change in ("update", "delete"):
            if f"{table}_no_{change}" not in present:
                yield f"nothing keeps {table} as they are: the trigger {table}_no_{change} is missing"


def _named(difference: Any) -> str:
    steps = difference if isinstance(difference, list) else [difference]
    return "; ".join(" ".join(str(getattr(part, "name", part)) for part in step if part is not None) for step in steps)
