"""How links are sealed, and what of a change is told."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cityos_core.audit.model import GENESIS
from cityos_core.audit.policy import canonical, differing, seal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON)


@given(JSON)
def test_one_form(value: object) -> None:
    """A body is written in one way, whatever the order of its names, and reads back as it was."""
    text = canonical(value)  # type: ignore[arg-type]
    assert json.loads(text) == value
    assert canonical(json.loads(json.dumps(value, sort_keys=True))) == text


def test_the_seal_is_the_one_that_is_documented() -> None:
    """A hash is SHA-256 over place, previous hash and body, a line each: anyone can compute it anew."""
    assert seal(1, GENESIS, "{}") == "e926929dc99bcdf08bb941e379c3186d5c55b45ee4202b4748a1efc35ba05fe3"


@given(OBJECTS, OBJECTS)
def test_a_difference_reproduces_the_change(before: dict[str, object], after: dict[str, object]) -> None:
    """What is told of both sides is what differs: taking the one away and adding the other makes the change."""
    lost, gained = differing(before, after)  # type: ignore[arg-type]
    assert isinstance(lost, dict)
    assert isinstance(gained, dict)
    kept = {name: value for name, value in before.items() if name not in lost}
    assert {**kept, **gained} == after
    assert all(lost.get(name, gained) != gained.get(name, lost) for name in {*lost, *gained})


def test_what_is_not_an_object_stays_whole() -> None:
    """Values that have no fields are told as they are."""
    assert differing(None, {"a": 1}) == (None, {"a": 1})
    assert differing([1], [1, 2]) == ([1], [1, 2])
