"""Conditions on a resource's attributes, as a policy plans them: judged one resource at a time.

They are null-safe in the way of a database that says ``IS NOT DISTINCT FROM``: an attribute that is missing equals none,
and any order with it is false.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from attrs import frozen

Value = str | int | bool | None


class Comparison(StrEnum):
    """How two values are compared."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    STARTS_WITH = "starts_with"


@frozen
class Always:
    """Holds for everything, or for nothing."""

    holds: bool


@frozen
class Compare:
    """An attribute, by name, against a value."""

    attribute: str
    comparison: Comparison
    value: Value


@frozen
class Among:
    """An attribute is one of these."""

    attribute: str
    values: frozenset[Value]


@frozen
class AllOf:
    """Every one holds."""

    conditions: tuple["Condition", ...]


@frozen
class AnyOf:
    """At least one holds."""

    conditions: tuple["Condition", ...]


@frozen
class Not:
    """It does not hold."""

    condition: "Condition"


Condition = Always | Compare | Among | AllOf | AnyOf | Not

EVERYTHING: Final = Always(holds=True)
NOTHING: Final = Always(holds=False)


def holds(condition: Condition, attributes: Mapping[str, Value]) -> bool:
    """Judge a condition on the attributes of one resource."""
    match condition:
        case Always():
            return condition.holds
        case Compare():
            return _compare(attributes.get(condition.attribute), condition.comparison, condition.value)
        case Among():
            return _within(attributes.get(condition.attribute), condition.values)
        case AllOf():
            return all(holds(part, attributes) for part in condition.conditions)
        case AnyOf():
            return any(holds(part, attributes) for part in condition.conditions)
        case Not():
            return not holds(condition.condition, attributes)


def _same(one: Value, other: Value) -> bool:
    return type(one) is type(other) and one == other


def _within(value: Value, values: Collection[Value]) -> bool:
    return any(_same(value, other) for other in values)


def _compare(value: Value, comparison: Comparison, other: Value) -> bool:
    match comparison:
        case Comparison.EQ:
            return _same(value, other)
        case Comparison.NE:
            return not _same(value, other)
        case Comparison.STARTS_WITH:
            return isinstance(value, str) and isinstance(other, str) and value.startswith(other)
        case _:
            sign = _order(value, other)
            return sign is not None and sign in _SIGNS[comparison]


_SIGNS: Final = {
    Comparison.LT: {-1},
    Comparison.LE: {-1, 0},
    Comparison.GT: {1},
    Comparison.GE: {0, 1},
}


def _order(value: Value, other: Value) -> int | None:
    """Tell whether a value is below (-1), equal to or above another; none if they have no order."""
    if isinstance(value, bool) or isinstance(other, bool):
        return None
    if isinstance(value, int) and isinstance(other, int):
        return (value > other) - (value < other)
    if isinstance(value, str) and isinstance(other, str):
        return (value > other) - (value < other)
    return None


def all_of(*conditions: Condition) -> Condition:
    """Join conditions that must all hold; without those that always do."""
    asked = tuple(part for part in conditions if part != EVERYTHING)
    if NOTHING in asked:
        return NOTHING
    return AllOf(asked) if len(asked) > 1 else (asked or (EVERYTHING,))[0]


def any_of(*conditions: Condition) -> Condition:
    """Join conditions of which one must hold; without those that never do."""
    asked = tuple(dict.fromkeys(part for part in conditions if part != NOTHING))
    if EVERYTHING in asked:
        return EVERYTHING
    return AnyOf(asked) if len(asked) > 1 else (asked or (NOTHING,))[0]


def given(condition: Condition, known: Mapping[str, Value]) -> Condition:
    """Judge what can be judged by the attributes that are known, and leave the rest to be asked."""
    match condition:
        case Always():
            return condition
        case Compare() | Among():
            return Always(holds(condition, known)) if condition.attribute in known else condition
        case AllOf():
            return all_of(*(given(part, known) for part in condition.conditions))
        case AnyOf():
            return any_of(*(given(part, known) for part in condition.conditions))
        case Not():
            part = given(condition.condition, known)
            return Always(not part.holds) if isinstance(part, Always) else Not(part)
