"""Finding the rules of one scope that may match a line, without looking at those that cannot.

A scope with few rules is walked, so that its explanation names every one of them. A scope with many is divided by
validity, by the exact values of its rules' conditions and by their amounts, and only what remains is considered.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from attrs import field, frozen

from cityos_core.commissions.compiled import CompiledRule
from cityos_core.commissions.facts import LineFacts
from cityos_core.commissions.rules import Conditions

FEW: Final = 16
"""How many rules of one scope are simply walked."""

_SEGMENTS: Final = 64
"""How many stretches of time a scope keeps its index for."""


class Index(Protocol):
    """Some rules, arranged for finding those that may match."""

    def collect(self, facts: LineFacts, found: dict[int, CompiledRule]) -> None:
        """Add the rules that may match to ``found``, by age."""
        ...


@frozen
class Few:
    """Rules that are not divided further."""

    rules: tuple[CompiledRule, ...]

    def collect(self, facts: LineFacts, found: dict[int, CompiledRule]) -> None:  # noqa: ARG002  an index among others
        """Add all of them."""
        for rule in self.rules:
            found[rule.age] = rule


@frozen
class ByValue:
    """Rules with a condition on exact values, by value, and the rest."""

    values: Callable[[LineFacts], Iterable[str | None]]
    branches: Mapping[str, Index]
    rest: Index

    def collect(self, facts: LineFacts, found: dict[int, CompiledRule]) -> None:
        """Add what the line's own values lead to, and the rest."""
        for value in self.values(facts):
            branch = self.branches.get(value) if value is not None else None
            if branch is not None:
                branch.collect(facts, found)
        self.rest.collect(facts, found)


@frozen
class Interval:
    """A rule that holds for amounts from ``low`` to ``high``, both inclusive."""

    low: int
    high: int
    rule: CompiledRule


@frozen
class Intervals:
    """Intervals as a tree: those that contain ``centre``, by either end, and those wholly on one side of it."""

    centre: int
    by_low: tuple[Interval, ...]
    by_high: tuple[Interval, ...]
    below: "Intervals | None"
    above: "Intervals | None"

    @classmethod
    def of(cls, intervals: Sequence[Interval]) -> "Intervals | None":
        """Build the tree; nothing for no intervals and those that contain nothing."""
        intervals = [interval for interval in intervals if interval.low <= interval.high]
        if not intervals:
            return None
        ends = sorted(end for interval in intervals for end in (interval.low, interval.high))
        centre = ends[len(ends) // 2]
        here = [interval for interval in intervals if interval.low <= centre <= interval.high]
        return cls(
            centre,
            tuple(sorted(here, key=lambda interval: interval.low)),
            tuple(sorted(here, key=lambda interval: -interval.high)),
            cls.of([interval for interval in intervals if interval.high < centre]),
            cls.of([interval for interval in intervals if interval.low > centre]),
        )

    def collect(self, amount: int, found: dict[int, CompiledRule]) -> None:
        """Add the rules whose interval contains an amount."""
        tree: Intervals | None = self
        while tree is not None:
            if amount < tree.centre:
                for interval in tree.by_low:
                    if interval.low > amount:
                        break
                    found[interval.rule.age] = interval.rule
                tree = tree.below
            else:
                for interval in tree.by_high:
                    if interval.high < amount:
                        break
                    found[interval.rule.age] = interval.rule
                tree = tree.above


@frozen
class ByAmount:
    """Rules with a condition on an amount, by currency and by what the amount is, and the rest."""

    trees: Mapping[str, tuple[tuple[Callable[[LineFacts], int], Intervals], ...]]
    rest: Index

    def collect(self, facts: LineFacts, found: dict[int, CompiledRule]) -> None:
        """Add the rules whose band contains the line's amount, and the rest."""
        for amount, tree in self.trees.get(facts.sale.currency, ()):
            tree.collect(amount(facts), found)
        self.rest.collect(facts, found)


_KINDS: Final[tuple[tuple[Callable[[Conditions], Sequence[str]], Callable[[LineFacts], Iterable[str | None]]], ...]] = (
    (lambda conditions: conditions.products, lambda facts: facts.skus),
    (lambda conditions: conditions.vendors, lambda facts: (facts.line.vendor,)),
    (lambda conditions: conditions.product_categories, lambda facts: facts.categories),
    (lambda conditions: conditions.tags, lambda facts: facts.line.tags),
    (lambda conditions: conditions.customer_groups, lambda facts: (facts.sale.customer_group,)),
    (lambda conditions: conditions.channels, lambda facts: (facts.sale.channel,)),
)


def arrange(rules: Sequence[CompiledRule], kind: int = 0) -> Index:
    """Divide rules by one kind of condition after the other until few are left."""
    if len(rules) <= FEW:
        return Few(tuple(rules))
    if kind == len(_KINDS):
        return _by_amount(rules)
    given, values = _KINDS[kind]
    branches: dict[str, list[CompiledRule]] = {}
    rest = []
    for rule in rules:
        wanted = given(rule.rule.conditions)
        if not wanted:
            rest.append(rule)
        for value in wanted:
            branches.setdefault(value, []).append(rule)
    if not branches:
        return arrange(rules, kind + 1)
    parts = {value: arrange(found, kind + 1) for value, found in branches.items()}
    return ByValue(values, parts, arrange(rest, kind + 1))


def _by_amount(rules: Sequence[CompiledRule]) -> Index:
    banded: dict[tuple[str, str, int], list[Interval]] = {}
    rest = []
    for rule in rules:
        found = _interval(rule)
        if found is None:
            rest.append(rule)
        else:
            key, interval = found
            banded.setdefault(key, []).append(interval)
    trees: dict[str, list[tuple[Callable[[LineFacts], int], Intervals]]] = {}
    for (currency, what, terms), intervals in banded.items():
        tree = Intervals.of(intervals)
        if tree is not None:
            trees.setdefault(currency, []).append((_amount(what, terms), tree))
    return ByAmount({currency: tuple(pairs) for currency, pairs in trees.items()}, Few(tuple(rest)))


def _interval(rule: CompiledRule) -> tuple[tuple[str, str, int], Interval] | None:
    conditions = rule.rule.conditions
    if price := conditions.unit_price:
        return (price.currency, "unit_price", 0), Interval(*price.ends, rule)
    for what, band in (("line_amount", conditions.line_amount), ("order_amount", conditions.order_amount)):
        if band:
            return (band.currency, what, rule.terms), Interval(*band.ends, rule)
    return None


def _amount(what: str, terms: int) -> Callable[[LineFacts], int]:
    if what == "unit_price":
        return lambda facts: facts.line.unit_price.micro
    if what == "line_amount":
        return lambda facts: facts.bases[terms]
    return lambda facts: facts.part[terms]


@frozen(eq=False)
class Scope:
    """The rules of one scope, in precedence: higher priority first, then older."""

    rules: tuple[CompiledRule, ...]
    boundaries: tuple[datetime, ...] = ()
    """The instants at which the rules that are valid change; none if the scope is simply walked."""
    _segments: dict[int, Index] = field(factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, rules: Iterable[CompiledRule]) -> "Scope":
        """Arrange the rules of a scope."""
        ordered = tuple(sorted(rules, key=lambda rule: rule.precedence))
        if len(ordered) <= FEW:
            return cls(ordered)
        instants = {instant for rule in ordered for instant in (rule.since, rule.until) if instant is not None}
        return cls(ordered, tuple(sorted(instants)))

    def considered(self, facts: LineFacts) -> Sequence[CompiledRule]:
        """List the rules that are considered for a line, in precedence."""
        if len(self.rules) <= FEW:
            return self.rules
        found: dict[int, CompiledRule] = {}
        self._valid(facts.sale.at).collect(facts, found)
        return sorted(found.values(), key=lambda rule: rule.precedence)

    def _valid(self, at: datetime) -> Index:
        segment = bisect_right(self.boundaries, at)
        index = self._segments.get(segment)
        if index is None:
            if len(self._segments) >= _SEGMENTS:
                self._segments.clear()
            index = self._segments[segment] = arrange([rule for rule in self.rules if rule.rule.holds_at(at)])
        return index
