"""The ledger of one tenant: recording journals, and holding the balances of the vendors' accounts."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen
from sqlalchemy import BigInteger, Text, Uuid, bindparam, func, or_, select, update

from cityos_adapters.sql.growth import changing, growth
from cityos_adapters.sql.lists import pair_among
from cityos_adapters.sql.repositories.journal_rows import by_key, journal_row, posting_rows
from cityos_adapters.sql.session import OWNER, Session
from cityos_adapters.sql.statements import Values
from cityos_adapters.sql.tables.ledger import balances, journals, postings
from cityos_core.kernel.errors import Conflict, Refused
from cityos_core.kernel.money import Money
from cityos_core.ledger.model import Account, Journal, Posted

_KNOWN: Final = select(journals.c.key, journals.c.digest).where(
    journals.c.tenant_id == OWNER,
    or_(journals.c.key == bindparam("wanted"), journals.c.reverses == bindparam("reversed")),
)
_RECORD: Final = growth(
    journals, lambda new: new.on_conflict_do_nothing(index_elements=["tenant_id", "key"]).returning(journals.c.id)
)
_KEY: Final = ["tenant_id", "account", "currency"]
_POSTINGS: Final = growth(postings)
_OPEN: Final = growth(balances, lambda new: new.on_conflict_do_nothing(index_elements=_KEY))
_RAISE: Final = growth(
    balances,
    lambda new: new.on_conflict_do_update(
        index_elements=_KEY, set_={"amount": balances.c.amount + new.excluded.amount}
    ),
)
_MOVE: Final = changing(
    balances,
    lambda given: (
        update(balances)
        .where(
            balances.c.tenant_id == given.owner,
            balances.c.account == given.path,
            balances.c.currency == given.unit,
        )
        .values(amount=balances.c.amount + given.delta)
    ),
    owner=Uuid(),
    path=Text(),
    unit=Text(),
    delta=BigInteger(),
)
_LOCK: Final = (
    select(balances.c.account, balances.c.currency, balances.c.amount)
    .where(balances.c.tenant_id == OWNER, pair_among(balances.c.account, balances.c.currency, "places"))
    .order_by(balances.c.account, balances.c.currency)
    .with_for_update(key_share=True)
)
_SUMS: Final = (
    select(postings.c.account, postings.c.currency, func.sum(postings.c.amount).label("amount"))
    .where(postings.c.tenant_id == OWNER, pair_among(postings.c.account, postings.c.currency, "places"))
    .group_by(postings.c.account, postings.c.currency)
)
_REMEMBERED: Final = 1000
"""How many balances a unit of work remembers before it asks for them again."""


@frozen
class SqlLedger:
    """Posts journals.

    When no movement takes from an account with a floor, one statement moves all balances and nothing is locked before it.
    Otherwise the balances are locked first, in the order of their accounts, and only then is anything written, so that a
    refusal leaves no trace; what is locked once stays so, and is not asked for again.
    """

    session: Session
    _held: dict[Account, int] = field(factory=dict, init=False)
    """The balances that this unit of work holds, as they are by now."""

    def post(self, journal: Journal) -> Posted:
        self.session.require_own(journal.tenant)
        moved = dict(sorted(_movements(journal).items()))
        only_rises = journal.reverses is None and all(
            delta > 0 for account, delta in moved.items() if account.has_floor
        )
        if not only_rises and self._is_replay(journal, moved):
            return Posted.REPLAYED
        if not self.session.grow((_RECORD, [journal_row(journal)])):
            return self._replayed(journal)
        self.session.grow_later((_POSTINGS, posting_rows(journal)))
        if only_rises:
            self.session.grow_later((_RAISE, [self._row(account, delta) for account, delta in moved.items()]))
        else:
            self.session.grow_later((_MOVE, [self._move(account, delta) for account, delta in moved.items()]))
        for account in self._held.keys() & moved.keys():
            self._held[account] += moved[account]
        return Posted.POSTED

    def lock(self, accounts: Iterable[Account]) -> Mapping[Account, int]:
        wanted = sorted(set(accounts))
        for account in wanted:
            self.session.require_own(account.tenant)
        self._hold([account for account in wanted if has_row(account)])
        summed = self._summed([account for account in wanted if not has_row(account)])
        return {account: (self._held if has_row(account) else summed)[account] for account in wanted}

    def find(self, key: str) -> Journal | None:
        return by_key(self.session, key)

    def _is_replay(self, journal: Journal, moved: Mapping[Account, int]) -> bool:
        self._hold(moved)
        over = {account: self._held[account] + delta for account, delta in moved.items() if account.has_floor}
        breached = next((account for account, after in over.items() if after < 0), None)
        if breached is None and journal.reverses is None:
            return False
        known = self.session.all(_KNOWN, wanted=journal.key, reversed=journal.reverses)
        if any(_is_same(row, journal) for row in known):
            return True
        if known:
            raise Conflict("already_reversed", f"journal {journal.reverses} was reversed before; it can be only once")
        if breached is not None:
            short = Money(-over[breached], breached.currency)
            raise Refused("floor_breached", f"{breached.path} would be overdrawn by {short}; move less out of it")
        return False

    def _replayed(self, journal: Journal) -> Posted:
        for row in self.session.all(_KNOWN, wanted=journal.key, reversed=None):
            _is_same(row, journal)
        return Posted.REPLAYED

    def _hold(self, accounts: Collection[Account]) -> None:
        new = [account for account in accounts if account not in self._held]
        if not new:
            return
        if len(self._held) > _REMEMBERED:
            self._held.clear()
            new = list(accounts)
        self.session.grow((_OPEN, [self._row(account, 0) for account in new]))
        for row in self.session.lock(_LOCK, places=[(account.path, account.currency) for account in new]):
            self._held[Account(self.session.tenant, row.account, row.currency)] = row.amount

    def _summed(self, accounts: Sequence[Account]) -> dict[Account, int]:
        if not accounts:
            return {}
        rows = self.session.all(_SUMS, places=[(account.path, account.currency) for account in accounts])
        sums = {(row.account, row.currency): int(row.amount) for row in rows}
        return {account: account.sign * sums.get((account.path, account.currency), 0) for account in accounts}

    def _row(self, account: Account, amount: int) -> Values:
        return {
            "tenant_id": self.session.tenant,
            "account": account.path,
            "currency": account.currency,
            "amount": amount,
        }

    def _move(self, account: Account, delta: int) -> Values:
        return {"owner": self.session.tenant, "path": account.path, "unit": account.currency, "delta": delta}


def has_row(account: Account) -> bool:
    """True for the accounts whose balance is kept in a row: the vendors'. The others are summed when asked for."""
    return account.path.startswith("vendor:")


def _movements(journal: Journal) -> Counter[Account]:
    moved: Counter[Account] = Counter()
    for posting in journal.postings:
        if has_row(posting.account):
            moved[posting.account] += posting.account.sign * posting.amount
    return moved


def _is_same(row: Any, journal: Journal) -> bool:
    if row.key != journal.key:
        return False
    if row.digest != journal.digest:
        raise Conflict("journal_key_reused", f"journal {journal.key} was recorded with other content; use another key")
    return True
