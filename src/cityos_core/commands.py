"""Which methods of the ports change something, and how what they change is read before they do.

Commands give nothing back and questions do: by that convention a port's new method is known for what it is.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import Signature, get_annotations, isfunction, signature
from typing import Any, Final, get_type_hints

from cityos_core.unit_of_work import UnitOfWork

BOOKKEEPING: Final = frozenset({"audit", "answers", "files"})
"""Repositories of the machinery itself: the trail, answers to repeated requests, the bytes of exports."""

UNREMARKABLE: Final = frozenset({("api_keys", "touch"), ("exports", "save"), ("jobs", "save")})
"""Commands that change nothing of anyone's: when a key was last used, how far an export or a job has come."""

ANSWERING: Final = frozenset({("ledger", "post"), ("ledger", "post_many")})
"""Commands that give something back."""

REPLACING: Final = frozenset({"save", "put", "supersede", "record"})
"""What commands are called that store a record in place of another."""

KEEPING: Final = frozenset({("categories", "add")})
"""Commands that leave a record as it is if there is one."""

READERS: Final[Mapping[str, Callable[[Any, Sequence[Any]], object]]] = {
    "settings": lambda settings, entries: settings.at({entry.node_id for entry in entries}),
    "categories": lambda categories, _: categories.all(),
    "inventory": lambda inventory, rows: inventory.lock(row.sku for row in rows),
    "rules": lambda rules, stored: [version for one in stored for version in rules.versions(one.id)],
    "subscriptions": lambda subscriptions, rows: subscriptions.many({row.id for row in rows}),
    "cycles": lambda cycles, rows: cycles.of({row.subscription_id for row in rows}),
    "attempts": lambda attempts, rows: attempts.of({row.invoice_id for row in rows}),
    "dunning": lambda dunning, cases: dunning.find({case.invoice_id for case in cases}),
}
"""How a repository's records are read before they are replaced, where not one by one with ``get``."""

REMOVING: Final[Mapping[tuple[str, str], Callable[..., object]]] = {
    ("settings", "remove"): lambda settings, node_id, key: [one for one in settings.at([node_id]) if one.key == key],
    ("assignments", "remove"): lambda assignments, assignment_id: assignments.get(assignment_id),
}
"""How the records that a command removes are read before."""


@cache
def commands() -> Mapping[str, frozenset[str]]:
    """List the methods that change something, for every repository whose records are anyone's."""
    return {
        repository: frozenset(
            name
            for name, method in vars(port).items()
            if isfunction(method) and not name.startswith("_") and is_command(repository, name, method)
        )
        for repository, port in get_type_hints(UnitOfWork).items()
        if repository not in BOOKKEEPING
    }


@cache
def parameters(repository: str, name: str) -> Signature:
    """Give what a method of a repository is told."""
    method = signature(getattr(get_type_hints(UnitOfWork)[repository], name))
    return method.replace(parameters=list(method.parameters.values())[1:])


def is_command(repository: str, name: str, method: Callable[..., object]) -> bool:
    """Tell whether a port's method changes something: it gives nothing back, or is known to do both."""
    if (repository, name) in UNREMARKABLE:
        return False
    return (repository, name) in ANSWERING or get_annotations(method)["return"] is None
