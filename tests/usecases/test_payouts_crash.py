"""A worker may die anywhere: killed at every fault point, run again, the end is that of the undisturbed run."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_adapters.memory.transfers import Behaviour
from cityos_core.kernel import faults
from cityos_core.kernel.faults import Crash
from cityos_core.payouts.service import PayoutUseCases
from usecases.treasury import Treasury, eur

SCRIPTS = {
    "paid at once": (),
    "accepted": (Behaviour.ACCEPT, Behaviour.ACCEPT, Behaviour.ACCEPT),
    "fails first": (Behaviour.FAIL, Behaviour.FAIL),
    "declined": (Behaviour.DECLINE,),
    "times out after": (Behaviour.TIME_OUT_AFTER, Behaviour.TIME_OUT_AFTER),
    "times out before": (Behaviour.TIME_OUT_BEFORE,),
    "unreachable": (Behaviour.UNAVAILABLE,),
}


def opened(script: Sequence[Behaviour]) -> Treasury:
    """Three vendors with money, one of them in debt, one that asked for some of it."""
    treasury = Treasury.open()
    treasury.vendor("acme", "100.00")
    treasury.vendor("birch", "50.00")
    treasury.earn("birch", eur("20.00"), "debt")
    treasury.vendor("cedar", "9.00", payout_schedule="manual")
    treasury.payouts.request(treasury.scope, "cedar", eur("4.00"))
    treasury.provider.script(*script, account="acct_acme")
    treasury.provider.script(*script[:1], account="acct_birch")
    return treasury


def live(treasury: Treasury) -> None:
    """Run until everything has come to its end, with whatever time that takes."""
    for _ in range(4):
        restarted = PayoutUseCases.of(treasury.dependencies)
        restarted.run(treasury.scope)
        for key in treasury.provider.sent:
            if treasury.provider.sent[key].result.state.value == "accepted":
                treasury.provider.arrive(key)
        treasury.wait(hours=17)


def ending(treasury: Treasury) -> tuple[object, ...]:
    """Tell where all the money is, who was paid what, and what became of the payouts."""
    treasury.audit()
    balances = {(item.account.path, item.money.text) for item in treasury.ledger.balances(treasury.scope) if item.money}
    paid = Counter((transfer.account, transfer.amount.text) for transfer in treasury.provider.payments())
    payouts = Counter((payout.vendor, payout.amount.text, payout.status) for payout in treasury.all())
    entries = tuple(tuple(treasury.entries(handle)) for handle in ("acme", "birch", "cedar"))
    return balances, paid, payouts, entries


def passed(act: Callable[[], object]) -> list[str]:
    """List the fault points that are passed on the way."""
    names: list[str] = []
    with faults.hooked(names.append):
        act()
    return names


def killing(positions: Sequence[int]) -> Callable[[str], None]:
    """Kill at the points with these numbers, counting from the last death."""
    left = list(positions)
    count = 0

    def strike(_name: str) -> None:
        nonlocal count
        if not left:
            return
        if count == left[0]:
            left.pop(0)
            count = 0
            raise Crash
        count += 1

    return strike


def run(treasury: Treasury) -> None:
    """Run once."""
    treasury.payouts.run(treasury.scope)


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_killed_anywhere_in_a_run(script: Sequence[Behaviour]) -> None:
    """Whatever point a run dies at, nobody is paid twice and nobody is forgotten."""
    undisturbed = opened(script)
    points = passed(lambda: run(undisturbed))
    live(undisturbed)
    expected = ending(undisturbed)
    assert len(points) > 20
    for position in range(len(points)):
        treasury = opened(script)
        with faults.hooked(killing([position])), pytest.raises(Crash):
            run(treasury)
        live(treasury)
        assert ending(treasury) == expected, points[position]


@pytest.mark.parametrize("script", [SCRIPTS["times out after"], SCRIPTS["accepted"], SCRIPTS["times out before"]])
def test_killed_anywhere_while_asking(script: Sequence[Behaviour]) -> None:
    """A worker may die while it asks what became of a payout, or records the answer."""
    undisturbed = opened(script)
    run(undisturbed)
    undisturbed.wait(hours=1)
    points = passed(lambda: undisturbed.payouts.process(undisturbed.scope))
    live(undisturbed)
    expected = ending(undisturbed)
    for position in range(len(points)):
        treasury = opened(script)
        run(treasury)
        treasury.wait(hours=1)
        with faults.hooked(killing([position])), pytest.raises(Crash):
            treasury.payouts.process(treasury.scope)
        live(treasury)
        assert ending(treasury) == expected, points[position]


def act(treasury: Treasury, name: str) -> None:
    """Do one thing that a person can do."""
    uses, scope = treasury.payouts, treasury.scope
    payout = treasury.all()[0]
    match name:
        case "request":
            uses.request(scope, "cedar", eur("1.00"), key="r")
        case "retry":
            uses.retry(scope, payout.id)
        case "hold":
            uses.hold(scope, payout.id, reason="x")
        case "cancel":
            uses.cancel(scope, payout.id, reason="x")
        case "confirm":
            uses.confirm(scope, payout.id, reference="x")
        case "fail":
            uses.fail(scope, payout.id, reason="x")
        case _:
            uses.returned(scope, payout.id, reason="x")


@pytest.mark.parametrize(
    ("name", "behaviour"),
    [
        ("request", Behaviour.PAY),
        ("retry", Behaviour.DECLINE),
        ("hold", Behaviour.FAIL),
        ("cancel", Behaviour.FAIL),
        ("confirm", Behaviour.ACCEPT),
        ("fail", Behaviour.ACCEPT),
        ("returned", Behaviour.PAY),
    ],
)
def test_killed_while_a_person_acts(name: str, behaviour: Behaviour) -> None:
    """What a person does happens completely or not at all, and can be repeated."""

    def prepared() -> Treasury:
        treasury = Treasury.open()
        treasury.vendor("acme", "100.00")
        treasury.provider.script(behaviour)
        run(treasury)
        treasury.vendor("cedar", "9.00", payout_schedule="manual")
        return treasury

    def state(treasury: Treasury) -> tuple[object, ...]:
        treasury.audit()
        payouts = sorted((payout.vendor, payout.amount.text, payout.status) for payout in treasury.all())
        return payouts, treasury.balance("acme"), treasury.balance("cedar")

    undisturbed = prepared()
    before = state(undisturbed)
    points = passed(lambda: act(undisturbed, name))
    after = state(undisturbed)
    assert before != after
    for position in range(len(points)):
        treasury = prepared()
        with faults.hooked(killing([position])), pytest.raises(Crash):
            act(treasury, name)
        assert state(treasury) in (before, after)
        if state(treasury) == before:
            act(treasury, name)
        assert state(treasury) == after


@settings(max_examples=25)
@given(
    st.sampled_from(sorted(SCRIPTS)),
    st.lists(st.integers(0, 40), min_size=1, max_size=5),
    st.lists(st.integers(0, 120), min_size=5, max_size=5),
)
def test_killed_again_and_again(script: str, positions: list[int], waits: list[int]) -> None:
    """Any number of deaths, at any points, with any pauses between: the money ends where it belongs."""
    undisturbed = opened(SCRIPTS[script])
    live(undisturbed)
    treasury = opened(SCRIPTS[script])
    with faults.hooked(killing(positions)):
        for minutes in waits:
            with suppress(Crash):
                PayoutUseCases.of(treasury.dependencies).run(treasury.scope)
            treasury.wait(minutes=minutes)
    live(treasury)
    treasury.audit()
    assert treasury.provider.paid("EUR") == undisturbed.provider.paid("EUR")
    assert ending(treasury)[0] == ending(undisturbed)[0]
