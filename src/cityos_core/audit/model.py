"""What was done, by whom, to what: entries that form one chain per tenant."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from attrs import frozen

from cityos_core.kernel.caller import Caller
from cityos_core.kernel.ids import TenantId
from cityos_core.tenancy.model import Json

GENESIS: Final = "0" * 64
"""What the first entry of a chain follows."""

IMMUTABLE: Final = frozenset({"journal", "commission_entry", "movement"})
"""Kinds of records that only grow and are guarded by the database: the trail names them and does not repeat them."""


class Verb(StrEnum):
    """What happened to a target."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    MARKED = "marked"
    """Several records changed in one statement; ``after`` holds what the statement was told."""
    SEEN = "seen"
    """Nothing changed: someone from outside the tenant looked."""


@frozen(kw_only=True)
class Change:
    """One target as it was and as it is; ``before`` and ``after`` are objects of the core, or plain values.

    Records that nobody can change later (journals, commission transactions) are named and not repeated.
    """

    kind: str
    target: str
    verb: Verb
    before: object = None
    after: object = None


@frozen(kw_only=True)
class Record:
    """What one transaction did, as it is handed to the trail."""

    id: UUID
    tenant_id: TenantId
    occurred_at: datetime
    caller: Caller
    changes: tuple[Change, ...]

    @property
    def action(self) -> str:
        """What was asked for; where nobody said, what happened first."""
        first = self.changes[0]
        return self.caller.action or f"{first.kind}:{first.verb.value}"


@frozen(kw_only=True)
class Entry:
    """A link of the chain as it is read back. ``body`` is the text that ``hash`` seals, ``changes`` are read from it."""

    id: UUID
    tenant_id: TenantId
    sequence: int
    """Counts from 1 without a gap within a tenant."""
    occurred_at: datetime
    principal: str
    name: str
    on_behalf_of: str | None
    action: str
    reason: str | None
    request_id: str | None
    address: str | None
    changes: tuple[Mapping[str, Json], ...]
    """Each with ``kind``, ``target``, ``verb``, ``before`` and ``after``; a change names only the fields that differ."""
    previous: str
    hash: str


@frozen(kw_only=True)
class Verification:
    """What a walk along the chain found: how many links hold, and the first that does not, and why."""

    entries: int
    head: str
    broken_at: int | None = None
    problem: str | None = None

    @property
    def is_whole(self) -> bool:
        """True if every link holds."""
        return self.broken_at is None
