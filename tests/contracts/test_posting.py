"""Posting many journals is posting them one after another, whatever they are and whatever is there."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.ids import JournalId, TenantId, VendorId
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.model import Account, Journal, Posted, vendor_account
from cityos_core.ledger.ports import JournalFilter
from cityos_core.testing.contracts.examples import AT
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

TENANT, ACME = TenantId(UUID(int=1)), VendorId(UUID(int=2))
KEPT = (
    *(vendor_account(TENANT, ACME, state, "EUR") for state in ("pending", "available", "debt")),
    *(Account(TENANT, f"{owner}:credit", "EUR") for owner in ("customer:7", "company:a:b")),
)
ACCOUNTS = (*KEPT, *(Account(TENANT, path, "EUR") for path in ("bank", "customer:7:receivable")))
KEYS = "abcdefghij"

amounts = st.integers(-2, 9)
movements = st.dictionaries(st.sampled_from(ACCOUNTS), amounts.filter(bool), min_size=1, max_size=3)
keys = st.sampled_from(KEYS)
contents = st.tuples(keys, movements, st.none() | st.none() | keys)


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Journal], list[Journal]]:
    """Draw journals that are there, and journals to post: new ones, some of those, and some of both twice."""
    there = draw(st.lists(contents, max_size=4))
    new = draw(st.lists(contents, max_size=5))
    again = draw(st.lists(st.sampled_from(there + new), max_size=3)) if there + new else []
    posted = draw(st.permutations(new + again))
    return [journal(number, *one) for number, one in enumerate(there)], [
        journal(number, *one) for number, one in enumerate(posted, len(there))
    ]


def journal(number: int, key: str, moved: dict[Account, int], reverses: str | None) -> Journal:
    """Build a journal in which each kept account, seen from its own side, changes by so much."""
    legs = [(account, account.sign * amount) for account, amount in moved.items()]
    rest = -sum(amount for _, amount in legs)
    return Journal.of(
        id=JournalId(UUID(int=number + 10)),
        tenant=TENANT,
        key=key,
        kind="adjustment",
        movements=[*legs, (Account(TENANT, "fx:EUR", "EUR"), rest + 1), (Account(TENANT, "tax:de", "EUR"), -1)],
        occurred_at=AT,
        reverses=reverses,
    )


def one_by_one(uow: UnitOfWork, journals: Sequence[Journal]) -> list[Posted]:
    """Post journals one after another."""
    return [uow.ledger.post(one) for one in journals]


def together(uow: UnitOfWork, journals: Sequence[Journal]) -> list[Posted]:
    """Post journals at once."""
    return uow.ledger.post_many(journals)


def came_of(way: Any, unit_of_work: UnitOfWorkFactory, there: list[Journal], posted: list[Journal]) -> Any:
    """Post in a unit of work that is not kept, and give all that can be seen of it, or how it was refused."""
    with unit_of_work(TenantScope(TENANT)) as uow:
        for one in there:
            with suppress(CityOSError):
                uow.ledger.post(one)
        try:
            answers = way(uow, posted)
        except CityOSError as error:
            return error.code
        peeked, held = uow.ledger.peek(ACCOUNTS), uow.ledger.lock(ACCOUNTS)
        assert list(uow.books.differences()) == []
        return answers, peeked, held, uow.books.balances(), list(uow.books.export(JournalFilter()))


def test_posting_many_is_posting_one_after_another(unit_of_work: UnitOfWorkFactory) -> None:
    """The answers, the balances, the journals and the refusals are the same."""

    @given(batches())
    def check(batch: tuple[list[Journal], list[Journal]]) -> None:
        assert came_of(together, unit_of_work, *batch) == came_of(one_by_one, unit_of_work, *batch)

    check()
