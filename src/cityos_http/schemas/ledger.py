"""The books as the API shows them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.ids import JournalId
from cityos_core.kernel.money import Money
from cityos_core.ledger.model import Balance, Journal, Posting
from cityos_core.ledger.ports import Difference
from cityos_core.ledger.service import Verification
from cityos_http.asking import Paged
from cityos_http.schema import about

ACCOUNT = about("A path, or a beginning of one that ends in a colon.", example="gateway:")


@frozen(kw_only=True)
class AccountView:
    """What an account holds, seen from its own side: what a vendor is owed is positive."""

    path: str = field(metadata=about("Where the money is.", example="gateway:card:pending"))
    balance: Money

    @classmethod
    def of(cls, balance: Balance) -> Self:
        """Show a balance."""
        return cls(path=balance.account.path, balance=balance.money)


@frozen(kw_only=True)
class AccountQuery(Paged):
    """Which accounts, and when."""

    prefix: str = field(default="", metadata=about("The beginning of their paths.", example="vendor:"))
    as_of: datetime | None = field(default=None, metadata=about("Up to and including this instant; now unless said."))


@frozen(kw_only=True)
class PostingView:
    """A movement on one account: debits are positive, credits negative."""

    account: str
    amount: Money

    @classmethod
    def of(cls, posting: Posting) -> Self:
        """Show a posting."""
        return cls(account=posting.account.path, amount=Money(posting.amount, posting.account.currency))


@frozen(kw_only=True)
class JournalView:
    """A balanced set of postings; it never changes."""

    id: JournalId
    key: str
    kind: str
    occurred_at: datetime
    references: Mapping[str, str]
    reverses: str | None = field(metadata=about("The key of the journal that this one undoes."))
    postings: tuple[PostingView, ...]

    @classmethod
    def of(cls, journal: Journal) -> Self:
        """Show a journal."""
        return cls(
            id=journal.id,
            key=journal.key,
            kind=journal.kind,
            occurred_at=journal.occurred_at,
            references=dict(journal.references),
            reverses=journal.reverses,
            postings=tuple(map(PostingView.of, journal.postings)),
        )


@frozen(kw_only=True)
class JournalQuery(Paged):
    """Which journals; instants are of occurrence, `[since, until)`."""

    kind: str | None = field(default=None, metadata=about("Such as order_paid.", example="order_paid"))
    account: str | None = field(default=None, metadata=ACCOUNT)
    since: datetime | None = None
    until: datetime | None = None


@frozen(kw_only=True)
class DifferenceView:
    """An account whose stored balance is not the sum of its postings."""

    account: str
    stored: Money
    recomputed: Money

    @classmethod
    def of(cls, difference: Difference) -> Self:
        """Show a difference."""
        return cls(account=difference.account.path, stored=difference.stored, recomputed=difference.recomputed)


@frozen(kw_only=True)
class LedgerVerificationView:
    """What recomputing the books found."""

    is_right: bool = field(metadata=about("Every balance is the sum of its postings, and everything sums to zero."))
    accounts: int
    currencies: tuple[str, ...]
    differences: tuple[DifferenceView, ...] = field(metadata=about("The first ten."))

    @classmethod
    def of(cls, verification: Verification) -> Self:
        """Show a verification."""
        return cls(
            is_right=verification.ok,
            accounts=verification.accounts,
            currencies=verification.currencies,
            differences=tuple(map(DifferenceView.of, verification.differences)),
        )
