"""The ledger of one tenant: recording journals, and holding the balances that are kept."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from attrs import field, frozen
from sqlalchemy import BigInteger, Text, Uuid, func, or_, select, update

from cityos_adapters.sql.growth import changing, growth
from cityos_adapters.sql.lists import among, pair_among
from cityos_adapters.sql.repositories.journal_rows import by_key, journal_row, posting_rows
from cityos_adapters.sql.session import OWNER, Session
from cityos_adapters.sql.statements import Values
from cityos_adapters.sql.tables.ledger import balances, journals, postings
from cityos_core.ledger.model import Account, Journal, Posted
from cityos_core.ledger.policy import Moving, admitted, outcomes, require_same

_KNOWN: Final = select(journals.c.key, journals.c.digest, journals.c.reverses).where(
    journals.c.tenant_id == OWNER,
    or_(among(journals.c.key, "wanted"), among(journals.c.reverses, "reversed")),
)
_RECORD: Final = growth(
    journals, lambda new: new.on_conflict_do_nothing(index_elements=["tenant_id", "key"]).returning(journals.c.key)
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
_KEPT: Final = select(balances.c.account, balances.c.currency, balances.c.amount).where(
    balances.c.tenant_id == OWNER, pair_among(balances.c.account, balances.c.currency, "places")
)
_LOCK: Final = _KEPT.order_by(balances.c.account, balances.c.currency).with_for_update(key_share=True)
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

    When nothing takes from an account with a floor, one statement moves all balances and nothing is locked before it.
    Otherwise the balances are locked first, in the order of their accounts, and only then is anything written, so that a
    refusal leaves no trace; what is locked once stays so, and is not asked for again. Many journals take as many
    statements as one that cannot be posted without looking at what is there.
    """

    session: Session
    _held: dict[Account, int] = field(factory=dict, init=False)
    """The balances that this unit of work holds, as they are by now."""

    def post(self, journal: Journal) -> Posted:
        return self.post_many([journal])[0]

    def post_many(self, journals: Sequence[Journal]) -> list[Posted]:
        if not journals:
            return []
        for journal in journals:
            self.session.require_own(journal.tenant)
        moving = [(journal, journal.changes) for journal in journals]
        only_rise = all(map(_only_rises, moving))
        new = admitted(moving, digests={}, reversed_=(), balances={}) if only_rise else self._after_holding(moving)
        recorded = self._record([journal for journal, _ in new])
        done = [(journal, changes) for journal, changes in new if journal.key in recorded]
        self.session.grow_later((_POSTINGS, [row for journal, _ in done for row in posting_rows(journal)]))
        moved: Counter[Account] = Counter()
        for _, changes in done:
            moved.update(changes)
        self._move(dict(sorted(moved.items())), only_rise=only_rise)
        return outcomes(journals, recorded)

    def lock(self, accounts: Iterable[Account]) -> Mapping[Account, int]:
        wanted = self._own(accounts)
        self._hold([account for account in wanted if account.is_kept])
        summed = self._summed([account for account in wanted if not account.is_kept])
        return {account: (self._held if account.is_kept else summed)[account] for account in wanted}

    def peek(self, accounts: Iterable[Account]) -> Mapping[Account, int]:
        wanted = self._own(accounts)
        kept = self._kept([account for account in wanted if account.is_kept])
        found = {**kept, **self._summed([account for account in wanted if not account.is_kept])}
        return {account: found.get(account, 0) for account in wanted}

    def find(self, key: str) -> Journal | None:
        return by_key(self.session, key)

    def _after_holding(self, moving: Sequence[Moving]) -> list[Moving]:
        """Hold every account that is moved, and give what is to be recorded; what it refuses leaves no trace."""
        accounts = {account for _, changes in moving for account in changes}
        self._hold(sorted(accounts))
        before = {account: self._held[account] for account in accounts}
        if len(moving) == 1 and _is_covered(moving[0], before):
            return list(moving)  # if it is there already, recording it will say so
        reverses = [journal.reverses for journal, _ in moving if journal.reverses is not None]
        known = self.session.all(_KNOWN, wanted=[journal.key for journal, _ in moving], reversed=reverses)
        return admitted(
            moving,
            digests={row.key: row.digest for row in known},
            reversed_={row.reverses for row in known if row.reverses is not None},
            balances=before,
        )

    def _record(self, journals: Sequence[Journal]) -> set[str]:
        """Record those that are not there yet, and give their keys."""
        recorded = {row.key for row in self.session.grow((_RECORD, [journal_row(journal) for journal in journals]))}
        others = [journal for journal in journals if journal.key not in recorded]
        if others:
            known = self.session.all(_KNOWN, wanted=[journal.key for journal in others], reversed=())
            digests = {row.key: row.digest for row in known}
            for journal in others:
                require_same(journal, digests[journal.key])
        return recorded

    def _move(self, moved: Mapping[Account, int], *, only_rise: bool) -> None:
        if only_rise:
            self.session.grow_later((_RAISE, [self._row(account, delta) for account, delta in moved.items()]))
        else:
            self.session.grow_later((_MOVE, [self._change(account, delta) for account, delta in moved.items()]))
        for account in self._held.keys() & moved.keys():
            self._held[account] += moved[account]

    def _own(self, accounts: Iterable[Account]) -> list[Account]:
        wanted = sorted(set(accounts))
        for account in wanted:
            self.session.require_own(account.tenant)
        return wanted

    def _hold(self, accounts: Collection[Account]) -> None:
        new = [account for account in accounts if account not in self._held]
        if not new:
            return
        if len(self._held) > _REMEMBERED:
            self._held.clear()
            new = list(accounts)
        self.session.grow((_OPEN, [self._row(account, 0) for account in new]))
        for row in self.session.lock(_LOCK, places=_places(new)):
            self._held[Account(self.session.tenant, row.account, row.currency)] = row.amount

    def _kept(self, accounts: Sequence[Account]) -> dict[Account, int]:
        if not accounts:
            return {}
        rows = self.session.all(_KEPT, places=_places(accounts))
        return {Account(self.session.tenant, row.account, row.currency): row.amount for row in rows}

    def _summed(self, accounts: Sequence[Account]) -> dict[Account, int]:
        if not accounts:
            return {}
        rows = self.session.all(_SUMS, places=_places(accounts))
        sums = {(row.account, row.currency): int(row.amount) for row in rows}
        return {account: account.sign * sums.get((account.path, account.currency), 0) for account in accounts}

    def _row(self, account: Account, amount: int) -> Values:
        return {
            "tenant_id": self.session.tenant,
            "account": account.path,
            "currency": account.currency,
            "amount": amount,
        }

    def _change(self, account: Account, delta: int) -> Values:
        return {"owner": self.session.tenant, "path": account.path, "unit": account.currency, "delta": delta}


def _only_rises(moving: Moving) -> bool:
    journal, changes = moving
    return journal.reverses is None and all(delta > 0 for account, delta in changes.items() if account.has_floor)


def _is_covered(moving: Moving, balances: Mapping[Account, int]) -> bool:
    journal, changes = moving
    return journal.reverses is None and all(
        balances[account] + delta >= 0 for account, delta in changes.items() if account.has_floor
    )


def _places(accounts: Iterable[Account]) -> list[tuple[str, str]]:
    return [(account.path, account.currency) for account in accounts]
