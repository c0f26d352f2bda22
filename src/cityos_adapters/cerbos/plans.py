"""Query plans of Cerbos, as conditions of the core.

A plan says what a policy could not judge without the resource. Cerbos judges an expression that fails, such as an order
with null, as neither true nor false, and what is neither is not allowed; a condition knows true and false only. So
negations are carried down to where a comparison has an opposite, which null does not fulfil either. A plan may thus
show less than a check allows (where a rule that denies fails on null), never more.
"""

from collections.abc import Callable, Mapping
from typing import Final

from cityos_core.access.conditions import (
    EVERYTHING,
    NOTHING,
    Always,
    Among,
    Compare,
    Comparison,
    Condition,
    Not,
    Value,
    all_of,
    any_of,
)

ATTRIBUTE: Final = "request.resource.attr."
LARGEST: Final = 2**53
"""Numbers travel as floats: whole ones are exact below it."""


class Unreadable(Exception):  # noqa: N818  it is what the plan is
    """A plan, or a part of it, that has no counterpart here."""


def condition_of(plan: object) -> Condition:
    """Translate the filter of a plan; if any part of it is unknown, nothing is allowed: ``Unreadable``."""
    match plan:
        case {"kind": "KIND_ALWAYS_ALLOWED"}:
            return EVERYTHING
        case {"kind": "KIND_ALWAYS_DENIED"}:
            return NOTHING
        case {"kind": "KIND_CONDITIONAL", "condition": condition}:
            try:
                return _translated(condition, holds=True)
            except RecursionError:
                raise Unreadable("it is nested too deeply") from None
    raise Unreadable("it is of an unknown kind")


def _translated(operand: object, *, holds: bool) -> Condition:
    """Translate what holds, or what does not."""
    match operand:
        case {"expression": {"operator": str(operator), "operands": list(operands)}}:
            if operator in _OPERATORS:
                return _OPERATORS[operator](operator, operands, holds)
            raise Unreadable(f"the operator {operator} is unknown")
        case {"variable": variable}:
            return Compare(_attribute(variable), Comparison.EQ, holds)
        case {"value": bool(value)}:
            return Always(value is holds)
    raise Unreadable("an operand is neither an expression nor a truth")


def _joined(operator: str, operands: list[object], holds: bool) -> Condition:
    if not operands:
        raise Unreadable(f"{operator} joins nothing")
    parts = (_translated(operand, holds=holds) for operand in operands)
    return all_of(*parts) if (operator == "and") is holds else any_of(*parts)


def _negated(operator: str, operands: list[object], holds: bool) -> Condition:
    match operands:
        case [operand]:
            return _translated(operand, holds=not holds)
    raise Unreadable(f"{operator} takes one operand")


def _compared(operator: str, operands: list[object], holds: bool) -> Condition:
    match operands:
        case [{"variable": variable}, {"value": value}]:
            comparison = Comparison(operator)
        case [{"value": value}, {"variable": variable}]:
            comparison = _MIRRORED[Comparison(operator)]
        case _:
            raise Unreadable(f"{operator} does not compare an attribute with a value")
    return Compare(_attribute(variable), comparison if holds else _OPPOSITE[comparison], _value(value))


def _among(operator: str, operands: list[object], holds: bool) -> Condition:
    match operands:
        case [{"variable": variable}, {"value": list(values)}]:
            condition = Among(_attribute(variable), _set_of(values))
            return condition if holds else Not(condition)
    raise Unreadable(f"{operator} does not look for an attribute among values")


def _starting(operator: str, operands: list[object], holds: bool) -> Condition:
    match operands:
        case [{"variable": variable}, {"value": str(value)}]:
            attribute = _attribute(variable)
            condition = Compare(attribute, Comparison.STARTS_WITH, value)
            return condition if holds else all_of(Compare(attribute, Comparison.NE, None), Not(condition))
    raise Unreadable(f"{operator} does not ask how an attribute starts")


_OPERATORS: Final[Mapping[str, Callable[[str, list[object], bool], Condition]]] = {
    **dict.fromkeys(("and", "or"), _joined),
    "not": _negated,
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), _compared),
    "in": _among,
    "startsWith": _starting,
}

_OPPOSITE: Final = {
    Comparison.EQ: Comparison.NE,
    Comparison.NE: Comparison.EQ,
    Comparison.LT: Comparison.GE,
    Comparison.GE: Comparison.LT,
    Comparison.GT: Comparison.LE,
    Comparison.LE: Comparison.GT,
}

_MIRRORED: Final = {
    Comparison.EQ: Comparison.EQ,
    Comparison.NE: Comparison.NE,
    Comparison.LT: Comparison.GT,
    Comparison.GT: Comparison.LT,
    Comparison.LE: Comparison.GE,
    Comparison.GE: Comparison.LE,
}


def _attribute(variable: object) -> str:
    name = variable.removeprefix(ATTRIBUTE) if isinstance(variable, str) else ""
    if name == variable or not name.isidentifier():
        raise Unreadable(f"the variable {variable} is no attribute of the resource")
    return name


def _set_of(values: list[object]) -> frozenset[Value]:
    found = [_value(value) for value in values]
    if len(set(found)) < len({(type(value), value) for value in found}):
        raise Unreadable("a truth and a number would be one value in a set")
    return frozenset(found)


def _value(value: object) -> Value:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and abs(value) > LARGEST:
        raise Unreadable("a number is too large to be exact")
    if value is None or isinstance(value, str | bool | int):
        return value
    raise Unreadable("a value is no text, whole number or truth")
