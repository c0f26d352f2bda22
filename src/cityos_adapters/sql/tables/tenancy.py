"""The tree, the register of tenants, stores, domains, setting values and revisions."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Named,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    literal_column,
)

from cityos_adapters.sql.columns import KEY, METADATA, Choice, Data, Document, Instant, one_of
from cityos_adapters.sql.tables.owned import Owned, Versioned
from cityos_core.tenancy.domains import DomainStatus
from cityos_core.tenancy.model import Level, NodeStatus, Portal, TenantStatus


class NodeColumns(Versioned):
    """A place in the tree."""

    parent_tenant_id: Named[UUID] = Column(Uuid)
    """Whose the parent is, and with it the names below it: a store's names are the tenant's, all others the platform's."""
    parent_id: Named[UUID | None] = Column(Uuid)
    level: Named[Level] = Column(Choice(Level))
    handle: Named[str] = Column(KEY)
    name: Named[str] = Column(Text)
    path: Named[str] = Column(KEY)
    status: Named[NodeStatus] = Column(Choice(NodeStatus))
    properties: Named[object] = Column(Data)


nodes: Final = Table(
    "nodes",
    METADATA,
    NodeColumns,
    UniqueConstraint("parent_tenant_id", "path"),
    ForeignKeyConstraint(["parent_tenant_id", "parent_id"], ["nodes.tenant_id", "nodes.id"]),
    one_of("level", Level),
    one_of("status", NodeStatus),
)
Index(None, nodes.c.id)
Index(None, nodes.c.path)


class TenantColumns(Versioned):
    """A tenant. The register is the platform's: ``tenant_id`` is the platform, ``id`` the tenant."""

    handle: Named[str] = Column(KEY)
    name: Named[str] = Column(Text)
    path: Named[str] = Column(KEY)
    kind: Named[str] = Column(Text)
    status: Named[TenantStatus] = Column(Choice(TenantStatus))
    reason: Named[str | None] = Column(Text)
    tier: Named[str] = Column(Text)
    currency: Named[str] = Column(Text)
    time_zone: Named[str] = Column(Text)
    locale: Named[str] = Column(Text)
    parent_tenant_id: Named[UUID | None] = Column(Uuid)


tenants: Final = Table(
    "tenants", METADATA, TenantColumns, UniqueConstraint("tenant_id", "handle"), one_of("status", TenantStatus)
)


class StoreColumns(Versioned):
    """A store of a tenant."""

    handle: Named[str] = Column(KEY)
    name: Named[str] = Column(Text)
    kind: Named[str] = Column(Text)
    channel: Named[str] = Column(Text)
    countries: Named[tuple[str, ...]] = Column(Document(tuple[str, ...]))
    currencies: Named[tuple[str, ...]] = Column(Document(tuple[str, ...]))
    portals: Named[tuple[Portal, ...]] = Column(Document(tuple[Portal, ...]))


stores: Final = Table("stores", METADATA, StoreColumns, UniqueConstraint("tenant_id", "handle"))


class DomainColumns(Versioned):
    """A name that a tenant, or one of its stores, answers to."""

    name: Named[str] = Column(KEY)
    store: Named[str | None] = Column(Text)
    token: Named[str] = Column(Text)
    status: Named[DomainStatus] = Column(Choice(DomainStatus))
    reason: Named[str | None] = Column(Text)
    created_at: Named[datetime] = Column(Instant)
    proven_at: Named[datetime | None] = Column(Instant)
    check_at: Named[datetime | None] = Column(Instant)


domains: Final = Table("domains", METADATA, DomainColumns, UniqueConstraint("id"), one_of("status", DomainStatus))
IS_ACTIVE: Final = literal_column("status = 'active'", Boolean())
_IS_KEPT = literal_column("status <> 'removed'", Boolean())
_IS_CHECKED = domains.c.check_at.is_not(None)
Index(None, domains.c.tenant_id, domains.c.name, domains.c.id)
Index("uq_domains_name", domains.c.name, unique=True, postgresql_where=IS_ACTIVE, sqlite_where=IS_ACTIVE)
Index(
    "uq_domains_tenant_id_name",
    domains.c.tenant_id,
    domains.c.name,
    unique=True,
    postgresql_where=_IS_KEPT,
    sqlite_where=_IS_KEPT,
)
Index(None, domains.c.check_at, domains.c.id, postgresql_where=_IS_CHECKED, sqlite_where=_IS_CHECKED)


class SettingColumns(Owned):
    """A value stored at a node for a key."""

    node_id: Named[UUID] = Column(Uuid, primary_key=True)
    key: Named[str] = Column(KEY, primary_key=True)
    value: Named[object] = Column(Data)
    locked: Named[bool] = Column(Boolean)


setting_entries: Final = Table("setting_entries", METADATA, SettingColumns)
Index(None, setting_entries.c.node_id)


class RevisionColumns(Owned):
    """How often an owner wrote configuration."""

    number: Named[int] = Column(BigInteger)


revisions: Final = Table("revisions", METADATA, RevisionColumns)
