"""What one transaction read and changed, record by record."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, ValuesView
from functools import cache
from operator import attrgetter
from typing import Any, Final

from attrs import evolve, fields_dict, has

from cityos_core.audit.model import IMMUTABLE, Change, Verb
from cityos_core.tenancy.model import SettingEntry

IDENTITIES: Final[Mapping[str, Callable[[Any], str]]] = {
    "setting_entry": lambda entry: f"{entry.node_id}/{entry.key}",
    "stock": attrgetter("sku"),
    "category": attrgetter("path"),
    "billing_cycle": lambda cycle: f"{cycle.subscription_id}/{cycle.index}",
    "payment_attempt": attrgetter("key"),
    "dunning_case": lambda case: str(case.invoice_id),
    "usage_record": lambda record: f"{record.subscription_id}/{record.key}",
    "movement": lambda movement: f"{movement.subscription_id}/{movement.number}",
}
"""What tells records of a kind apart that have no ``id``."""

MASK: Final = "***"


class Trail:
    """Remembers records as they were read, and writes down what becomes of them.

    ``secrets`` are the keys of settings whose values are never shown.
    """

    def __init__(self, secrets: frozenset[str] = frozenset()) -> None:
        self.changes: list[Change] = []
        self._secrets = secrets
        self._known: dict[Hashable, object] = {}

    def saw(self, records: Iterable[object]) -> None:
        """Remember records as they stand."""
        for record in records:
            self._known[_place(record)] = record

    def knows(self, record: object) -> bool:
        """True if the record was read or written in this transaction."""
        return _place(record) in self._known

    def wrote(self, record: object) -> None:
        """Write down that a record was stored, in place of the one that is known of it if there is one."""
        place = _, identifier = _place(record)
        kind, target, before = kind_of(record), str(identifier), self._known.get(place)
        verb = Verb.ADDED if before is None else Verb.CHANGED
        if kind in IMMUTABLE:
            self._note(kind, target, verb)
        else:
            self._note(kind, target, verb, before=self._shown(before), after=self._shown(record))
            self._known[place] = record

    def removed(self, record: object) -> None:
        """Write down that a record is no more."""
        self._note(kind_of(record), identity(record), Verb.REMOVED, before=self._shown(record))
        self._known.pop(_place(record), None)

    def marked(self, kind: str, target: str, command: Mapping[str, object]) -> None:
        """Write down a statement that changed whatever it found, by what it was told."""
        self._note(kind, target, Verb.MARKED, after=command)

    def showed(self, kind: str, targets: Iterable[str]) -> None:
        """Write down that someone looked at records, or at a list in which there was nothing."""
        for target in list(targets) or [""]:
            self._note(kind, target, Verb.SEEN)

    def _note(self, kind: str, target: str, verb: Verb, *, before: object = None, after: object = None) -> None:
        self.changes.append(Change(kind=kind, target=target, verb=verb, before=before, after=after))

    def _shown(self, record: object) -> object:
        if isinstance(record, SettingEntry) and record.key in self._secrets:
            return evolve(record, value=MASK)
        return record


def records_in(value: object) -> Iterator[object]:
    """Go through the records that a repository was given or gave: one, several, or by some key."""
    if isinstance(value, Mapping):
        value = value.values()
    for item in value if isinstance(value, tuple | list | ValuesView) else (value,):
        if _identifier(item) is not None:
            yield item


def kind_of(record: object) -> str:
    """Name the kind that a record is of, such as ``payout_batch``."""
    cls: Any = type(record)
    return _kind(cls)


def identity(record: object) -> str:
    """Give what a record is known by among those of its kind."""
    return str(_told_apart(record))


def _place(record: object) -> tuple[type, Hashable]:
    return type(record), _told_apart(record)


def _told_apart(record: object) -> Hashable:
    identifier = _identifier(record)
    if identifier is None:
        raise TypeError(f"a {kind_of(record)} has nothing that the audit could name it by")
    return identifier(record)


def _identifier(record: object) -> Callable[[Any], Hashable] | None:
    cls: Any = type(record)
    return _identifier_of(cls)


@cache
def _identifier_of(cls: Any) -> Callable[[Any], Hashable] | None:
    """Say how records of a class are told apart; none for what is not a record."""
    if not has(cls):
        return None
    return IDENTITIES.get(_kind(cls), attrgetter("id") if "id" in fields_dict(cls) else None)


@cache
def _kind(cls: Any) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in cls.__name__).lstrip("_")
