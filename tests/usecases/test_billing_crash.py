"""A worker may die anywhere: killed at every fault point, run again, the end is that of the undisturbed run."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_adapters.memory.gateway import Behaviour, Decline, Reaction
from cityos_core.kernel import faults
from cityos_core.kernel.faults import Crash
from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.plans import CatchUp
from core.subscriptions.samples import fixed, metered
from usecases.billing import TERMS
from usecases.cashier import Cashier
from usecases.dying import ending, killing, passed

NO = Decline()
SCRIPTS: dict[str, tuple[Reaction, ...]] = {
    "paid at once": (),
    "declined": (NO, NO, NO, NO),
    "declined once": (NO,),
    "stolen": (Decline(DeclineClass.HARD, "stolen"),),
    "answer lost": (Behaviour.LOSE_ANSWER, NO, Behaviour.LOSE_ANSWER),
    "request lost": (Behaviour.LOSE_REQUEST, NO, Behaviour.LOSE_REQUEST),
    "unreachable": (Behaviour.UNAVAILABLE, Behaviour.UNAVAILABLE, NO),
}


def opened(script: Sequence[Reaction]) -> Cashier:
    """Five who subscribe, each in another way, when their second and third cycles are due."""
    cashier = Cashier.open()
    cashier.sell(fixed(), metered())
    cashier.sell(handle="merged", catch_up=CatchUp.MERGE)
    cashier.sell(handle="current", catch_up=CatchUp.BILL_CURRENT)
    ada = cashier.join("ada")
    cashier.club.do("record_usage", ada, [("a", "calls", 3, cashier.now)])
    bob = cashier.join("bob", plan="merged")
    cashier.join("cleo", plan="current", collection=TERMS)
    cashier.club.do("cancel", cashier.join("dan"), reason="too dear", at_period_end=True)
    cashier.wait(days=61)
    cashier.join("eve", payment_method="declined")
    cashier.wait(hours=24)
    for key, reaction in zip(
        (f"{ada.id}:1:1", f"{ada.id}:2:1", f"{ada.id}:1:2", f"{ada.id}:2:2"), script, strict=False
    ):
        cashier.gateway.script(reaction, key=key)
    cashier.gateway.script(*script[:1], key=f"{bob.id}:2:1")
    return cashier


def run(cashier: Cashier) -> None:
    """Run once."""
    cashier.billing.run(cashier.scope)


def retry(cashier: Cashier) -> None:
    """Run the retries once."""
    cashier.billing.retry(cashier.scope)


def live(cashier: Cashier) -> None:
    """Let everything come to its end, with whatever time that takes."""
    for _ in range(3):
        cashier.wait(hours=1)
        cashier.run()
    for _ in range(5):
        cashier.wait(days=2)
        cashier.retry()
    cashier.wait(hours=7)
    cashier.billing.inquire(cashier.scope)


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_killed_anywhere_in_a_run(script: Sequence[Reaction]) -> None:
    """Whatever point a run dies at, nothing is billed or collected twice, and nothing is forgotten."""
    undisturbed = opened(script)
    points = passed(lambda: run(undisturbed))
    live(undisturbed)
    expected = ending(undisturbed)
    assert {"billing.expire.before_commit", "billing.claim.after_commit", "billing.invoice.before_commit"} < set(points)
    assert {"billing.charge.after", "billing.record.before_commit", "billing.certify.after_commit"} < set(points)
    for position in range(len(points)):
        cashier = opened(script)
        with faults.hooked(killing([position])), pytest.raises(Crash):
            run(cashier)
        live(cashier)
        assert ending(cashier) == expected, points[position]


@pytest.mark.parametrize("act", [run, retry])
@pytest.mark.parametrize("name", ["declined", "answer lost", "request lost", "unreachable"])
def test_killed_anywhere_while_asking_and_retrying(name: str, act: Callable[[Cashier], None]) -> None:
    """A worker may die while it asks what became of a payment, tries one again, or records the outcome."""

    def prepared() -> Cashier:
        cashier = opened(SCRIPTS[name])
        run(cashier)
        cashier.wait(hours=24)
        return cashier

    undisturbed = prepared()
    points = passed(lambda: act(undisturbed))
    live(undisturbed)
    expected = ending(undisturbed)
    for position in range(len(points)):
        cashier = prepared()
        with faults.hooked(killing([position])), pytest.raises(Crash):
            act(cashier)
        live(cashier)
        assert ending(cashier) == expected, points[position]


@settings(max_examples=25)
@given(
    st.sampled_from(sorted(SCRIPTS)),
    st.lists(st.integers(0, 40), min_size=1, max_size=5),
    st.lists(st.integers(0, 120), min_size=6, max_size=6),
)
def test_killed_again_and_again(script: str, positions: list[int], waits: list[int]) -> None:
    """Any number of deaths, at any points, with any pauses between: the money ends where it belongs."""
    undisturbed = opened(SCRIPTS[script])
    undisturbed.wait(minutes=sum(waits))
    live(undisturbed)
    cashier = opened(SCRIPTS[script])
    with faults.hooked(killing(positions)):
        for minutes in waits:
            with suppress(Crash):
                run(cashier)
            cashier.wait(minutes=minutes)
    live(cashier)
    assert cashier.gateway.collected("EUR") == undisturbed.gateway.collected("EUR")
    assert ending(cashier)[:4] == ending(undisturbed)[:4]
