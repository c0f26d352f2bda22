"""Journals to try a ledger with, and what to look at afterwards."""

from collections.abc import Mapping
from datetime import timedelta

from cityos_core.kernel.ids import JournalId
from cityos_core.ledger.model import Account, Journal, Posted, vendor_account
from cityos_core.ledger.ports import JournalFilter
from cityos_core.testing.contracts.examples import AT, LATER, WORDS
from cityos_core.testing.contracts.world import Place
from cityos_core.unit_of_work import UnitOfWork


def account(place: Place, state: str, currency: str = "EUR") -> Account:
    """Name an account of the first vendor."""
    return vendor_account(place.id, place.acme.id, state, currency)


def gateway(place: Place, currency: str = "EUR") -> Account:
    """Name the account where the buyers' money arrives."""
    return Account(place.id, "gateway:card:pending", currency)


def subscribers(place: Place, owner: str, state: str) -> Account:
    """Name an account of a subscriber such as ``customer:7``: its ``credit`` or ``receivable``."""
    return Account(place.id, f"{owner}:{state}", "EUR")


def sale(place: Place, amount: int, currency: str = "EUR") -> dict[Account, int]:
    """Give the movements of a sale of which everything is the vendor's."""
    return {gateway(place, currency): amount, account(place, "pending", currency): -amount}


def made_of(
    place: Place,
    key: str,
    movements: Mapping[Account, int],
    *,
    kind: str = "sale",
    references: Mapping[str, str] | None = None,
    reverses: str | None = None,
    after: timedelta = timedelta(0),
) -> Journal:
    """Build a journal."""
    return Journal.of(
        id=JournalId(place.ids.new()),
        tenant=place.id,
        key=key,
        kind=kind,
        movements=movements.items(),
        occurred_at=AT + after,
        references=references,
        reverses=reverses,
    )


def transfer(place: Place, key: str, amount: int, source: str, target: str) -> Journal:
    """Build a journal that moves money between two accounts of the vendor."""
    return made_of(place, key, {account(place, source): amount, account(place, target): -amount}, kind="release")


def negated(place: Place, journal: Journal) -> Journal:
    """Build the reversal of a journal."""
    return journal.negated(id=JournalId(place.ids.new()), occurred_at=LATER, references={"reason": WORDS})


def post(
    place: Place,
    key: str,
    movements: Mapping[Account, int],
    *,
    references: Mapping[str, str] | None = None,
    after: timedelta = timedelta(0),
    kind: str = "sale",
) -> Journal:
    """Record a journal."""
    journal = made_of(place, key, movements, references=references, after=after, kind=kind)
    assert place.do(lambda uow: uow.ledger.post(journal)) is Posted.POSTED
    return journal


def earn(
    place: Place, key: str, amount: int, *, currency: str = "EUR", references: Mapping[str, str] | None = None
) -> Journal:
    """Record a sale."""
    return post(place, key, sale(place, amount, currency), references=references)


def move(place: Place, key: str, amount: int, source: str, target: str) -> Journal:
    """Record a move between two accounts of the vendor."""
    journal = transfer(place, key, amount, source, target)
    place.do(lambda uow: uow.ledger.post(journal))
    return journal


def balances(place: Place) -> dict[str, int]:
    """Read the vendor's balances by state."""
    found = place.see(lambda uow: uow.books.balances("vendor:"))
    return {balance.account.path.rpartition(":")[2]: balance.money.minor for balance in found}


def state(place: Place) -> tuple[object, ...]:
    """Read everything there is in the books."""

    def read(uow: UnitOfWork) -> tuple[object, ...]:
        return tuple(uow.books.balances()), tuple(uow.books.export(JournalFilter()))

    return place.see(read)


def verified(place: Place) -> bool:
    """Tell whether the books are right."""
    return place.see(lambda uow: list(uow.books.differences())) == []
