"""Conditions: null-safe, and the same whether they are judged at once or in two parts."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.access import conditions
from cityos_core.access.conditions import (
    EVERYTHING,
    NOTHING,
    AllOf,
    Always,
    Among,
    AnyOf,
    Compare,
    Comparison,
    Condition,
    Not,
    Value,
    all_of,
    any_of,
    holds,
)

NAMES = ("a", "b", "c")
values: st.SearchStrategy[Value] = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 2), st.sampled_from(("", "x", "xy", "1"))
)
attributes = st.dictionaries(st.sampled_from(NAMES), values)
leaves: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Always, st.booleans()),
    st.builds(Compare, st.sampled_from(NAMES), st.sampled_from(Comparison), values),
    st.builds(Among, st.sampled_from(NAMES), st.frozensets(values, max_size=3)),
)


def _joined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(parts, max_size=3).map(tuple)
    return st.one_of(st.builds(AllOf, several), st.builds(AnyOf, several), st.builds(Not, parts))


trees = st.recursive(leaves, _joined, max_leaves=8)


@given(trees, attributes, st.sets(st.sampled_from(NAMES)))
def test_what_is_known_can_be_judged_first(condition: Condition, about: Mapping[str, Value], known: set[str]) -> None:
    """Judging what is known and then the rest gives the same answer as judging all at once."""
    first = {name: value for name, value in about.items() if name in known}
    rest = conditions.given(condition, first)
    assert holds(rest, about) == holds(condition, about)
    everything = {name: about.get(name) for name in NAMES}
    assert conditions.given(condition, everything) == Always(holds(condition, about))


@given(st.lists(trees, max_size=4), attributes)
def test_joining(parts: list[Condition], about: Mapping[str, Value]) -> None:
    """Joined conditions hold as the words say, with what is always or never true left out."""
    assert holds(all_of(*parts), about) == all(holds(part, about) for part in parts)
    assert holds(any_of(*parts), about) == any(holds(part, about) for part in parts)
    assert all_of(*parts, NOTHING) == NOTHING
    assert any_of(*parts, EVERYTHING) == EVERYTHING
    assert (all_of(), any_of()) == (EVERYTHING, NOTHING)


@pytest.mark.parametrize(
    ("comparison", "value", "answers"),
    [
        (Comparison.EQ, None, {"missing": True, "none": True, "one": False, "true": False, "x": False}),
        (Comparison.NE, 1, {"missing": True, "none": True, "one": False, "true": True, "x": True}),
        (Comparison.EQ, True, {"missing": False, "none": False, "one": False, "true": True, "x": False}),
        (Comparison.LT, 2, {"missing": False, "none": False, "one": True, "true": False, "x": False}),
        (Comparison.LE, 1, {"missing": False, "none": False, "one": True, "true": False, "x": False}),
        (Comparison.GE, "x", {"missing": False, "none": False, "one": False, "true": False, "x": True}),
        (Comparison.GT, "x", {"missing": False, "none": False, "one": False, "true": False, "x": False}),
        (Comparison.STARTS_WITH, "", {"missing": False, "none": False, "one": False, "true": False, "x": True}),
    ],
)
def test_comparing(comparison: Comparison, value: Value, answers: Mapping[str, bool]) -> None:
    """What is missing equals none and has no order; things of different types are different and have no order either."""
    about: Mapping[str, Value] = {"none": None, "one": 1, "true": True, "x": "x"}
    assert {name: holds(Compare(name, comparison, value), about) for name in answers} == answers
    assert holds(Among("missing", frozenset({None})), about)
    assert not holds(Among("true", frozenset({1})), about)
