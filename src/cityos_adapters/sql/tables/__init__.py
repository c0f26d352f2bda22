"""The tables, a module per context; importing this package declares them all."""

from cityos_adapters.sql.tables import (
    access,
    audit,
    catalog,
    commissions,
    exports,
    idempotency,
    ledger,
    orders,
    outbox,
    payouts,
    tenancy,
    vendors,
)

__all__ = [
    "access",
    "audit",
    "catalog",
    "commissions",
    "exports",
    "idempotency",
    "ledger",
    "orders",
    "outbox",
    "payouts",
    "tenancy",
    "vendors",
]
