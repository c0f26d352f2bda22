"""By construction: whatever a port can be told to do is noticed, and what is left out is left out by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from inspect import isfunction
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints
from unittest.mock import create_autospec
from uuid import UUID

import pytest
from attrs import evolve, fields, has

from cityos_adapters.memory import MemoryDatabase
from cityos_core.access.model import ApiKey, Assignment
from cityos_core.audit.model import Verb
from cityos_core.audit.trail import Trail, identity, kind_of
from cityos_core.catalog.model import Category, Stock
from cityos_core.commands import ANSWERING, BOOKKEEPING, KEEPING, READERS, REMOVING, REPLACING, UNREMARKABLE, commands
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.scope import PlatformScope
from cityos_core.ledger.model import Journal, Posted
from cityos_core.recording import Transactions
from cityos_core.tenancy.model import SettingEntry
from cityos_core.testing import START, SequentialIdentifiers, SimulatedClock
from cityos_core.unit_of_work import UnitOfWork
from cityos_core.watching import Precondition, Watch, Watched

PORTS: Mapping[str, type] = get_type_hints(UnitOfWork)
METHODS: Mapping[tuple[str, str], Callable[..., object]] = {
    (repository, name): method
    for repository, port in PORTS.items()
    for name, method in vars(port).items()
    if isfunction(method) and not name.startswith("_")
}
SILENT = {place for place, method in METHODS.items() if get_type_hints(method)["return"] is NoneType}
COMMANDS = sorted((repository, name) for repository, names in commands().items() for name in names)
SETWISE = {("entries", "mark"), ("coverage", "cover"), ("coverage", "uncover")}
"""Commands that name what they change by what it has in common."""

THING = UUID(int=7)
REMOVED: Mapping[str, type] = {"settings": SettingEntry, "assignments": Assignment}

every_command = pytest.mark.parametrize(("repository", "command"), COMMANDS)


def test_what_gives_nothing_back_is_a_command() -> None:
    """A method of a port is noticed if it gives nothing back; every exception is listed by name."""
    kept = {place for place in METHODS if place[0] in BOOKKEEPING}
    assert set(COMMANDS) == (SILENT - kept - UNREMARKABLE) | ANSWERING
    assert set(commands()) == set(PORTS) - BOOKKEEPING


def test_the_lists_say_what_is_there() -> None:
    """Nothing is listed as bookkeeping, unremarkable, answering, replacing, keeping or removing that is not."""
    assert set(PORTS) >= BOOKKEEPING
    assert UNREMARKABLE <= SILENT
    assert set(METHODS) - SILENT >= ANSWERING
    assert set(COMMANDS) >= KEEPING | set(REMOVING) | SETWISE
    assert {name for _, name in COMMANDS} == REPLACING | {
        "add",
        "post",
        "post_many",
        "remove",
        "mark",
        "cover",
        "uncover",
    }
    assert set(READERS) <= {place[0] for place in COMMANDS if place[1] in REPLACING or place in KEEPING}


@every_command
def test_a_command_takes_what_can_be_named(repository: str, command: str) -> None:
    """Each command takes records with an identity that can be read before, or tells whose they are by an id."""
    record = taken(repository, command)
    if record is None:
        ids = [hint for hint in hints(repository, command).values() if named(hint) is UUID]
        assert ids
        assert ((repository, command) in SETWISE) != ((repository, command) in REMOVING)
    else:
        assert identity(hollow(record))
        assert command not in REPLACING or repository in READERS or (repository, "get") in METHODS


@every_command
def test_every_command_is_noticed(repository: str, command: str) -> None:
    """Whatever a repository is told, by position or by name, reaches it whole and is in the trail, with its target."""
    given = words(repository, command)
    first = next(iter(given.values()))
    for inner, args, kwargs in (
        (told_of(repository, command), (), given),
        (told_of(repository, command), (first,), {name: given[name] for name in list(given)[1:]}),
    ):
        trail = told(repository, inner, command, *args, **kwargs)
        assert getattr(inner, command).call_count == 1
        (change,) = trail.changes
        record = taken(repository, command)
        if record is not None:
            assert (change.kind, change.verb) == (kind_of(hollow(record)), Verb.ADDED)
            assert change.target == identity(hollow(record))
        elif (repository, command) in SETWISE:
            assert (change.kind, change.target, change.verb) == (repository, str(THING), Verb.MARKED)
            assert change.after == {command: given}
        else:
            assert (change.kind, change.verb) == (kind_of(hollow(REMOVED[repository])), Verb.REMOVED)


@every_command
def test_what_is_streamed_arrives(repository: str, command: str) -> None:
    """Records that are given one after another are noticed and are all there for whom they are meant."""
    record = taken(repository, command)
    if record is None or not is_several(repository, command):
        return
    inner = told_of(repository)
    trail = told(repository, inner, command, iter([hollow(record)]))
    assert len(trail.changes) == 1
    assert list(getattr(inner, command).call_args.args[0]) == [hollow(record)]
    assert told(repository, told_of(repository), command, iter(())).changes == []


@every_command
def test_a_command_that_fails_is_not_told(repository: str, command: str) -> None:
    """What storage refused did not happen; that it was begun is known all the same."""
    inner, watch = told_of(repository, command), Watch(Trail(), Precondition(None))
    getattr(inner, command).side_effect = ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        getattr(Watched(repository, inner, watch), command)(**words(repository, command))
    assert (watch.trail.changes, watch.commands) == ([], 1)


def test_a_replayed_journal_is_not_told() -> None:
    """A journal that was there already is not posted again."""
    for answer, count in ((Posted.REPLAYED, 0), (Posted.POSTED, 1)):
        inner = told_of("ledger")
        inner.post.return_value = answer
        assert len(told("ledger", inner, "post", hollow(Journal)).changes) == count


def test_of_many_journals_the_replayed_ones_are_not_told() -> None:
    """Of journals that are posted together, those that were there already are left out."""
    journals = [hollow(Journal, UUID(int=number)) for number in range(3)]
    inner = told_of("ledger")
    inner.post_many.return_value = [Posted.REPLAYED, Posted.POSTED, Posted.REPLAYED]
    (change,) = told("ledger", inner, "post_many", iter(journals)).changes
    assert (change.target, change.verb) == (str(UUID(int=1)), Verb.ADDED)


def test_what_is_replaced_is_read_before() -> None:
    """A record that this transaction did not read is read before it is replaced."""
    before = hollow(Stock)
    inner = told_of("inventory")
    inner.lock.return_value = {before.sku: before}
    after = evolve(before, on_hand=1)
    (change,) = told("inventory", inner, "save", [after]).changes
    assert (change.verb, change.before, change.after) == (Verb.CHANGED, before, after)


def test_what_was_read_is_not_read_again() -> None:
    """A record that this transaction read, or stored, is known."""
    key, inner, watch = hollow(ApiKey), told_of("api_keys"), Watch(Trail(), Precondition(None))
    inner.get.side_effect, inner.get.return_value = None, key
    watched = Watched("api_keys", inner, watch)
    watched.get(key.id)
    once, twice = evolve(key, name="once"), evolve(key, name="twice")
    watched.save(once)
    watched.save(twice)
    assert inner.get.call_count == 1
    assert [(change.before, change.after) for change in watch.trail.changes] == [(key, once), (once, twice)]


def test_what_stays_as_it_is_is_not_told() -> None:
    """Categories that are there already are left alone, and so is the trail."""
    known = hollow(Category)
    inner = told_of("categories")
    inner.all.return_value = [known]
    trail = told("categories", inner, "add", [evolve(known, name="other"), evolve(known, path="new")])
    assert [(change.target, change.verb) for change in trail.changes] == [("new", Verb.ADDED)]


def test_what_is_not_there_is_not_removed() -> None:
    """Removing a setting that nobody stored leaves nothing."""
    inner = told_of("settings")
    inner.at.return_value = [evolve(hollow(SettingEntry), key="another")]
    assert told("settings", inner, "remove", THING, "key").changes == []


def test_machinery_leaves_no_entry() -> None:
    """What is changed of the machinery alone is committed without an entry, and so is what was only asked."""
    database = MemoryDatabase()
    transactions = Transactions(database, SimulatedClock(), SequentialIdentifiers())
    with transactions(PlatformScope()) as uow:
        uow.answers.forget(START)
        assert uow.tenants.all() == []
        uow.commit()
    assert database.storage.heads.rows == {}


def told(repository: str, inner: Any, command: str, *args: object, **kwargs: object) -> Trail:
    """Give the trail that a command leaves."""
    watch = Watch(Trail(), Precondition(None))
    getattr(Watched(repository, inner, watch), command)(*args, **kwargs)
    return watch.trail


def told_of(repository: str, command: str = "") -> Any:
    """Give a repository that knows nothing but what is to be removed from it."""
    inner = create_autospec(PORTS[repository], instance=True)
    if hasattr(inner, "get"):
        inner.get.side_effect = NotFound("not_found", "there is none")
    if (repository, command) == ("settings", "remove"):
        inner.at.return_value = [hollow(SettingEntry)]
    if (repository, command) == ("assignments", "remove"):
        inner.get.side_effect, inner.get.return_value = None, hollow(Assignment)
    return inner


def hollow(cls: Any, identifier: UUID = THING) -> Any:
    """Make a record of which only the identity means something."""
    record = cls.__new__(cls)
    for field in fields(cls):
        object.__setattr__(record, field.name, identifier if field.name in {"id", "node_id", "tenant"} else "word")
    return record


def hints(repository: str, command: str) -> dict[str, Any]:
    """Give what a command takes, by name."""
    found = get_type_hints(METHODS[repository, command])
    return {name: hint for name, hint in found.items() if name != "return"}


def named(hint: Any) -> Any:
    """Give the plain type behind a name for it, an option or a list."""
    options = [option for option in get_args(hint) if option is not NoneType]
    return named(options[0]) if options else getattr(hint, "__supertype__", hint)


def is_several(repository: str, command: str) -> bool:
    """True if a command takes records by the list."""
    return get_origin(next(iter(hints(repository, command).values()))) in (Iterable, Sequence)


def taken(repository: str, command: str) -> Any:
    """Give the class of the records that a command takes."""
    return next((named(hint) for hint in hints(repository, command).values() if has(named(hint))), None)


def words(repository: str, command: str) -> dict[str, Any]:
    """Give something of each kind that a command takes."""
    given: dict[str, Any] = {}
    for name, hint in hints(repository, command).items():
        cls = named(hint)
        value: Any = THING if cls is UUID else "word"
        if isinstance(cls, type) and issubclass(cls, StrEnum):
            value = next(iter(cls))
        elif has(cls):
            value = [hollow(cls)] if is_several(repository, command) else hollow(cls)
        given[name] = value
    return given
