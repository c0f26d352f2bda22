"""Workflows: all steps, or none of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Conflict, OutcomeUnknown, Refused, Unavailable
from cityos_core.vendors.workflow import Step, run


class World:
    """What steps leave behind outside."""

    def __init__(self) -> None:
        self.marks: list[str] = []

    def step(self, name: str, *, fails: Exception | None = None, stays: Exception | None = None) -> Step[int]:
        """Make a step that leaves a mark and adds one, or fails; ``stays``: why it cannot be undone."""

        def do(state: int) -> int:
            if fails is not None:
                raise fails
            self.marks.append(name)
            return state + 1

        def undo(_: int) -> None:
            if stays is not None:
                raise stays
            if name in self.marks:
                self.marks.remove(name)

        return Step(name, do, undo)


def test_all_steps_are_taken_in_order() -> None:
    """Each step works on what the one before gave."""
    world = World()
    assert run([world.step("a"), world.step("b")], 0) == 2
    assert world.marks == ["a", "b"]


@given(st.integers(0, 5), st.integers(0, 5))
def test_a_failure_leaves_nothing_behind(before: int, after: int) -> None:
    """Wherever a workflow of any length fails, nothing of it is left and no later step is tried."""
    world = World()
    steps = [world.step(str(number)) for number in range(before)]
    steps += [world.step("bad", fails=Refused("no", "not today"))]
    steps += [world.step(f"later {number}") for number in range(after)]
    with pytest.raises(Refused, match="bad failed: not today; "):
        run(steps, 0)
    assert world.marks == []


def test_the_failure_keeps_its_kind_and_code() -> None:
    """Callers handle it as if the step had been called alone; the words say what was undone."""
    world = World()
    failure = Conflict("stale", "changed", current_state="x", allowed_actions=("y",))
    with pytest.raises(Conflict) as raised:
        run([world.step("a"), world.step("b"), world.step("c", fails=failure)], 0)
    assert raised.value.detail == "c failed: changed; undone: b, a"
    assert (raised.value.code, raised.value.allowed_actions, failure.detail) == ("stale", ("y",), "changed")


def test_a_step_of_unknown_outcome_is_undone_too() -> None:
    """It may have acted, so it is taken back like the others."""
    world = World()
    with pytest.raises(OutcomeUnknown, match="undone: b, a"):
        run([world.step("a"), world.step("b", fails=OutcomeUnknown("lost", "no answer"))], 0)
    assert world.marks == []


def test_what_cannot_be_undone_is_named() -> None:
    """One step that stays does not keep the others from being undone, and a person is told which it is."""
    world = World()
    steps = [
        world.step("a"),
        world.step("b", stays=Unavailable("down", "the provider is down")),
        world.step("c", fails=Refused("no", "not today")),
    ]
    with pytest.raises(OutcomeUnknown, match=r"needs a person: b \(the provider is down\); undone: a") as raised:
        run(steps, 0)
    assert raised.value.code == "compensation_failed"
    assert world.marks == ["b"]


def test_a_mistake_in_a_step_is_undone_as_well() -> None:
    """An exception that is nobody's answer goes on as it is, with a note of what was undone."""
    world = World()
    with pytest.raises(ZeroDivisionError) as raised:
        run([world.step("a"), world.step("b", fails=ZeroDivisionError())], 0)
    assert raised.value.__notes__ == ["b failed; undone: a"]
    assert world.marks == []
