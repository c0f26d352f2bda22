"""The contract of keys and reversals: the same journal twice, another one under its key, taking one back."""

from collections.abc import Callable

import pytest

from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import JournalId
from cityos_core.ledger.model import Journal, Posted
from cityos_core.testing.contracts.examples import LATER
from cityos_core.testing.contracts.journals import (
    account,
    balances,
    earn,
    gateway,
    made_of,
    move,
    negated,
    sale,
    state,
    transfer,
    verified,
)
from cityos_core.testing.contracts.world import Contract, Place, at_once, codes, raised


class ReplaysContract(Contract):
    """A key means one journal for ever, and a journal is taken back once."""

    def test_inv_05_a_repeated_key_is_replayed(self, north: Place) -> None:
        """The same key and content again changes nothing and says so, whatever its id, its moment and its order."""
        first = earn(north, "sale-1", 500)
        again = Journal(
            id=JournalId(north.ids.new()),
            tenant=north.id,
            key=first.key,
            kind=first.kind,
            postings=tuple(reversed(first.postings)),
            occurred_at=LATER,
            references=dict(first.references),
        )
        assert north.do(lambda uow: uow.ledger.post(again)) is Posted.REPLAYED
        assert north.see(lambda uow: uow.ledger.find("sale-1")) == first
        assert balances(north) == {"pending": 500}
        with north.open() as uow:
            twice = transfer(north, "twice", 10, "pending", "available")
            assert [uow.ledger.post(twice), uow.ledger.post(twice)] == [Posted.POSTED, Posted.REPLAYED]
            uow.commit()
        assert balances(north) == {"available": 10, "pending": 490}

    def test_a_replay_is_answered_before_any_floor(self, north: Place) -> None:
        """A journal that was recorded is replayed even when it could not be posted any more."""
        earn(north, "sale-1", 500)
        made = move(north, "release-1", 500, "pending", "available")
        assert north.do(lambda uow: uow.ledger.post(made)) is Posted.REPLAYED

    def test_the_same_key_at_once_is_recorded_once(self, north: Place) -> None:
        """Of many who record the same journal at once, one does, and no one records it twice."""
        movements = sale(north, 500)
        answers = at_once(lambda _: north.do(lambda uow: uow.ledger.post(made_of(north, "s", movements))), times=4)
        answers.remove(Posted.POSTED)
        assert all(answer is Posted.REPLAYED or isinstance(answer, Conflict) for answer in answers)
        assert balances(north) == {"pending": 500}
        assert verified(north)

    @pytest.mark.parametrize("change", ["amount", "account", "currency", "kind", "references", "reverses"])
    def test_inv_06_a_key_never_means_something_else(self, north: Place, change: str) -> None:
        """The same key with other content is refused, and nothing changes."""
        first = earn(north, "sale-1", 500, references={"order": "A-1"})
        earn(north, "sale-2", 500)
        variants: dict[str, Callable[[], Journal]] = {
            "amount": lambda: made_of(north, "sale-1", sale(north, 501), references={"order": "A-1"}),
            "account": lambda: made_of(
                north, "sale-1", {account(north, "reserve"): -500, gateway(north): 500}, references={"order": "A-1"}
            ),
            "currency": lambda: made_of(north, "sale-1", sale(north, 500, "KWD"), references={"order": "A-1"}),
            "kind": lambda: made_of(north, "sale-1", sale(north, 500), kind="gift", references={"order": "A-1"}),
            "references": lambda: made_of(north, "sale-1", sale(north, 500), references={"order": "A-2"}),
            "reverses": lambda: made_of(
                north, "sale-1", sale(north, 500), references={"order": "A-1"}, reverses="sale-2"
            ),
        }
        assert raised(north.do, lambda uow: uow.ledger.post(variants[change]())) == "journal_key_reused"
        assert north.see(lambda uow: uow.ledger.find("sale-1")) == first
        assert balances(north) == {"pending": 1000}

    def test_inv_07_a_refused_journal_leaves_no_trace(self, north: Place) -> None:
        """If one account of a journal would fall below its floor, none of its accounts moves."""
        earn(north, "sale-1", 500)
        before = state(north)
        breaching = made_of(
            north, "both", {account(north, "pending"): 100, account(north, "reserve"): 1, gateway(north): -101}
        )
        assert raised(north.do, lambda uow: uow.ledger.post(breaching)) == "floor_breached"
        assert state(north) == before
        assert north.see(lambda uow: uow.ledger.find("both")) is None

    def test_inv_08_a_reversal_is_exact_and_happens_once(self, north: Place) -> None:
        """A reversal takes everything back; a second one, by any key, is refused; repeating the first is a replay."""
        first = earn(north, "sale-1", 500, references={"order": "A-1"})
        back = negated(north, first)
        assert north.do(lambda uow: uow.ledger.post(back)) is Posted.POSTED
        assert balances(north) == {"pending": 0}
        assert north.do(lambda uow: uow.ledger.post(back)) is Posted.REPLAYED
        other = made_of(north, "other", {p.account: p.amount for p in back.postings}, reverses="sale-1")
        earn(north, "sale-2", 500)
        assert raised(north.do, lambda uow: uow.ledger.post(other)) == "already_reversed"
        assert balances(north) == {"pending": 500}
        assert verified(north)

    def test_inv_08_one_of_many_reversals_wins(self, north: Place) -> None:
        """Of many who reverse the same journal by different keys at once, exactly one does."""
        first = earn(north, "sale-1", 500)
        earn(north, "sale-2", 5000)
        amounts = {posting.account: -posting.amount for posting in first.postings}
        made = [made_of(north, f"back-{number}", amounts, reverses="sale-1") for number in range(4)]
        answers = at_once(lambda number: north.do(lambda uow: uow.ledger.post(made[number])), times=4)
        assert codes(answers) == ["already_reversed"] * 3
        assert balances(north) == {"pending": 5000}
