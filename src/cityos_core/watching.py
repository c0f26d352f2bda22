"""Repositories that are watched: whatever they are told to do is written down, with what was there before."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from cityos_core.audit.trail import Trail, records_in
from cityos_core.commands import KEEPING, READERS, REMOVING, REPLACING, commands, parameters
from cityos_core.kernel.errors import Conflict, NotFound, PreconditionFailed
from cityos_core.ledger.model import Posted
from cityos_core.tenancy.model import Level, Node


class Precondition:
    """Holds a transaction to the version of a record that its caller expects: once, before it can have changed it."""

    def __init__(self, expected: tuple[UUID, int] | None) -> None:
        self._expected = expected
        self._is_met = False

    def check(self, records: Iterable[object]) -> None:
        """Refuse another version than the expected one when the record is first come across."""
        if self._expected is None or self._is_met:
            return
        versions = _versions(self._expected[0], records)
        if versions and max(versions) != self._expected[1]:
            raise _changed_since()
        self._is_met = bool(versions)

    @contextmanager
    def holding(self, records: Iterable[object]) -> Iterator[None]:
        """Refuse what storage finds to be stale, if it is the record of which a version was expected."""
        try:
            yield
        except Conflict as lost:
            if self._expected is None or lost.code != "stale" or not _versions(self._expected[0], records):
                raise
            raise _changed_since() from lost


def _versions(identifier: UUID, records: Iterable[Any]) -> list[int]:
    """List the versions of a record among these; nodes of tenants and stores bear the ids of those."""
    return [
        record.version
        for record in records
        if getattr(record, "id", None) == identifier
        and hasattr(record, "version")
        and not (isinstance(record, Node) and record.level in (Level.TENANT, Level.STORE))
    ]


def _changed_since() -> PreconditionFailed:
    return PreconditionFailed(
        "precondition_failed", "this was changed since you read it; read it again and repeat the change"
    )


class Watch:
    """What is noticed of one transaction: its trail, whether it keeps to its precondition, how much it set out to do."""

    def __init__(self, trail: Trail, precondition: Precondition) -> None:
        self.trail = trail
        self.precondition = precondition
        self.commands = 0
        """How many were begun."""


class Watched:
    """A repository whose answers and commands are noticed.

    It keeps no method that knows it: all that a transaction saw would wait for the garbage collector.
    """

    def __init__(self, repository: str, inner: Any, watch: Watch) -> None:
        self._repository = repository
        self._inner = inner
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name in commands()[self._repository]:
            return self._commanding(name, method)
        return self._asking(method) if callable(method) else method

    def _asking(self, method: Callable[..., object]) -> Callable[..., object]:
        def ask(*args: object, **kwargs: object) -> object:
            answer = method(*args, **kwargs)
            self._saw(answer)
            return answer

        return ask

    def _commanding(self, name: str, method: Callable[..., object]) -> Callable[..., object]:
        removed = REMOVING.get((self._repository, name))

        def command(*args: object, **kwargs: object) -> object:
            self._watch.commands += 1
            if removed is not None:
                return self._remove(method, list(records_in(removed(self._inner, *args, **kwargs))), args, kwargs)
            args, kwargs = tuple(map(_listed, args)), {key: _listed(value) for key, value in kwargs.items()}
            given = (*args, *kwargs.values())
            records = [record for value in given for record in records_in(value)]
            if records:
                return self._store(name, method, records, args, kwargs)
            answer = method(*args, **kwargs)
            if not any(isinstance(value, list) for value in given):
                self._mark(name, parameters(self._repository, name).bind(*args, **kwargs).arguments)
            return answer

        return command

    def _store(
        self, name: str, method: Callable[..., object], records: Sequence[object], args: Any, kwargs: Any
    ) -> object:
        if name in REPLACING or (self._repository, name) in KEEPING:
            self._read_first([record for record in records if not self._watch.trail.knows(record)])
        self._watch.precondition.check(records)
        with self._watch.precondition.holding(records):
            answer = method(*args, **kwargs)
        for record in _told(records, answer):
            if not ((self._repository, name) in KEEPING and self._watch.trail.knows(record)):
                self._watch.trail.wrote(record)
        return answer

    def _remove(self, method: Callable[..., object], records: Sequence[object], args: Any, kwargs: Any) -> object:
        self._watch.precondition.check(records)
        answer = method(*args, **kwargs)
        for record in records:
            self._watch.trail.removed(record)
        return answer

    def _mark(self, name: str, told: Mapping[str, object]) -> None:
        target = next((str(value) for value in told.values() if isinstance(value, UUID)), "")
        self._watch.trail.marked(self._repository, target, {name: dict(told)})

    def _read_first(self, records: Sequence[Any]) -> None:
        """Read what is about to be replaced and was read by another transaction, or not at all."""
        reader = READERS.get(self._repository)
        if reader is not None:
            self._saw(reader(self._inner, records) if records else ())
            return
        for record in records:
            with suppress(NotFound):  # storage says what is wrong with replacing what is not there
                self._saw(self._inner.get(record.id))

    def _saw(self, answer: object) -> None:
        records = list(records_in(answer))
        self._watch.precondition.check(records)
        self._watch.trail.saw(records)


def _told(records: Sequence[object], answer: object) -> list[object]:
    """Leave out the journals that were there already, by what became of each."""
    became = answer if isinstance(answer, list) else [answer] * len(records)
    return [record for record, one in zip(records, became, strict=True) if one is not Posted.REPLAYED]


def _listed(value: object) -> object:
    return value if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable) else list(value)
