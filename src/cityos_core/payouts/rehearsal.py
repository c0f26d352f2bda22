"""Doing everything for real and undoing it: how a dry run shows exactly what a run would do."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, cast

from attrs import define, frozen

from cityos_core.audit.model import Record
from cityos_core.kernel.events import Event
from cityos_core.kernel.scope import Scope
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory


@frozen
class _Unwritten:
    """Writes down nothing of what is undone: whoever adds to the chain keeps all others from it until the end."""

    def append(self, record: Record) -> None:
        """Forget it."""


@define
class _Borrowed:
    """A unit of work inside a rehearsal: it works on the one transaction of the rehearsal and commits nothing.

    What one left half-done stays there: after an error nothing more is shown, and whoever tries again hears of it again.
    """

    real: UnitOfWork
    audit: _Unwritten = _Unwritten()
    given_up: BaseException | None = None

    def __enter__(self) -> Self:
        if self.given_up is not None:
            raise self.given_up
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Leave everything to the rehearsal's end."""
        self.given_up = error

    def commit(self, events: Iterable[Event] = ()) -> None:
        """Keep nothing; the next unit of work of the rehearsal sees what this one did."""

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)


@contextmanager
def rehearsal(unit_of_work: UnitOfWorkFactory, scope: Scope) -> Iterator[UnitOfWorkFactory]:
    """Give units of work of one scope that share a single transaction, which is undone at the end.

    What runs on them must not open two at once, call a payout method, or rely on one of them rolling back alone: the
    first that fails ends the rehearsal. The locks that it takes are held until the end.
    """
    with unit_of_work(scope) as uow:
        borrowed = cast("UnitOfWork", _Borrowed(uow))

        def lend(asked: Scope) -> UnitOfWork:
            if asked != scope:
                raise RuntimeError("a rehearsal lends units of work of its own scope only")
            return borrowed

        yield lend
