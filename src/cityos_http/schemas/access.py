"""API keys, roles of users and impersonations as the API shows and takes them."""

from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.access.assigning import LONGEST_USER
from cityos_core.access.impersonating import LONGEST_REASON
from cityos_core.access.key_policy import LONGEST_NAME, MOST_NETWORKS, KeyDraft
from cityos_core.access.model import (
    ApiKey,
    Assignment,
    Environment,
    Grant,
    Impersonation,
    ImpersonationStatus,
    KeyKind,
    RateLimit,
    Reach,
)
from cityos_core.access.placing import Where
from cityos_core.kernel.ids import ApiKeyId, AssignmentId, ImpersonationId
from cityos_http.schema import about

USER = about(
    "The subject of a user's tokens, or an e-mail address.", example="kim@acme.example", least=1, most=LONGEST_USER
)


@frozen(kw_only=True)
class GrantView:
    """A role and where it holds."""

    role: str
    reach: Reach
    path: str
    subject: str | None

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """Show a grant."""
        return cls(role=grant.role, reach=grant.reach, path=grant.path, subject=grant.subject)


@frozen(kw_only=True)
class RateLimitView:
    """At most so many requests in so many seconds, with so many at once."""

    requests: int = field(metadata=about("Requests.", example=100, least=1))
    seconds: int = field(default=60, metadata=about("Seconds.", example=60, least=1))
    burst: int | None = field(default=None, metadata=about("At once; all of them unless said.", least=1))

    @classmethod
    def of(cls, limit: RateLimit) -> Self:
        """Show a limit."""
        return cls(requests=limit.requests, seconds=limit.seconds, burst=limit.burst)

    def limit(self) -> RateLimit:
        """Give what the core knows."""
        return RateLimit(requests=self.requests, seconds=self.seconds, burst=self.burst)


@frozen(kw_only=True)
class ApiKeyView:
    """What is stored of a key: never the key itself."""

    id: ApiKeyId
    name: str
    kind: KeyKind
    environment: Environment
    prefix: str
    last_four: str
    grant: GrantView
    scopes: tuple[str, ...]
    allow_list: tuple[str, ...]
    rate_limit: RateLimitView | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: ApiKeyId | None
    last_used_at: datetime | None
    version: int

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """Show a key."""
        return cls(
            id=key.id,
            name=key.name,
            kind=key.kind,
            environment=key.environment,
            prefix=key.prefix,
            last_four=key.last_four,
            grant=GrantView.of(key.grant),
            scopes=tuple(sorted(key.scopes or ())),
            allow_list=key.allow_list,
            rate_limit=None if key.rate_limit is None else RateLimitView.of(key.rate_limit),
            created_at=key.created_at,
            created_by=key.created_by,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            replaced_by=key.replaced_by,
            last_used_at=key.last_used_at,
            version=key.version,
        )


@frozen(kw_only=True)
class NewApiKeyView:
    """A key that was just made, with its text, which is shown this once and stored nowhere."""

    key: ApiKeyView
    text: str | None = field(
        metadata=about("Keep it; nobody can show it again. Null where the request was answered before.")
    )


@frozen(kw_only=True)
class ApiKeyRequest:
    """A key to make. It can do no more than who makes it."""

    name: str = field(metadata=about("What it is for.", example="warehouse", least=1, most=LONGEST_NAME))
    kind: KeyKind = KeyKind.SECRET
    environment: Environment = Environment.LIVE
    role: str | None = field(default=None, metadata=about("What it may do.", example="operator"))
    vendor: str | None = field(default=None, metadata=about("For one vendor, by handle."))
    store: str | None = field(default=None, metadata=about("In one store, by handle."))
    scopes: tuple[str, ...] = field(
        default=(), metadata=about("For a restricted key: resource:verb, each a name or a star.", example=["orders:*"])
    )
    allow_list: tuple[str, ...] = field(
        default=(), metadata=about("Networks it may be used from.", example=["203.0.113.0/24"], most=MOST_NETWORKS)
    )
    rate_limit: RateLimitView | None = None
    expires_at: datetime | None = None

    def draft(self) -> KeyDraft:
        """Give what the core knows."""
        return KeyDraft(
            name=self.name,
            kind=self.kind,
            environment=self.environment,
            role=self.role,
            where=Where(vendor=self.vendor, store=self.store),
            scopes=frozenset(self.scopes),
            allow_list=self.allow_list,
            rate_limit=None if self.rate_limit is None else self.rate_limit.limit(),
            expires_at=self.expires_at,
        )


@frozen(kw_only=True)
class RotationRequest:
    """How long the old key goes on working."""

    works_until: datetime | None = field(default=None, metadata=about("A day from now unless said."))


@frozen(kw_only=True)
class AssignmentView:
    """A role given to a user."""

    id: AssignmentId
    user: str
    grant: GrantView
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, assignment: Assignment) -> Self:
        """Show an assignment."""
        return cls(
            id=assignment.id,
            user=assignment.user,
            grant=GrantView.of(assignment.grant),
            created_at=assignment.created_at,
            created_by=assignment.created_by,
        )


@frozen(kw_only=True)
class AssignmentRequest:
    """A role to give to a user."""

    user: str = field(metadata=USER)
    role: str = field(metadata=about("What the user may do.", example="operator", least=1))
    store: str | None = field(default=None, metadata=about("In one store only, by handle."))


@frozen(kw_only=True)
class ImpersonationView:
    """Support acting as a user, for a stated reason."""

    id: ImpersonationId
    actor: str
    user: str
    grants: tuple[GrantView, ...]
    reason: str
    status: ImpersonationStatus
    started_at: datetime
    expires_at: datetime
    version: int

    @classmethod
    def of(cls, impersonation: Impersonation) -> Self:
        """Show an impersonation."""
        return cls(
            id=impersonation.id,
            actor=impersonation.actor,
            user=impersonation.user,
            grants=tuple(map(GrantView.of, impersonation.grants)),
            reason=impersonation.reason,
            status=impersonation.status,
            started_at=impersonation.started_at,
            expires_at=impersonation.expires_at,
            version=impersonation.version,
        )


@frozen(kw_only=True)
class ImpersonationRequest:
    """As whom to act, and why."""

    user: str = field(metadata=USER)
    reason: str = field(metadata=about("Why.", example="ticket 4711", least=1, most=LONGEST_REASON))
