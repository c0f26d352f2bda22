"""Statements: what a vendor was owed at the start of a period, what moved, what is owed at its end."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, Self

from attrs import evolve, frozen

from cityos_core.kernel.ids import VendorId
from cityos_core.kernel.money import Money
from cityos_core.ledger.model import Balance, Journal

STATES: Final = ("pending", "available", "reserve", "in_payout", "debt")
"""The accounts of a vendor, in the order of a statement's columns."""


@frozen(kw_only=True)
class Position:
    """What a vendor's accounts hold, or how much they changed, in minor units of one currency."""

    pending: int = 0
    available: int = 0
    reserve: int = 0
    in_payout: int = 0
    debt: int = 0

    @property
    def total(self) -> int:
        """What the vendor is owed in all; negative if it owes."""
        return self.pending + self.available + self.reserve + self.in_payout - self.debt

    @property
    def is_nothing(self) -> bool:
        """True if every account is at zero."""
        return self == Position()

    def plus(self, state: str, amount: int) -> Self:
        """Add to one account."""
        return evolve(self, **{state: getattr(self, state) + amount})

    def __add__(self, other: "Position") -> "Position":
        return Position(**{state: getattr(self, state) + getattr(other, state) for state in STATES})


@frozen(kw_only=True)
class Movement:
    """One journal, as far as it concerns the vendor; ``total`` of ``change`` is what it was worth."""

    occurred_at: datetime
    kind: str
    journal: str
    references: Mapping[str, str]
    change: Position


@frozen(kw_only=True)
class Section:
    """A vendor's statement in one currency: ``opening`` plus every movement is ``closing``."""

    currency: str
    opening: Position
    movements: tuple[Movement, ...]
    closing: Position


@frozen(kw_only=True)
class Statement:
    """What happened to a vendor's money in ``[since, until)``, a section for each currency."""

    vendor: str
    since: datetime
    until: datetime
    sections: tuple[Section, ...]


@frozen(kw_only=True)
class StatementRow:
    """One line of a statement as a file has it: the opening, a movement, or the closing."""

    vendor: str
    occurred_at: datetime
    kind: str
    journal: str
    references: str
    pending: Money
    available: Money
    reserve: Money
    in_payout: Money
    debt: Money
    total: Money


def positions(vendor: VendorId, balances: Iterable[Balance]) -> dict[str, Position]:
    """Arrange a vendor's balances by currency; other accounts are passed over."""
    found: dict[str, Position] = {}
    for balance in balances:
        state = _state(vendor, balance.account.path)
        if state and balance.money:
            before = found.get(balance.money.currency, Position())
            found[balance.money.currency] = before.plus(state, balance.money.minor)
    return found


def movements(vendor: VendorId, journals: Iterable[Journal]) -> dict[str, list[Movement]]:
    """List by currency what journals did to a vendor's accounts, in their order."""
    found: dict[str, list[Movement]] = {}
    for journal in journals:
        for currency, change in _changes(vendor, journal).items():
            found.setdefault(currency, []).append(
                Movement(
                    occurred_at=journal.occurred_at,
                    kind=journal.kind,
                    journal=journal.key,
                    references=dict(journal.references),
                    change=change,
                )
            )
    return found


def sections(opening: Mapping[str, Position], moved: Mapping[str, list[Movement]]) -> tuple[Section, ...]:
    """Add up openings and movements to closings, by currency."""
    made = []
    for currency in sorted({*opening, *moved}):
        start, changes = opening.get(currency, Position()), moved.get(currency, [])
        closing = sum((movement.change for movement in changes), start)
        made.append(Section(currency=currency, opening=start, movements=tuple(changes), closing=closing))
    return tuple(made)


def statement_rows(statement: Statement) -> Iterator[StatementRow]:
    """Write a statement as rows, each section from its opening to its closing."""
    for section in statement.sections:
        opening = Movement(
            occurred_at=statement.since, kind="opening", journal="", references={}, change=section.opening
        )
        closing = evolve(opening, occurred_at=statement.until, kind="closing", change=section.closing)
        for movement in (opening, *section.movements, closing):
            yield _row(statement.vendor, section.currency, movement)


def _row(vendor: str, currency: str, movement: Movement) -> StatementRow:
    return StatementRow(
        vendor=vendor,
        occurred_at=movement.occurred_at,
        kind=movement.kind,
        journal=movement.journal,
        references=" ".join(f"{name}={value}" for name, value in movement.references.items()),
        total=Money(movement.change.total, currency),
        **{state: Money(getattr(movement.change, state), currency) for state in STATES},
    )


def _state(vendor: VendorId, path: str) -> str | None:
    start, _, state = path.rpartition(":")
    return state if start == f"vendor:{vendor}" and state in STATES else None


def _changes(vendor: VendorId, journal: Journal) -> dict[str, Position]:
    found: dict[str, Position] = {}
    for posting in journal.postings:
        account = posting.account
        state = _state(vendor, account.path)
        if state:
            before = found.get(account.currency, Position())
            found[account.currency] = before.plus(state, account.sign * posting.amount)
    return found
