"""PostgreSQL keeps tenants apart, and the ledger as it is, by itself: no matter what the application sends."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final
from uuid import UUID

import psycopg
import pytest
from attrs import evolve, frozen
from psycopg import Connection
from psycopg.errors import CheckViolation, ForeignKeyViolation, InsufficientPrivilege
from psycopg.sql import SQL, Identifier

from cityos_adapters.sql import tables
from cityos_adapters.sql.columns import METADATA
from cityos_adapters.sql.database import SqlDatabase
from cityos_core.jobs.model import Job
from cityos_core.kernel.ids import PLATFORM, JobId, TenantId
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.events import StoreCreated
from cityos_core.testing.contracts import credentials, domains, isolation, sales
from cityos_core.testing.contracts.examples import AT
from cityos_core.testing.contracts.isolation import Belongings, belongings
from cityos_core.testing.contracts.world import Place, settle
from cityos_core.unit_of_work import UnitOfWork

TABLES: Final = sorted(METADATA.tables)

REGISTERED: Final = {"domains", "api_keys", "assignments", "impersonations"}
"""What the platform finds by id in whatever tenant it is."""

GUARDED: Final = {*REGISTERED, "jobs", "schedules", "outbox"}
"""What the platform reaches for every tenant, and tenants do not read of the platform's."""

SEALED: Final = (
    "journals",
    "postings",
    "audit_entries",
    "audit_targets",
    "movements",
    "credit_notes",
    "billing_runs",
)
"""What nobody changes."""


@frozen
class Two:
    """Two tenants with something in every table, and raw connections in the role of the application."""

    url: str
    north: Belongings
    south: Belongings

    def session(self, tenant: UUID | None) -> Connection[tuple[object, ...]]:
        """Open a transaction in a tenant's session; leaving it undoes everything."""
        connection = psycopg.connect(self.url)
        connection.execute("SET ROLE cityos_app")
        if tenant is not None:
            connection.execute("SELECT set_config('app.tenant_id', %s, true)", (str(tenant),))
        return connection


@pytest.fixture(scope="module")
def two(request: pytest.FixtureRequest) -> Iterator[Two]:
    """Fill a database of its own with two tenants."""
    server = request.getfixturevalue("postgres")
    url = server.as_login(server.create(request.getfixturevalue("migrated_postgres")))
    with SqlDatabase(url) as database:
        north = settle(database, "north", seed=2)
        two = Two(url, belongings(north), belongings(settle(database, "south", seed=3, beside=north)))
        for owned in (two.north, two.south):
            isolation.store(owned)
            with owned.place.open() as uow:
                uow.orders.save(sales.afterlife(owned.place.ids, owned.order))
                uow.commit([StoreCreated(subject=owned.place.store.id, occurred_at=AT, handle="web")])
        with database(PlatformScope()) as uow:
            let_in(uow, north)
            uow.schedules.plan("exports.run", [PLATFORM, north.id, two.south.place.id], AT)
            uow.agenda.enter([job(PLATFORM, north)])
            uow.commit([StoreCreated(subject=north.store.id, occurred_at=AT, handle="web")])
        yield two


def let_in(uow: UnitOfWork, place: Place) -> None:
    """Store what is guarded as the platform's own."""
    key, assignment = credentials.api_key(place), credentials.assignment(place)
    impersonation, domain = credentials.impersonation(place), domains.domain(place)
    uow.api_keys.add(evolve(key, tenant_id=PLATFORM))
    uow.assignments.add(evolve(assignment, tenant_id=PLATFORM))
    uow.impersonations.add(evolve(impersonation, tenant_id=PLATFORM))
    uow.domains.add(evolve(domain, tenant_id=PLATFORM))


def job(owner: TenantId, place: Place) -> Job:
    """Make up a job."""
    return Job(
        id=JobId(place.ids.new()),
        tenant_id=owner,
        operation="exports.run",
        requested_by="user:1",
        created_at=AT,
        due_at=AT,
    )


def owner_column(table: str) -> Identifier:
    """Name the column that says whose a row is: the register of tenants is the platform's, its rows the tenants'."""
    return Identifier("id" if table == "tenants" else "tenant_id")


def count(connection: Connection[tuple[object, ...]], table: str, owner: UUID) -> object:
    """Count the rows of an owner that a session sees."""
    query = SQL("SELECT count(*) FROM {} WHERE {} = %s").format(Identifier(table), owner_column(table))
    row = connection.execute(query, (owner,)).fetchone()
    assert row is not None
    return row[0]


def test_every_table_is_fenced(two: Two) -> None:
    """Every table has row-level security enabled and forced, and a policy that guards what is read and what is written."""
    with two.session(None) as connection:
        rows = connection.execute(
            """
            SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
                count(*) FILTER (WHERE p.polcmd = '*' AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL),
                count(*) FILTER (WHERE p.polcmd NOT IN ('*', 'r'))
            FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
            GROUP BY c.oid
            """
        ).fetchall()
    assert sorted(rows) == [(table, True, 1, 0) for table in TABLES]


def test_what_is_guarded_from_tenants(two: Two) -> None:
    """Of keys, roles, impersonations, domains, jobs and messages the platform sees all, a tenant none of the platform's."""
    with two.session(PLATFORM) as connection:
        policies = "SELECT tablename FROM pg_policies WHERE schemaname = 'public' AND policyname = 'platform_is_read'"
        shared = {table for (table,) in connection.execute(policies)}
        assert shared == {"nodes", "setting_entries", "commission_rules", "revisions"}
        for table in GUARDED:
            for owner in (PLATFORM, two.north.place.id, two.south.place.id):
                assert count(connection, table, owner) == 1
    with two.session(two.north.place.id) as connection:
        assert {count(connection, table, PLATFORM) for table in GUARDED} == {0}


def test_the_tenant_leads_every_key(two: Two) -> None:
    """Every primary key and unique index begins with a tenant, and every foreign key joins tenant to tenant.

    Where the platform reaches rows of every tenant, it finds them by an id, a name or a hash that is the only one.
    """
    with two.session(None) as connection:
        uniques = connection.execute(
            """
            SELECT c.relname, i.relname, a.attname FROM pg_index x
            JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
            WHERE c.relnamespace = 'public'::regnamespace AND x.indisunique AND c.relname <> 'alembic_version'
            """
        ).fetchall()
        foreign = connection.execute(
            """
            SELECT f.conname, here.attname, there.attname FROM pg_constraint f
            JOIN pg_attribute here ON here.attrelid = f.conrelid AND here.attnum = f.conkey[1]
            JOIN pg_attribute there ON there.attrelid = f.confrelid AND there.attnum = f.confkey[1]
            WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace
            """
        ).fetchall()
    assert {table for table, _, _ in uniques} == set(TABLES)
    leading = {(table, column) for table, _, column in uniques if column != "tenant_id"}
    only_ones = {(table, "id") for table in REGISTERED} | {("domains", "name"), ("api_keys", "hash")}
    assert leading == {("nodes", "parent_tenant_id")} | only_ones
    assert len(foreign) == sum(len(table.foreign_key_constraints) for table in METADATA.tables.values())
    assert {(here, there) for name, here, there in foreign if name != "fk_nodes_nodes"} == {("tenant_id", "tenant_id")}
    assert ("fk_nodes_nodes", "parent_tenant_id", "tenant_id") in foreign


def test_the_application_is_bound(two: Two) -> None:
    """The role of the application is no superuser, bypasses nothing, owns nothing and may truncate nothing."""
    with two.session(None) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("cityos_app",)
        role = "SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(role).fetchone() == (False, False, False, False)
        owned = "SELECT count(*) FROM pg_class WHERE pg_has_role(current_user, relowner, 'MEMBER')"
        assert connection.execute(owned).fetchone() == (0,)
        truncate = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND has_table_privilege(oid, 'TRUNCATE')"
        assert connection.execute(truncate).fetchone() == (0,)


@pytest.mark.parametrize("table", TABLES)
def test_without_a_tenant_nothing_is_seen(two: Two, table: str) -> None:
    """A session in which no tenant was set, or in which the last transaction set one, sees no row at all."""
    with two.session(two.north.place.id) as connection:
        query = SQL("SELECT count(*) FROM {}").format(Identifier(table))
        assert connection.execute(query).fetchone() != (0,)
        connection.rollback()
        connection.execute("SET ROLE cityos_app")
        assert connection.execute(query).fetchone() == (0,)


@pytest.mark.parametrize("table", TABLES)
def test_another_tenants_rows_do_not_exist(two: Two, table: str) -> None:
    """What another tenant owns is neither seen, changed nor removed, though it is there."""
    north, south = two.north.place.id, two.south.place.id
    with two.session(south) as connection:
        if table != "revisions":
            assert count(connection, table, south) != 0
    with two.session(north) as connection:
        assert count(connection, table, south) == 0
        for statement in (
            "UPDATE {table} SET {owner} = {owner} WHERE {owner} = %s",
            "DELETE FROM {table} WHERE {owner} = %s",
        ):
            query = SQL(statement).format(table=Identifier(table), owner=owner_column(table))
            with suppress(InsufficientPrivilege), connection.transaction():
                assert connection.execute(query, (south,)).rowcount == 0


@pytest.mark.parametrize("table", TABLES)
def test_nothing_is_written_for_another_tenant(two: Two, table: str) -> None:
    """A row is neither added for another tenant nor moved to one, and the answer does not tell what that one has."""
    north, south = two.north.place.id, two.south.place.id
    columns = [column.name for column in METADATA.tables[table].columns]
    names = SQL(", ").join(map(Identifier, columns))
    owner = owner_column(table)
    values = SQL(", ").join(SQL("%(other)s") if Identifier(name) == owner else Identifier(name) for name in columns)
    insert = SQL("INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {owner} = %(own)s")
    update = SQL("UPDATE {table} SET {owner} = %(other)s WHERE {owner} = %(own)s")
    with two.session(north) as connection:
        for statement in (insert, update):
            query = statement.format(table=Identifier(table), names=names, values=values, owner=owner)
            is_granted = statement is insert and table != "audit_heads"
            answer = "row-level security" if is_granted else "row-level security|permission denied"
            with pytest.raises(InsufficientPrivilege, match=answer), connection.transaction():
                connection.execute(query, {"own": north, "other": south})


def test_another_tenants_rows_cannot_be_referred_to(two: Two) -> None:
    """A foreign key to another tenant's row fails just as one to a row that does not exist."""
    nowhere = UUID(int=7)
    with two.session(two.north.place.id) as connection:
        for order in (two.south.order.id, nowhere):
            insert = (
                "INSERT INTO fulfilments (tenant_id, id, order_id, position, vendor_order_id, shipped, shipped_at)"
                " VALUES (%s, gen_random_uuid(), %s, 9, gen_random_uuid(), '[]', now())"
            )
            with pytest.raises(ForeignKeyViolation, match="fk_fulfilments_orders"), connection.transaction():
                connection.execute(insert, (two.north.place.id, order))


@pytest.mark.parametrize("table", [*SEALED, "audit_heads"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_what_is_recorded_is_never_changed(two: Two, table: str, statement: str) -> None:
    """The application may not change, delete or truncate what is sealed, not even a tenant's own."""
    with two.session(two.north.place.id) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(SQL(statement).format(Identifier(table)))


@pytest.mark.parametrize("table", SEALED)
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}", "REPLACE INTO {0} SELECT * FROM {0}"]
)
def test_what_is_recorded_is_never_changed_on_sqlite(
    make_database: Callable[[str], SqlDatabase], table: str, change: str
) -> None:
    """On SQLite a trigger refuses every change of what is sealed."""
    database = make_database("sqlite")
    place = settle(database, "north", seed=2)
    isolation.store(belongings(place))
    with pytest.raises(Exception, match=f"{table} are never changed"), database._engine.connect() as connection:
        connection.exec_driver_sql(change.format(table))


@pytest.mark.parametrize(
    ("table", "fixed", "changing"),
    [
        ("invoices", ("lines", "subscription_id", "currency", "subscriber", "tax", "entity"), "recognised"),
        ("usage_records", ("numerator", "denominator", "counts_at", "item"), "is_late"),
        ("number_series", ("series",), "last"),
    ],
)
def test_what_was_charged_is_never_changed(two: Two, table: str, fixed: tuple[str, ...], changing: str) -> None:
    """The application may change what became of an invoice and of usage, not what they say; and it deletes neither."""
    update = SQL("UPDATE {table} SET {column} = {column}")
    with two.session(two.north.place.id) as connection:
        for column in fixed:
            query = update.format(table=Identifier(table), column=Identifier(column))
            with pytest.raises(InsufficientPrivilege), connection.transaction():
                connection.execute(query)
        with pytest.raises(InsufficientPrivilege), connection.transaction():
            connection.execute(SQL("DELETE FROM {}").format(Identifier(table)))
        query = update.format(table=Identifier(table), column=Identifier(changing))
        assert connection.execute(query).rowcount == 1


def test_journals_sum_to_zero(two: Two) -> None:
    """One-sided postings are refused when their transaction commits, per currency, wherever they come from."""
    tenant = two.north.place.id
    journal = (
        "INSERT INTO journals (tenant_id, id, position, key, kind, digest, occurred_at, about)"
        " VALUES (%s, %s, nextval('positions'), 'odd', 'sale', '', now(), '{}')"
    )
    posting = (
        "INSERT INTO postings (tenant_id, journal_id, line, account, currency, amount)"
        " VALUES (%s, %s, %s, 'bank', %s, %s)"
    )
    for postings in ([("EUR", 100)], [("EUR", 100), ("USD", -100)], [("EUR", 100), ("EUR", -99)]):
        with two.session(tenant) as connection:
            number = UUID(int=9)
            connection.execute(journal, (tenant, number))
            for line, (currency, amount) in enumerate(postings):
                connection.execute(posting, (tenant, number, line, currency, amount))
            with pytest.raises(CheckViolation, match="does not sum to zero"):
                connection.commit()


def test_a_recorded_journal_takes_no_more_postings(two: Two) -> None:
    """A posting added to a journal later unbalances it, and is refused."""
    tenant = two.north.place.id
    with two.session(tenant) as connection:
        connection.execute(
            "INSERT INTO postings SELECT tenant_id, id, 99, 'bank', 'EUR', 5 FROM journals ORDER BY position LIMIT 1"
        )
        with pytest.raises(CheckViolation, match="does not sum to zero"):
            connection.commit()


def test_every_table_is_tried() -> None:
    """The tables tried here are those of all contexts, each of which a tenant owns."""
    assert set(tables.__all__) == {
        "access",
        "audit",
        "billing",
        "catalog",
        "commissions",
        "exports",
        "idempotency",
        "jobs",
        "ledger",
        "orders",
        "outbox",
        "payouts",
        "subscriptions",
        "tenancy",
        "vendors",
    }
    assert all("tenant_id" in table.columns for table in METADATA.tables.values())
