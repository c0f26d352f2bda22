"""The books of one tenant: journals in order of recording, and the balances that are kept beside them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from attrs import frozen

from cityos_adapters.memory.paging import Words, page
from cityos_adapters.memory.rows import require_own
from cityos_adapters.memory.tables import View
from cityos_core.kernel.ids import TenantId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.ledger.model import Account, Balance, Journal, Posted
from cityos_core.ledger.policy import admitted, outcomes
from cityos_core.ledger.ports import Difference, JournalFilter

EVERYTHING = "(sum of everything)"


@frozen
class MemoryLedger:
    """Posts journals."""

    tenant: TenantId
    recorded: View[int, Journal]
    stored: View[Account, int]

    def post(self, journal: Journal) -> Posted:
        return self.post_many([journal])[0]

    def post_many(self, journals: Sequence[Journal]) -> list[Posted]:
        for journal in journals:
            require_own(self.tenant, journal.tenant)
        moving = [(journal, journal.changes) for journal in journals]
        known = (self.find(journal.key) for journal in journals)
        new = admitted(
            moving,
            digests={found.key: found.digest for found in known if found is not None},
            reversed_={key for one in journals if (key := one.reverses) and self.recorded.find("reverses", key)},
            balances={account: self.stored.get(account) or 0 for _, changes in moving for account in changes},
        )
        for journal, changes in new:
            for account, change in changes.items():
                self.stored.put(account, (self.stored.get(account) or 0) + change)
            self.recorded.put(len(self.recorded), journal)
        return outcomes(journals, {journal.key for journal, _ in new})

    def lock(self, accounts: Iterable[Account]) -> Mapping[Account, int]:
        return self.peek(accounts)

    def peek(self, accounts: Iterable[Account]) -> Mapping[Account, int]:
        return {account: self._balance(account) for account in sorted(set(accounts))}

    def find(self, key: str) -> Journal | None:
        return next(iter(self.recorded.find("key", key)), None)

    def _balance(self, account: Account) -> int:
        require_own(self.tenant, account.tenant)
        if account.is_kept:
            return self.stored.get(account) or 0
        postings = (posting for journal in self.recorded.find("account", account) for posting in journal.postings)
        return account.sign * sum(posting.amount for posting in postings if posting.account == account)


@frozen
class MemoryBooks:
    """Reads journals."""

    tenant: TenantId
    recorded: View[int, Journal]
    stored: View[Account, int]

    def balances(self, prefix: str = "", *, as_of: datetime | None = None) -> list[Balance]:
        journals = (journal for journal in self.recorded.all() if as_of is None or journal.occurred_at <= as_of)
        sums = _sums(journals, lambda account: account.path.startswith(prefix))
        return [
            Balance(account, Money(account.sign * amount, account.currency)) for account, amount in sorted(sums.items())
        ]

    def journals(self, where: JournalFilter, request: PageRequest) -> Page[Journal]:
        numbered = ((number, journal) for number, journal in self._numbered() if _matches(journal, where))
        found = page(numbered, _words, request)
        return Page(tuple(journal for _, journal in found.items), found.after)

    def export(self, where: JournalFilter) -> Iterator[Journal]:
        return (journal for _, journal in self._numbered() if _matches(journal, where))

    def differences(self) -> Iterator[Difference]:
        sums = _sums(self.recorded.all(), lambda _: True)
        totals: Counter[str] = Counter()
        for account, amount in sums.items():
            totals[account.currency] += amount
        for currency, total in sorted(totals.items()):
            if total:
                account = Account(self.tenant, EVERYTHING, currency)
                yield Difference(account, Money.zero(currency), Money(total, currency))
        yield from self._stored_wrong(sums)

    def _stored_wrong(self, sums: Mapping[Account, int]) -> Iterator[Difference]:
        kept = {account for account in sums if account.is_kept} | {account for account, _ in self.stored.items()}
        for account in sorted(kept):
            stored, recomputed = self.stored.get(account) or 0, account.sign * sums.get(account, 0)
            if stored != recomputed or (account.has_floor and recomputed < 0):
                yield Difference(account, Money(stored, account.currency), Money(recomputed, account.currency))

    def _numbered(self) -> Iterator[tuple[int, Journal]]:
        for number in range(len(self.recorded)):
            journal = self.recorded.get(number)
            if journal is not None:
                yield number, journal


def _words(numbered: tuple[int, Journal]) -> Words:
    return (f"{numbered[0]:020d}",)


def _sums(journals: Iterable[Journal], wanted: Callable[[Account], bool]) -> Counter[Account]:
    sums: Counter[Account] = Counter()
    for journal in journals:
        for posting in journal.postings:
            if wanted(posting.account):
                sums[posting.account] += posting.amount
    return sums


def _matches(journal: Journal, where: JournalFilter) -> bool:
    return (
        where.kind in (None, journal.kind)
        and (where.account is None or any(_is_at(posting.account, where.account) for posting in journal.postings))
        and (where.since is None or where.since <= journal.occurred_at)
        and (where.until is None or journal.occurred_at < where.until)
        and (where.reference is None or where.reference in journal.references)
    )


def _is_at(account: Account, place: str) -> bool:
    return account.path.startswith(place) if place.endswith(":") else account.path == place
