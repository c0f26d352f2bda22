"""The contract of posting: what the ledger records, replays and refuses. Numbers are those of the invariants."""

from itertools import permutations

import pytest

from cityos_core.kernel.errors import CityOSError, Refused
from cityos_core.kernel.ids import JournalId
from cityos_core.kernel.money import Money
from cityos_core.ledger.model import Account, Journal, Posted
from cityos_core.testing.contracts.examples import AT, LARGEST, WORDS
from cityos_core.testing.contracts.journals import (
    account,
    balances,
    earn,
    gateway,
    made_of,
    move,
    negated,
    post,
    sale,
    subscribers,
    transfer,
    verified,
)
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, raised


class LedgerContract(Contract):
    """Recording journals once, exactly, and never below a floor."""

    def test_round_trip(self, north: Place) -> None:
        """A journal comes back with its id, its postings in order, its references and what it reverses."""
        first = earn(north, "sale-1", 500)
        made = Journal(
            id=JournalId(north.ids.new()),
            tenant=north.id,
            key=f"refund:{WORDS}",
            kind="refund",
            postings=tuple(reversed(negated(north, first).postings)),
            occurred_at=AT,
            references={"order": "A-1", "note": WORDS, "empty": ""},
            reverses="sale-1",
        )
        assert north.do(lambda uow: uow.ledger.post(made)) is Posted.POSTED
        found = north.see(lambda uow: uow.ledger.find(made.key))
        assert found == made
        assert found is not None
        assert found.id == made.id
        assert found.postings == made.postings
        assert north.see(lambda uow: uow.ledger.find("unknown")) is None

    def test_inv_02_everything_sums_to_zero(self, north: Place) -> None:
        """After any journals, in any currencies, the postings of each currency sum to zero."""
        earn(north, "sale-1", 500)
        earn(north, "sale-2", 70, currency="KWD")
        move(north, "release-1", 200, "pending", "available")
        assert verified(north)
        sums: dict[str, int] = {}
        for balance in north.see(lambda uow: uow.books.balances()):
            signed = balance.account.sign * balance.money.minor
            sums[balance.money.currency] = sums.get(balance.money.currency, 0) + signed
        assert sums == {"EUR": 0, "KWD": 0}

    def test_inv_03_stored_balances_are_the_sums_of_postings(self, north: Place) -> None:
        """What a vendor is owed is positive, and the same whether it was stored or is added up."""
        earn(north, "sale-1", 500)
        move(north, "release-1", 200, "pending", "available")
        earn(north, "sale-2", 30)
        own = {state: account(north, state) for state in ("pending", "available", "reserve", "debt")}
        held = north.see(lambda uow: uow.ledger.lock(own.values()))
        assert held == {own["pending"]: 330, own["available"]: 200, own["reserve"]: 0, own["debt"]: 0}
        summed = {found.account: found.money.minor for found in north.see(lambda uow: uow.books.balances("vendor:"))}
        assert summed == {own["pending"]: 330, own["available"]: 200}
        assert verified(north)

    def test_debt_is_seen_from_its_own_side(self, north: Place) -> None:
        """What a vendor owes is positive on its debt account, which has no floor."""
        post(north, "fine", {account(north, "debt"): 80, Account(north.id, "expense:chargeback", "EUR"): -80})
        post(north, "back", {account(north, "debt"): -100, Account(north.id, "expense:chargeback", "EUR"): 100})
        assert north.see(lambda uow: uow.ledger.lock([account(north, "debt")])) == {account(north, "debt"): -20}

    @pytest.mark.parametrize("owner", ["customer:7", "company:7", "customer:id:with:colons", "company:credit:debt"])
    def test_subscribers_owe_and_have_credit(self, north: Place, owner: str) -> None:
        """What a subscriber owes and has in credit is positive; credit is never overdrawn, a debt may turn around."""
        owed, credit = subscribers(north, owner, "receivable"), subscribers(north, owner, "credit")
        bank = Account(north.id, "bank", "EUR")
        post(north, "paid", {bank: 30, credit: -30})
        post(north, "invoiced", {owed: 70, credit: 20, Account(north.id, "deferred:subscription", "EUR"): -90})
        assert north.see(lambda uow: uow.ledger.lock([owed, credit])) == {owed: 70, credit: 10}
        assert [found.money.minor for found in north.see(lambda uow: uow.books.balances(owner))] == [10, 70]
        assert raised(post, north, "too-much", {credit: 11, owed: -11}) == "floor_breached"
        post(north, "all", {credit: 10, bank: 61, owed: -71})
        assert north.see(lambda uow: uow.ledger.peek([owed, credit])) == {owed: -1, credit: 0}
        assert verified(north)

    def test_peeking(self, north: Place, south: Place) -> None:
        """Balances can be looked at, of accounts that were never posted to as well, and with what was just posted."""
        earn(north, "sale-1", 500)
        earn(south, "sale-1", 7)
        own = {state: account(north, state) for state in ("pending", "available", "debt")}
        kwd, bank = account(north, "pending", "KWD"), Account(north.id, "bank", "EUR")
        with north.open() as uow:
            uow.ledger.post(transfer(north, "release-1", 200, "pending", "available"))
            found = uow.ledger.peek(iter([*own.values(), kwd, gateway(north), bank, bank]))
            assert uow.ledger.peek([]) == {}
        assert found == {
            own["pending"]: 300,
            own["available"]: 200,
            own["debt"]: 0,
            kwd: 0,
            gateway(north): 500,
            bank: 0,
        }
        assert raised(north.see, lambda uow: uow.ledger.peek([gateway(south)])) == "foreign_tenant"

    def test_inv_04_floors(self, north: Place) -> None:
        """A floored account may be emptied, and not by one minor unit more."""
        earn(north, "sale-1", 500)
        assert raised(move, north, "too-much", 501, "pending", "available") == "floor_breached"
        move(north, "all", 500, "pending", "available")
        assert raised(move, north, "one-more", 1, "pending", "available") == "floor_breached"
        assert balances(north) == {"available": 500, "pending": 0}
        with pytest.raises(Refused):
            move(north, "one-more", 1, "pending", "available")

    def test_floors_hold_for_the_journal_as_a_whole(self, north: Place) -> None:
        """What a journal adds to an account and takes from it counts together."""
        pending = account(north, "pending")
        journal = Journal.of(
            id=JournalId(north.ids.new()),
            tenant=north.id,
            key="in-and-out",
            kind="sale",
            movements=[(pending, 50), (pending, -60), (gateway(north), 10)],
            occurred_at=AT,
        )
        assert north.do(lambda uow: uow.ledger.post(journal)) is Posted.POSTED
        assert balances(north) == {"pending": 10}

    def test_inv_04_floors_hold_under_concurrency(self, north: Place) -> None:
        """Of many who draw on one balance at once, exactly as many succeed as it can pay."""
        earn(north, "sale-1", 50)
        answers = at_once(lambda number: move(north, f"draw-{number}", 10, "pending", "available"), times=8)
        assert codes(answers) == ["floor_breached"] * 3
        assert balances(north) == {"available": 50, "pending": 0}
        assert verified(north)

    def test_opposite_transfers_do_not_deadlock(self, north: Place) -> None:
        """Journals that touch the same accounts in opposite directions at once all get through."""
        earn(north, "sale-1", 1000)
        move(north, "release", 500, "pending", "available")
        ways = (("pending", "available"), ("available", "pending"))
        answers = at_once(lambda number: move(north, f"move-{number}", 10, *ways[number % 2]), times=8)
        assert codes(answers) == []
        assert balances(north) == {"available": 500, "pending": 500}
        assert verified(north)

    def test_held_accounts_are_nobody_elses(self, north: Place) -> None:
        """Who holds accounts, decides by their balances and posts, decides by the last balances."""
        earn(north, "sale-1", 100)

        def take_half(number: int) -> int:
            with north.open() as uow:
                own = (account(north, "available"), account(north, "pending"))
                half = uow.ledger.lock(own)[own[1]] // 2
                uow.ledger.post(transfer(north, f"half-{number}", half, "pending", "available"))
                uow.commit()
            return half

        answers = at_once(take_half, times=3)
        assert sorted(answer for answer in answers if isinstance(answer, int)) == [12, 25, 50]

    def test_inv_09_the_order_of_journals_does_not_matter(self, north: Place) -> None:
        """Journals that could come in any order give the same balances in each."""
        earn(north, "start", 1000)
        outcomes = []
        for order in permutations(range(3)):
            made = [
                transfer(north, "a", 100, "pending", "available"),
                transfer(north, "b", 30, "pending", "reserve"),
                made_of(north, "c", sale(north, 7)),
            ]
            with north.open() as uow:
                for number in order:
                    uow.ledger.post(made[number])
                outcomes.append(uow.books.balances())
        assert all(outcome == outcomes[0] for outcome in outcomes)

    def test_inv_16_no_posting_across_tenants(self, north: Place, south: Place) -> None:
        """A tenant's ledger takes its own journals only and holds its own accounts only."""
        theirs = made_of(south, "sale-1", sale(south, 500))
        raised(north.do, lambda uow: uow.ledger.post(theirs))
        with pytest.raises(CityOSError):
            made_of(north, "mixed", {account(north, "pending"): -1, account(south, "pending"): 1})
        assert south.see(lambda uow: uow.ledger.find("sale-1")) is None
        assert north.see(lambda uow: uow.ledger.find("sale-1")) is None
        south.do(lambda uow: uow.ledger.post(theirs))
        assert north.see(lambda uow: uow.ledger.find("sale-1")) is None
        assert balances(north) == {}

    def test_tenants_use_the_same_keys(self, north: Place, south: Place) -> None:
        """A key, and a reversal of it, mean something in one tenant only."""
        ours, theirs = earn(north, "sale-1", 500), earn(south, "sale-1", 700)
        assert south.do(lambda uow: uow.ledger.post(negated(south, theirs))) is Posted.POSTED
        assert north.do(lambda uow: uow.ledger.post(negated(north, ours))) is Posted.POSTED
        assert (balances(north), balances(south)) == ({"pending": 0}, {"pending": 0})

    def test_inv_20_the_largest_amounts_are_exact(self, north: Place) -> None:
        """Balances are exact up to 63 bits; what would go beyond is refused without a trace."""
        earn(north, "sale-1", 2**53 + 1)
        earn(north, "sale-2", LARGEST - 2**53 - 1)
        assert balances(north) == {"pending": LARGEST}
        with pytest.raises(CityOSError):
            earn(north, "sale-3", 1)
        assert balances(north) == {"pending": LARGEST}
        assert north.see(lambda uow: uow.books.balances("gateway:"))[0].money == Money(LARGEST, "EUR")
        assert verified(north)
