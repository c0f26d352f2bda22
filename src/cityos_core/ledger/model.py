"""Accounts, postings and journals. States of money are accounts; nothing here is ever changed, only added to."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from attrs import field, frozen

from cityos_core.kernel.clock import instant
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import JournalId, TenantId, VendorId
from cityos_core.kernel.money import LIMIT, Money, exponent

DEBIT_NORMAL: Final = frozenset({"gateway", "bank", "company", "funding", "expense", "fx"})
"""First path segments of accounts whose balance grows by debits; the others' grows by credits."""

EXCEPTIONS: Final = {("vendor", "debt"): 1, ("customer", "receivable"): 1, ("company", "credit"): -1}
"""The signs of accounts that differ from the others with their first segment, by it and the last one."""

FLOORED: Final = frozenset(
    {
        ("vendor", "pending"),
        ("vendor", "available"),
        ("vendor", "reserve"),
        ("vendor", "in_payout"),
        ("customer", "credit"),
        ("company", "credit"),
    }
)
"""The accounts that may never be overdrawn, by their first segment and the last one."""


@frozen(order=True)
class Account:
    """One place where money of one currency can be: ``vendor:{id}:available``, ``gateway:{name}:pending`` and so on."""

    tenant: TenantId
    path: str
    currency: str

    @property
    def has_floor(self) -> bool:
        """True if the balance may not fall below zero."""
        return self._place in FLOORED

    @property
    def is_kept(self) -> bool:
        """True if the balance is stored beside the postings: a floor needs it, and so do a vendor's debts."""
        place = self._place
        return place[0] == "vendor" or place in FLOORED

    @property
    def sign(self) -> int:
        """Plus one if debits increase the balance, minus one if credits do."""
        place = self._place
        return EXCEPTIONS.get(place) or (1 if place[0] in DEBIT_NORMAL else -1)

    @property
    def _place(self) -> tuple[str, str]:
        """Give the first and the last segment: whose id stands between them may itself hold colons."""
        return self.path.partition(":")[0], self.path.rpartition(":")[2]


def vendor_account(tenant: TenantId, vendor: VendorId, state: str, currency: str) -> Account:
    """Name a vendor's account: ``pending``, ``available``, ``reserve``, ``in_payout`` or ``debt``."""
    return Account(tenant, f"vendor:{vendor}:{state}", currency)


def _minor(_instance: object, _attribute: object, value: int) -> None:
    if type(value) is not int:
        raise TypeError(f"a posting is a whole number of minor units, not {type(value).__name__} {value!r}")
    if not -LIMIT < value < LIMIT:
        raise Invalid("amount_too_large", f"{value} minor units is beyond what the ledger holds (64 bits)")
    if value == 0:
        raise Invalid("zero_posting", "a posting moves something; leave out the ones that move nothing")


@frozen
class Posting:
    """A signed movement on one account: debits are positive, credits negative, in minor units."""

    account: Account
    amount: int = field(validator=_minor)


@frozen
class Balance:
    """What an account holds, seen from its own side: what a vendor is owed is positive."""

    account: Account
    money: Money


class Posted(StrEnum):
    """What became of a journal that was handed to the ledger."""

    POSTED = "posted"
    REPLAYED = "replayed"


def _frozen_references(value: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(dict(value).items()))


@frozen(kw_only=True)
class Journal:
    """One balanced set of postings of one tenant. It cannot be built unless it sums to zero per currency."""

    id: JournalId = field(eq=False)
    tenant: TenantId
    key: str
    kind: str
    postings: tuple[Posting, ...]
    occurred_at: datetime = field(converter=instant)
    references: tuple[tuple[str, str], ...] = field(default=(), converter=_frozen_references)
    reverses: str | None = None

    def __attrs_post_init__(self) -> None:
        if not self.postings:
            raise Invalid("empty_journal", f"journal {self.key} has no postings")
        sums: dict[str, int] = {}
        for posting in self.postings:
            account = posting.account
            if account.tenant != self.tenant:
                raise Invalid("foreign_tenant", f"journal {self.key} posts to {account.path} of another tenant")
            if account.currency not in sums:
                exponent(account.currency)
            sums[account.currency] = sums.get(account.currency, 0) + posting.amount
        for currency, total in sums.items():
            if total:
                raise Invalid(
                    "unbalanced_journal", f"journal {self.key} is off by {Money(total, currency)}; postings sum to zero"
                )

    @classmethod
    def of(
        cls,
        *,
        id: JournalId,  # noqa: A002
        tenant: TenantId,
        key: str,
        kind: str,
        movements: Iterable[tuple[Account, int]],
        occurred_at: datetime,
        references: Mapping[str, str] | None = None,
        reverses: str | None = None,
    ) -> Self:
        """Build a journal from movements, adding up those on the same account and leaving out those of nothing."""
        sums: dict[Account, int] = {}
        for account, amount in movements:
            sums[account] = sums.get(account, 0) + amount
        return cls(
            id=id,
            tenant=tenant,
            key=key,
            kind=kind,
            postings=tuple(Posting(account, amount) for account, amount in sums.items() if amount),
            occurred_at=occurred_at,
            references=references or {},
            reverses=reverses,
        )

    @property
    def changes(self) -> dict[Account, int]:
        """How the balances that are kept change, each seen from its account's own side."""
        sums: dict[Account, int] = {}
        for posting in self.postings:
            account = posting.account
            if account.is_kept:
                sums[account] = sums.get(account, 0) + account.sign * posting.amount
        return sums

    @property
    def digest(self) -> str:
        """A fingerprint of the content that a repeated key must match; the moment of recording is not part of it."""
        content = [self.kind, self.reverses or ""]
        content += sorted(f"{p.account.path}|{p.account.currency}|{p.amount}" for p in self.postings)
        content += [f"{name}={value}" for name, value in self.references]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()

    def negated(self, *, id: JournalId, occurred_at: datetime, references: Mapping[str, str]) -> "Journal":  # noqa: A002
        """Give the exact negation, keyed so that it can be posted at most once."""
        return Journal(
            id=id,
            tenant=self.tenant,
            key=f"reversal:{self.key}",
            kind="reversal",
            postings=tuple(Posting(p.account, -p.amount) for p in self.postings),
            occurred_at=occurred_at,
            references=references,
            reverses=self.key,
        )
