"""Random cities on a virtual clock: lived without trouble and with all of it, every law checked every day."""

import re
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import evolve

import cityos_core
from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_adapters.memory.transfers import ScriptedTransfers
from cityos_core.app import CityOS
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import PayoutStatus
from cityos_core.payouts.ports import PayoutFilter
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus, LineKind
from cityos_core.subscriptions.model import SubscriptionStatus
from cityos_core.subscriptions.mrr import recurring_revenue
from cityos_core.subscriptions.ports import SubscriptionFilter
from cityos_core.testing import SequentialIdentifiers, SimulatedClock, city
from cityos_core.testing.simulation.billing_laws import BillingFacts, check_facts
from cityos_core.testing.simulation.building import build
from cityos_core.testing.simulation.cards import MoodyGateway
from cityos_core.testing.simulation.chance import Chance
from cityos_core.testing.simulation.days import Days, Habits
from cityos_core.testing.simulation.demonstration import (
    DAYS,
    PRODUCTS,
    TENANTS,
    VENDORS,
    YEAR,
    Demonstration,
    demonstrate,
)
from cityos_core.testing.simulation.laws import LawBroken, check_laws, check_orders
from cityos_core.testing.simulation.plan import city_plan
from cityos_core.testing.simulation.provider import MoodyProvider
from cityos_core.testing.simulation.running import FIRST_DAY, Report, simulate
from cityos_core.testing.simulation.subscribing import House, SubscribedDays, Surroundings
from cityos_core.testing.simulation.trouble import NoTrouble

CORE = Path(cityos_core.__file__).parent
MOVES_MONEY = re.compile(r'(?:point\(f?|commit\(uow, [^"]*)"((?:orders|payouts)\.[a-z_.]+)"')
BILLS = re.compile(r'"((?:billing|subscriptions|invoices)\.[a-z_.]+)"')


@pytest.fixture(scope="module")
def year() -> Report:
    """A year of subscribers and nobody else, with everything that goes wrong."""
    return simulate(seed=2, months=12, with_faults=True, habits=Habits(orders_per_day=0))


@pytest.fixture(scope="module")
def season() -> Report:
    """Two months of everything, with everything that goes wrong."""
    return simulate(seed=1, months=2, with_faults=True)


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


def test_trouble_reaches_every_place_where_money_moves(season: Report) -> None:
    """Every fault point of orders and payouts that a day can reach is passed in two simulated months."""
    named: set[str] = set()
    for module in [*(CORE / "orders").glob("*.py"), *(CORE / "payouts").glob("*.py")]:
        for name in MOVES_MONEY.findall(module.read_text()):
            named |= {name} if name.rpartition(".")[2].startswith(("before", "after")) else {f"{name}.before_commit"}
    by_hand = {"payouts.request.before_commit", "payouts.retry.before_commit"}
    assert named
    assert named - by_hand <= set(season.fault_points)


def test_trouble_reaches_every_place_where_subscriptions_are_billed(year: Report, season: Report) -> None:
    """Every fault point of billing that can be foreseen is passed in a simulated year and two months."""
    named: set[str] = set()
    for module in (CORE / "subscriptions").glob("*.py"):
        for name in BILLS.findall(module.read_text()):
            is_point = name.endswith((".before", ".after"))
            named |= {name} if is_point else {f"{name}.before_commit", f"{name}.after_commit"}
    unforeseen = {"billing.fail.before_commit", "billing.fail.after_commit"}
    assert len(named) > 40
    assert named - unforeseen <= {*year.fault_points, *season.fault_points}


def test_a_year_of_subscribers_breaks_no_law(year: Report) -> None:
    """Cards that are declined, outages, pauses, corrections, deaths and rivals: each cycle is billed once, none is missed."""
    for happening in (
        "cycles billed", "outages", "payment retries", "cards declined", "cards replaced", "payments by hand",
        "payments by bank", "changes", "changes undone", "pauses", "resumptions", "endings", "endings later",
        "trials converted", "trials moved", "discounts", "reports of usage", "credit notes", "invoices voided",
        "invoices written off", "cycles retried", "cycles left out",
    ):  # fmt: skip
        assert year.happened[happening], happening
    assert year.crashes > 300
    assert year.repeats > 200
    assert year.rivals > 50


def quarter_of_a_city(orders: int = 40) -> tuple[Days, MemoryDatabase, MoodyProvider]:
    """A small city after ten days."""
    database, transfers, clock, random = MemoryDatabase(), ScriptedTransfers(), SimulatedClock(FIRST_DAY), Random(5)
    app = city(unit_of_work=database, clock=clock, payout_methods={"memory": transfers})
    plan = city_plan(random, tenants=1, vendors=4, products=12, method="memory")
    provider = MoodyProvider(transfers, is_calm=True)
    chance = Chance(random, NoTrouble())
    days = Days(app, build(app, plan), provider, chance, Habits(orders_per_day=orders // 10))
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


@pytest.fixture(scope="module")
def house() -> House:
    """A tenant after two months of quiet billing."""
    clock, random = SimulatedClock(FIRST_DAY), Random(5)
    gateway = MoodyGateway(ScriptedGateway("cards", clock=clock), random, is_calm=True)
    app = city(clock=clock, gateways={"cards": gateway})
    quarters = build(app, city_plan(random, tenants=1, vendors=2, products=2, method="manual"))
    chance = Chance(random, NoTrouble())
    around = Surroundings(gateway=gateway, clock=clock, chance=chance, outages=0)
    days = SubscribedDays.begin(app, quarters, around)
    days.welcome()
    for day in range(60):
        days.live(clock.set(FIRST_DAY + timedelta(days=day)))
    return days.houses[0]


def facts(house: House) -> BillingFacts:
    """What its records say."""
    those = house.those
    return BillingFacts.of(those.app, those.scope, those.gateway.collected())


def broken(house: House, **wrong: Any) -> str:
    """Say which law is broken by records that say something else."""
    with pytest.raises(LawBroken) as found:
        check_facts(house.those.app, evolve(facts(house), **wrong), Random(1))
    return str(found.value)


def is_for_a_period(invoice: Invoice) -> bool:
    """Whether an invoice bills a cycle, and not a change within one."""
    return not invoice.change and any(line.kind is LineKind.RECURRING for line in invoice.lines)


def test_what_is_missed_or_billed_twice_is_found(house: House) -> None:
    """A cycle that is not there, never falls due, or was charged twice breaks a law; so does a number that is missing."""
    known = facts(house)
    assert check_facts(house.those.app, known, Random(1)) == 10
    one = next(one for one in known.subscriptions if one.due_at and len(known.cycles[one.id]) > 2)
    *before, last = known.cycles[one.id]
    assert "has the cycles" in broken(house, cycles={**known.cycles, one.id: [*before[1:], last]})
    assert "is billed for cycle" in broken(house, cycles={**known.cycles, one.id: before})
    lost = [*before, evolve(last, due_at=None)]
    assert "is due at" in broken(house, cycles={**known.cycles, one.id: lost})
    paid = next(one for one in known.invoices if one.status is InvoiceStatus.PAID and is_for_a_period(one))
    others = [one for one in known.invoices if one is not paid]
    assert "its invoice None" in broken(house, invoices=tuple(others))
    more = len(known.invoices) + 1
    assert "are numbered" in broken(house, invoices=(evolve(paid, number=more), *others))
    again = evolve(paid, number=more, change=99)
    assert "was charged 2 times" in broken(house, invoices=(again, *known.invoices))


def test_money_that_does_not_agree_is_found(house: House) -> None:
    """The books, the invoices and the gateway's own record must say the same, of each subscriber and each currency."""
    known = facts(house)
    paid = next(one for one in known.invoices if one.status is InvoiceStatus.PAID and one.recognised)
    rest = [one for one in known.invoices if one is not paid]
    reopened = evolve(paid, status=InvoiceStatus.OPEN)
    assert "its invoice open" in broken(house, invoices=(reopened, *rest))
    less = evolve(paid, recognised=paid.recognised - 1)
    assert "holds" in broken(house, invoices=(less, *rest))
    (account, currency), amount = next(item for item in known.balances.items() if item[0][0].startswith("gateway:"))
    assert "holds" in broken(house, balances={**known.balances, (account, currency): amount - 1})
    assert "receivable holds" in broken(house, balances={**known.balances, ("customer:x:receivable", "EUR"): 1})
    assert "2 times" in broken(house, charges=(*known.charges, known.charges[0]))
    assert "never collected" in broken(house, charges=known.charges[1:])
    earning = next(one for one in known.subscriptions if recurring_revenue(one, known.plans[one.plan_id]))
    others = tuple(one for one in known.subscriptions if one is not earning)
    assert "recurring revenue" in broken(house, subscriptions=others)


def lived(days: int) -> tuple[CityOS, Demonstration, ScriptedTransfers]:
    """The demonstration after so many days, in memory."""
    clock, transfers = SimulatedClock(FIRST_DAY), ScriptedTransfers()
    gateway, seen = ScriptedGateway(clock=clock), list[int]()
    app = city(
        clock=clock,
        identifiers=SequentialIdentifiers(7),
        payout_methods={"memory": transfers},
        gateways={"card": gateway},
    )
    shown = demonstrate(app, clock, transfers, gateway, seed=7, days=days, each_day=seen.append)
    assert seen == list(range(1, days * YEAR // DAYS + 1))
    return app, shown, transfers


def test_the_demonstration_has_what_it_promises() -> None:
    """Several countries, 25 vendors, 200 products, about 2,000 orders, payouts that fail, a year of subscribers."""
    app, shown, _ = lived(DAYS)
    plans = [quarter.plan for quarter in shown.quarters]
    assert len(plans) == TENANTS == len({plan.parent[:2] for plan in plans})
    assert sum(len(plan.vendors) for plan in plans) == VENDORS == 25
    assert sum(len(vendor.products) for plan in plans for vendor in plan.vendors) == PRODUCTS == 200
    assert 1_800 <= shown.happened["orders"] <= 2_200
    for happening in ("refunds", "disputes", "cancellations", "payout runs", "returned payouts"):
        assert shown.happened[happening]
    scopes = [quarter.tenant.scope for quarter in shown.quarters]
    assert 20 <= shown.happened["subscriptions"] <= 40
    for happening in ("cycles billed", "payment retries", "changes", "reports of usage", "payments by bank"):
        assert shown.happened[happening]
    subscribed = shown.subscribed.tenant.scope
    with_renewal = SubscriptionFilter(plan=app.plans.get(subscribed, "year").id)
    yearly = app.subscriptions.list(subscribed, with_renewal).items
    assert any(len(app.subscriptions.cycles(subscribed, one.id)) > 2 for one in yearly)
    assert app.subscriptions.list(subscribed, SubscriptionFilter(status=SubscriptionStatus.PAST_DUE)).items
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
