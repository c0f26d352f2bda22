"""Statements: opening plus movements is closing, for every account of a vendor."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.ids import JournalId, TenantId, VendorId
from cityos_core.kernel.money import Money
from cityos_core.ledger.model import Account, Balance, Journal, vendor_account
from cityos_core.ledger.statements import STATES, Position, Statement, movements, positions, sections, statement_rows

TENANT, ACME, BIRCH = TenantId(UUID(int=1)), VendorId(UUID(int=2)), VendorId(UUID(int=3))
AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def moved(number: int, vendor: VendorId, changes: dict[str, int], currency: str = "EUR") -> Journal:
    """Build a journal that changes a vendor's own-side balances, against the bank."""
    legs = []
    for state, amount in changes.items():
        account = vendor_account(TENANT, vendor, state, currency)
        legs.append((account, account.sign * amount))
    return Journal.of(
        id=JournalId(UUID(int=number + 10)),
        tenant=TENANT,
        key=f"j:{number}",
        kind="adjustment",
        movements=[*legs, (Account(TENANT, "bank", currency), -sum(amount for _, amount in legs)), *_padding(currency)],
        occurred_at=AT + timedelta(hours=number),
        references={"order": str(number)},
    )


def _padding(currency: str) -> list[tuple[Account, int]]:
    return [(Account(TENANT, "tax:a", currency), 1), (Account(TENANT, "tax:b", currency), -1)]


def test_a_statement_in_rows() -> None:
    """A file shows the opening, each movement with its references, and the closing."""
    opening = positions(ACME, [Balance(vendor_account(TENANT, ACME, "available", "EUR"), Money(500, "EUR"))])
    journals = [moved(1, ACME, {"pending": 300}), moved(2, BIRCH, {"pending": 9}), moved(3, ACME, {"debt": 200})]
    statement = Statement(
        vendor="acme", since=AT, until=AT + timedelta(days=1), sections=sections(opening, movements(ACME, journals))
    )
    rows = list(statement_rows(statement))
    assert [(row.kind, row.journal, row.total.text) for row in rows] == [
        ("opening", "", "5.00"),
        ("adjustment", "j:1", "3.00"),
        ("adjustment", "j:3", "-2.00"),
        ("closing", "", "6.00"),
    ]
    assert (rows[1].references, rows[-1].debt.text, rows[-1].available.text) == ("order=1", "2.00", "5.00")


changes = st.dictionaries(st.sampled_from(STATES), st.integers(-1000, 1000), max_size=3)


@given(st.lists(st.tuples(st.sampled_from([ACME, BIRCH]), changes, st.sampled_from(["EUR", "JPY"])), max_size=12))
def test_opening_and_movements_make_the_closing(made: list[tuple[VendorId, dict[str, int], str]]) -> None:
    """However journals are cut into an opening and movements, the closing is the same fold."""
    journals = [moved(number, vendor, change, currency) for number, (vendor, change, currency) in enumerate(made)]
    whole = {part.currency: part.closing for part in sections({}, movements(ACME, journals))}
    for cut in range(len(journals) + 1):
        opening = {part.currency: part.closing for part in sections({}, movements(ACME, journals[:cut]))}
        found = sections(opening, movements(ACME, journals[cut:]))
        assert {part.currency: part.closing for part in found} == whole
        for part in found:
            assert part.opening.total + sum(item.change.total for item in part.movements) == part.closing.total


def test_what_a_vendor_owes_counts_against_it() -> None:
    """The total is everything owed to the vendor less its debt."""
    position = Position(pending=1, available=2, reserve=3, in_payout=4, debt=20)
    assert position.total == -10
    assert not position.is_nothing
    assert Position().is_nothing
