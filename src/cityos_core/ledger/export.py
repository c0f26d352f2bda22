"""The journal as rows: one per posting, in order of recording, the same every time."""

from collections.abc import Iterator
from datetime import datetime

from attrs import frozen

from cityos_core.kernel.money import Money
from cityos_core.ledger.model import Journal


@frozen(kw_only=True)
class JournalRow:
    """One posting as a file has it: either ``debit`` or ``credit`` holds the amount, the other is zero."""

    journal: str
    kind: str
    occurred_at: datetime
    account: str
    debit: Money
    credit: Money
    references: str
    reverses: str


def journal_rows(journal: Journal) -> Iterator[JournalRow]:
    """Write a journal as rows whose debits and credits are equal in every currency."""
    references = " ".join(f"{name}={value}" for name, value in journal.references)
    for posting in journal.postings:
        currency = posting.account.currency
        yield JournalRow(
            journal=journal.key,
            kind=journal.kind,
            occurred_at=journal.occurred_at,
            account=posting.account.path,
            debit=Money(max(posting.amount, 0), currency),
            credit=Money(max(-posting.amount, 0), currency),
            references=references,
            reverses=journal.reverses or "",
        )
