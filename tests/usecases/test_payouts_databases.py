"""Payouts on real databases: the same money, killed anywhere, and two of everything at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from cityos_adapters.memory.transfers import Behaviour
from cityos_core.kernel import faults
from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import PayoutStatus, SkipReason
from cityos_core.payouts.service import PayoutUseCases
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.treasury import Treasury, eur

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
MakeDatabase = Callable[[str], UnitOfWorkFactory]


def opened(make_database: MakeDatabase, kind: str) -> Treasury:
    """Three vendors with money, one of them in debt, and one that only owes."""
    treasury = Treasury.open(database=make_database(kind))
    treasury.vendor("acme", "100.00")
    treasury.vendor("birch", "50.00")
    treasury.earn("birch", eur("20.00"), "debt")
    treasury.vendor("cedar", "9.00", method="manual")
    treasury.vendor("dill")
    treasury.earn("dill", eur("3.00"), "debt")
    treasury.earn("dill", Money.of("1234.56", "HUF"))
    return treasury


def live(treasury: Treasury) -> None:
    """Run until everything has come to its end."""
    for _ in range(2):
        PayoutUseCases.of(treasury.dependencies).run(treasury.scope)
        treasury.wait(hours=17)


def ending(treasury: Treasury) -> tuple[object, ...]:
    """Tell where all the money is and what became of the payouts."""
    treasury.audit()
    balances = {(item.account.path, item.money.text) for item in treasury.ledger.balances(treasury.scope) if item.money}
    payouts = sorted((payout.vendor, payout.amount.text, payout.status) for payout in treasury.all())
    return balances, payouts, treasury.provider.paid("EUR"), treasury.provider.paid("HUF")


def test_a_life(make_database: MakeDatabase, kind: str) -> None:
    """A dry run shows what a run then does; statements tie; payouts are confirmed, returned and paid again."""
    treasury = opened(make_database, kind)
    start = treasury.clock.now()
    dry = treasury.payouts.run(treasury.scope, dry_run=True)
    assert (treasury.all(), treasury.batches()) == ([], [])
    run = treasury.payouts.run(treasury.scope)
    assert (dry.payouts, dry.skipped) == (run.payouts, run.skipped)
    assert [(skipped.vendor, skipped.reason) for skipped in run.skipped] == [("dill", SkipReason.OWES)]
    assert run.totals == (eur("139.00"), Money.of("1234.00", "HUF"))
    found = {payout.vendor: payout for payout in treasury.all()}
    treasury.payouts.confirm(treasury.scope, found["cedar"].id, reference="B-1")
    treasury.provider.bring_back(found["acme"].attempts[-1].key)
    treasury.payouts.returned(treasury.scope, found["acme"].id, reason="closed")
    treasury.audit()
    treasury.wait(days=1)
    treasury.payouts.run(treasury.scope)
    assert treasury.provider.paid("EUR") == eur("130.00")
    statement = treasury.ledger.statement(treasury.scope, "acme", start, treasury.clock.now())
    assert [section.closing.total for section in statement.sections] == [10000]
    assert treasury.ledger.verify(treasury.scope).ok


def test_killed_anywhere(make_database: MakeDatabase, kind: str) -> None:
    """Whatever point a run dies at, the end is that of the undisturbed run."""
    names: list[str] = []
    undisturbed = opened(make_database, kind)
    undisturbed.provider.script(Behaviour.TIME_OUT_AFTER, account="acct_acme")
    with faults.hooked(names.append):
        undisturbed.payouts.run(undisturbed.scope)
    live(undisturbed)
    expected = ending(undisturbed)
    for place in sorted(set(names)):
        treasury = opened(make_database, kind)
        treasury.provider.script(Behaviour.TIME_OUT_AFTER, account="acct_acme")

        def die(name: str, place: str = place) -> None:
            if name == place:
                raise Crash

        with faults.hooked(die), pytest.raises(Crash):
            treasury.payouts.run(treasury.scope)
        live(treasury)
        assert ending(treasury) == expected, place


def together(*acts: Callable[[], object]) -> list[str]:
    """Do things in threads at the same moment; give the codes of the errors."""
    barrier = Barrier(len(acts))

    def one(act: Callable[[], object]) -> str:
        barrier.wait()
        try:
            act()
        except CityOSError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(one, acts))


def test_two_of_everything_at_once(make_database: MakeDatabase, kind: str) -> None:
    """Runs, workers and requests at the same moment pay everybody once."""
    treasury = Treasury.open(database=make_database(kind))
    for number in range(12):
        treasury.vendor(f"v{number}", "10.00")
    treasury.provider.script(*[Behaviour.TIME_OUT_AFTER, Behaviour.FAIL] * 3)
    uses, scope = treasury.payouts, treasury.scope
    run, process = (lambda: uses.run(scope)), (lambda: uses.process(scope))
    ask = lambda: uses.request(scope, "v7", eur("6.00"), key="click")  # noqa: E731  one of many acts
    codes = together(run, process, ask, run, process, ask)
    assert set(codes) <= {"ok", "not_available", "stale", "database_busy"}
    for _ in range(3):
        treasury.wait(hours=2)
        together(run, process, run, process)
    assert {payout.status for payout in treasury.all()} == {PayoutStatus.PAID}
    assert treasury.provider.paid("EUR") == eur("120.00")
    assert len({payment.payout_id for payment in treasury.provider.payments()}) == len(treasury.provider.payments())
    treasury.audit()


def test_many_requests_for_the_same_money(make_database: MakeDatabase, kind: str) -> None:
    """Requests at the same moment never overdraw: as many win as there is money for."""
    treasury = Treasury.open(database=make_database(kind))
    treasury.vendor("acme", "10.00")
    ask = treasury.payouts.request
    codes = together(*[lambda: ask(treasury.scope, "acme", eur("4.00"))] * 6)
    assert codes == ["not_available"] * 4 + ["ok"] * 2
    treasury.audit()
