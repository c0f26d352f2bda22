"""Foreign exceptions become the core's: by what the caller can do about them, never by the driver's name for them."""

import re
from typing import Final

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cityos_adapters.sql.columns import METADATA
from cityos_core.kernel.errors import CityOSError, Conflict, Forbidden, Invalid, OutcomeUnknown, Refused, Unavailable

_VIOLATED: Final[dict[str, tuple[type[CityOSError], str, str]]] = {
    "uq_nodes_parent_tenant_id_path": (Conflict, "handle_taken", "there is a node by that handle; choose another"),
    "uq_tenants_tenant_id_handle": (Conflict, "handle_taken", "there is a tenant by that handle; choose another"),
    "uq_stores_tenant_id_handle": (Conflict, "handle_taken", "there is a store by that handle; choose another"),
    "uq_vendors_tenant_id_handle": (Conflict, "handle_taken", "there is a vendor by that handle; choose another"),
    "uq_domains_name": (Conflict, "domain_taken", "that domain is in use; whoever proved it first has it"),
    "uq_domains_tenant_id_name": (Conflict, "domain_added", "that domain was added before; remove it first"),
    "uq_assignments_tenant_id_user_name_role_reach_path_subject": (
        Conflict,
        "assigned",
        "the user has that role there already",
    ),
    "uq_products_tenant_id_sku": (Conflict, "sku_taken", "a product has that sku; choose another"),
    "pk_skus": (Conflict, "sku_taken", "a product or variant has that sku; choose another"),
    "pk_commission_rules": (Conflict, "stale", "someone else changed this rule; read it again and repeat the change"),
    "uq_commission_rules_tenant_id_name_version": (
        Conflict,
        "stale",
        "someone else changed this rule; read it again and repeat the change",
    ),
    "uq_orders_tenant_id_reference": (Conflict, "reference_taken", "an order has that reference; use another"),
    "uq_journals_tenant_id_key": (Conflict, "journal_key_reused", "a journal has that key; use another"),
    "uq_journals_tenant_id_reverses": (Conflict, "already_reversed", "that journal was reversed before; once is all"),
    "uq_plans_tenant_id_handle": (Conflict, "handle_taken", "there is a plan by that handle; choose another"),
    "pk_billing_cycles": (Conflict, "cycle_exists", "the subscription has that cycle already; read it"),
    "uq_invoices_tenant_id_subscription_id_cycle_change": (
        Conflict,
        "invoice_exists",
        "that cycle, or change, was invoiced before; read that invoice",
    ),
    "uq_invoices_tenant_id_entity_number": (Conflict, "number_taken", "an invoice has that number; take the next one"),
    "uq_credit_notes_tenant_id_entity_number": (
        Conflict,
        "number_taken",
        "a credit note has that number; take the next one",
    ),
    "pk_payment_attempts": (Conflict, "attempt_exists", "that attempt was made before; ask what became of it"),
    "pk_usage_records": (Conflict, "usage_recorded", "usage was reported under that key before; read it first"),
    "pk_movements": (Conflict, "movement_exists", "another transaction was first with that movement; read it again"),
    "ck_balances_floor": (Refused, "floor_breached", "an account would be overdrawn; move less out of it"),
    "ck_balances_range": (Invalid, "amount_too_large", "the balance would be beyond what the ledger holds (64 bits)"),
    "journal_sums_to_zero": (Invalid, "unbalanced_journal", "the postings of a journal sum to zero per currency"),
}
"""What breaking a constraint means, where it means something to callers."""

_MEANT: Final[dict[str, tuple[type[CityOSError], str, str]]] = {
    "40001": (Conflict, "stale", "another transaction was first; read again and repeat the change"),
    "40P01": (Conflict, "stale", "another transaction was first; read again and repeat the change"),
    "55P03": (Unavailable, "database_busy", "another transaction held for too long what this one needs; try again"),
    "57014": (Unavailable, "database_busy", "the statement took too long; try again"),
    "53300": (Unavailable, "database_busy", "the database has no connection left; try again"),
    "42P01": (Unavailable, "not_migrated", "the database lacks what this version needs; run `cityos db migrate`"),
    "42703": (Unavailable, "not_migrated", "the database lacks what this version needs; run `cityos db migrate`"),
    "22023": (Unavailable, "not_migrated", "the database lacks what this version needs; run `cityos db migrate`"),
    "42501": (Forbidden, "database_forbids", "the database does not let the application do that"),
    "22003": (Invalid, "amount_too_large", "a number is beyond what the database holds (64 bits)"),
    "22021": (Invalid, "unstorable_text", "text holds no NUL and no lone surrogates"),
    "22P05": (Invalid, "unstorable_text", "text holds no NUL and no lone surrogates"),
    "22": (Invalid, "out_of_range", "a value does not fit its column"),
    "23": (Conflict, "constraint_violated", "the database refused an inconsistent change"),
    "54": (Invalid, "too_long", "a text is longer than what the database can find again; shorten it"),
}
"""What an SQLSTATE, or a class of them, means."""

_WITHOUT_STATE: Final = {
    "database is locked": "55P03",
    "no such table": "42P01",
    "no such column": "42703",
    "are never changed": "42501",
    "constraint failed": "23000",
    "integer overflow": "22003",
    "NUL": "22021",
}
"""What SQLite, or a driver by itself, says, as the SQLSTATE that PostgreSQL would give."""

_SQLITE_COLUMNS: Final = re.compile(r"UNIQUE constraint failed: (?P<columns>.+)")
_SQLITE_CHECK: Final = re.compile(r"CHECK constraint failed: (?P<name>\w+)")


def stale() -> Conflict:
    """Give what a writer hears who was not first."""
    return Conflict("stale", "someone else changed this since it was read; read it again and repeat the change")


def translated(error: Exception) -> CityOSError:
    """Give the core's word for what a database said, through SQLAlchemy or by the driver itself."""
    if isinstance(error, PoolTimeout):
        return Unavailable("database_busy", "every connection to the database is in use; try again")
    if isinstance(error, DBAPIError):
        return _from_driver(error.orig)
    if isinstance(error, SQLAlchemyError):
        return Unavailable("database_failed", f"the database layer failed ({type(error).__name__}); see the log")
    return _from_driver(error)


def unstorable(error: OverflowError | UnicodeEncodeError) -> Invalid:
    """Give the core's word for a value that a driver would not even send."""
    _, code, detail = _MEANT["22003" if isinstance(error, OverflowError) else "22021"]
    return Invalid(code, detail)


def lost_commit() -> OutcomeUnknown:
    """Give what a writer hears whose commit was not answered."""
    return OutcomeUnknown(
        "commit_unknown", "the connection broke while committing; read the record again before repeating anything"
    )


def _from_driver(error: BaseException | None) -> CityOSError:
    text = (str(error).splitlines() or [""])[0]
    state = getattr(error, "sqlstate", None) or next(
        (state for words, state in _WITHOUT_STATE.items() if words in text), ""
    )
    meant = None if state.startswith("54") else _VIOLATED.get(_constraint(error))  # too long for the constraint's index
    if meant is not None:
        kind, code, detail = meant
        return kind(code, detail)
    kind, code, detail = (
        _MEANT.get(state)
        or _MEANT.get(state[:2])
        or (Unavailable, "database_unavailable", "the database did not answer")
    )
    found = kind(code, detail)
    if text:
        found.add_note(text)  # for whoever runs this; it may name tables and hosts
    return found


def _constraint(error: BaseException | None) -> str:
    diagnostics = getattr(error, "diag", None)
    if diagnostics is not None:
        return diagnostics.constraint_name or ""
    text = str(error)
    if found := _SQLITE_CHECK.search(text):
        return found["name"]
    if found := _SQLITE_COLUMNS.search(text):
        return _unique(found["columns"].split(", "))
    return ""


def _unique(columns: list[str]) -> str:
    table = METADATA.tables[columns[0].partition(".")[0]]
    names = [column.partition(".")[2] for column in columns]
    uniques = (
        *(key for key in table.constraints if isinstance(key, PrimaryKeyConstraint | UniqueConstraint)),
        *(index for index in table.indexes if index.unique),
    )
    return next((str(key.name) for key in uniques if [column.name for column in key.columns] == names), "")
