"""Random cities on a virtual clock: lived without trouble and with all of it, every law checked every day."""

import re
from pathlib import Path
from random import Random

import pytest

import cityos_core
from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.memory.transfers import ScriptedTransfers
from cityos_core.app import CityOS
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import PayoutStatus
from cityos_core.payouts.ports import PayoutFilter
from cityos_core.testing import SequentialIdentifiers, SimulatedClock, city
from cityos_core.testing.simulation.building import build
from cityos_core.testing.simulation.days import Days, Habits
from cityos_core.testing.simulation.demonstration import (
    DAYS,
    PRODUCTS,
    TENANTS,
    VENDORS,
    Demonstration,
    demonstrate,
)
from cityos_core.testing.simulation.laws import LawBroken, check_laws, check_orders
from cityos_core.testing.simulation.plan import city_plan
from cityos_core.testing.simulation.provider import MoodyProvider
from cityos_core.testing.simulation.running import FIRST_DAY, simulate
from cityos_core.testing.simulation.trouble import NoTrouble

CORE = Path(cityos_core.__file__).parent
MOVES_MONEY = re.compile(r'(?:point\(f?|commit\(uow, [^"]*)"((?:orders|payouts)\.[a-z_.]+)"')


def test_the_same_seed_lives_the_same_life() -> None:
    """Two runs of one seed, with all their crashes, are equal; another seed is another city."""
    assert simulate(seed=3, months=1, with_faults=True) == simulate(seed=3, months=1, with_faults=True)
    assert simulate(seed=3, months=1) != simulate(seed=4, months=1)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_every_law_holds_through_crashes_repeats_and_rivals(seed: int) -> None:
    """A city whose processes die, whose calls are repeated and whose runners meet never breaks a law."""
    report = simulate(seed=seed, months=1, with_faults=True)
    assert report.crashes > 50
    assert report.repeats > 30
    assert report.rivals > 5
    assert report.laws_checked >= 30 * 6 * 2


def test_trouble_reaches_every_place_where_money_moves() -> None:
    """Every fault point of orders and payouts that a day can reach is passed in two simulated months."""
    named: set[str] = set()
    for module in [*(CORE / "orders").glob("*.py"), *(CORE / "payouts").glob("*.py")]:
        for name in MOVES_MONEY.findall(module.read_text()):
            named |= {name} if name.rpartition(".")[2].startswith(("before", "after")) else {f"{name}.before_commit"}
    by_hand = {"payouts.request.before_commit", "payouts.retry.before_commit"}
    assert named
    assert named - by_hand <= set(simulate(seed=1, months=2, with_faults=True).fault_points)


def quarter_of_a_city(orders: int = 40) -> tuple[Days, MemoryDatabase, MoodyProvider]:
    """A small city after ten days."""
    database, transfers, clock, random = MemoryDatabase(), ScriptedTransfers(), SimulatedClock(FIRST_DAY), Random(5)
    app = city(unit_of_work=database, clock=clock, payout_methods={"memory": transfers})
    plan = city_plan(random, tenants=1, vendors=4, products=12, method="memory")
    provider = MoodyProvider(transfers, is_calm=True)
    days = Days(app, build(app, plan), provider, random, NoTrouble(), Habits(orders_per_day=orders // 10))
    for day in range(10):
        clock.set(FIRST_DAY.replace(day=FIRST_DAY.day + day))
        days.live(clock.now())
    return days, database, provider


def test_a_wrong_balance_is_found() -> None:
    """A stored balance that is off by one cent breaks a law."""
    days, database, provider = quarter_of_a_city()
    scope = days.quarters[0].tenant.scope
    assert check_laws(days.app, scope, provider.payments()) == 6
    balances = database.storage.of(scope.tenant_id).balances
    account = next(account for account in balances.rows if account.has_floor)
    balances.swap(account, balances.rows[account] + 1)
    with pytest.raises(LawBroken, match="the books do not balance"):
        check_laws(days.app, scope, provider.payments())


def test_a_second_payment_is_found() -> None:
    """A provider that paid one payout twice, or one that never was, breaks a law."""
    days, _, provider = quarter_of_a_city()
    scope, payments = days.quarters[0].tenant.scope, provider.payments()
    twice = payments.copy()
    twice[next(iter(twice))] += 1
    with pytest.raises(LawBroken, match="the provider paid it 2 times"):
        check_laws(days.app, scope, twice)
    with pytest.raises(LawBroken, match="the provider paid it 0 times"):
        check_laws(days.app, scope, {})


def test_a_sale_that_was_never_booked_is_found() -> None:
    """An order whose journal is missing breaks the laws about vendors, revenue and the gateway."""
    days, database, provider = quarter_of_a_city()
    scope = days.quarters[0].tenant.scope
    orders = database.storage.of(scope.tenant_id).orders
    key, order = next(iter(orders.rows.items()))
    orders.swap(key, None)
    with pytest.raises(LawBroken, match="the gateway holds"):
        check_laws(days.app, scope, provider.payments())
    assert order.total > Money.zero(order.currency)
    assert check_orders(days.app, scope) == len(orders.rows)


def lived(days: int) -> tuple[CityOS, Demonstration, ScriptedTransfers]:
    """The demonstration after so many days, in memory."""
    clock, transfers = SimulatedClock(FIRST_DAY), ScriptedTransfers()
    app = city(clock=clock, identifiers=SequentialIdentifiers(7), payout_methods={"memory": transfers})
    seen: list[int] = []
    shown = demonstrate(app, clock, transfers, seed=7, days=days, each_day=seen.append)
    assert seen == list(range(1, days + 1))
    return app, shown, transfers


def test_the_demonstration_has_what_it_promises() -> None:
    """Several countries, 25 vendors, 200 products, about 2,000 orders, a failed and a returned payout."""
    app, shown, _ = lived(DAYS)
    plans = [quarter.plan for quarter in shown.quarters]
    assert len(plans) == TENANTS == len({plan.parent[:2] for plan in plans})
    assert sum(len(plan.vendors) for plan in plans) == VENDORS == 25
    assert sum(len(vendor.products) for plan in plans for vendor in plan.vendors) == PRODUCTS == 200
    assert 1_800 <= shown.happened["orders"] <= 2_200
    for happening in ("refunds", "disputes", "cancellations", "payout runs", "returned payouts"):
        assert shown.happened[happening]
    scopes = [quarter.tenant.scope for quarter in shown.quarters]
    for status in (PayoutStatus.FAILED, PayoutStatus.RETURNED):
        assert any(app.payouts.list(scope, PayoutFilter(status=status)).items for scope in scopes)
    assert all(app.ledger.verify(scope).ok for scope in scopes)


def test_the_demonstration_gives_the_same_figures_for_the_same_seed() -> None:
    """Two demonstrations of one seed agree on every figure and every transfer."""
    told = []
    for _ in range(2):
        app, shown, transfers = lived(15)
        reports = [app.commissions.report(quarter.tenant.scope) for quarter in shown.quarters]
        told.append((shown.happened, reports, sorted(transfers.sent)))
    assert told[0] == told[1]
