"""Plans of Cerbos as conditions: each operator, whatever has no counterpart, and what null does to either."""

from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_adapters.cerbos.plans import Unreadable, condition_of
from cityos_core.access.conditions import (
    EVERYTHING,
    NOTHING,
    AllOf,
    Among,
    AnyOf,
    Compare,
    Comparison,
    Condition,
    Not,
    Value,
    holds,
)


def var(name: str) -> dict[str, object]:
    """Name an attribute of the resource."""
    return {"variable": f"request.resource.attr.{name}"}


def val(value: object) -> dict[str, object]:
    """Give a value."""
    return {"value": value}


def op(operator: str, *operands: object) -> dict[str, object]:
    """Join operands."""
    return {"expression": {"operator": operator, "operands": list(operands)}}


def _translated(condition: object) -> Condition:
    return condition_of({"kind": "KIND_CONDITIONAL", "condition": condition})


_C = Comparison
_BELOW: Final = Compare("n", _C.LT, 5)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (op("eq", var("n"), val("x")), Compare("n", _C.EQ, "x")),
        (op("ne", var("n"), val(None)), Compare("n", _C.NE, None)),
        (op("eq", val(True), var("n")), Compare("n", _C.EQ, True)),
        (op("lt", var("n"), val(5)), _BELOW),
        (op("le", var("n"), val(5.0)), Compare("n", _C.LE, 5)),
        (op("gt", val(5), var("n")), _BELOW),
        (op("ge", val(5), var("n")), Compare("n", _C.LE, 5)),
        (op("lt", val(5), var("n")), Compare("n", _C.GT, 5)),
        (op("le", val(5), var("n")), Compare("n", _C.GE, 5)),
        (op("in", var("n"), val(["a", None, 1])), Among("n", frozenset({"a", None, 1}))),
        (op("in", var("n"), val([])), Among("n", frozenset())),
        (op("startsWith", var("n"), val("de/")), Compare("n", _C.STARTS_WITH, "de/")),
        (var("n"), Compare("n", _C.EQ, True)),
        (val(True), EVERYTHING),
        (val(False), NOTHING),
        (op("not", val(True)), NOTHING),
        (op("not", var("n")), Compare("n", _C.EQ, False)),
        (op("not", op("not", var("n"))), Compare("n", _C.EQ, True)),
        (op("not", op("eq", var("n"), val(True))), Compare("n", _C.NE, True)),
        (op("not", op("gt", var("n"), val(4))), Compare("n", _C.LE, 4)),
        (op("not", op("in", var("n"), val(["a"]))), Not(Among("n", frozenset({"a"})))),
        (
            op("not", op("startsWith", var("n"), val("de/"))),
            AllOf((Compare("n", _C.NE, None), Not(Compare("n", _C.STARTS_WITH, "de/")))),
        ),
        (op("and", var("a"), var("b")), AllOf((Compare("a", _C.EQ, True), Compare("b", _C.EQ, True)))),
        (op("or", var("a"), op("and", var("b"), val(False))), Compare("a", _C.EQ, True)),
        (op("not", op("or", var("a"), var("b"))), AllOf((Compare("a", _C.EQ, False), Compare("b", _C.EQ, False)))),
        (op("not", op("and", var("a"), var("b"))), AnyOf((Compare("a", _C.EQ, False), Compare("b", _C.EQ, False)))),
        (op("and", op("eq", var("n"), val("x"))), Compare("n", _C.EQ, "x")),
    ],
)
def test_plans_become_conditions(plan: object, expected: Condition) -> None:
    """Each operator that a condition knows is translated, negations down to the comparisons."""
    assert _translated(plan) == expected


@pytest.mark.parametrize(
    "part",
    [
        op("contains", var("n"), val("x")),
        op("hasIntersection", var("n"), val(["x"])),
        op("exists", var("n"), op("lambda", var("i"))),
        op("eq", var("a"), var("b")),
        op("eq", val(1), val(1)),
        op("eq", op("add", var("n"), val(1)), val(5)),
        op("eq", var("n")),
        op("eq", var("n"), val(1), val(1)),
        op("eq", var("n"), val(1.5)),
        op("eq", var("n"), val(2**53 + 1)),
        op("eq", var("n"), val([1])),
        op("eq", var("n"), val({})),
        op("in", var("n"), val("abc")),
        op("in", var("n"), val({"a": 1})),
        op("in", var("n"), val([[1]])),
        op("in", var("n"), val([1, True])),
        op("in", val("a"), var("n")),
        op("startsWith", val("de/"), var("n")),
        op("startsWith", var("n"), val(1)),
        op("and"),
        op("or"),
        op("not"),
        op("not", var("a"), var("b")),
        {"variable": "request.resource.id"},
        {"variable": "request.resource.attr.a.b"},
        {"variable": "request.resource.attr."},
        {"variable": "request.principal.attr.n"},
        {"variable": "n"},
        {"variable": None},
        val("true"),
        val(1),
        val(None),
        {},
        None,
        [],
        {"expression": {"operator": 1, "operands": []}},
        {"expression": {"operator": "and", "operands": {}}},
        {"expression": {"operator": ["and"], "operands": []}},
    ],
    ids=lambda part: str(part)[:60],
)
def test_plans_with_an_unknown_part(part: object) -> None:
    """A part that a condition does not know spoils the whole plan, wherever it stands and whatever stands beside it."""
    for plan in (part, op("or", val(True), part), op("and", val(False), part), op("not", op("and", part, var("n")))):
        with pytest.raises(Unreadable):
            _translated(plan)


def test_plans_that_are_too_deep() -> None:
    """A plan that is nested beyond all reason is unreadable, and breaks nothing."""
    plan: object = var("n")
    for _ in range(100_000):
        plan = op("not", plan)
    with pytest.raises(Unreadable):
        _translated(plan)


def test_a_truth_is_not_a_number() -> None:
    """A truth equals no number and has no order with any."""
    assert not holds(_translated(op("eq", var("x"), val(1))), {"x": True})
    assert not holds(_translated(op("ge", var("x"), val(0))), {"x": True})


ROWS: Final = st.fixed_dictionaries(
    {
        "word": st.sampled_from((None, "", "a", "ab", "b")),
        "number": st.sampled_from((None, 0, 1, 5)),
        "is_open": st.sampled_from((None, True, False)),
    }
)
NAMES: Final = st.sampled_from(("word", "number", "is_open"))
VALUES: Final = st.sampled_from((None, True, False, 0, 1, 5, "", "a", "ab"))


def _compared(operator: str) -> st.SearchStrategy[Any]:
    return st.builds(lambda name, value: op(operator, var(name), val(value)), NAMES, VALUES)


def _plans() -> st.SearchStrategy[Any]:
    leaves = st.one_of(
        *map(_compared, ("eq", "ne", "lt", "le", "gt", "ge")),
        st.builds(lambda start: op("startsWith", var("word"), val(start)), st.sampled_from(("", "a", "b"))),
        st.builds(lambda name, values: op("in", var(name), val(values)), NAMES, st.lists(st.sampled_from("ab"))),
        st.builds(var, NAMES),
        st.builds(val, st.booleans()),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda part: op("not", part), inner),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: op("and", *parts)),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: op("or", *parts)),
        ),
        max_leaves=8,
    )


def _judged(plan: Any, row: Mapping[str, Value]) -> bool | None:
    """Judge a plan as Cerbos judges an expression: what fails is neither true nor false."""
    if "value" in plan:
        return bool(plan["value"])
    if "variable" in plan:
        found = row[plan["variable"].rpartition(".")[2]]
        return found if isinstance(found, bool) else None
    operator: str = plan["expression"]["operator"]
    operands: list[Any] = plan["expression"]["operands"]
    if operator not in {"and", "or", "not"}:
        return _compares(operator, row[operands[0]["variable"].rpartition(".")[2]], operands[1]["value"])
    parts = [_judged(operand, row) for operand in operands]
    if operator == "not":
        return None if parts[0] is None else not parts[0]
    decisive = operator == "or"
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


def _compares(operator: str, one: Any, other: Any) -> bool | None:
    if operator == "in":
        return any(one == value for value in other)
    if operator == "startsWith":
        return one.startswith(str(other)) if isinstance(one, str) else None
    if operator in {"eq", "ne"}:
        return (type(one) is type(other) and one == other) is (operator == "eq")
    if type(one) is not type(other) or one is None or isinstance(one, bool):
        return None
    order: dict[str, bool] = {"lt": one < other, "le": one <= other, "gt": one > other, "ge": one >= other}
    return order[operator]


@settings(max_examples=300)
@given(_plans(), ROWS)
def test_a_condition_holds_where_the_plan_is_true(plan: Any, row: dict[str, Value]) -> None:
    """A condition shows a row exactly if the plan is true for it, and not if it fails for it: null, types that differ."""
    assert holds(_translated(plan), row) is (_judged(plan, row) is True)
