"""The first tables: tenancy, vendors, catalogue, orders, commissions, ledger and payouts, with their guards.

This is what was released; it is never edited, and imports nothing that will change.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(sa.Text(), "sqlite")

PLATFORM = "'00000000-0000-0000-0000-000000000000'::uuid"
CURRENT = "nullif(current_setting('app.tenant_id', true), '')::uuid"

REGISTERS = ("nodes", "setting_entries")
"""The platform reads and writes all rows; a tenant reads the platform's, and reads and writes its own."""

SHARED = ("commission_rules", "revisions")
"""Everyone reads the platform's rows, and reads and writes their own."""

OWN = (
    "stores",
    "outbox",
    "vendors",
    "products",
    "skus",
    "categories",
    "stock",
    "orders",
    "order_lines",
    "vendor_orders",
    "fulfilments",
    "refunds",
    "disputes",
    "commission_entries",
    "journals",
    "postings",
    "balances",
    "payouts",
    "payout_attempts",
    "payout_batches",
)
"""Everyone reads and writes their own rows."""

CHANGING = (
    "nodes",
    "tenants",
    "stores",
    "setting_entries",
    "revisions",
    "vendors",
    "products",
    "stock",
    "orders",
    "vendor_orders",
    "fulfilments",
    "refunds",
    "disputes",
    "commission_rules (superseded_at)",
    "commission_entries (status, payout_id)",
    "balances",
    "payouts",
    "payout_attempts",
    "payout_batches",
)
"""What the application may update; the others only grow."""

REMOVABLE = ("setting_entries", "skus")
"""What the application may delete from."""


def upgrade() -> None:
    """Make the tables and guard them."""
    _tenancy()
    _vendors_and_catalogue()
    _orders()
    _commissions()
    _ledger()
    _payouts()
    if op.get_context().dialect.name == "postgresql":
        _sum_journals_to_zero()
        _isolate()
        _grant()
    else:
        _keep_journals()


def _where(condition: str) -> Mapping[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def _tenancy() -> None:
    op.create_table(
        "nodes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("parent_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("handle", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("properties", JSON, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_nodes"),
        sa.UniqueConstraint("parent_tenant_id", "path", name="uq_nodes_parent_tenant_id_path"),
        sa.ForeignKeyConstraint(
            ["parent_tenant_id", "parent_id"], ["nodes.tenant_id", "nodes.id"], name="fk_nodes_nodes"
        ),
        sa.CheckConstraint(
            "level IN ('country', 'scope', 'category', 'subcategory', 'tenant', 'store')", name=op.f("ck_nodes_level")
        ),
        sa.CheckConstraint("status IN ('active', 'archived')", name=op.f("ck_nodes_status")),
    )
    op.create_index("ix_nodes_id", "nodes", ["id"])
    op.create_index("ix_nodes_path", "nodes", ["path"])
    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("handle", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("parent_tenant_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_tenants"),
        sa.UniqueConstraint("tenant_id", "handle", name="uq_tenants_tenant_id_handle"),
        sa.CheckConstraint(
            "status IN ('provisioning', 'active', 'suspended', 'offboarding', 'archived')",
            name=op.f("ck_tenants_status"),
        ),
    )
    op.create_table(
        "stores",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("handle", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("countries", JSON, nullable=False),
        sa.Column("currencies", JSON, nullable=False),
        sa.Column("portals", JSON, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_stores"),
        sa.UniqueConstraint("tenant_id", "handle", name="uq_stores_tenant_id_handle"),
    )
    op.create_table(
        "setting_entries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("value", JSON, nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "node_id", "key", name="pk_setting_entries"),
    )
    op.create_index("ix_setting_entries_node_id", "setting_entries", ["node_id"])
    op.create_table(
        "revisions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_revisions"),
    )
    op.create_table(
        "outbox",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_outbox"),
    )


def _vendors_and_catalogue() -> None:
    op.create_table(
        "vendors",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("handle", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("tax_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requirements", JSON, nullable=False),
        sa.Column("team", JSON, nullable=False),
        sa.Column("stores", JSON, nullable=False),
        sa.Column("payout_account", JSON, nullable=True),
        sa.Column("payout_schedule", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_vendors"),
        sa.UniqueConstraint("tenant_id", "handle", name="uq_vendors_tenant_id_handle"),
        sa.CheckConstraint(
            "status IN ('pending', 'in_review', 'approved', 'rejected', 'suspended', 'terminated')",
            name=op.f("ck_vendors_status"),
        ),
    )
    op.create_table(
        "products",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("sku", KEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("category", KEY, nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tax_class", sa.Text(), nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("stores", JSON, nullable=False),
        sa.Column("variants", JSON, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_products"),
        sa.UniqueConstraint("tenant_id", "sku", name="uq_products_tenant_id_sku"),
        sa.CheckConstraint("status IN ('draft', 'published', 'archived')", name=op.f("ck_products_status")),
    )
    op.create_index("ix_products_tenant_id_vendor_id_sku", "products", ["tenant_id", "vendor_id", "sku"])
    op.create_table(
        "skus",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("sku", KEY, nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "sku", name="pk_skus"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"], ["products.tenant_id", "products.id"], name="fk_skus_products"
        ),
    )
    op.create_index("ix_skus_tenant_id_product_id", "skus", ["tenant_id", "product_id"])
    op.create_table(
        "categories",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "path", name="pk_categories"),
    )
    op.create_table(
        "stock",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("sku", KEY, nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("low_at", sa.BigInteger(), nullable=False),
        sa.Column("backorders", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "sku", name="pk_stock"),
    )


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("reference", KEY, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("placed_at", INSTANT, nullable=False),
        sa.Column("customer", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("customer_group", sa.Text(), nullable=True),
        sa.Column("prices_include_tax", sa.Boolean(), nullable=False),
        sa.Column("shipping_recipient", sa.Text(), nullable=False),
        sa.Column("tax_remitter", sa.Text(), nullable=False),
        sa.Column("tax_jurisdiction", sa.Text(), nullable=False),
        sa.Column("shipping", JSON, nullable=False),
        sa.Column("payments", JSON, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_orders"),
        sa.UniqueConstraint("tenant_id", "reference", name="uq_orders_tenant_id_reference"),
        sa.CheckConstraint("shipping_recipient IN ('vendor', 'tenant')", name=op.f("ck_orders_shipping_recipient")),
        sa.CheckConstraint("tax_remitter IN ('vendor', 'platform')", name=op.f("ck_orders_tax_remitter")),
    )
    op.create_index("ix_orders_tenant_id_placed_at_id", "orders", ["tenant_id", "placed_at", "id"])
    op.create_table(
        "order_lines",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("sku", KEY, nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", KEY, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_micro", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("discounts", JSON, nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("shipping", sa.BigInteger(), nullable=False),
        sa.Column("shipping_tax", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("leg_vendor", sa.BigInteger(), nullable=False),
        sa.Column("leg_commission", sa.BigInteger(), nullable=False),
        sa.Column("leg_commission_fixed", sa.BigInteger(), nullable=False),
        sa.Column("leg_commission_tax", sa.BigInteger(), nullable=False),
        sa.Column("leg_tax", sa.BigInteger(), nullable=False),
        sa.Column("leg_shipping", sa.BigInteger(), nullable=False),
        sa.Column("leg_funding_platform", sa.BigInteger(), nullable=False),
        sa.Column("leg_funding_tenant", sa.BigInteger(), nullable=False),
        sa.Column("category", KEY, nullable=True),
        sa.Column("tags", JSON, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_order_lines"),
        sa.UniqueConstraint("tenant_id", "order_id", "position", name="uq_order_lines_tenant_id_order_id_position"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fk_order_lines_orders"
        ),
        sa.CheckConstraint(
            "paid = leg_vendor + leg_commission + leg_commission_fixed + leg_commission_tax + leg_tax + leg_shipping + leg_funding_platform + leg_funding_tenant",
            name=op.f("ck_order_lines_legs"),
        ),
    )
    op.create_table(
        "vendor_orders",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", KEY, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("fulfilled_at", INSTANT, nullable=True),
        sa.Column("release_due_at", INSTANT, nullable=True),
        sa.Column("released_at", INSTANT, nullable=True),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("reserve_due_at", INSTANT, nullable=True),
        sa.Column("drawn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_vendor_orders"),
        sa.UniqueConstraint("tenant_id", "order_id", "position", name="uq_vendor_orders_tenant_id_order_id_position"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fk_vendor_orders_orders"
        ),
        sa.CheckConstraint(
            "status IN ('placed', 'partly_fulfilled', 'fulfilled', 'delivered', 'cancelled')",
            name=op.f("ck_vendor_orders_status"),
        ),
    )
    op.create_index(
        "ix_vendor_orders_awaiting",
        "vendor_orders",
        ["tenant_id", "release_due_at"],
        **_where("release_due_at IS NOT NULL AND released_at IS NULL OR reserve_due_at IS NOT NULL AND reserved > 0"),
    )
    op.create_index("ix_vendor_orders_tenant_id_vendor_order_id", "vendor_orders", ["tenant_id", "vendor", "order_id"])
    op.create_table(
        "fulfilments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("vendor_order_id", sa.Uuid(), nullable=False),
        sa.Column("shipped", JSON, nullable=False),
        sa.Column("shipped_at", INSTANT, nullable=False),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("tracking", sa.Text(), nullable=True),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_fulfilments"),
        sa.UniqueConstraint("tenant_id", "order_id", "position", name="uq_fulfilments_tenant_id_order_id_position"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fk_fulfilments_orders"
        ),
    )
    op.create_table(
        "refunds",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("parts", JSON, nullable=False),
        sa.Column("refunded_at", INSTANT, nullable=False),
        sa.Column("journal_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_refunds"),
        sa.UniqueConstraint("tenant_id", "order_id", "position", name="uq_refunds_tenant_id_order_id_position"),
        sa.ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fk_refunds_orders"),
    )
    op.create_table(
        "disputes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("held", JSON, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_disputes"),
        sa.UniqueConstraint("tenant_id", "order_id", "position", name="uq_disputes_tenant_id_order_id_position"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fk_disputes_orders"
        ),
        sa.CheckConstraint("status IN ('open', 'won', 'lost')", name=op.f("ck_disputes_status")),
    )


def _commissions() -> None:
    op.create_table(
        "commission_rules",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rule", JSON, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("superseded_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", "version", name="pk_commission_rules"),
        sa.UniqueConstraint("tenant_id", "name", "version", name="uq_commission_rules_tenant_id_name_version"),
        sa.CheckConstraint("status IN ('draft', 'active', 'retired')", name=op.f("ck_commission_rules_status")),
    )
    op.create_table(
        "commission_entries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_reference", KEY, nullable=False),
        sa.Column("vendor_order_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("line_reference", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", KEY, nullable=False),
        sa.Column("sku", KEY, nullable=False),
        sa.Column("category", KEY, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("currency", KEY, nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("discounts", sa.BigInteger(), nullable=False),
        sa.Column("funding", sa.BigInteger(), nullable=False),
        sa.Column("shipping", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("commission", sa.BigInteger(), nullable=False),
        sa.Column("commission_tax", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("journal_key", sa.Text(), nullable=False),
        sa.Column("line", JSON, nullable=True),
        sa.Column("sale", JSON, nullable=True),
        sa.Column("circumstances", JSON, nullable=True),
        sa.Column("payout_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_commission_entries"),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'paid', 'reversed')", name=op.f("ck_commission_entries_status")
        ),
        sa.CheckConstraint("kind IN ('sale', 'reversal')", name=op.f("ck_commission_entries_kind")),
    )
    op.create_index("ix_commission_entries_tenant_id_line_id", "commission_entries", ["tenant_id", "line_id"])
    op.create_index(
        "ix_commission_entries_tenant_id_occurred_at_id", "commission_entries", ["tenant_id", "occurred_at", "id"]
    )
    op.create_index("ix_commission_entries_tenant_id_order_id", "commission_entries", ["tenant_id", "order_id"])
    op.create_index(
        "ix_commission_entries_tenant_id_payout_id",
        "commission_entries",
        ["tenant_id", "payout_id"],
        **_where("payout_id IS NOT NULL"),
    )
    op.create_index(
        "ix_commission_entries_tenant_id_vendor_id_currency_occurred_at",
        "commission_entries",
        ["tenant_id", "vendor_id", "currency", "occurred_at"],
    )
    op.create_index(
        "ix_commission_entries_tenant_id_vendor_order_id", "commission_entries", ["tenant_id", "vendor_order_id"]
    )


def _ledger() -> None:
    op.create_table(
        "journals",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("about", JSON, nullable=False),
        sa.Column("reverses", KEY, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_journals"),
        sa.UniqueConstraint("tenant_id", "position", name="uq_journals_tenant_id_position"),
        sa.UniqueConstraint("tenant_id", "key", name="uq_journals_tenant_id_key"),
    )
    op.create_index(
        "uq_journals_tenant_id_reverses",
        "journals",
        ["tenant_id", "reverses"],
        unique=True,
        **_where("reverses IS NOT NULL"),
    )
    op.create_table(
        "postings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("journal_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("currency", KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "journal_id", "line", name="pk_postings"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "journal_id"], ["journals.tenant_id", "journals.id"], name="fk_postings_journals"
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_postings_amount")),
    )
    op.create_index("ix_postings_tenant_id_account_currency", "postings", ["tenant_id", "account", "currency"])
    op.create_table(
        "balances",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("currency", KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "account", "currency", name="pk_balances"),
        sa.CheckConstraint("amount >= 0 OR account LIKE '%debt'", name=op.f("ck_balances_floor")),
        sa.CheckConstraint("amount <= 9223372036854775807", name=op.f("ck_balances_range")),
    )
    op.create_index(
        "ix_balances_debts",
        "balances",
        ["tenant_id", "account", "currency"],
        **_where("account LIKE '%debt'"),
    )


def _payouts() -> None:
    op.create_table(
        "payouts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", INSTANT, nullable=True),
        sa.Column("approved_account", sa.Text(), nullable=True),
        sa.Column("retries", sa.Uuid(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_payouts"),
        sa.CheckConstraint(
            "status IN ('pending', 'held', 'processing', 'in_transit', 'paid', 'failed', 'unknown', 'returned', 'canceled')",
            name=op.f("ck_payouts_status"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payouts_amount")),
    )
    op.create_index("ix_payouts_tenant_id_created_at_id", "payouts", ["tenant_id", "created_at", "id"])
    op.create_index("ix_payouts_tenant_id_vendor_created_at", "payouts", ["tenant_id", "vendor", "created_at"])
    op.create_index(
        "ix_payouts_tenant_id_next_attempt_at_id",
        "payouts",
        ["tenant_id", "next_attempt_at", "id"],
        **_where("next_attempt_at IS NOT NULL"),
    )
    op.create_table(
        "payout_attempts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "payout_id", "number", name="pk_payout_attempts"),
        sa.UniqueConstraint("tenant_id", "key", name="uq_payout_attempts_tenant_id_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payout_id"], ["payouts.tenant_id", "payouts.id"], name="fk_payout_attempts_payouts"
        ),
    )
    op.create_table(
        "payout_batches",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("payouts", sa.Integer(), nullable=False),
        sa.Column("skipped", JSON, nullable=False),
        sa.Column("swept_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_payout_batches"),
    )
    op.create_index("ix_payout_batches_tenant_id_created_at_id", "payout_batches", ["tenant_id", "created_at", "id"])


def _sum_journals_to_zero() -> None:
    schema = op.get_bind().scalar(sa.text("SELECT quote_ident(current_schema())"))
    op.execute("CREATE SEQUENCE positions")
    op.execute(
        f"""
        CREATE FUNCTION journal_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM {schema}.postings
                WHERE tenant_id = NEW.tenant_id AND journal_id = NEW.journal_id
                GROUP BY currency HAVING sum(amount) <> 0
            ) THEN
                RAISE EXCEPTION 'journal % does not sum to zero', NEW.journal_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_sums_to_zero';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER journal_sums_to_zero AFTER INSERT OR UPDATE ON postings"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal_sums_to_zero()"
    )


def _isolate() -> None:
    mine = f"tenant_id = {CURRENT}"
    for table in (*OWN, *SHARED):
        _fence(table, mine)
    for table in REGISTERS:
        _fence(table, f"{mine} OR {CURRENT} = {PLATFORM}")
    for table in (*SHARED, *REGISTERS):
        op.execute(
            f"CREATE POLICY platform_is_read ON {table} FOR SELECT"
            f" USING (tenant_id = {PLATFORM} AND {CURRENT} IS NOT NULL)"
        )
    _fence("tenants", f"tenant_id = {PLATFORM} AND (id = {CURRENT} OR {CURRENT} = {PLATFORM})")


def _fence(table: str, condition: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_is_own ON {table} USING ({condition}) WITH CHECK ({condition})")


def _grant() -> None:
    op.execute(
        """
        DO $$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cityos_app') THEN
                CREATE ROLE cityos_app NOLOGIN;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(
        """
        DO $$
        BEGIN
            EXECUTE format('GRANT cityos_app TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END $$
        """
    )
    op.execute("DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO cityos_app', current_schema()); END $$")
    op.execute("GRANT USAGE ON SEQUENCE positions TO cityos_app")
    op.execute("GRANT SELECT ON alembic_version TO cityos_app")
    for table in ("tenants", *REGISTERS, *SHARED, *OWN):
        op.execute(f"GRANT SELECT, INSERT ON {table} TO cityos_app")
    for changing in CHANGING:
        table, _, columns = changing.partition(" ")
        op.execute(f"GRANT UPDATE {columns} ON {table} TO cityos_app")
    for table in REMOVABLE:
        op.execute(f"GRANT DELETE ON {table} TO cityos_app")


def _keep_journals() -> None:
    for table in ("journals", "postings"):
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"
            )
