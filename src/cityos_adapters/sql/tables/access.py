"""API keys, who was given which role, and impersonations."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Column, Index, Named, Table, Text, UniqueConstraint, Uuid

from cityos_adapters.sql.columns import KEY, METADATA, Choice, Document, Instant, one_of
from cityos_adapters.sql.tables.owned import Identified, Versioned
from cityos_core.access.model import Environment, Grant, ImpersonationStatus, KeyKind, RateLimit, Reach


class ApiKeyColumns(Versioned):
    """A key, known by its hash."""

    name: Named[str] = Column(Text)
    kind: Named[KeyKind] = Column(Choice(KeyKind))
    environment: Named[Environment] = Column(Choice(Environment))
    hash: Named[str] = Column(KEY)
    last_four: Named[str] = Column(Text)
    grant: Named[Grant] = Column(Document(Grant))
    scopes: Named[tuple[str, ...] | None] = Column(Document(tuple[str, ...]))
    allow_list: Named[tuple[str, ...]] = Column(Document(tuple[str, ...]))
    rate_limit: Named[RateLimit | None] = Column(Document(RateLimit))
    created_at: Named[datetime] = Column(Instant)
    created_by: Named[str] = Column(Text)
    expires_at: Named[datetime | None] = Column(Instant)
    revoked_at: Named[datetime | None] = Column(Instant)
    replaced_by: Named[UUID | None] = Column(Uuid)
    last_used_at: Named[datetime | None] = Column(Instant)


api_keys: Final = Table(
    "api_keys",
    METADATA,
    ApiKeyColumns,
    UniqueConstraint("id"),
    UniqueConstraint("hash"),
    one_of("kind", KeyKind),
    one_of("environment", Environment),
)
Index(None, api_keys.c.tenant_id, api_keys.c.created_at, api_keys.c.id)


class AssignmentColumns(Identified):
    """A role given to a user; ``subject`` is empty where the grant names none, so that there can be no two of them."""

    user_name: Named[str] = Column(KEY)
    role: Named[str] = Column(KEY)
    reach: Named[Reach] = Column(Choice(Reach))
    path: Named[str] = Column(KEY)
    subject: Named[str] = Column(KEY)
    created_at: Named[datetime] = Column(Instant)
    created_by: Named[str] = Column(Text)


assignments: Final = Table(
    "assignments",
    METADATA,
    AssignmentColumns,
    UniqueConstraint("id"),
    UniqueConstraint("tenant_id", "user_name", "role", "reach", "path", "subject"),
    one_of("reach", Reach),
)
Index(None, assignments.c.user_name)
Index(None, assignments.c.tenant_id, assignments.c.created_at, assignments.c.id)


class ImpersonationColumns(Versioned):
    """Someone who acts as someone else."""

    actor: Named[str] = Column(Text)
    user_name: Named[str] = Column(Text)
    grants: Named[tuple[Grant, ...]] = Column(Document(tuple[Grant, ...]))
    reason: Named[str] = Column(Text)
    started_at: Named[datetime] = Column(Instant)
    expires_at: Named[datetime] = Column(Instant)
    status: Named[ImpersonationStatus] = Column(Choice(ImpersonationStatus))


impersonations: Final = Table(
    "impersonations", METADATA, ImpersonationColumns, UniqueConstraint("id"), one_of("status", ImpersonationStatus)
)
Index(None, impersonations.c.tenant_id, impersonations.c.started_at, impersonations.c.id)
