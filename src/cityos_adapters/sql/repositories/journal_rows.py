"""Journals as rows and rows as journals."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, select

from cityos_adapters.sql.lists import among
from cityos_adapters.sql.session import OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.ledger import journals, postings
from cityos_core.ledger.model import Account, Journal, Posting

JOURNALS: Final = select(journals).where(journals.c.tenant_id == OWNER)
_BY_KEY: Final = JOURNALS.where(journals.c.key == bindparam("wanted"))
_POSTINGS: Final = (
    select(postings)
    .where(postings.c.tenant_id == OWNER, among(postings.c.journal_id))
    .order_by(postings.c.journal_id, postings.c.line)
)


def journal_row(journal: Journal) -> Values:
    """Write a journal without its postings; its position is given when it is recorded."""
    return {
        "tenant_id": journal.tenant,
        "id": journal.id,
        "key": journal.key,
        "kind": journal.kind,
        "digest": journal.digest,
        "occurred_at": journal.occurred_at,
        "about": dict(journal.references),
        "reverses": journal.reverses,
    }


def posting_rows(journal: Journal) -> list[Values]:
    """Write a journal's postings in their order."""
    return [
        {
            "tenant_id": journal.tenant,
            "journal_id": journal.id,
            "line": line,
            "account": posting.account.path,
            "currency": posting.account.currency,
            "amount": posting.amount,
        }
        for line, posting in enumerate(journal.postings)
    ]


def by_key(session: Session, key: str) -> Journal | None:
    """Read the journal with a key."""
    return next(iter(whole(session, session.all(_BY_KEY, wanted=key))), None)


def whole(session: Session, rows: Sequence[AnyRow]) -> list[Journal]:
    """Read the postings of these journals, in one query."""
    found: dict[Any, list[Posting]] = defaultdict(list)
    if rows:
        for row in session.all(_POSTINGS, ids=[row.id for row in rows]):
            account = Account(session.tenant, row.account, row.currency)
            found[row.journal_id].append(Posting(account, row.amount))
    return [_journal(row, found[row.id]) for row in rows]


def _journal(row: AnyRow, moved: Sequence[Posting]) -> Journal:
    return Journal(
        id=row.id,
        tenant=row.tenant_id,
        key=row.key,
        kind=row.kind,
        postings=tuple(moved),
        occurred_at=row.occurred_at,
        references=row.about,
        reverses=row.reverses,
    )
