"""Journals balance or do not exist; a repeated key is recognised by its content."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import JournalId, TenantId
from cityos_core.ledger.export import journal_rows
from cityos_core.ledger.model import Account, Journal, Posting

NORTH, SOUTH = TenantId(UUID(int=1)), TenantId(UUID(int=2))
AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
BANK, FEES, TAX = (Account(NORTH, path, "EUR") for path in ("bank", "expense:fees", "tax:de"))
YEN = Account(NORTH, "bank", "JPY")


def journal(*movements: tuple[Account, int], key: str = "k", **parts: Any) -> Journal:
    """Build a journal from movements."""
    return Journal.of(
        id=JournalId(UUID(int=9)), tenant=NORTH, key=key, kind="fee", movements=movements, occurred_at=AT, **parts
    )


def test_inv_01_a_journal_sums_to_zero_per_currency() -> None:
    """An unbalanced journal cannot be built, not even if another currency makes up for it."""
    for movements in ([(BANK, 100), (FEES, -99)], [(BANK, 100), (YEN, -100)]):
        with pytest.raises(Invalid) as refused:
            journal(*movements)
        assert refused.value.code == "unbalanced_journal"


def test_inv_16_a_journal_belongs_to_one_tenant() -> None:
    """No posting goes to another tenant's account."""
    with pytest.raises(Invalid) as refused:
        journal((BANK, 100), (Account(SOUTH, "bank", "EUR"), -100))
    assert refused.value.code == "foreign_tenant"


@pytest.mark.parametrize("amount", [1.0, True, Decimal(1), "1", float("nan")])
def test_inv_20_only_whole_numbers_are_posted(amount: object) -> None:
    """Anything but an integer is refused by type."""
    with pytest.raises(TypeError):
        Posting(BANK, amount)  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", [2**63, -(2**63), 2**70])
def test_inv_20_what_does_not_fit_is_refused(amount: int) -> None:
    """Amounts beyond 64 bits are refused, the largest that fit are exact."""
    with pytest.raises(Invalid):
        Posting(BANK, amount)
    assert journal((BANK, 2**63 - 1), (FEES, 1 - 2**63)).postings[0].amount == 2**63 - 1


def test_an_empty_journal_is_refused() -> None:
    """A journal that moves nothing says nothing."""
    with pytest.raises(Invalid) as refused:
        journal((BANK, 5), (BANK, -5))
    assert refused.value.code == "empty_journal"


def test_the_digest_is_of_the_content() -> None:
    """The order of postings and the moment do not count; amounts, kind and references do."""
    first = journal((BANK, 100), (FEES, -100), references={"a": "1"})
    assert first.digest == journal((FEES, -100), (BANK, 100), references={"a": "1"}).digest
    others = [
        journal((BANK, 101), (FEES, -101), references={"a": "1"}),
        journal((BANK, 100), (FEES, -100), references={"a": "2"}),
        journal((BANK, 100), (TAX, -100), references={"a": "1"}),
        journal((BANK, 100), (FEES, -100), references={"a": "1"}, reverses="x"),
    ]
    assert all(other.digest != first.digest for other in others)


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=6))
def test_inv_08_a_reversal_is_the_exact_negation(amounts: list[int]) -> None:
    """A journal and its reversal add up to nothing on every account."""
    places = [Account(NORTH, f"tax:{number}", "EUR") for number in range(len(amounts))]
    made = journal(*zip(places, amounts, strict=True), (BANK, -sum(amounts)), (FEES, 7), (TAX, -7))
    undone = made.negated(id=JournalId(UUID(int=10)), occurred_at=AT, references={})
    sums: dict[Account, int] = {}
    for posting in (*made.postings, *undone.postings):
        sums[posting.account] = sums.get(posting.account, 0) + posting.amount
    assert not any(sums.values())
    assert undone.reverses == made.key


@given(st.lists(st.integers(-(10**12), 10**12).filter(bool), min_size=1, max_size=6))
def test_inv_19_exported_debits_equal_credits(amounts: list[int]) -> None:
    """The rows of a journal have equal debits and credits, and are the same every time."""
    places = [Account(NORTH, f"tax:{number}", "EUR") for number in range(len(amounts))]
    made = journal(*zip(places, amounts, strict=True), (BANK, -sum(amounts)), (FEES, 7), (TAX, -7))
    rows = list(journal_rows(made))
    assert sum(row.debit.minor for row in rows) == sum(row.credit.minor for row in rows)
    assert all((row.debit.minor == 0) != (row.credit.minor == 0) for row in rows)
    assert rows == list(journal_rows(made))
