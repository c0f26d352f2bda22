"""What may be recorded, where money is taken from when it is gone, and which accounts people may post to by hand."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.kernel.money import LIMIT, Money
from cityos_core.ledger.model import Account, Journal, Posted

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_SUBSCRIBER: Final = r"[A-Za-z0-9][A-Za-z0-9._:@|+-]*"

CHART: Final = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"vendor:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:(pending|available|reserve|in_payout|debt)",
        rf"gateway:{_NAME}:(pending|available|transit)",
        r"bank",
        rf"(customer|company):{_SUBSCRIBER}:(credit|receivable)",
        rf"(tax|revenue|deferred|funding|expense|suspense):{_NAME}",
        r"fx:[A-Z]{3}",
    )
)
"""The chart of accounts: every path there may be."""

Moving = tuple[Journal, Mapping[Account, int]]
"""A journal with its :attr:`~cityos_core.ledger.model.Journal.changes`, which are worked out once."""


def admitted(
    journals: Iterable[Moving],
    *,
    digests: Mapping[str, str],
    reversed_: Collection[str],
    balances: Mapping[Account, int],
) -> list[Moving]:
    """Give those journals that are to be recorded, one after another, and leave out what was recorded before.

    ``digests`` are those of the recorded journals by key, ``reversed_`` the keys of journals that were reversed, and
    ``balances`` what the kept accounts hold before. One journal that must not be posted refuses them all.
    """
    first: dict[str, Journal] = {}
    taken_back, after = set(reversed_), dict(balances)
    new = []
    for journal, changes in journals:
        digest = first[journal.key].digest if journal.key in first else digests.get(journal.key)
        if digest is not None:
            require_same(journal, digest)
            continue
        if journal.reverses in taken_back:
            raise Conflict("already_reversed", f"journal {journal.reverses} was reversed before; it can be only once")
        for account, change in changes.items():
            after[account] = after.get(account, 0) + change
        _require_possible({account: after[account] for account in changes})
        if journal.reverses is not None:
            taken_back.add(journal.reverses)
        first[journal.key] = journal
        new.append((journal, changes))
    return new


def outcomes(journals: Iterable[Journal], recorded: Collection[str]) -> list[Posted]:
    """Say what became of each journal, given the keys of those that were recorded: a key once, its repetitions not."""
    left = set(recorded)
    found = []
    for journal in journals:
        found.append(Posted.POSTED if journal.key in left else Posted.REPLAYED)
        left.discard(journal.key)
    return found


def require_same(journal: Journal, digest: str) -> None:
    """Refuse a journal under whose key other content was recorded."""
    if journal.digest != digest:
        raise Conflict("journal_key_reused", f"journal {journal.key} was recorded with other content; use another key")


def _require_possible(balances: Mapping[Account, int]) -> None:
    wrong = (account for account, balance in balances.items() if not _least(account) <= balance < LIMIT)
    first = min(wrong, default=None)
    if first is not None:
        short = -Money(balances[first], first.currency)
        raise Refused("floor_breached", f"{first.path} would be overdrawn by {short}; move less out of it")


def _least(account: Account) -> int:
    return 0 if account.has_floor else 1 - LIMIT


def waterfall(amount: int, accounts: Sequence[tuple[Account, int]], last: Account) -> list[tuple[Account, int]]:
    """Take an amount from accounts in their order, each down to zero, and the rest from ``last``, which may owe.

    ``accounts`` come with their own-side balances; one that is empty or overdrawn gives nothing. The answer holds
    debits, ready to be a journal's movements: on a vendor's ``debt``, a debit is more debt. They sum to the amount.
    """
    if amount < 0:
        raise Invalid("negative_amount", "what is taken is zero or more; to give back, post the other way round")
    taken: list[tuple[Account, int]] = []
    for account, balance in accounts:
        part = min(amount, max(balance, 0))
        if part:
            taken.append((account, part))
            amount -= part
    if amount:
        taken.append((last, amount))
    return taken


def adjustable(path: str) -> str:
    """Check that people may post to an account by hand: it is on the chart, and no payout is counting on it."""
    if not any(pattern.fullmatch(path) for pattern in CHART):
        raise Invalid(
            "unknown_account",
            f"{path!r} is not an account: write one such as bank, expense:fees or vendor:{{id}}:available",
        )
    if path.endswith(":in_payout"):
        raise Refused(
            "account_in_use", f"{path} holds money of payouts on their way; cancel or fail the payout instead"
        )
    return path
