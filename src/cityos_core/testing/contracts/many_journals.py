"""The contract of posting many journals at once: as one after another, all or none."""

from collections.abc import Sequence

import pytest

from cityos_core.kernel.errors import CityOSError, Conflict
from cityos_core.ledger.model import Account, Journal, Posted
from cityos_core.ledger.ports import JournalFilter
from cityos_core.testing.contracts.examples import LARGEST
from cityos_core.testing.contracts.journals import (
    account,
    balances,
    earn,
    gateway,
    made_of,
    negated,
    sale,
    state,
    subscribers,
    transfer,
    verified,
)
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, raised

POSTED, REPLAYED = Posted


class ManyJournalsContract(Contract):
    """Many journals become what they would have become one by one."""

    def test_they_are_recorded_in_their_order(self, north: Place) -> None:
        """All are recorded with their postings, in the order they were given in, and the books are right."""
        credit = subscribers(north, "customer:7", "credit")
        made = [
            made_of(north, "c", sale(north, 500), references={"order": "A-1"}),
            made_of(north, "a", {gateway(north): 30, credit: -30}),
            made_of(north, "d", sale(north, 70, "KWD")),
            made_of(north, "b", {gateway(north): 1, Account(north.id, "bank", "EUR"): -1}),
            made_of(north, "e", {account(north, "debt"): 5, account(north, "pending"): -5}),
        ]
        assert post_many(north, made) == [POSTED] * 5
        assert north.see(lambda uow: list(uow.books.export(JournalFilter()))) == made
        assert north.see(lambda uow: uow.ledger.peek([account(north, "pending"), credit])) == {
            account(north, "pending"): 505,
            credit: 30,
        }
        assert verified(north)

    def test_nothing_is_nothing(self, north: Place) -> None:
        """No journals are no journals."""
        assert post_many(north, []) == []

    @pytest.mark.parametrize("takes", [False, True])
    def test_inv_05_what_was_recorded_is_replayed(self, north: Place, takes: bool) -> None:
        """Journals that are there already, or twice among these, move nothing again; the others do."""
        first, second, third = (made_of(north, f"sale-{n}", sale(north, n)) for n in (100, 20, 3))
        post_many(north, [first])
        again = made_of(north, first.key, sale(north, 100))
        others = [transfer(north, "release", 120, "pending", "available")] * 2 if takes else []
        answers = post_many(north, [again, second, second, third, first, *others])
        assert answers == [REPLAYED, POSTED, REPLAYED, POSTED, REPLAYED, POSTED, REPLAYED][: len(answers)]
        assert balances(north) == ({"pending": 3, "available": 120} if takes else {"pending": 123})
        assert north.see(lambda uow: uow.ledger.find(first.key)) == first
        assert verified(north)

    @pytest.mark.parametrize("is_there", [True, False])
    def test_inv_06_a_key_never_means_something_else(self, north: Place, is_there: bool) -> None:
        """A key with other content than what was recorded, or is among these, refuses all."""
        first = made_of(north, "sale-1", sale(north, 100))
        if is_there:
            post_many(north, [first])
        before = state(north)
        made = [made_of(north, "sale-2", sale(north, 1)), first, made_of(north, "sale-1", sale(north, 101))]
        assert refused(north, made) == "journal_key_reused"
        assert refused(north, [*made, transfer(north, "t", 1, "pending", "available")]) == "journal_key_reused"
        assert state(north) == before

    def test_inv_04_floors_hold_at_every_step(self, north: Place) -> None:
        """What an earlier journal brings a later one may take, but not the other way round."""
        brings, takes = made_of(north, "in", sale(north, 100)), transfer(north, "out", 100, "pending", "available")
        before = state(north)
        assert refused(north, [takes, brings]) == "floor_breached"
        assert state(north) == before
        assert post_many(north, [brings, takes]) == [POSTED, POSTED]
        assert balances(north) == {"available": 100, "pending": 0}
        assert verified(north)

    def test_a_replay_brings_nothing(self, north: Place) -> None:
        """What was recorded before is no cover for what comes after it."""
        brings = made_of(north, "in", sale(north, 100))
        post_many(north, [brings, transfer(north, "out", 100, "pending", "available")])
        assert refused(north, [brings, transfer(north, "more", 1, "pending", "available")]) == "floor_breached"
        assert post_many(north, [brings, transfer(north, "out", 100, "pending", "available")]) == [REPLAYED] * 2

    def test_inv_07_one_refused_journal_refuses_all(self, north: Place) -> None:
        """If one would overdraw an account, nothing is left of the others."""
        earn(north, "sale-1", 50)
        before = state(north)
        made = [
            made_of(north, "sale-2", sale(north, 10)),
            transfer(north, "release", 61, "pending", "available"),
            made_of(north, "sale-3", sale(north, 1000)),
        ]
        assert refused(north, made) == "floor_breached"
        assert state(north) == before

    def test_inv_08_a_journal_is_reversed_once(self, north: Place) -> None:
        """A journal and its reversal may come together; a second reversal refuses all."""
        first, second = earn(north, "sale-1", 500), made_of(north, "sale-2", sale(north, 70))
        back = negated(north, first)
        assert post_many(north, [second, back, negated(north, second), back]) == [POSTED] * 3 + [REPLAYED]
        assert balances(north) == {"pending": 0}
        third = made_of(north, "sale-3", sale(north, 900))
        for key in ("sale-1", "sale-3"):
            others = [made_of(north, f"{name}-{key}", sale(north, 5), reverses=key) for name in ("x", "y")]
            assert refused(north, [third, *others]) == "already_reversed"
        assert balances(north) == {"pending": 0}

    def test_what_is_held_is_up_to_date(self, north: Place) -> None:
        """Who holds accounts and posts many journals holds the new balances."""
        earn(north, "sale-1", 500)
        pending = account(north, "pending")
        with north.open() as uow:
            assert uow.ledger.lock([pending]) == {pending: 500}
            uow.ledger.post_many([made_of(north, f"sale-{n}", sale(north, n)) for n in (2, 3)])
            assert uow.ledger.lock([pending]) == {pending: 505}
            uow.ledger.post_many([transfer(north, f"out-{n}", n, "pending", "available") for n in (5, 500)])
            assert uow.ledger.lock([pending]) == uow.ledger.peek([pending]) == {pending: 0}

    def test_inv_16_no_posting_across_tenants(self, north: Place, south: Place) -> None:
        """One journal of another tenant refuses all."""
        ours, theirs = (made_of(place, "sale-1", sale(place, 500)) for place in (north, south))
        assert refused(north, [ours, theirs]) == "foreign_tenant"
        assert (balances(north), balances(south)) == ({}, {})

    def test_inv_20_the_largest_amounts_are_exact(self, north: Place) -> None:
        """Together they may come to 63 bits, and not to more."""
        assert post_many(north, [made_of(north, f"{n}", sale(north, n)) for n in (LARGEST - 5, 5)]) == [POSTED] * 2
        for amounts in ((1,), (1, 2), (LARGEST, LARGEST)):
            with pytest.raises(CityOSError):
                post_many(north, [made_of(north, f"more-{amount}", sale(north, amount)) for amount in amounts])
        assert balances(north) == {"pending": LARGEST}
        assert verified(north)

    @pytest.mark.parametrize("takes", [False, True])
    def test_the_same_at_once_is_recorded_once(self, north: Place, takes: bool) -> None:
        """Of many who record the same journals at once, one does, and no one records one twice."""
        made = [made_of(north, f"sale-{n}", sale(north, 10)) for n in range(5)]
        made += [transfer(north, "release", 50, "pending", "available")] if takes else []
        answers = at_once(lambda _: post_many(north, made), times=4)
        answers.remove([POSTED] * len(made))
        assert all(answer == [REPLAYED] * len(made) or isinstance(answer, Conflict) for answer in answers)
        assert balances(north) == ({"available": 50, "pending": 0} if takes else {"pending": 50})
        assert verified(north)

    def test_inv_04_floors_hold_under_concurrency(self, north: Place) -> None:
        """Of many who draw on one credit at once, exactly as many succeed as it can pay, whatever their order."""
        credits_ = [subscribers(north, f"customer:{n}", "credit") for n in (1, 2)]
        for number, one in enumerate(credits_):
            post_many(north, [made_of(north, f"in-{number}", {gateway(north): 50, one: -50})])

        def draw(number: int) -> list[Posted]:
            order = credits_ if number % 2 else credits_[::-1]
            made = [made_of(north, f"draw-{number}-{one.path}", {one: 10, gateway(north): -10}) for one in order]
            return post_many(north, made)

        assert codes(at_once(draw, times=8)) == ["floor_breached"] * 3
        assert north.see(lambda uow: uow.ledger.peek(credits_)) == dict.fromkeys(credits_, 0)
        assert verified(north)


def post_many(place: Place, journals: Sequence[Journal]) -> list[Posted]:
    """Record journals in a unit of work of their own."""
    return place.do(lambda uow: uow.ledger.post_many(journals))


def refused(place: Place, journals: Sequence[Journal]) -> str:
    """Give the code that journals are refused with."""
    return raised(post_many, place, journals)
