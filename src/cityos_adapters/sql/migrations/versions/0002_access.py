"""Access, audit, exports and repeated requests: domains, team members, keys, roles, the chain, and their guards.

This is what was released; it is never edited, and imports nothing that will change.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(sa.Text(), "sqlite")

PLATFORM = "'00000000-0000-0000-0000-000000000000'::uuid"
CURRENT = "nullif(current_setting('app.tenant_id', true), '')::uuid"

OWN = ("team_members", "exports", "export_chunks", "answers", "audit_entries", "audit_targets", "audit_heads")
"""Everyone reads and writes their own rows."""

GUARDED = ("domains", "api_keys", "assignments", "impersonations")
"""The platform reads and writes all rows; a tenant only its own, and reads none of the platform's."""

GROWING = (*GUARDED, "team_members", "exports", "export_chunks", "answers", "audit_entries", "audit_targets")
"""What the application may add to; the end of a chain is moved by adding to the chain."""

CHANGING = ("domains", "api_keys", "impersonations", "exports", "export_chunks", "answers")
"""What the application may update."""

REMOVABLE = ("team_members", "assignments", "answers")
"""What the application may delete from."""

SOME = 1000
"""How many vendors are read at once."""


def upgrade() -> None:
    """Make the tables, guard them, and write down who is on whose team."""
    _domains()
    _team_members()
    _access()
    _exports()
    _answers()
    _audit()
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE vendors NO FORCE ROW LEVEL SECURITY")
        _list_team_members()
        op.execute("ALTER TABLE vendors FORCE ROW LEVEL SECURITY")
        _seal_entries()
        _isolate()
        _grant()
    else:
        _list_team_members()
        _keep_entries()


def _where(condition: str) -> Mapping[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def _domains() -> None:
    op.create_table(
        "domains",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("store", sa.Text(), nullable=True),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("proven_at", INSTANT, nullable=True),
        sa.Column("check_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_domains"),
        sa.UniqueConstraint("id", name="uq_domains_id"),
        sa.CheckConstraint(
            "status IN ('pending_dns', 'verifying', 'active', 'failed', 'removed')", name=op.f("ck_domains_status")
        ),
    )
    op.create_index("ix_domains_tenant_id_name_id", "domains", ["tenant_id", "name", "id"])
    op.create_index("uq_domains_name", "domains", ["name"], unique=True, **_where("status = 'active'"))
    op.create_index(
        "uq_domains_tenant_id_name", "domains", ["tenant_id", "name"], unique=True, **_where("status <> 'removed'")
    )
    op.create_index("ix_domains_check_at_id", "domains", ["check_at", "id"], **_where("check_at IS NOT NULL"))


def _team_members() -> None:
    op.create_table(
        "team_members",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("email", KEY, nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "email", "vendor_id", name="pk_team_members"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "vendor_id"], ["vendors.tenant_id", "vendors.id"], name="fk_team_members_vendors"
        ),
    )
    op.create_index("ix_team_members_tenant_id_vendor_id", "team_members", ["tenant_id", "vendor_id"])


def _access() -> None:
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("grant", JSON, nullable=False),
        sa.Column("scopes", JSON, nullable=True),
        sa.Column("allow_list", JSON, nullable=False),
        sa.Column("rate_limit", JSON, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("replaced_by", sa.Uuid(), nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_api_keys"),
        sa.UniqueConstraint("id", name="uq_api_keys_id"),
        sa.UniqueConstraint("hash", name="uq_api_keys_hash"),
        sa.CheckConstraint("kind IN ('cpk', 'csk', 'crk')", name=op.f("ck_api_keys_kind")),
        sa.CheckConstraint("environment IN ('live', 'test')", name=op.f("ck_api_keys_environment")),
    )
    op.create_index("ix_api_keys_tenant_id_created_at_id", "api_keys", ["tenant_id", "created_at", "id"])
    op.create_table(
        "assignments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_name", KEY, nullable=False),
        sa.Column("role", KEY, nullable=False),
        sa.Column("reach", sa.Text(), nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_assignments"),
        sa.UniqueConstraint("id", name="uq_assignments_id"),
        sa.UniqueConstraint(
            "tenant_id",
            "user_name",
            "role",
            "reach",
            "path",
            "subject",
            name="uq_assignments_tenant_id_user_name_role_reach_path_subject",
        ),
        sa.CheckConstraint(
            "reach IN ('own', 'company', 'store', 'tenant', 'subtree', 'platform')", name=op.f("ck_assignments_reach")
        ),
    )
    op.create_index("ix_assignments_user_name", "assignments", ["user_name"])
    op.create_index("ix_assignments_tenant_id_created_at_id", "assignments", ["tenant_id", "created_at", "id"])
    op.create_table(
        "impersonations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("grants", JSON, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_impersonations"),
        sa.UniqueConstraint("id", name="uq_impersonations_id"),
        sa.CheckConstraint("status IN ('active', 'ended')", name=op.f("ck_impersonations_status")),
    )
    op.create_index("ix_impersonations_tenant_id_started_at_id", "impersonations", ["tenant_id", "started_at", "id"])


def _exports() -> None:
    op.create_table(
        "exports",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("filters", JSON, nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_exports"),
        sa.CheckConstraint(
            "kind IN ('orders', 'commissions', 'journals', 'payouts', 'audit-log', 'products', 'vendors')",
            name=op.f("ck_exports_kind"),
        ),
        sa.CheckConstraint("format IN ('csv', 'jsonl')", name=op.f("ck_exports_format")),
        sa.CheckConstraint("status IN ('queued', 'running', 'succeeded', 'failed')", name=op.f("ck_exports_status")),
    )
    op.create_index("ix_exports_tenant_id_created_at_id", "exports", ["tenant_id", "created_at", "id"])
    op.create_index(
        "ix_exports_unfinished",
        "exports",
        ["tenant_id", "created_at", "id"],
        **_where("status IN ('queued', 'running')"),
    )
    op.create_table(
        "export_chunks",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "export_id", "number", name="pk_export_chunks"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "export_id"], ["exports.tenant_id", "exports.id"], name="fk_export_chunks_exports"
        ),
    )


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("principal", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("reply", JSON, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "principal", "key", name="pk_answers"),
    )
    op.create_index("ix_answers_tenant_id_created_at", "answers", ["tenant_id", "created_at"])


def _audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("principal", KEY, nullable=False),
        sa.Column("action", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_audit_entries"),
        sa.UniqueConstraint("tenant_id", "sequence", name="uq_audit_entries_tenant_id_sequence"),
    )
    op.create_index("ix_audit_entries_tenant_id_occurred_at", "audit_entries", ["tenant_id", "occurred_at"])
    op.create_index(
        "ix_audit_entries_tenant_id_principal_sequence", "audit_entries", ["tenant_id", "principal", "sequence"]
    )
    op.create_index("ix_audit_entries_tenant_id_action_sequence", "audit_entries", ["tenant_id", "action", "sequence"])
    op.create_index(
        "ix_audit_entries_tenant_id_request_id",
        "audit_entries",
        ["tenant_id", "request_id"],
        **_where("request_id IS NOT NULL"),
    )
    op.create_table(
        "audit_targets",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("target", KEY, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "entry_id", "kind", "target", name="pk_audit_targets"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "entry_id"],
            ["audit_entries.tenant_id", "audit_entries.id"],
            name="fk_audit_targets_audit_entries",
        ),
    )
    op.create_index("ix_audit_targets_tenant_id_kind_target", "audit_targets", ["tenant_id", "kind", "target"])
    op.create_table(
        "audit_heads",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_audit_heads"),
    )


def _list_team_members() -> None:
    vendors = sa.table(
        "vendors", sa.column("tenant_id", sa.Uuid()), sa.column("id", sa.Uuid()), sa.column("team", JSON)
    )
    members = sa.table(
        "team_members",
        sa.column("tenant_id", sa.Uuid()),
        sa.column("email", sa.Text()),
        sa.column("vendor_id", sa.Uuid()),
    )
    connection = op.get_bind()
    for rows in connection.execute(sa.select(vendors)).partitions(SOME):
        found = [
            {"tenant_id": tenant, "email": email, "vendor_id": vendor}
            for tenant, vendor, team in rows
            for email in {member["email"].lower() for member in (team if isinstance(team, list) else json.loads(team))}
        ]
        if found:
            connection.execute(sa.insert(members), found)


def _seal_entries() -> None:
    schema = op.get_bind().scalar(sa.text("SELECT quote_ident(current_schema())"))
    op.execute(
        f"""
        CREATE FUNCTION seal_audit_entry() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            LOOP
                UPDATE {schema}.audit_heads SET
                    sequence = sequence + 1,
                    previous = hash,
                    hash = encode(sha256(convert_to(
                        (sequence + 1) || E'\\n' || hash || E'\\n' || NEW.body, 'UTF8'
                    )), 'hex')
                WHERE tenant_id = NEW.tenant_id
                RETURNING sequence, previous, hash INTO NEW.sequence, NEW.previous, NEW.hash;
                EXIT WHEN FOUND;
                INSERT INTO {schema}.audit_heads VALUES (NEW.tenant_id, 0, '', repeat('0', 64)) ON CONFLICT DO NOTHING;
            END LOOP;
            IF EXISTS (SELECT FROM {schema}.audit_entries WHERE tenant_id = NEW.tenant_id AND id = NEW.id) THEN
                RAISE EXCEPTION 'entry % is in the chain', NEW.id USING ERRCODE = 'unique_violation';
            END IF;
            RETURN NEW;
        END $$
        """  # noqa: S608  the schema is quoted
    )
    op.execute("REVOKE EXECUTE ON FUNCTION seal_audit_entry() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER seal_audit_entry BEFORE INSERT ON audit_entries"
        " FOR EACH ROW EXECUTE FUNCTION seal_audit_entry()"
    )


def _isolate() -> None:
    for table in OWN:
        _fence(table, f"tenant_id = {CURRENT}")
    for table in GUARDED:
        _fence(table, f"tenant_id = {CURRENT} OR {CURRENT} = {PLATFORM}")


def _fence(table: str, condition: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_is_own ON {table} USING ({condition}) WITH CHECK ({condition})")


def _grant() -> None:
    for table in (*OWN, *GUARDED):
        op.execute(f"GRANT SELECT ON {table} TO cityos_app")
    for table in GROWING:
        op.execute(f"GRANT INSERT ON {table} TO cityos_app")
    for table in CHANGING:
        op.execute(f"GRANT UPDATE ON {table} TO cityos_app")
    for table in REMOVABLE:
        op.execute(f"GRANT DELETE ON {table} TO cityos_app")


def _keep_entries() -> None:
    for table in ("audit_entries", "audit_targets"):
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"
            )
