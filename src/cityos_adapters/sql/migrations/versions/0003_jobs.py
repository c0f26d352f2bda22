"""Jobs and schedules; the platform reaches the events of every tenant.

This is what was released; it is never edited, and imports nothing that will change.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(sa.Text(), "sqlite")

PLATFORM = "'00000000-0000-0000-0000-000000000000'::uuid"
CURRENT = "nullif(current_setting('app.tenant_id', true), '')::uuid"

GUARDED = f"tenant_id = {CURRENT} OR {CURRENT} = {PLATFORM}"
"""The platform reads and writes all rows; a tenant only its own, and reads none of the platform's."""

UNFINISHED = "status IN ('waiting', 'active')"


def upgrade() -> None:
    """Make the tables and guard them; let messages be found by their order and their subject."""
    _jobs()
    _schedules()
    op.create_index("ix_outbox_id", "outbox", ["id"])
    op.create_index("ix_outbox_tenant_id_subject_id", "outbox", ["tenant_id", "subject", "id"])
    if op.get_context().dialect.name == "postgresql":
        _isolate()
        _grant()


def _where(condition: str) -> Mapping[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("operation", KEY, nullable=False),
        sa.Column("arguments", JSON, nullable=False),
        sa.Column("key", KEY, nullable=True),
        sa.Column("entity", KEY, nullable=True),
        sa.Column("entity_id", KEY, nullable=True),
        sa.Column("direction", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("woken_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_jobs"),
        sa.CheckConstraint("direction IN ('inbound', 'outbound')", name=op.f("ck_jobs_direction")),
        sa.CheckConstraint("status IN ('waiting', 'active', 'completed', 'failed')", name=op.f("ck_jobs_status")),
    )
    op.create_index("ix_jobs_tenant_id_created_at_id", "jobs", ["tenant_id", "created_at", "id"])
    op.create_index("uq_jobs_tenant_id_key", "jobs", ["tenant_id", "key"], unique=True, **_where("key IS NOT NULL"))
    op.create_index("ix_jobs_due", "jobs", ["due_at", "id"], **_where(UNFINISHED))
    line = ["tenant_id", "entity", "entity_id", "created_at", "id"]
    op.create_index("ix_jobs_line", "jobs", line, **_where(UNFINISHED))
    op.create_index("ix_jobs_pending", "jobs", ["tenant_id", "operation"], **_where(UNFINISHED))
    finished = ["tenant_id", "status", "finished_at", "id"]
    op.create_index("ix_jobs_finished", "jobs", finished, **_where("status IN ('completed', 'failed')"))


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("operation", KEY, nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "operation", name="pk_schedules"),
    )
    op.create_index("ix_schedules_next_at_tenant_id_operation", "schedules", ["next_at", "tenant_id", "operation"])


def _isolate() -> None:
    op.execute(f"ALTER POLICY tenant_is_own ON outbox USING ({GUARDED}) WITH CHECK ({GUARDED})")
    for table in ("jobs", "schedules"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant_is_own ON {table} USING ({GUARDED}) WITH CHECK ({GUARDED})")


def _grant() -> None:
    """Let the application work with the rows; to hold a message until it is told takes the right to change it."""
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO cityos_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON schedules TO cityos_app")
    op.execute("GRANT UPDATE, DELETE ON outbox TO cityos_app")
