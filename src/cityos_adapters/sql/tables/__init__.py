"""The tables, a module per context; importing this package declares them all."""

from cityos_adapters.sql.tables import catalog, commissions, ledger, orders, outbox, payouts, tenancy, vendors

__all__ = ["catalog", "commissions", "ledger", "orders", "outbox", "payouts", "tenancy", "vendors"]
