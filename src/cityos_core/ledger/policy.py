"""Where money is taken from when it is gone already, and which accounts people may post to by hand."""

import re
from collections.abc import Sequence
from typing import Final

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.ledger.model import Account

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]*"

CHART: Final = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"vendor:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:(pending|available|reserve|in_payout|debt)",
        rf"gateway:{_NAME}:(pending|available|transit)",
        r"bank",
        rf"customer:{_NAME}:credit",
        rf"company:{_NAME}:receivable",
        rf"(tax|revenue|deferred|funding|expense|suspense):{_NAME}",
        r"fx:[A-Z]{3}",
    )
)
"""The chart of accounts: every path there may be."""


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
