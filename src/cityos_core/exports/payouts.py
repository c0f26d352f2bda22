"""Payouts as records."""

from typing import Final

from cityos_core.kernel.rendering import Record
from cityos_core.payouts.model import Payout

COLUMNS: Final = (
    "id",
    "vendor",
    "amount",
    "currency",
    "method",
    "account",
    "holder",
    "status",
    "reason",
    "reference",
    "batch",
    "created_at",
    "settled_at",
)


def summary(payout: Payout) -> Record:
    """Give a payout in one row."""
    return {
        "id": payout.id,
        "vendor": payout.vendor,
        "amount": payout.amount,
        "currency": payout.amount.currency,
        "method": payout.method,
        "status": payout.status,
        "reason": payout.reason,
        "created_at": payout.created_at,
    }


def whole(payout: Payout) -> Record:
    """Give a payout with every attempt at it."""
    return {
        **summary(payout),
        "batch": payout.batch_id,
        "account": payout.account,
        "holder": payout.holder,
        "reference": payout.reference,
        "next_attempt_at": payout.next_attempt_at,
        "settled_at": payout.settled_at,
        "retries": payout.retries,
        "attempts": [
            {
                "number": attempt.number,
                "key": attempt.key,
                "started_at": attempt.started_at,
                "finished_at": attempt.finished_at,
                "outcome": attempt.outcome,
                "reference": attempt.reference,
                "reason": attempt.reason,
            }
            for attempt in payout.attempts
        ],
    }
