"""State machines as tables: one mapping from (state, action) to the next state, read by code, tests, docs and API."""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from attrs import frozen

from cityos_core.kernel.errors import Conflict

S = TypeVar("S", bound=Enum)


@frozen
class Machine(Generic[S]):
    """The life of one kind of thing: ``noun`` names it in errors, ``table`` holds every allowed step."""

    noun: str
    table: Mapping[tuple[S, str], S]

    def allowed(self, state: S) -> tuple[str, ...]:
        """List the actions that may be taken in a state."""
        return tuple(action for (source, action) in self.table if source is state)

    def next(self, state: S, action: str) -> S:
        """Take a step, or say why it cannot be taken and what can."""
        try:
            return self.table[state, action]
        except KeyError:
            allowed = self.allowed(state)
            can = f"it can {', '.join(allowed)}" if allowed else "nothing more can happen to it"
            raise Conflict(
                "invalid_state",
                f"a {self.noun} that is {state.value} cannot {action}; {can}",
                current_state=str(state.value),
                allowed_actions=allowed,
            ) from None

    def route(self, state: S, target: S) -> tuple[str, ...]:
        """List the fewest actions that lead to a state, none if it is there; or say that nothing leads there."""
        ways: dict[S, tuple[str, ...]] = {state: ()}
        reached = [state]
        for source in reached:
            for action in self.allowed(source):
                following = self.table[source, action]
                if following not in ways:
                    ways[following] = (*ways[source], action)
                    reached.append(following)
        if target not in ways:
            raise Conflict(
                "invalid_state",
                f"a {self.noun} that is {state.value} cannot become {target.value}",
                current_state=str(state.value),
                allowed_actions=self.allowed(state),
            )
        return ways[target]
