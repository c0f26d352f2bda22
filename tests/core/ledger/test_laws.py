"""Laws of the ledger, whatever is posted in whatever order."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from cityos_adapters.memory import MemoryDatabase
from cityos_core.kernel.errors import Refused
from cityos_core.kernel.ids import JournalId, TenantId, VendorId
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.model import Account, Journal, Posted, vendor_account
from cityos_core.ledger.service import Balances, Verify

TENANT = TenantId(UUID(int=1))
SCOPE = TenantScope(TENANT)
AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ACCOUNTS = (
    Account(TENANT, "bank", "EUR"),
    Account(TENANT, "revenue:commission", "EUR"),
    vendor_account(TENANT, VendorId(UUID(int=2)), "available", "EUR"),
    vendor_account(TENANT, VendorId(UUID(int=2)), "debt", "EUR"),
    Account(TENANT, "customer:7:receivable", "EUR"),
    Account(TENANT, "customer:7:credit", "EUR"),
)
transfers = st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS), st.integers(1, 1000)).filter(
    lambda found: found[0] != found[1]
)


def posted(database: MemoryDatabase, number: int, move: tuple[Account, Account, int]) -> str:
    """Post a transfer in a unit of work of its own, and tell what became of it."""
    debit, credit, amount = move
    with database(SCOPE) as uow:
        journal = Journal.of(
            id=JournalId(UUID(int=number + 10)),
            tenant=TENANT,
            key=f"j:{number}",
            kind="adjustment",
            movements=[(debit, amount), (credit, -amount)],
            occurred_at=AT,
        )
        try:
            outcome = uow.ledger.post(journal)
        except Refused as refused:
            return refused.code
        uow.commit()
    return outcome.value


def folded(moves: list[tuple[Account, Account, int]]) -> dict[Account, int]:
    """Add transfers up, each account seen from its own side."""
    sums = dict.fromkeys(ACCOUNTS, 0)
    for debit, credit, amount in moves:
        sums[debit] += debit.sign * amount
        sums[credit] -= credit.sign * amount
    return {account: amount for account, amount in sums.items() if amount}


@given(st.lists(transfers, max_size=25))
def test_inv_02_03_04_07_what_is_posted_is_what_is_there(moves: list[tuple[Account, Account, int]]) -> None:
    """Balances are the fold of what was taken; what would overdraw a floor is refused and leaves no trace."""
    database, taken = MemoryDatabase(), list[tuple[Account, Account, int]]()
    for number, move in enumerate(moves):
        would_be = folded([*taken, move])
        overdraws = any(account.has_floor and amount < 0 for account, amount in would_be.items())
        assert posted(database, number, move) == ("floor_breached" if overdraws else Posted.POSTED.value)
        taken += [] if overdraws else [move]
    found = {item.account: item.money.minor for item in Balances(database)(SCOPE) if item.money}
    assert found == folded(taken)
    assert Verify(database)(SCOPE).ok
    assert sum(account.sign * amount for account, amount in found.items()) == 0


@given(st.data(), st.lists(transfers, min_size=1, max_size=10))
def test_inv_05_09_order_and_repetition_do_not_matter(
    data: st.DataObject, moves: list[tuple[Account, Account, int]]
) -> None:
    """Journals that no floor stops give the same balances in any order, and once each however often they come."""
    free = [move for move in moves if not any(account.has_floor for account in move[:2])]
    order = data.draw(st.permutations(range(len(free))))
    straight, shuffled = MemoryDatabase(), MemoryDatabase()
    for number, move in enumerate(free):
        assert posted(straight, number, move) == Posted.POSTED.value
    for number in (*order, *order):
        posted(shuffled, number, free[number])
    for number, move in enumerate(free):
        assert posted(shuffled, number, move) == Posted.REPLAYED.value
    assert Balances(straight)(SCOPE) == Balances(shuffled)(SCOPE)
