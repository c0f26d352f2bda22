"""Answers that were given, so that a request which is repeated is answered and not done again."""

from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from cityos_core.kernel.ids import TenantId

KEPT: Final = timedelta(days=7)
"""How long an answer can be replayed."""

LEASE: Final = timedelta(minutes=5)
"""How long a request that runs in several transactions keeps others with its key out, unless it ends before."""


@frozen(kw_only=True)
class Ask:
    """A request that must happen once: who asks, under which key, and a fingerprint of what."""

    principal: str
    key: str
    fingerprint: str


@frozen(kw_only=True)
class Reply:
    """An answer in full; ``headers`` are those that belong to it."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@frozen(kw_only=True)
class Answered:
    """A key that was used; ``reply`` is missing while the request is under way."""

    tenant_id: TenantId
    principal: str
    key: str
    fingerprint: str
    created_at: datetime
    leased_until: datetime | None = None
    reply: Reply | None = None

    @property
    def is_given_back(self) -> bool:
        """True if what was asked for under it failed: the key is as new."""
        return self.reply is None and self.leased_until is None
