"""Which rules could beat a rule in its own scope and group, without comparing each with every other one."""

from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Final

from attrs import field, frozen

from cityos_core.commissions.rules import Rule

_EXCLUSIVE: Final = ("products", "vendors", "customer_groups", "channels")
"""Conditions on something of which a sale has one, so that rules without a value in common never meet."""

Ranked = tuple[int, Rule]
"""A rule after its place in precedence."""


@frozen
class _Shelf:
    """Rules that have a condition of one kind, all together and by value."""

    everything: list[Ranked] = field(factory=list)
    by_value: dict[str, list[Ranked]] = field(factory=dict)

    def add(self, values: Iterable[str], ranked: Ranked) -> None:
        self.everything.append(ranked)
        for value in values:
            self.by_value.setdefault(value, []).append(ranked)


@frozen
class Rivals:
    """Rules of one scope and group, added in precedence."""

    _shelves: dict[str, _Shelf] = field(factory=dict, init=False)
    _others: list[Ranked] = field(factory=list, init=False)
    _added: list[Rule] = field(factory=list, init=False)

    def add(self, rule: Rule) -> None:
        """Add the next rule."""
        ranked = (len(self._added), rule)
        self._added.append(rule)
        for kind in _EXCLUSIVE:
            values = getattr(rule.conditions, kind)
            if values:
                self._shelves.setdefault(kind, _Shelf()).add(values, ranked)
                return
        self._others.append(ranked)

    def of(self, rule: Rule) -> Iterator[Rule]:
        """List the rules added before that may meet one, in precedence."""
        lists = [self._others]
        for kind, shelf in self._shelves.items():
            values = getattr(rule.conditions, kind)
            lists += [shelf.by_value.get(value, []) for value in values] if values else [shelf.everything]
        last = -1
        for place, found in merge(*lists, key=lambda ranked: ranked[0]):
            if place != last:
                last = place
                yield found
