"""What the audit needs from storage."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from attrs import frozen

from cityos_core.audit.model import Entry, Record
from cityos_core.kernel.paging import Page, PageRequest


@frozen(kw_only=True)
class AuditFilter:
    """Which entries: every given part must hold; instants are of the entry, ``[since, until)``.

    ``kind`` and ``target`` hold if one change is of both. Nothing is found by what is immutable
    (:data:`~cityos_core.audit.model.IMMUTABLE`): its own list says when it was recorded, and by which order or payout.
    """

    sequence: int | None = None
    principal: str | None = None
    action: str | None = None
    kind: str | None = None
    target: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@frozen
class Link:
    """A link as it is stored, for checking: ``body`` is what the hash seals; ``columns`` is what stands beside it."""

    sequence: int
    previous: str
    body: str
    hash: str
    columns: str
    """The body as it follows from the columns that lists filter by; equal to ``body`` unless someone changed one."""


class AuditTrail(Protocol):
    """The chain of one tenant. Nothing in it is ever changed or removed; storage refuses to, whoever asks."""

    def append(self, record: Record) -> None:
        """Add a link at the end, with the transaction; two transactions of one tenant commit one after the other."""
        ...

    def page(self, where: AuditFilter, request: PageRequest) -> Page[Entry]:
        """List entries, newest first."""
        ...

    def export(self, where: AuditFilter) -> Iterator[Entry]:
        """Stream entries, oldest first, in bounded memory."""
        ...

    def links(self) -> Iterator[Link]:
        """Stream the whole chain in order of sequence, in bounded memory."""
        ...

    def head(self) -> tuple[int, str]:
        """Give the last sequence and hash that the chain is said to have, kept apart from it: a cut end shows."""
        ...
