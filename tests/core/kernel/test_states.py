"""State machines as tables."""

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.states import Machine


class Light(StrEnum):
    """A traffic light."""

    RED = "red"
    GREEN = "green"
    BROKEN = "broken"


MACHINE = Machine(
    "light", {(Light.RED, "go"): Light.GREEN, (Light.GREEN, "stop"): Light.RED, (Light.GREEN, "fail"): Light.BROKEN}
)
ACTIONS = ["go", "stop", "fail", "paint"]


@given(st.lists(st.sampled_from(ACTIONS), max_size=30))
def test_steps_never_leave_the_table(actions: list[str]) -> None:
    """A machine takes exactly the steps of its table, and a refused step leaves the state alone."""
    state = Light.RED
    for action in actions:
        if (state, action) in MACHINE.table:
            state = MACHINE.next(state, action)
            continue
        with pytest.raises(Conflict) as caught:
            MACHINE.next(state, action)
        assert caught.value.current_state == state.value
        assert caught.value.allowed_actions == MACHINE.allowed(state)


def test_refusals_say_what_can_be_done() -> None:
    """The message names the thing, its state, and what it can do instead."""
    with pytest.raises(Conflict, match="a light that is green cannot go; it can stop, fail"):
        MACHINE.next(Light.GREEN, "go")
    with pytest.raises(Conflict, match="nothing more can happen"):
        MACHINE.next(Light.BROKEN, "go")


def test_the_shortest_route() -> None:
    """A route leads to a state by the fewest actions; where nothing leads there, that is said."""
    assert MACHINE.route(Light.RED, Light.BROKEN) == ("go", "fail")
    assert MACHINE.route(Light.RED, Light.RED) == ()
    with pytest.raises(Conflict, match="a light that is broken cannot become red"):
        MACHINE.route(Light.BROKEN, Light.RED)
