"""Journals as records, and their postings as rows."""

from collections.abc import Iterable, Iterator
from typing import Final

from attrs import asdict

from cityos_core.kernel.money import Money
from cityos_core.kernel.rendering import Record
from cityos_core.ledger.export import journal_rows
from cityos_core.ledger.model import Journal

COLUMNS: Final = ("journal", "kind", "occurred_at", "account", "currency", "debit", "credit", "references", "reverses")
"""Of a posting."""


def record(journal: Journal) -> Record:
    """Give a journal with its postings; debits are positive."""
    return {
        "journal": journal.key,
        "kind": journal.kind,
        "occurred_at": journal.occurred_at,
        "references": dict(journal.references),
        "reverses": journal.reverses,
        "postings": [
            {
                "account": posting.account.path,
                "currency": posting.account.currency,
                "amount": Money(posting.amount, posting.account.currency),
            }
            for posting in journal.postings
        ],
    }


def postings(journals: Iterable[Journal]) -> Iterator[Record]:
    """Give every posting of some journals."""
    for journal in journals:
        for row in journal_rows(journal):
            yield {**asdict(row, recurse=False), "currency": row.debit.currency}
