"""The tables, a module per context; importing this package declares them all."""

from cityos_adapters.sql.tables import (
    access,
    audit,
    billing,
    catalog,
    commissions,
    exports,
    idempotency,
    jobs,
    ledger,
    orders,
    outbox,
    payouts,
    subscriptions,
    tenancy,
    vendors,
)

__all__ = [
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
]
