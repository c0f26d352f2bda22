"""The floor of placing an order: SQL by hand that writes the same rows, knowing everything already.

Same tables, rows and columns, the same role, row-level security and triggers, one transaction per order; one statement
per table, which the driver prepares.
"""

from typing import Any, Final
from uuid import UUID

import psycopg
from attrs import frozen
from psycopg.rows import dict_row
from uuid_utils.compat import uuid7

from cityos_adapters.sql.database import RUNTIME_ROLE
from cityos_core.orders.model import Order

Connection = psycopg.Connection[Any]

PLACED: Final = {
    "orders": "id = %(order)s",
    "order_lines": "order_id = %(order)s",
    "vendor_orders": "order_id = %(order)s",
    "commission_entries": "order_id = %(order)s",
    "journals": "key = %(key)s",
    "postings": "journal_id = (SELECT id FROM journals WHERE key = %(key)s)",
    "balances": "true",
    "outbox": "subject = %(order)s",
    "audit_entries": "id = (SELECT entry_id FROM audit_targets WHERE target = %(order)s::text)",
    "audit_targets": "target = %(order)s::text",
}
"""Where placing an order writes."""

GIVEN: Final = {
    "commission_entries": {"position"},
    "journals": {"position"},
    "audit_entries": {"sequence", "previous", "hash"},
}
"""What the database decides about a new row."""

SEQUENCED: Final = frozenset({"commission_entries", "journals"})
"""The tables whose rows are numbered in the order of recording."""

RAISED: Final = " ON CONFLICT (tenant_id, account, currency) DO UPDATE SET amount = balances.amount + excluded.amount"


def connected(url: str) -> Connection:
    """Connect as the application does."""
    connection = psycopg.connect(url)
    connection.execute(f"SET ROLE {RUNTIME_ROLE}; SET TIME ZONE 'UTC'")
    connection.commit()
    return connection


@frozen
class Floor:
    """Writes what an order wrote that was placed before, under new ids and another reference."""

    tenant: UUID
    statements: tuple[tuple[str, tuple[Any, ...]], ...]
    """What to execute, with the values of the order it was learned from."""
    key: str
    ids: frozenset[UUID]
    order: Order

    @classmethod
    def of(cls, url: str, order: Order) -> "Floor":
        """Learn from the only order in a database."""
        key = f"order:{order.id}:paid"
        statements, ids = [], set()
        with connected(url) as connection, connection.cursor(row_factory=dict_row) as cursor:
            _enter(connection, order.tenant_id)
            for table, where in PLACED.items():
                rows = cursor.execute(_reading(connection, table, where), {"order": order.id, "key": key}).fetchall()
                ids |= {row["id"] for row in rows if "id" in row}
                statements.append(_writing(table, rows))
        return cls(order.tenant_id, tuple(statements), key, frozenset(ids), order)

    def place(self, connection: Connection, number: int) -> None:
        """Write an order."""
        new: dict[Any, Any] = {known: uuid7() for known in self.ids}
        new[self.order.reference] = f"{self.order.reference}-{number}"
        new[self.key] = f"order:{new[self.order.id]}:paid"
        new[str(self.order.id)] = str(new[self.order.id])
        _enter(connection, self.tenant)
        for statement, values in self.statements:
            connection.execute(statement, [new.get(value, value) for value in values])
        connection.commit()


def _enter(connection: Connection, tenant: UUID) -> None:
    connection.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant)])


def _reading(connection: Connection, table: str, where: str) -> str:
    """Read JSON as text, which is how it goes back."""
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
        [table],
    )
    names = ", ".join(f'"{name}"::text' if kind == "json" else f'"{name}"' for name, kind in columns)
    return f"SELECT {names} FROM {table} WHERE {where}"


def _writing(table: str, rows: list[dict[str, Any]]) -> tuple[str, tuple[Any, ...]]:
    names = [name for name in rows[0] if name not in GIVEN.get(table, ())]
    columns, places = ", ".join(f'"{name}"' for name in names), ", ".join(["%s"] * len(names))
    if table in SEQUENCED:
        columns, places = f"{columns}, position", f"{places}, nextval('positions')"
    values = ", ".join([f"({places})"] * len(rows))
    statement = f"INSERT INTO {table} ({columns}) VALUES {values}{RAISED if table == 'balances' else ''}"
    return statement, tuple(row[name] for row in rows for name in names)
