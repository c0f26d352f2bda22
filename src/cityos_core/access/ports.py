"""What access needs: storage, an identity provider, a decision maker, a limiter, and randomness."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from cityos_core.access.conditions import Condition
from cityos_core.access.model import (
    ApiKey,
    Assignment,
    Claims,
    Decision,
    Impersonation,
    Principal,
    RateLimit,
    Resource,
)
from cityos_core.kernel.ids import ApiKeyId, AssignmentId, ImpersonationId
from cityos_core.kernel.paging import Page, PageRequest


class ApiKeys(Protocol):
    """API keys: a tenant's own, and all of them for the platform. Lists are oldest first."""

    def add(self, key: ApiKey) -> None:
        """Store a new key."""
        ...

    def save(self, key: ApiKey) -> None:
        """Store a changed key, one version up; ``Conflict("stale")`` if someone was first."""
        ...

    def get(self, key_id: ApiKeyId) -> ApiKey:
        """Give a key, or ``NotFound("api_key_not_found")``."""
        ...

    def with_hashes(self, hashes: Collection[str]) -> dict[str, ApiKey]:
        """Give the keys with these hashes in one query, by hash; unknown ones are absent."""
        ...

    def page(self, request: PageRequest) -> Page[ApiKey]:
        """List the scope's own keys."""
        ...

    def touch(self, key_id: ApiKeyId, at: datetime) -> None:
        """Remember that a key was used; its version stays."""
        ...


class Assignments(Protocol):
    """Who was given which role: a tenant's own, and all of them for the platform."""

    def add(self, assignment: Assignment) -> None:
        """Store a new assignment; ``Conflict("assigned")`` if the user has that role there already."""
        ...

    def remove(self, assignment_id: AssignmentId) -> None:
        """Take an assignment away, or ``NotFound("assignment_not_found")``."""
        ...

    def get(self, assignment_id: AssignmentId) -> Assignment:
        """Give an assignment, or ``NotFound("assignment_not_found")``."""
        ...

    def of_user(self, names: Collection[str]) -> list[Assignment]:
        """List what a user was given under any of these names (subject, e-mail address), in one query."""
        ...

    def page(self, request: PageRequest) -> Page[Assignment]:
        """List the scope's own assignments, oldest first."""
        ...


class Impersonations(Protocol):
    """Who acts as whom in one tenant; the platform sees all."""

    def add(self, impersonation: Impersonation) -> None:
        """Store a new one."""
        ...

    def save(self, impersonation: Impersonation) -> None:
        """Store a changed one, one version up; ``Conflict("stale")`` if someone was first."""
        ...

    def get(self, impersonation_id: ImpersonationId) -> Impersonation:
        """Give one, or ``NotFound("impersonation_not_found")``."""
        ...

    def page(self, request: PageRequest) -> Page[Impersonation]:
        """List the scope's own, newest first."""
        ...


class Tokens(Protocol):
    """Proves access tokens of an identity provider; fails closed."""

    def verify(self, token: str) -> Claims:
        """Give what a token says, or ``Unauthenticated``; ``Unavailable`` if its keys cannot be had."""
        ...


class Policy(Protocol):
    """Decides; fails closed: whatever cannot be decided is a no."""

    def decide(self, principal: Principal, action: str, resource: Resource) -> Decision:
        """Say whether a principal may do something to a resource."""
        ...

    def plan(self, principal: Principal, action: str, resource: Resource) -> Condition:
        """Say for which resources of a kind it would be a yes; what ``resource`` knows is given, the rest is asked."""
        ...


@frozen(kw_only=True)
class Allowance:
    """What is left of a rate limit."""

    allowed: bool
    limit: int
    remaining: int
    reset_after_s: float
    """When everything would be available again."""
    retry_after_s: float = 0
    """When the next request would be allowed, if this one was not."""


class RateLimiter(Protocol):
    """Counts requests (GCRA), atomically across whoever shares it. Fails open: losing it must not stop business."""

    def take(self, key: str, limit: RateLimit) -> Allowance:
        """Count one request of a key."""
        ...


class Randomness(Protocol):
    """Gives what nobody can guess."""

    def pick(self, alphabet: Sequence[str], count: int) -> str:
        """Choose characters independently and evenly."""
        ...
