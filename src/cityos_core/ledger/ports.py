"""What the ledger needs from storage."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.ledger.model import Account, Balance, Journal, Posted


@frozen(kw_only=True)
class JournalFilter:
    """Which journals: every given part must hold; ``account`` is a path or a prefix ending in ``:``.

    Instants are of occurrence, ``[since, until)``.
    """

    kind: str | None = None
    account: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    reference: tuple[str, str] | None = None


@frozen
class Difference:
    """An account whose stored balance is not the sum of its postings; on ``(sum of everything)`` the zero sum itself."""

    account: Account
    stored: Money
    recomputed: Money


class Ledger(Protocol):
    """The books of one tenant, inside one unit of work. Fails closed: what cannot be posted exactly is refused."""

    def post(self, journal: Journal) -> Posted:
        """Record a journal once.

        Same key and content answers *replayed* and changes nothing. ``Conflict("journal_key_reused")``: same key, other
        content. ``Refused("floor_breached")``: an account would fall below its floor. ``Conflict("already_reversed")``:
        the journal named in ``reverses`` was reversed before. After a refusal the unit of work must not commit.
        """
        ...

    def post_many(self, journals: Sequence[Journal]) -> list[Posted]:
        """Record journals in their order, as :meth:`post` would one after another; say what became of each.

        What refuses one of them refuses all. If none takes from an account with a floor, nothing is held before.
        """
        ...

    def lock(self, accounts: Iterable[Account]) -> Mapping[Account, int]:
        """Hold those accounts whose balance is kept until the unit of work ends, in sorted order.

        Give the own-side balances of all; of the others they are the sums of their postings.
        """
        ...

    def peek(self, accounts: Iterable[Account]) -> Mapping[Account, int]:
        """Give own-side balances without holding anything: by the time they are used they may be others."""
        ...

    def find(self, key: str) -> Journal | None:
        """Give the journal with a key."""
        ...


class Books(Protocol):
    """Reading the books of one tenant. All lists are in order of recording."""

    def balances(self, prefix: str = "", *, as_of: datetime | None = None) -> list[Balance]:
        """Sum the postings per account, by path and currency; up to and including an instant if one is given."""
        ...

    def journals(self, where: JournalFilter, request: PageRequest) -> Page[Journal]:
        """List journals, newest last."""
        ...

    def export(self, where: JournalFilter) -> Iterator[Journal]:
        """Stream journals in order of recording, in bounded memory."""
        ...

    def differences(self) -> Iterator[Difference]:
        """Recompute everything from postings: unbalanced journals, zero sum per currency, stored balances, floors."""
        ...
