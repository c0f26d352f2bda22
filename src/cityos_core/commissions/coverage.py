"""Comparing rules without a sale: whether one matches wherever another does, and whether both may match at once.

Both answers are careful: covering is claimed only if it is certain, meeting is denied only if it is impossible.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from cityos_core.commissions.rulebook import endings
from cityos_core.commissions.rules import (
    LEVELS,
    FlatRate,
    Hierarchy,
    Rule,
    RuleScope,
    ScopeLevel,
    TieredRate,
)

_EVER: Final = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_TREE: Final = LEVELS[: LEVELS.index(ScopeLevel.STORE) + 1]
_IMPLIED: Final[Mapping[ScopeLevel, str]] = {
    ScopeLevel.VENDOR: "vendors",
    ScopeLevel.PRODUCT_CATEGORY: "product_categories",
    ScopeLevel.PRODUCT: "products",
}

ONE_OF: Final = ("vendors", "products", "product_categories", "customer_groups", "channels")
"""The kinds of conditions of which a sale has one value only, so that different values exclude each other."""

Ends = tuple[int, int]
"""The lowest and the highest value of a band, both in it."""


def contains(wide: RuleScope, narrow: RuleScope, hierarchy: Hierarchy) -> bool:
    """True if a scope is certainly wider than another and holds all of it, for sales below ``hierarchy``."""
    if wide.level is narrow.level:
        return wide.level is ScopeLevel.PRODUCT_CATEGORY and _is_below(narrow.reference, wide.reference)
    if LEVELS.index(wide.level) > LEVELS.index(narrow.level):
        return False
    if wide.level is ScopeLevel.PLATFORM:
        return True
    if wide.level not in _TREE:
        return False
    if wide.reference in endings(hierarchy.get(wide.level.value, "")):
        return True
    return narrow.level in _TREE and _is_below(narrow.reference, wide.reference)


def covers(one: Rule, other: Rule) -> bool:
    """True if a rule certainly matches, and can be charged, wherever another in its scope does."""
    chargeable, needed = currencies(one), currencies(other)
    return binds_wherever(one, other) and (chargeable is None or (needed is not None and needed <= chargeable))


def binds_wherever(one: Rule, other: Rule) -> bool:
    """True if a rule's validity and conditions certainly hold wherever those of another in its scope do."""
    since, until = _validity(one)
    other_since, other_until = _validity(other)
    if since > other_since or until < other_until:
        return False
    for kind in (*ONE_OF, "tags"):
        wanted, given = values(one, kind), values(other, kind)
        if wanted and not (given and all(_is_among(value, wanted, kind) for value in given)):
            return False
    for name, (currency, terms, (low, high)) in bands(one).items():
        found = bands(other).get(name)
        if found is None or found[:2] != (currency, terms) or not (low <= found[2][0] and found[2][1] <= high):
            return False
    return True


def meets(one: Rule, other: Rule) -> bool:
    """True unless it is impossible that two rules of one scope match the same sale."""
    since, until = _validity(one)
    other_since, other_until = _validity(other)
    if max(since, other_since) >= min(until, other_until):
        return False
    if any(_are_apart(values(one, kind), values(other, kind), kind) for kind in ONE_OF):
        return False
    their_bands = bands(other)
    for name, (_, terms, (low, high)) in bands(one).items():
        if name in their_bands:
            _, their_terms, (their_low, their_high) = their_bands[name]
            if terms == their_terms and (low > their_high or their_low > high):
                return False
    mine, theirs = currencies(one), currencies(other)
    return mine is None or theirs is None or not mine.isdisjoint(theirs)


def empty_band(rule: Rule) -> str | None:
    """Say which of a rule's bands holds no amount, so that no sale can match."""
    empty = (name for name, (_, _, (low, high)) in bands(rule).items() if low > high)
    return next((f"the band of its {name.replace('_', ' ')} is empty" for name in empty), None)


def contradiction(rule: Rule) -> str | None:
    """Say which demands of a rule exclude each other, so that no sale can match."""
    kind, reference = _IMPLIED.get(rule.scope.level), rule.scope.reference
    if kind is not None and reference is not None and _are_apart((reference,), getattr(rule.conditions, kind), kind):
        return f"its scope is {reference}, its condition on {kind.replace('_', ' ')} names others"
    possible = currencies(rule)
    if possible is not None and not possible:
        return "its amounts are in currencies that exclude each other"
    return None


def values(rule: Rule, kind: str) -> tuple[str, ...]:
    """List the values a rule asks for, by a condition or because its scope is one."""
    wanted: tuple[str, ...] = getattr(rule.conditions, kind)
    if not wanted and _IMPLIED.get(rule.scope.level) == kind and rule.scope.reference:
        return (rule.scope.reference,)
    return wanted


def bands(rule: Rule) -> dict[str, tuple[str, object, Ends]]:
    """List the bands a rule asks for: currency, what the amounts are made of, lowest and highest."""
    conditions = rule.conditions
    found: dict[str, tuple[str, object, Ends]] = {}
    if conditions.unit_price:
        found["unit_price"] = conditions.unit_price.currency, None, conditions.unit_price.ends
    for name, band in (("line_amount", conditions.line_amount), ("order_amount", conditions.order_amount)):
        if band:
            found[name] = band.currency, rule.base, band.ends
    return found


def currencies(rule: Rule) -> frozenset[str] | None:
    """List the currencies in which a rule can match and be charged; nothing if in all."""
    limits = [frozenset({currency}) for currency, _, _ in bands(rule).values()]
    if isinstance(rule.rate, TieredRate):
        limits.append(frozenset({rule.rate.currency}))
    elif rule.rate.fixed:
        limits.append(_payable(rule.rate))
    return frozenset.intersection(*limits) if limits else None


def _payable(rate: FlatRate) -> frozenset[str]:
    kinds = {part.per for part in rate.fixed}
    given = {(part.per, part.amount.currency) for part in rate.fixed}
    found = {currency for _, currency in given}
    return frozenset(currency for currency in found if all((kind, currency) in given for kind in kinds))


def _validity(rule: Rule) -> tuple[datetime, datetime]:
    return rule.valid_from or _EVER[0], rule.valid_until or _EVER[1]


def _is_below(path: str | None, above: str | None) -> bool:
    return path is not None and above is not None and path.startswith(f"{above}/")


def _is_among(value: str, wanted: tuple[str, ...], kind: str) -> bool:
    return value in wanted or (kind == "product_categories" and any(_is_below(value, path) for path in wanted))


def _are_apart(mine: tuple[str, ...], theirs: tuple[str, ...], kind: str) -> bool:
    if not mine or not theirs:
        return False
    return not any(_is_among(value, theirs, kind) for value in mine) and not any(
        _is_among(value, mine, kind) for value in theirs
    )
