"""Running a simulated city from its first day to its last, proving the laws as it goes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from attrs import evolve, field, frozen

from cityos_core.app import CityOS
from cityos_core.testing.assembly import city
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.testing.simulation.building import build
from cityos_core.testing.simulation.days import Days, Habits
from cityos_core.testing.simulation.laws import check_laws, check_orders
from cityos_core.testing.simulation.plan import city_plan
from cityos_core.testing.simulation.provider import MoodyProvider
from cityos_core.testing.simulation.trouble import Chaos, NoTrouble

FIRST_DAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
DAYS_PER_MONTH: Final = 30


@frozen(kw_only=True)
class Report:
    """What a simulated city lived through, and how often it was proved right."""

    seed: int
    days: int
    happened: dict[str, int]
    laws_checked: int
    orders_checked: int
    crashes: int = 0
    crash_points: int = 0
    fault_points: tuple[str, ...] = field(default=())
    repeats: int = 0
    rivals: int = 0


def simulate(
    *, seed: int, months: int, with_faults: bool = False, each_day: Callable[[int], object] = lambda _day: None
) -> Report:
    """Run a random city in memory; the same seed lives the same life. ``LawBroken`` if a law does not hold.

    With faults the process dies at random fault points and starts again, calls are delivered twice, and a second
    runner of every kind gets in between.
    """
    from cityos_adapters.memory.transfers import ScriptedTransfers  # noqa: PLC0415  the core knows no adapter until asked

    random = Random(seed)  # noqa: S311  chance here is to be repeatable, not secret
    clock, transfers = SimulatedClock(FIRST_DAY), ScriptedTransfers()
    app = city(clock=clock, identifiers=SequentialIdentifiers(), payout_methods={"memory": transfers})
    plan = city_plan(random, tenants=random.randint(2, 4), vendors=10, products=60, method="memory")
    trouble = Chaos(Random(~seed)) if with_faults else NoTrouble()  # noqa: S311
    provider = MoodyProvider(transfers)
    days = Days(app, build(app, plan), provider, random, trouble, Habits())
    laws = 0
    for day in range(months * DAYS_PER_MONTH):
        clock.set(FIRST_DAY + timedelta(days=day))
        days.live(clock.now())
        laws += sum(check_laws(app, quarter.tenant.scope, provider.payments()) for quarter in days.quarters)
        each_day(day + 1)
    return _report(app, seed, months, days, laws, trouble)


def _report(app: CityOS, seed: int, months: int, days: Days, laws: int, trouble: Chaos | NoTrouble) -> Report:
    orders = sum(check_orders(app, quarter.tenant.scope) for quarter in days.quarters)
    report = Report(
        seed=seed, days=months * DAYS_PER_MONTH, happened=days.happened, laws_checked=laws, orders_checked=orders
    )
    if isinstance(trouble, NoTrouble):
        return report
    return evolve(
        report,
        crashes=trouble.crashes.total(),
        crash_points=len(trouble.crashes),
        fault_points=tuple(sorted(trouble.passed)),
        repeats=trouble.repeats,
        rivals=trouble.rivals,
    )
