"""The contract of tenancy leaves no method of any repository out."""

from collections.abc import Callable
from inspect import isfunction
from types import TracebackType
from typing import Any, Self, cast, get_type_hints

from cityos_core.kernel.scope import Scope
from cityos_core.testing.contracts import isolation
from cityos_core.testing.contracts.world import settle
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

METHODS = {
    (repository, name)
    for repository, port in get_type_hints(UnitOfWork).items()
    for name, method in vars(port).items()
    if isfunction(method) and not name.startswith("_")
}


class Listener:
    """A repository that notes what is asked of it."""

    def __init__(self, name: str, inner: object, heard: set[tuple[str, str]]) -> None:
        self._name, self._inner, self._heard = name, inner, heard

    def __getattr__(self, name: str) -> Any:
        self._heard.add((self._name, name))
        return getattr(self._inner, name)


class Overheard:
    """A unit of work whose repositories note what is asked of them."""

    def __init__(self, inner: UnitOfWork, heard: set[tuple[str, str]]) -> None:
        self._inner, self._heard = inner, heard

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inner.__exit__(kind, error, trace)

    def __getattr__(self, name: str) -> Any:
        return self._inner.commit if name == "commit" else Listener(name, getattr(self._inner, name), self._heard)


def test_every_method_of_every_repository_is_tried(make_database: Callable[[str], UnitOfWorkFactory]) -> None:
    """A method that a port gains is tried between two tenants, or this fails."""
    heard: set[tuple[str, str]] = set()
    database = make_database("memory")

    def overheard(scope: Scope) -> UnitOfWork:
        return cast("UnitOfWork", Overheard(database(scope), heard))

    north = settle(overheard, "north", seed=2)
    south = settle(overheard, "south", seed=3, beside=north)
    ours, theirs = isolation.belongings(north), isolation.belongings(south)
    isolation.store(ours)
    isolation.store(theirs)
    north.see(lambda uow: list(isolation.answers(uow, ours, theirs)))
    isolation.live(theirs)
    for number in range(isolation.TRESPASSES):
        isolation.trespass(north, theirs, number)
    assert METHODS - heard == set()
