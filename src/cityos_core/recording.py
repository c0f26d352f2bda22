"""Units of work that write down what was done in them, so that no use case has to remember to.

Every command of every repository passes here (:func:`~cityos_core.commands.is_command`): whatever a port gains later is
audited without a word about it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Self, cast
from uuid import UUID

from attrs import frozen

from cityos_core.audit.model import Record
from cityos_core.audit.trail import Trail
from cityos_core.commands import commands
from cityos_core.kernel.caller import caller
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers
from cityos_core.kernel.scope import Scope
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from cityos_core.watching import Precondition, Watch, Watched


@frozen(kw_only=True)
class Expectation:
    """The version that a caller saw of a record it is about to change.

    The node of a tenant or store bears the same id: the version is that of the tenant or store itself.
    """

    id: UUID
    version: int


class RecordedUnitOfWork:
    """A unit of work with a trail; commits nothing without the entry that tells of it."""

    def __init__(self, source: "Transactions", scope: Scope, expectation: Expectation | None = None) -> None:
        self.scope = scope
        expected = None if expectation is None else (expectation.id, expectation.version)
        self.watch = Watch(Trail(source.secrets), Precondition(expected))
        self.events: list[Event] = []
        self.given_up: BaseException | None = None
        """Why a part was left that had begun to change something."""
        self._source = source
        self._inner = source.open(scope)

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        watched = Watched(name, inner, self.watch) if name in commands() else inner
        self.__dict__[name] = watched
        return watched

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._inner.__exit__(kind, error, trace)

    def commit(self, events: Iterable[Event] = ()) -> None:
        """Make everything durable, with its events and its entry in the audit."""
        self.require_whole()
        if self.watch.trail.changes:
            self._inner.audit.append(
                Record(
                    id=self._source.identifiers.new(),
                    tenant_id=self.scope.tenant_id,
                    occurred_at=self._source.clock.now(),
                    caller=caller(),
                    changes=tuple(self.watch.trail.changes),
                )
            )
        self._inner.commit([*self.events, *events])

    def require_whole(self) -> None:
        """Refuse to go on after a part was given up that had begun to change something."""
        if isinstance(self.given_up, Conflict):
            raise Conflict(
                "given_up", "someone else was faster, and nothing was changed; try it again"
            ) from self.given_up
        if self.given_up is not None:
            raise RuntimeError("a part of this transaction was given up half-way") from self.given_up

    def is_of(self, source: "Transactions", scope: Scope) -> bool:
        """True if this is where that source's work in a scope belongs."""
        return self._source is source and self.scope == scope


class PartOfUnitOfWork:
    """A unit of work inside a larger one: what it commits counts when the larger one does.

    One that began to change something and is left without a commit cannot be undone alone: the larger one is given up.
    """

    def __init__(self, whole: RecordedUnitOfWork) -> None:
        self._whole = whole
        self._mark = 0
        self._is_done = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def __enter__(self) -> Self:
        self._whole.require_whole()
        self._mark = self._whole.watch.commands
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if not self._is_done and self._whole.watch.commands > self._mark:
            self._whole.given_up = error or RuntimeError("it was left without a commit")

    def commit(self, events: Iterable[Event] = ()) -> None:
        """Hand everything to the larger unit of work."""
        self._whole.require_whole()
        self._whole.events.extend(events)
        self._is_done = True


_WHOLES: Final[ContextVar[tuple[RecordedUnitOfWork, ...]]] = ContextVar("wholes", default=())


@frozen(eq=False)
class Transactions:
    """Gives audited units of work. In a block of :meth:`one`, those of its scope are parts of one transaction.

    ``secrets`` are the keys of settings whose values the trail does not show.
    """

    open: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    secrets: frozenset[str] = frozenset()

    def __call__(self, scope: Scope) -> UnitOfWork:
        """Make a unit of work in a scope."""
        whole = self._whole(scope)
        if whole is not None:
            return cast("UnitOfWork", PartOfUnitOfWork(whole))
        return cast("UnitOfWork", RecordedUnitOfWork(self, scope))

    @contextmanager
    def one(self, scope: Scope, *, expectation: Expectation | None = None) -> Iterator[UnitOfWork]:
        """Let everything that the block does in a scope be one transaction, which is undone unless it is committed.

        A record that is read or changed must be at the expected version, else ``PreconditionFailed``.
        """
        if self._whole(scope) is not None:
            raise RuntimeError("this is in one transaction of that scope already")
        with RecordedUnitOfWork(self, scope, expectation) as whole:
            token = _WHOLES.set((*_WHOLES.get(), whole))
            try:
                yield cast("UnitOfWork", whole)
            finally:
                _WHOLES.reset(token)

    def _whole(self, scope: Scope) -> RecordedUnitOfWork | None:
        return next((whole for whole in _WHOLES.get() if whole.is_of(self, scope)), None)


def is_part(uow: UnitOfWork) -> bool:
    """Tell whether a unit of work is part of a larger one: what fails in it cannot be undone alone."""
    return isinstance(uow, PartOfUnitOfWork)


def note_seen(uow: UnitOfWork, kind: str, targets: Iterable[str]) -> None:
    """Let a unit of work's entry say that someone looked at records of a kind; it need not change anything."""
    watch = getattr(uow, "watch", None)
    if not isinstance(watch, Watch):
        raise TypeError("this unit of work has no trail; take one from Transactions")
    watch.trail.showed(kind, targets)
