"""Doing things in sets: together if that goes, else one by one, so that what is wrong with one never stops the others."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from cityos_core.kernel.errors import Conflict, Invalid, Refused

T = TypeVar("T")
R = TypeVar("R")

TRIES: Final = 4
"""How often something is tried that another transaction gets in the way of, as one of a set or alone."""

Trouble = Conflict | Refused | Invalid
"""What may be wrong with one of a set; anything else is wrong with the world, and ends the work."""


def in_sets(
    items: Sequence[T], act: Callable[[Sequence[T]], R], *, tries: int = TRIES
) -> Iterator[tuple[Sequence[T], R | Trouble]]:
    """Act on a set in one transaction, or else on each alone, a few times if it loses a race; tell what came of each part."""
    done: R | Trouble
    try:
        done = act(items)
    except (Conflict, Refused, Invalid) as trouble:
        if len(items) > 1 or (trouble.code == "stale" and tries > 1):
            for item in items:
                yield from in_sets([item], act, tries=tries - 1)
            return
        done = trouble
    yield items, done
