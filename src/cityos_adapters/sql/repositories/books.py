"""Reading the books of one tenant."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from attrs import frozen
from sqlalchemy import JSON, exists, false, func, select, type_coerce

from cityos_adapters.sql.paging import begins_with, page
from cityos_adapters.sql.repositories.journal_rows import JOURNALS, whole
from cityos_adapters.sql.session import OWNER, Session
from cityos_adapters.sql.tables.ledger import balances, journals, postings
from cityos_core.kernel.ids import TenantId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import Page, PageRequest, every
from cityos_core.ledger.model import Account, Balance, Journal
from cityos_core.ledger.ports import Difference, JournalFilter

EVERYTHING: Final = "(sum of everything)"

_TOTAL: Final = func.sum(postings.c.amount).label("total")
_SUMS: Final = (
    select(postings.c.account, postings.c.currency, _TOTAL)
    .where(postings.c.tenant_id == OWNER)
    .group_by(postings.c.account, postings.c.currency)
)
_OF_JOURNAL: Final = (journals.c.tenant_id == postings.c.tenant_id) & (journals.c.id == postings.c.journal_id)
_UNBALANCED: Final = (
    select(journals.c.key, postings.c.currency, _TOTAL)
    .join(journals, _OF_JOURNAL)
    .where(postings.c.tenant_id == OWNER)
    .group_by(journals.c.position, journals.c.key, postings.c.currency)
    .having(func.sum(postings.c.amount) != 0)
    .order_by(journals.c.position, postings.c.currency)
)
_OFF_BY: Final = (
    select(postings.c.currency, _TOTAL)
    .where(postings.c.tenant_id == OWNER)
    .group_by(postings.c.currency)
    .having(func.sum(postings.c.amount) != 0)
    .order_by(postings.c.currency)
)
_STORED: Final = select(balances.c.account, balances.c.currency, balances.c.amount).where(balances.c.tenant_id == OWNER)


@frozen
class SqlBooks:
    """Sums and lists of postings."""

    session: Session

    def balances(self, prefix: str = "", *, as_of: datetime | None = None) -> list[Balance]:
        statement = _SUMS.order_by(postings.c.account, postings.c.currency)
        if prefix:
            statement = statement.where(begins_with(postings.c.account, prefix))
        if as_of is not None:
            statement = statement.join(journals, _OF_JOURNAL).where(journals.c.occurred_at <= as_of)
        found = ((self._account(row), int(row.total)) for row in self.session.all(statement))
        return [Balance(account, Money(account.sign * total, account.currency)) for account, total in found]

    def journals(self, where: JournalFilter, request: PageRequest) -> Page[Journal]:
        statement = JOURNALS.where(*_conditions(where))
        return page(self.session, statement, (journals.c.position,), request, lambda rows: whole(self.session, rows))

    def export(self, where: JournalFilter) -> Iterator[Journal]:
        return every(lambda request: self.journals(where, request))

    def differences(self) -> Iterator[Difference]:
        for row in self.session.all(_UNBALANCED):
            yield self._off(f"(journal {row.key})", row)
        for row in self.session.all(_OFF_BY):
            yield self._off(EVERYTHING, row)
        yield from self._stored_wrong()

    def _stored_wrong(self) -> Iterator[Difference]:
        stored = {self._account(row): row.amount for row in self.session.all(_STORED)}
        sums = {self._account(row): int(row.total) for row in self.session.all(_SUMS)}
        for account in sorted(stored.keys() | {account for account in sums if account.is_kept}):
            held, recomputed = stored.get(account, 0), account.sign * sums.get(account, 0)
            if held != recomputed or (account.has_floor and recomputed < 0):
                yield Difference(account, Money(held, account.currency), Money(recomputed, account.currency))

    def _off(self, place: str, row: Any) -> Difference:
        account = Account(self.session.tenant, place, row.currency)
        return Difference(account, Money.zero(row.currency), Money(int(row.total), row.currency))

    def _account(self, row: Any) -> Account:
        return Account(TenantId(self.session.tenant), row.account, row.currency)


def _conditions(where: JournalFilter) -> list[Any]:
    conditions: list[Any] = []
    if where.kind is not None:
        conditions.append(journals.c.kind == where.kind)
    if where.account is not None:
        account = postings.c.account
        there = begins_with(account, where.account) if where.account.endswith(":") else account == where.account
        conditions.append(exists().where(_OF_JOURNAL, postings.c.tenant_id == OWNER, there))
    if where.since is not None:
        conditions.append(journals.c.occurred_at >= where.since)
    if where.until is not None:
        conditions.append(journals.c.occurred_at < where.until)
    if where.reference is not None:
        name, value = where.reference
        found = type_coerce(journals.c.about, JSON())[name].as_string() == value
        conditions.append(false() if '"' in name else found)  # SQLite cannot say it, and no name has one
    return conditions
