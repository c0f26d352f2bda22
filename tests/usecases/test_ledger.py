"""The ledger as people use it: balances, journals, statements, verification, and journals by hand."""

from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from cityos_adapters.memory.ledger import MemoryBooks
from cityos_core.kernel.ids import PLATFORM
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.by_hand import AdjustmentKind
from cityos_core.ledger.export import journal_rows
from cityos_core.ledger.model import Account, Journal
from cityos_core.ledger.ports import JournalFilter
from usecases.town import code
from usecases.treasury import Treasury, eur


@pytest.fixture
def treasury() -> Treasury:
    """One vendor with 100.00 available."""
    opened = Treasury.open()
    opened.vendor("acme", "100.00")
    return opened


def available(treasury: Treasury) -> str:
    """Name the vendor's account."""
    return f"vendor:{treasury.vendors['acme'].id}:available"


def fee(treasury: Treasury, amount: str = "10.00", **changes: Any) -> Journal:
    """Charge the vendor a fee."""
    words = {
        "kind": AdjustmentKind.FEE,
        "amount": eur(amount),
        "debit": available(treasury),
        "credit": "revenue:fees",
        "actor": "anna@north.example",
        "reason": "late delivery",
    }
    return treasury.ledger.adjust(treasury.scope, **{**words, **changes})


def test_a_fee_by_hand(treasury: Treasury) -> None:
    """A fee moves money between two accounts and says who did it and why."""
    journal = fee(treasury)
    assert (treasury.balance("acme"), treasury.holds("revenue:fees")) == (eur("90.00"), eur("10.00"))
    assert dict(journal.references) == {"actor": "anna@north.example", "reason": "late delivery"}
    treasury.audit()


def test_the_same_key_posts_once(treasury: Treasury) -> None:
    """Repeating a journal by hand under its key changes nothing; other content under it is refused."""
    first, second = fee(treasury, key="f1"), fee(treasury, key="f1")
    assert first == second
    assert treasury.balance("acme") == eur("90.00")
    assert code(lambda: fee(treasury, "11.00", key="f1")) == "journal_key_reused"
    assert treasury.balance("acme") == eur("90.00")


def test_a_journal_by_hand_authorises(treasury: Treasury) -> None:
    """It bounces on a floor and leaves no trace."""
    assert code(lambda: fee(treasury, "100.01")) == "floor_breached"
    assert treasury.balance("acme") == eur("100.00")
    assert len(treasury.ledger.journals(treasury.scope).items) == 1


def test_a_subscribers_credit_by_hand(treasury: Treasury) -> None:
    """A subscriber is given credit, and no more is taken from it than there is."""
    credit = "customer:auth0|ann@example.com:credit"
    fee(treasury, debit="expense:goodwill", credit=credit)
    assert treasury.holds(credit) == eur("10.00")
    assert code(lambda: fee(treasury, "10.01", debit=credit, credit="revenue:fees")) == "floor_breached"
    fee(treasury, "4.00", debit=credit, credit="customer:auth0|ann@example.com:receivable")
    assert treasury.holds(credit) == eur("6.00")
    assert treasury.holds("customer:auth0|ann@example.com:receivable") == eur("-4.00")
    treasury.audit()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"reason": " "}, "no_reason"),
        ({"actor": ""}, "no_actor"),
        ({"amount": "0.00"}, "amount_not_positive"),
        ({"amount": "-1.00"}, "amount_not_positive"),
        ({"credit": "revenues"}, "unknown_account"),
        ({"credit": f"vendor:{UUID(int=77)}:available"}, "vendor_not_found"),
        ({"debit": "bank", "credit": "bank"}, "same_account"),
    ],
)
def test_what_a_journal_by_hand_must_say(treasury: Treasury, changes: dict[str, str], expected: str) -> None:
    """A reason, an actor, an amount, and two accounts that exist are needed."""
    assert code(lambda: fee(treasury, **changes)) == expected


def test_reversing_happens_once(treasury: Treasury) -> None:
    """A fee is undone exactly; repeating that changes nothing, undoing it otherwise is refused."""
    journal = fee(treasury)

    def undo(reason: str = "mistake") -> Journal:
        return treasury.ledger.reverse(treasury.scope, journal.key, reason=reason, actor="ben")

    assert undo() == undo()
    assert treasury.balance("acme") == eur("100.00")
    assert code(lambda: undo("another reason")) == "already_reversed"
    treasury.audit()


def test_only_journals_by_hand_are_reversed(treasury: Treasury) -> None:
    """What an order or a payout booked is undone by the order or the payout."""
    (sale,) = treasury.ledger.journals(treasury.scope).items
    reverse = treasury.ledger.reverse
    assert code(lambda: reverse(treasury.scope, sale.key, reason="x", actor="ben")) == "not_by_hand"
    assert code(lambda: reverse(treasury.scope, "nothing", reason="x", actor="ben")) == "journal_not_found"


def test_unknown_money_waits_in_suspense(treasury: Treasury) -> None:
    """Money nobody can explain is kept, once per reference, until somebody says whose it is."""
    for _ in range(3):
        treasury.ledger.receive_unknown(treasury.scope, source="bank", amount=eur("7.50"), reference="S-1")
    assert treasury.holds("suspense:bank") == eur("7.50")

    def resolve(to: str) -> Journal:
        return treasury.ledger.resolve_suspense(
            treasury.scope, source="bank", reference="S-1", to=to, actor="ben", reason="forgot the reference"
        )

    resolve(available(treasury))
    resolve(available(treasury))
    assert (treasury.holds("suspense:bank"), treasury.balance("acme")) == (eur("0.00"), eur("107.50"))
    assert code(lambda: resolve("revenue:fees")) == "journal_key_reused"
    treasury.audit()


def test_unknown_money_needs_a_reference(treasury: Treasury) -> None:
    """An empty reference matches nothing, so it is not taken; nor is one that was never received."""
    receive, resolve = treasury.ledger.receive_unknown, treasury.ledger.resolve_suspense
    assert code(lambda: receive(treasury.scope, source="bank", amount=eur("1.00"), reference=" ")) == "no_reference"
    assert (
        code(lambda: resolve(treasury.scope, source="bank", reference="S", to="bank", actor="b", reason="r"))
        == "journal_not_found"
    )


def test_a_statement_ties_to_the_ledger(treasury: Treasury) -> None:
    """Every period's closing is the next one's opening, and the last is what the ledger says."""
    start = treasury.clock.now()
    treasury.wait(days=1)
    treasury.earn("acme", eur("40.00"), "pending")
    treasury.earn("acme", Money.of("900", "JPY"))
    treasury.wait(days=1)
    treasury.payouts.request(treasury.scope, "acme", eur("60.00"))
    days = [start + timedelta(days=day) for day in range(-1, 4)]
    give = treasury.ledger.statement
    statements = [give(treasury.scope, "acme", day, day + timedelta(days=1)) for day in days]
    for before, after in pairwise(statements):
        closing = {part.currency: part.closing for part in before.sections}
        opening = {part.currency: part.opening for part in after.sections if not part.opening.is_nothing}
        assert closing == opening
    euro = next(part for part in statements[-1].sections if part.currency == "EUR")
    assert (euro.closing.available, euro.closing.in_payout, euro.closing.pending) == (4000, 6000, 4000)
    assert euro.closing.total == 14000


def test_a_statement_of_nobody_or_nothing(treasury: Treasury) -> None:
    """An unknown vendor is not found and a reversed period is refused."""
    now, later = treasury.clock.now(), treasury.clock.now() + timedelta(days=1)
    assert code(lambda: treasury.ledger.statement(treasury.scope, "nobody", now, later)) == "vendor_not_found"
    assert code(lambda: treasury.ledger.statement(treasury.scope, "acme", later, now)) == "empty_period"


def test_books_that_move_while_a_statement_is_made(treasury: Treasury, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement whose totals do not tie to the ledger is not given."""
    monkeypatch.setattr(MemoryBooks, "export", lambda *_: iter(()))
    now, give = treasury.clock.now(), treasury.ledger.statement
    assert code(lambda: give(treasury.scope, "acme", now, now + timedelta(days=1))) == "books_moved"


def test_inv_18_a_balance_as_of_an_instant(treasury: Treasury) -> None:
    """A balance as of an instant is the fold up to and including it."""
    first = treasury.clock.now()
    treasury.wait(hours=1)
    fee(treasury)
    ask = treasury.ledger.balances
    path = available(treasury)
    assert [item.money for item in ask(treasury.scope, path, as_of=first)] == [eur("100.00")]
    assert ask(treasury.scope, path, as_of=first - timedelta(seconds=1)) == []


def test_journals_in_pages_and_as_an_export(treasury: Treasury) -> None:
    """Pages and the export give the same journals in order of recording; the export's debits equal its credits."""
    fee(treasury)
    fee(treasury, "1.00")
    first = treasury.ledger.journals(treasury.scope, None, PageRequest(limit=2))
    second = treasury.ledger.journals(treasury.scope, None, PageRequest(limit=2, after=first.after))
    exported = list(treasury.ledger.export(treasury.scope))
    assert [*first.items, *second.items] == exported
    rows = [row for journal in exported for row in journal_rows(journal)]
    assert sum(row.debit.minor for row in rows) == sum(row.credit.minor for row in rows) == 11100
    fees = treasury.ledger.export(treasury.scope, JournalFilter(kind="fee"))
    assert [journal.kind for journal in fees] == ["fee", "fee"]


def test_an_export_that_is_dropped_lets_go(treasury: Treasury) -> None:
    """Closing an export half way ends its unit of work."""
    stream = treasury.ledger.export(treasury.scope)
    next(stream)
    stream.close()
    treasury.audit()


def test_verification_finds_what_was_tampered_with(treasury: Treasury) -> None:
    """Books that are right verify; a stored balance that was changed behind their back is named."""
    good = treasury.ledger.verify(treasury.scope)
    assert (good.ok, good.accounts, good.currencies) == (True, 2, ("EUR",))
    account = Account(treasury.scope.tenant_id, available(treasury), "EUR")
    treasury.memory.storage.of(treasury.scope.tenant_id).balances.rows[account] = 1
    bad = treasury.ledger.verify(treasury.scope)
    assert not bad.ok
    assert (bad.differences[0].account, bad.differences[0].recomputed) == (account, eur("100.00"))


def test_inv_16_a_neighbour_sees_nothing(treasury: Treasury) -> None:
    """Another scope finds no journal, no balance and nothing to reverse."""
    other = TenantScope(PLATFORM)
    journal = fee(treasury)
    assert treasury.ledger.balances(other) == []
    assert list(treasury.ledger.export(other)) == []
    assert code(lambda: treasury.ledger.reverse(other, journal.key, reason="x", actor="y")) == "journal_not_found"
