"""Walking along a chain, link by link, to the first that does not hold."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from attrs import evolve

from cityos_core.audit.model import GENESIS, Verification
from cityos_core.audit.policy import seal
from cityos_core.audit.ports import Link

Place: TypeAlias = tuple[int, str]
"""A sequence and the hash that stands there; an empty chain ends at ``(0, GENESIS)``."""


def walk(links: Iterable[Link], marks: Iterable[Place] = ()) -> Verification:
    """Check links in order, each against the one before and against what was noted of its place elsewhere."""
    noted = dict(marks)
    found = Verification(entries=0, head=GENESIS)
    for link in links:
        problem = _flaw(link, found) or _unlike(link, noted)
        if problem is not None:
            return broken(found, found.entries + 1, problem)
        found = evolve(found, entries=link.sequence, head=link.hash)
    furthest = max(noted, default=0)
    if found.entries < furthest:
        missing = found.entries + 1
        return broken(found, missing, f"entry {missing} is missing: the chain went on to entry {furthest}")
    return found


def ending(found: Verification, said: Place) -> Verification:
    """Check that a chain which held so far ends where it is said to, or earlier if it grew meanwhile."""
    sequence, noted = said
    if found.entries > sequence:
        beyond = sequence + 1
        return broken(found, beyond, f"entry {beyond} is one too many: the chain is said to end at entry {sequence}")
    if found.entries == sequence and found.head != noted:
        return broken(found, sequence, f"entry {sequence} is not the one that the chain is said to end with")
    return found


def broken(found: Verification, place: int, problem: str) -> Verification:
    """Say where the chain does not hold, and why."""
    return evolve(found, broken_at=place, problem=problem)


def _flaw(link: Link, found: Verification) -> str | None:
    place = found.entries + 1
    if link.sequence != place:
        return f"entry {place} is missing: entry {link.sequence} stands in its place"
    if link.hash != seal(link.sequence, link.previous, link.body):
        return f"entry {place} was changed: its hash is that of another content"
    if link.previous != found.head:
        return f"entry {place} does not follow the entry before it: one of the two is not the original"
    if link.columns != link.body:
        return f"entry {place} is listed as something else than it says: a column beside its text was changed"
    return None


def _unlike(link: Link, noted: Mapping[int, str]) -> str | None:
    if noted.get(link.sequence, link.hash) != link.hash:
        return f"entry {link.sequence} is not the one that was noted: the chain up to there, or the note, was changed"
    return None
