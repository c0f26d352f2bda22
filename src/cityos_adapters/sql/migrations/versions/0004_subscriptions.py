"""Subscriptions and their billing: plans, cycles, invoices, credit notes, attempts, dunning, usage, movements, runs.

This is what was released; it is never edited, and imports nothing that will change.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(sa.Text(), "sqlite")
WHOLE = sa.Numeric().with_variant(sa.Text(), "sqlite")

CURRENT = "nullif(current_setting('app.tenant_id', true), '')::uuid"

TABLES = (
    "plans",
    "subscriptions",
    "usage_records",
    "movements",
    "billing_cycles",
    "invoices",
    "number_series",
    "credit_notes",
    "payment_attempts",
    "dunning_cases",
    "billing_runs",
)
"""Everyone reads, and adds to, their own rows; nothing is ever deleted from any."""

CHANGING = (
    "plans",
    "subscriptions",
    "usage_records (is_late)",
    "billing_cycles",
    "invoices (version, number, status, from_credit, credited, issued_at, due_at, settled_at, recognised, recognise_at)",
    "number_series (last)",
    "payment_attempts",
    "dunning_cases",
)
"""What the application may update: of an invoice what became of it, never what it charges."""

UNCHANGING = ("movements", "credit_notes", "billing_runs")
"""What nobody changes any more."""


def upgrade() -> None:
    """Make the tables and guard them."""
    _plans()
    _subscriptions()
    _usage_records()
    _movements()
    _billing_cycles()
    _invoices()
    _number_series()
    _credit_notes()
    _payment_attempts()
    _dunning_cases()
    _billing_runs()
    if op.get_context().dialect.name == "postgresql":
        _isolate()
        _grant()
    else:
        _keep()


def _where(condition: str) -> Mapping[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def _plans() -> None:
    op.create_table(
        "plans",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("handle", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("plan_items", JSON, nullable=False),
        sa.Column("trial_days", sa.Integer(), nullable=False),
        sa.Column("catch_up", sa.Text(), nullable=False),
        sa.Column("late_usage", sa.Text(), nullable=False),
        sa.Column("dunning", JSON, nullable=False),
        sa.Column("proration", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_plans"),
        sa.UniqueConstraint("tenant_id", "handle", name="uq_plans_tenant_id_handle"),
        sa.CheckConstraint("interval IN ('day', 'week', 'month', 'quarter', 'year')", name=op.f("ck_plans_interval")),
        sa.CheckConstraint(
            "catch_up IN ('bill_each', 'bill_current', 'merge', 'forgive', 'halt')", name=op.f("ck_plans_catch_up")
        ),
        sa.CheckConstraint("late_usage IN ('reprice', 'current', 'refuse')", name=op.f("ck_plans_late_usage")),
        sa.CheckConstraint("proration IN ('day', 'second')", name=op.f("ck_plans_proration")),
    )


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("subscriber_kind", sa.Text(), nullable=False),
        sa.Column("subscriber", KEY, nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("quantities", JSON, nullable=False),
        sa.Column("discounts", JSON, nullable=False),
        sa.Column("tax", JSON, nullable=True),
        sa.Column("collection_method", sa.Text(), nullable=False),
        sa.Column("terms_days", sa.Integer(), nullable=False),
        sa.Column("payment_method", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("anchor_local", sa.Text(), nullable=False),
        sa.Column("anchor_zone", sa.Text(), nullable=False),
        sa.Column("anchor_interval", sa.Text(), nullable=False),
        sa.Column("anchor_count", sa.Integer(), nullable=False),
        sa.Column("first_cycle", sa.Integer(), nullable=False),
        sa.Column("next_cycle", sa.Integer(), nullable=False),
        sa.Column("trial_ends_at", INSTANT, nullable=True),
        sa.Column("cancellation", JSON, nullable=True),
        sa.Column("scheduled", JSON, nullable=True),
        sa.Column("paused_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_subscriptions"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "plan_id"], ["plans.tenant_id", "plans.id"], name="fk_subscriptions_plans"
        ),
        sa.CheckConstraint("subscriber_kind IN ('customer', 'company')", name=op.f("ck_subscriptions_subscriber_kind")),
        sa.CheckConstraint(
            "collection_method IN ('charge', 'invoice')", name=op.f("ck_subscriptions_collection_method")
        ),
        sa.CheckConstraint(
            "status IN ('incomplete', 'trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled', 'expired')",
            name=op.f("ck_subscriptions_status"),
        ),
        sa.CheckConstraint(
            "anchor_interval IN ('day', 'week', 'month', 'quarter', 'year')",
            name=op.f("ck_subscriptions_anchor_interval"),
        ),
    )
    op.create_index(
        "ix_subscriptions_incomplete",
        "subscriptions",
        ["tenant_id", "created_at", "id"],
        **_where("status = 'incomplete'"),
    )
    op.create_index("ix_subscriptions_tenant_id_created_at_id", "subscriptions", ["tenant_id", "created_at", "id"])
    op.create_index(
        "ix_subscriptions_tenant_id_plan_id_created_at", "subscriptions", ["tenant_id", "plan_id", "created_at"]
    )
    op.create_index(
        "ix_subscriptions_tenant_id_subscriber_created_at", "subscriptions", ["tenant_id", "subscriber", "created_at"]
    )


def _usage_records() -> None:
    op.create_table(
        "usage_records",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("item", KEY, nullable=False),
        sa.Column("numerator", WHOLE, nullable=False),
        sa.Column("denominator", WHOLE, nullable=False),
        sa.Column("used_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("counts_at", INSTANT, nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id", "key", name="pk_usage_records"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscription_id"],
            ["subscriptions.tenant_id", "subscriptions.id"],
            name="fk_usage_records_subscriptions",
        ),
    )
    op.create_index(
        "ix_usage_records_late", "usage_records", ["tenant_id", "subscription_id", "counts_at"], **_where("is_late")
    )
    op.create_index(
        "ix_usage_records_tenant_id_subscription_id_counts_at",
        "usage_records",
        ["tenant_id", "subscription_id", "counts_at"],
    )


def _movements() -> None:
    op.create_table(
        "movements",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subscriber_kind", sa.Text(), nullable=False),
        sa.Column("subscriber", KEY, nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id", "number", name="pk_movements"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscription_id"],
            ["subscriptions.tenant_id", "subscriptions.id"],
            name="fk_movements_subscriptions",
        ),
        sa.CheckConstraint(
            "kind IN ('new', 'expansion', 'contraction', 'churn', 'reactivation')", name=op.f("ck_movements_kind")
        ),
        sa.CheckConstraint("subscriber_kind IN ('customer', 'company')", name=op.f("ck_movements_subscriber_kind")),
    )
    op.create_index(
        "ix_movements_tenant_id_at_subscription_id_number",
        "movements",
        ["tenant_id", "at", "subscription_id", "number"],
    )


def _billing_cycles() -> None:
    op.create_table(
        "billing_cycles",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_until", INSTANT, nullable=True),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id", "index", name="pk_billing_cycles"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscription_id"],
            ["subscriptions.tenant_id", "subscriptions.id"],
            name="fk_billing_cycles_subscriptions",
        ),
        sa.CheckConstraint(
            "status IN ('upcoming', 'processing', 'invoiced', 'paid', 'failed', 'skipped', 'voided')",
            name=op.f("ck_billing_cycles_status"),
        ),
        sa.CheckConstraint("(claimed_by IS NULL) = (claimed_until IS NULL)", name=op.f("ck_billing_cycles_claim")),
    )
    op.create_index(
        "ix_billing_cycles_due",
        "billing_cycles",
        ["tenant_id", "due_at", "subscription_id", "index"],
        **_where("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_billing_cycles_in_state", "billing_cycles", ["tenant_id", "status", "starts_at", "subscription_id", "index"]
    )
    op.create_index(
        "ix_billing_cycles_started", "billing_cycles", ["tenant_id", "starts_at", "subscription_id", "index"]
    )
    op.create_index(
        "ix_billing_cycles_dated", "billing_cycles", ["tenant_id", "subscription_id"], **_where("due_at IS NOT NULL")
    )


def _invoices() -> None:
    op.create_table(
        "invoices",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("entity", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("subscriber_kind", sa.Text(), nullable=False),
        sa.Column("subscriber", KEY, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("lines", JSON, nullable=False),
        sa.Column("tax", JSON, nullable=True),
        sa.Column("collection_method", sa.Text(), nullable=False),
        sa.Column("terms_days", sa.Integer(), nullable=False),
        sa.Column("from_credit", sa.BigInteger(), nullable=False),
        sa.Column("credited", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=True),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("recognised", sa.BigInteger(), nullable=False),
        sa.Column("recognise_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_invoices"),
        sa.UniqueConstraint("tenant_id", "entity", "number", name="uq_invoices_tenant_id_entity_number"),
        sa.UniqueConstraint(
            "tenant_id", "subscription_id", "cycle", "change", name="uq_invoices_tenant_id_subscription_id_cycle_change"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscription_id"],
            ["subscriptions.tenant_id", "subscriptions.id"],
            name="fk_invoices_subscriptions",
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'open', 'paid', 'void', 'uncollectible')", name=op.f("ck_invoices_status")
        ),
        sa.CheckConstraint("subscriber_kind IN ('customer', 'company')", name=op.f("ck_invoices_subscriber_kind")),
        sa.CheckConstraint("collection_method IN ('charge', 'invoice')", name=op.f("ck_invoices_collection_method")),
    )
    op.create_index("ix_invoices_open", "invoices", ["tenant_id", "due_at"], **_where("status = 'open'"))
    op.create_index("ix_invoices_tenant_id_created_at_id", "invoices", ["tenant_id", "created_at", "id"])
    op.create_index(
        "ix_invoices_tenant_id_recognise_at_id",
        "invoices",
        ["tenant_id", "recognise_at", "id"],
        **_where("recognise_at IS NOT NULL"),
    )
    op.create_index(
        "ix_invoices_tenant_id_subscriber_created_at", "invoices", ["tenant_id", "subscriber", "created_at"]
    )


def _number_series() -> None:
    op.create_table(
        "number_series",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("series", KEY, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "series", name="pk_number_series"),
    )


def _credit_notes() -> None:
    op.create_table(
        "credit_notes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("entity", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("lines", JSON, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_credit_notes"),
        sa.UniqueConstraint("tenant_id", "entity", "number", name="uq_credit_notes_tenant_id_entity_number"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"], name="fk_credit_notes_invoices"
        ),
    )
    op.create_index(
        "ix_credit_notes_tenant_id_invoice_id_number", "credit_notes", ["tenant_id", "invoice_id", "number"]
    )


def _payment_attempts() -> None:
    op.create_table(
        "payment_attempts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("decline", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("inquiries", sa.Integer(), nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint(
            "tenant_id", "subscription_id", "cycle", "change", "number", name="pk_payment_attempts"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"], name="fk_payment_attempts_invoices"
        ),
        sa.CheckConstraint("origin IN ('billing', 'retry', 'customer')", name=op.f("ck_payment_attempts_origin")),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'declined', 'unknown')", name=op.f("ck_payment_attempts_status")
        ),
        sa.CheckConstraint("decline IN ('soft', 'hard', 'authentication')", name=op.f("ck_payment_attempts_decline")),
    )
    op.create_index(
        "ix_payment_attempts_due",
        "payment_attempts",
        ["tenant_id", "next_at", "subscription_id", "cycle", "change", "number"],
        **_where("next_at IS NOT NULL"),
    )
    op.create_index(
        "ix_payment_attempts_tenant_id_invoice_id_number", "payment_attempts", ["tenant_id", "invoice_id", "number"]
    )


def _dunning_cases() -> None:
    op.create_table(
        "dunning_cases",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("first_failed_at", INSTANT, nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("next_day", sa.Integer(), nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("needs_method", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "invoice_id", name="pk_dunning_cases"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"], name="fk_dunning_cases_invoices"
        ),
    )
    op.create_index(
        "ix_dunning_cases_tenant_id_next_at_invoice_id",
        "dunning_cases",
        ["tenant_id", "next_at", "invoice_id"],
        **_where("next_at IS NOT NULL"),
    )
    op.create_index(
        "ix_dunning_cases_tenant_id_subscription_id",
        "dunning_cases",
        ["tenant_id", "subscription_id"],
        **_where("next_at IS NOT NULL"),
    )


def _billing_runs() -> None:
    op.create_table(
        "billing_runs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=False),
        sa.Column("certificate", JSON, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_billing_runs"),
    )
    op.create_index("ix_billing_runs_tenant_id_started_at_id", "billing_runs", ["tenant_id", "started_at", "id"])


def _isolate() -> None:
    mine = f"tenant_id = {CURRENT}"
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant_is_own ON {table} USING ({mine}) WITH CHECK ({mine})")


def _grant() -> None:
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO cityos_app")
    for changing in CHANGING:
        table, _, columns = changing.partition(" ")
        op.execute(f"GRANT UPDATE {columns} ON {table} TO cityos_app")


def _keep() -> None:
    for table in UNCHANGING:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"
            )
