"""Two of everything at once: one payment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from cityos_adapters.memory.transfers import Behaviour
from cityos_core.kernel import faults
from cityos_core.kernel.errors import CityOSError, Conflict
from cityos_core.payouts.model import PayoutStatus
from usecases.treasury import Treasury, eur

WORKERS = 6


def together(act: Callable[[], object], workers: int = WORKERS) -> list[str]:
    """Do something in several threads at the same moment; give the codes of the errors."""
    barrier = Barrier(workers)

    def one() -> str:
        barrier.wait()
        try:
            act()
        except CityOSError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(workers) as pool:
        return sorted(future.result() for future in [pool.submit(one) for _ in range(workers)])


def opened(vendors: int = 10) -> Treasury:
    """Vendors with 10.00 each."""
    treasury = Treasury.open()
    for number in range(vendors):
        treasury.vendor(f"v{number}", "10.00")
    return treasury


def test_many_runs_at_once() -> None:
    """Runs at the same moment share the vendors: each is paid once."""
    treasury = opened()
    assert together(lambda: treasury.payouts.run(treasury.scope)) == ["ok"] * WORKERS
    treasury.payouts.process(treasury.scope)
    assert len(treasury.all()) == 10
    assert sum(batch.payouts for batch in treasury.batches()) == 10
    assert treasury.provider.paid("EUR") == eur("100.00")
    treasury.audit()


def test_many_workers_on_the_same_payouts() -> None:
    """Workers at the same moment send each payout once, under one key."""
    treasury = opened()
    treasury.provider.script(*[Behaviour.FAIL] * 10)
    treasury.payouts.run(treasury.scope)
    treasury.wait(hours=1)
    calls = treasury.provider.calls
    assert together(lambda: treasury.payouts.process(treasury.scope)) == ["ok"] * WORKERS
    assert treasury.provider.calls == calls + 10
    assert {len(payout.attempts) for payout in treasury.all()} == {2}
    assert treasury.provider.paid("EUR") == eur("100.00")
    treasury.audit()


def test_a_payout_in_back_off_is_left_alone() -> None:
    """A worker that listed a payout before another's attempt failed does not try it again at once."""
    treasury = opened(2)
    treasury.provider.script(*[Behaviour.FAIL] * 10)
    interrupted: list[str] = []

    def interrupt(name: str) -> None:
        if name == "payouts.send.after" and not interrupted:
            interrupted.append(name)
            treasury.payouts.process(treasury.scope)

    with faults.hooked(interrupt):
        treasury.payouts.run(treasury.scope)
    assert interrupted
    assert {len(payout.attempts) for payout in treasury.all()} == {1}


def test_many_requests_for_the_same_money() -> None:
    """Requests at the same moment never overdraw: as many win as there is money for."""
    treasury = opened(1)
    request = treasury.payouts.request
    assert together(lambda: request(treasury.scope, "v0", eur("4.00"))) == ["not_available"] * 4 + ["ok"] * 2
    assert treasury.balance("v0") == eur("2.00")
    treasury.audit()


def test_the_same_request_many_times() -> None:
    """The same click ten times is one payout."""
    treasury = opened(1)
    request = treasury.payouts.request
    assert together(lambda: request(treasury.scope, "v0", eur("4.00"), key="click"), 10) == ["ok"] * 10
    assert len(treasury.all()) == 1


@pytest.mark.parametrize("name", ["confirm", "fail", "returned"])
def test_the_same_message_ten_times(name: str) -> None:
    """The same message from the bank ten times at once is heard once; who comes too late may try again."""
    treasury = opened(1)
    treasury.provider.script(Behaviour.PAY if name == "returned" else Behaviour.ACCEPT)
    treasury.payouts.run(treasury.scope)
    payout = treasury.only()
    words = {"reference": "B-1"} if name == "confirm" else {"reason": "closed"}
    call = getattr(treasury.payouts, name)
    codes = together(lambda: call(treasury.scope, payout.id, **words), 10)
    assert set(codes) <= {"ok", "stale"}
    assert "ok" in codes
    treasury.audit()


def test_paid_and_failed_at_once() -> None:
    """Of a confirmation and a failure at the same moment one is heard, and the books follow it."""
    treasury = opened(1)
    treasury.provider.script(Behaviour.ACCEPT)
    treasury.payouts.run(treasury.scope)
    payout = treasury.only()
    turns = iter([True, False] * 3)

    def either() -> None:
        if next(turns):
            treasury.payouts.confirm(treasury.scope, payout.id, reference="B-1")
        else:
            treasury.payouts.fail(treasury.scope, payout.id, reason="closed")

    together(either)
    paid = treasury.only().status is PayoutStatus.PAID
    assert treasury.balance("v0") == eur("0.00" if paid else "10.00")
    treasury.audit()


@pytest.mark.parametrize("place", ["payouts.send.before", "payouts.send.after"])
@pytest.mark.parametrize("minutes", [0, 16, 120])
@pytest.mark.parametrize("behaviour", [Behaviour.PAY, Behaviour.ACCEPT, Behaviour.TIME_OUT_AFTER, Behaviour.FAIL])
def test_a_worker_that_stalls(place: str, minutes: int, behaviour: Behaviour) -> None:
    """A worker that sleeps past its lease, before or after sending, wakes up to find that another did its work."""
    treasury = opened(1)
    treasury.provider.script(behaviour)
    stalls = [place]

    def stall(name: str) -> None:
        if name in stalls:
            stalls.clear()
            treasury.wait(minutes=minutes)
            for _ in range(3):
                treasury.payouts.process(treasury.scope)
                treasury.wait(minutes=2)

    with faults.hooked(stall):
        treasury.payouts.run(treasury.scope)
    treasury.audit()
    for key in treasury.provider.sent:
        if treasury.provider.sent[key].result.state.value == "accepted":
            treasury.provider.arrive(key)
    for _ in range(3):
        treasury.wait(hours=2)
        treasury.payouts.process(treasury.scope)
    assert treasury.only().status is PayoutStatus.PAID
    assert treasury.provider.paid("EUR") == eur("10.00")
    treasury.audit()


def interfering(place: str, code: str, times: int) -> Callable[[str], None]:
    """Raise a conflict at a fault point a few times, as a database does when transactions meet."""
    left = [place] * times

    def interfere(name: str) -> None:
        if name in left:
            left.remove(name)
            raise Conflict(code, "another transaction was first")

    return interfere


def test_a_page_that_meets_another_transaction() -> None:
    """A run does a page again if another transaction got in its way, and gives up if that goes on."""
    treasury = opened(3)
    with faults.hooked(interfering("payouts.sweep.before_commit", "stale", 4)):
        assert treasury.payouts.run(treasury.scope).count == 3
    assert treasury.provider.paid("EUR") == eur("30.00")
    treasury.earn("v0", eur("1.00"))
    with faults.hooked(interfering("payouts.sweep.before_commit", "stale", 5)), pytest.raises(Conflict):
        treasury.payouts.run(treasury.scope)
    with faults.hooked(interfering("payouts.sweep.before_commit", "broken", 1)), pytest.raises(Conflict):
        treasury.payouts.run(treasury.scope)
    treasury.payouts.run(treasury.scope)
    assert treasury.provider.paid("EUR") == eur("31.00")
    treasury.audit()


@pytest.mark.parametrize("place", ["claim", "record", "take_over"])
def test_a_worker_that_meets_another_transaction(place: str) -> None:
    """A worker lets go of a payout that another transaction got hold of; later it is found again. Other conflicts show."""
    treasury = opened(1)
    treasury.provider.script(Behaviour.FAIL if place == "claim" else Behaviour.ACCEPT)
    point = f"payouts.{place}.before_commit"
    if place == "take_over":
        with faults.hooked(interfering("payouts.record.before_commit", "stale", 1)):
            treasury.payouts.run(treasury.scope)
        treasury.wait(hours=1)
    with faults.hooked(interfering(point, "stale", 1)):
        treasury.payouts.run(treasury.scope)
    for _ in range(3):
        treasury.wait(hours=1)
        for key in treasury.provider.sent:
            if treasury.provider.sent[key].result.state.value == "accepted":
                treasury.provider.arrive(key)
        treasury.payouts.process(treasury.scope)
    assert treasury.only().status is PayoutStatus.PAID
    assert treasury.provider.paid("EUR") == eur("10.00")
    treasury.audit()


def test_a_conflict_that_is_no_race() -> None:
    """A conflict of the ledger is never taken for another worker's success."""
    treasury = opened(1)
    with faults.hooked(interfering("payouts.record.before_commit", "journal_key_reused", 1)), pytest.raises(Conflict):
        treasury.payouts.run(treasury.scope)
