"""Three months of a city to look at: a fixed cast, every kind of rule, a payout that fails and one that comes back."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from attrs import frozen

from cityos_core.app import CityOS
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.simulation.building import Quarter, build
from cityos_core.testing.simulation.days import Days, Habits
from cityos_core.testing.simulation.plan import city_plan
from cityos_core.testing.simulation.provider import MoodyProvider
from cityos_core.testing.simulation.trouble import NoTrouble

if TYPE_CHECKING:
    from cityos_adapters.memory.transfers import ScriptedTransfers

TENANTS: Final = 4
VENDORS: Final = 25
PRODUCTS: Final = 200
DAYS: Final = 90
ORDERS_PER_DAY: Final = 22


@frozen
class Demonstration:
    """The city that was made, and what happened in it."""

    quarters: tuple[Quarter, ...]
    happened: dict[str, int]


def demonstrate(
    app: CityOS,
    clock: SimulatedClock,
    transfers: "ScriptedTransfers",
    *,
    seed: int,
    days: int = DAYS,
    each_day: Callable[[int], object],
) -> Demonstration:
    """Make a city in an empty database and run it for so many days; the same seed gives the same figures."""
    random = Random(seed)  # noqa: S311  chance here is to be repeatable, not secret
    plan = city_plan(random, tenants=TENANTS, vendors=VENDORS, products=PRODUCTS, method=transfers.name)
    quarters, first = build(app, plan), clock.now()
    habits = Habits(orders_per_day=ORDERS_PER_DAY)
    life = Days(app, quarters, MoodyProvider(transfers), random, NoTrouble(), habits)
    for day in range(days):
        clock.set(first + timedelta(days=day))
        life.live(clock.now())
        each_day(day + 1)
    return Demonstration(quarters, life.happened)
