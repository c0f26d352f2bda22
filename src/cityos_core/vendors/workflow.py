"""Steps that reach outside one transaction: done in order, and taken back in reverse if one of them fails."""

from collections.abc import Callable, Sequence
from copy import copy
from typing import Generic, TypeVar

from attrs import frozen

from cityos_core.kernel.errors import CityOSError, OutcomeUnknown

S = TypeVar("S")


def _nothing(_state: object) -> None:
    """Take back nothing: what a step did to the state alone goes with the state."""


@frozen
class Step(Generic[S]):
    """One step of a workflow: ``do`` gives the next state, ``undo`` takes back what it did outside, given that state.

    Both may be repeated after a crash, so both are idempotent; ``undo`` also meets a step that did not finish.
    """

    name: str
    do: Callable[[S], S]
    undo: Callable[[S], object] = _nothing


def run(steps: Sequence[Step[S]], state: S) -> S:
    """Take every step and give the last state.

    If a step fails, the earlier ones are undone, latest first, and the failure is raised again, saying so. A step whose
    outcome is unknown is undone too. ``OutcomeUnknown("compensation_failed")`` names what could not be undone.
    """
    done: list[tuple[Step[S], S]] = []
    for step in steps:
        try:
            after = step.do(state)
        except Exception as error:
            if isinstance(error, OutcomeUnknown):
                done.append((step, state))
            told = _undo(done)
            if not isinstance(error, CityOSError):
                error.add_note(f"{step.name} failed; {told}")
                raise
            failure = copy(error)
            failure.detail = f"{step.name} failed: {error.detail}; {told}"
            raise failure from error
        done.append((step, after))
        state = after
    return state


def _undo(done: Sequence[tuple[Step[S], S]]) -> str:
    undone, failed = [], []
    for step, state in reversed(done):
        try:
            step.undo(state)
        except Exception as error:  # noqa: BLE001  one that cannot be undone must not keep the others from it
            failed.append(f"{step.name} ({error})")
        else:
            undone.append(step.name)
    told = f"undone: {', '.join(undone)}" if undone else "nothing had been done before it"
    if failed:
        raise OutcomeUnknown(
            "compensation_failed", f"could not be undone and needs a person: {', '.join(failed)}; {told}"
        )
    return told
