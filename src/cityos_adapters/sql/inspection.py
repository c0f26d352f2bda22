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
from cityos_adapters.sql.migration import behind, current, head

_APPEND_ONLY: Final = (
    tables.ledger.journals.name,
    tables.ledger.postings.name,
    tables.audit.audit_entries.name,
    tables.audit.audit_targets.name,
    tables.subscriptions.movements.name,
    tables.billing.credit_notes.name,
    tables.billing.billing_runs.name,
)
_READ_ONLY: Final = (tables.audit.audit_heads.name,)
_SHARED: Final = tuple(
    table.name
    for table in (
        tables.tenancy.nodes,
        tables.tenancy.setting_entries,
        tables.tenancy.revisions,
        tables.commissions.commission_rules,
    )
)
"""Of which tenants read what is the platform's."""

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
        AND p.polname <> 'tenant_is_own' AND NOT (p.polname = 'platform_is_read' AND c.relname = ANY(:shared))
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
_SEAL_TRIGGERS: Final = text(
    """
    SELECT count(*) FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
    WHERE t.tgrelid = to_regclass('audit_entries') AND t.tgname = 'seal_audit_entry'
        AND t.tgenabled IN ('O', 'A') AND f.prosecdef AND f.proconfig IS NOT NULL
    """
)
_FORBIDDEN: Final = text(
    """
    SELECT format('%s on %s', lower(privilege), c.relname)
    FROM pg_class c, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)
        AND CASE privilege
            WHEN 'INSERT' THEN c.relname = ANY(:read_only)
                AND has_any_column_privilege(CAST(:role AS name), c.oid, privilege)
            WHEN 'UPDATE' THEN (c.relname = ANY(:append_only) OR c.relname = ANY(:read_only))
                AND has_any_column_privilege(CAST(:role AS name), c.oid, privilege)
            WHEN 'DELETE' THEN (c.relname = ANY(:append_only) OR c.relname = ANY(:read_only))
                AND has_table_privilege(CAST(:role AS name), c.oid, privilege)
            ELSE has_table_privilege(CAST(:role AS name), c.oid, privilege)
        END
    UNION ALL
    SELECT format('execute on %s', f.proname) FROM pg_proc f
    WHERE f.pronamespace = current_schema()::regnamespace AND f.prosecdef
        AND has_function_privilege(CAST(:role AS name), f.oid, 'EXECUTE')
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
        yield behind(revision)
        return
    for difference in compare_metadata(MigrationContext.configure(connection), METADATA):
        yield f"the schema differs from what revision {revision} makes: {_named(difference)}"
    if connection.dialect.name == "postgresql":
        yield from _unguarded_postgresql(connection)
    else:
        yield from _unguarded_sqlite(connection)


def _unguarded_postgresql(connection: Connection) -> Iterator[str]:
    values = {
        "names": list(METADATA.tables),
        "append_only": list(_APPEND_ONLY),
        "read_only": list(_READ_ONLY),
        "shared": list(_SHARED),
        "role": RUNTIME_ROLE,
    }
    for table in connection.scalars(_UNFENCED, values):
        yield f"tenants are not kept apart in {table}: row-level security is not enabled, forced and complete"
    for policy in connection.scalars(_FOREIGN_POLICIES, values):
        yield f"a policy that this version does not know lets rows through: {policy}"
    if not connection.scalar(_SUM_TRIGGERS):
        yield "nothing checks that journals sum to zero: the trigger journal_sums_to_zero on postings is missing"
    if not connection.scalar(_SEAL_TRIGGERS):
        yield "nothing seals the entries of the audit: the trigger seal_audit_entry on audit_entries is missing"
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
