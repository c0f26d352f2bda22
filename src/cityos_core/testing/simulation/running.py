"""Running a simulated city from its first day to its last, proving the laws as it goes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from attrs import define, evolve, field, frozen

from cityos_core.app import CityOS
from cityos_core.testing.assembly import city
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.testing.simulation.billing_laws import check_billing, check_settled
from cityos_core.testing.simulation.building import build
from cityos_core.testing.simulation.cards import MoodyGateway
from cityos_core.testing.simulation.chance import Chance
from cityos_core.testing.simulation.days import Days, Habits
from cityos_core.testing.simulation.laws import check_audit, check_laws, check_orders
from cityos_core.testing.simulation.plan import city_plan
from cityos_core.testing.simulation.provider import MoodyProvider
from cityos_core.testing.simulation.subscribing import SubscribedDays, Surroundings
from cityos_core.testing.simulation.trouble import Chaos, NoTrouble

FIRST_DAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
DAYS_PER_MONTH: Final = 30

BILLING_CHECKED: Final = 6
"""After how many days, and on the last one, the laws of billing are checked: every invoice is looked at."""


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
    *,
    seed: int,
    months: int,
    with_faults: bool = False,
    habits: Habits | None = None,
    each_day: Callable[[int], object] = lambda _day: None,
) -> Report:
    """Run a random city in memory; the same seed lives the same life. ``LawBroken`` if a law does not hold.

    With faults the process dies at random fault points and starts again, calls are delivered twice, and a second
    runner of every kind gets in between.
    """
    trouble = Chaos(Random(~seed)) if with_faults else NoTrouble()  # noqa: S311  chance here is to be repeatable
    life = _begin(seed, trouble, habits or Habits())
    for day in range(months * DAYS_PER_MONTH):
        life.live(day)
        each_day(day + 1)
    life.end()
    return _report(life, seed, months, trouble)


@define
class _Life:
    """A city that runs; ``laws`` counts how many were checked."""

    app: CityOS
    clock: SimulatedClock
    days: Days
    provider: MoodyProvider
    subscribed: SubscribedDays
    random: Random
    """Where instants are drawn from that are looked back at; nothing that happens depends on it."""
    laws: int = 0

    def live(self, day: int) -> None:
        """Live a day, and prove the laws."""
        midnight = self.clock.set(FIRST_DAY + timedelta(days=day))
        self.days.live(midnight)
        self.subscribed.live(midnight)
        for quarter in self.days.quarters:
            self.laws += check_laws(self.app, quarter.tenant.scope, self.provider.payments())
        if not (day + 1) % BILLING_CHECKED:
            self._check_billing()

    def end(self) -> None:
        """Let everything be done that waits, and prove that nothing is left."""
        self.subscribed.calm_down()
        self._check_billing()
        for quarter in self.days.quarters:
            check_settled(self.app, quarter.tenant.scope, self.clock.now())
            self.laws += check_audit(self.app, quarter.tenant.scope)

    def _check_billing(self) -> None:
        for house in self.subscribed.houses:
            charged = house.those.gateway.collected()
            self.laws += check_billing(self.app, house.those.scope, charged, self.random)


def _begin(seed: int, trouble: Chaos | NoTrouble, habits: Habits) -> _Life:
    from cityos_adapters.memory.gateway import ScriptedGateway  # noqa: PLC0415  the core knows no adapter until asked
    from cityos_adapters.memory.transfers import ScriptedTransfers  # noqa: PLC0415  as above

    random, others = Random(seed), Random(f"{seed} subscribed")  # noqa: S311  chance here is to be repeatable
    clock, provider = SimulatedClock(FIRST_DAY), MoodyProvider(ScriptedTransfers())
    gateway = MoodyGateway(ScriptedGateway("cards", clock=clock), others)
    app = city(
        clock=clock,
        identifiers=SequentialIdentifiers(),
        payout_methods={"memory": provider.transfers},
        gateways={gateway.name: gateway},
    )
    plan = city_plan(random, tenants=random.randint(2, 4), vendors=10, products=60, method="memory")
    days = Days(app, build(app, plan), provider, Chance(random, trouble), habits)
    chance = Chance(others, trouble, days.chance.happened)
    subscribed = SubscribedDays.begin(app, days.quarters, Surroundings(gateway=gateway, clock=clock, chance=chance))
    subscribed.welcome()
    return _Life(app, clock, days, provider, subscribed, Random(seed))  # noqa: S311


def _report(life: _Life, seed: int, months: int, trouble: Chaos | NoTrouble) -> Report:
    orders = sum(check_orders(life.app, quarter.tenant.scope) for quarter in life.days.quarters)
    report = Report(
        seed=seed,
        days=months * DAYS_PER_MONTH,
        happened=life.days.chance.happened,
        laws_checked=life.laws,
        orders_checked=orders,
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
