"""Three months of a city to look at, with a year of its subscribers: a fixed cast, every kind of rule, what fails as well."""

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Final

from attrs import frozen

from cityos_core.app import CityOS
from cityos_core.kernel.money import UnitPrice
from cityos_core.kernel.tiers import Pricing, Tier
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.drafts import PlanDraft
from cityos_core.subscriptions.plans import ItemKind, PlanItem
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.simulation.building import Quarter, build
from cityos_core.testing.simulation.cards import MoodyGateway
from cityos_core.testing.simulation.chance import Chance
from cityos_core.testing.simulation.days import Days, Habits
from cityos_core.testing.simulation.membership import SubscriberHabits
from cityos_core.testing.simulation.plan import city_plan
from cityos_core.testing.simulation.provider import MoodyProvider
from cityos_core.testing.simulation.subscribing import House, SubscribedDays, Surroundings
from cityos_core.testing.simulation.trouble import NoTrouble

if TYPE_CHECKING:
    from cityos_adapters.memory.gateway import ScriptedGateway
    from cityos_adapters.memory.transfers import ScriptedTransfers

TENANTS: Final = 4
VENDORS: Final = 25
PRODUCTS: Final = 200
DAYS: Final = 90
ORDERS_PER_DAY: Final = 22

YEAR: Final = 366
"""How long subscribers are there when the market has run for :data:`DAYS`: until the first yearly period has ended."""

LATELY: Final = 15
"""So many days before the end as many cards begin to be declined, so that dunning is under way when it comes."""

HABITS: Final = SubscriberHabits(
    members=30,
    first=18,
    joining=60,
    wishing=120,
    using=450,
    breaking=110,
    healing=30,
    replacing=25,
    paying=30,
    correcting=10,
    on_terms=150,
    broken=40,
)
"""Gentler than where the laws are tried."""


@frozen
class Demonstration:
    """The city that was made, and what happened in it; one of its tenants has subscribers."""

    quarters: tuple[Quarter, ...]
    subscribed: Quarter
    happened: dict[str, int]


def lived(days: int) -> int:
    """Give how many days are lived in all so that the market runs for so many of them: subscribers were there before."""
    return days * YEAR // DAYS


def demonstrate(
    app: CityOS,
    clock: SimulatedClock,
    transfers: "ScriptedTransfers",
    gateway: "ScriptedGateway",
    *,
    seed: int,
    days: int = DAYS,
    each_day: Callable[[int], object],
) -> Demonstration:
    """Make a city in an empty database; its market opens now, and runs for so many days.

    The same seed gives the same figures.
    """
    random = Random(seed)  # noqa: S311  chance here is to be repeatable, not secret
    plan = city_plan(random, tenants=TENANTS, vendors=VENDORS, products=PRODUCTS, method=transfers.name)
    before = lived(days) - days
    first = clock.now() - timedelta(days=before)
    clock.set(first)
    quarters = build(app, plan)
    market = Days(
        app, quarters, MoodyProvider(transfers), Chance(random, NoTrouble()), Habits(orders_per_day=ORDERS_PER_DAY)
    )
    others = Random(f"{seed} subscribed")  # noqa: S311
    around = Surroundings(
        gateway=MoodyGateway(gateway, others, is_calm=True),
        clock=clock,
        chance=Chance(others, NoTrouble(), market.chance.happened),
        habits=HABITS,
        outages=0,
        silence=0,
    )
    house = House.open(app, quarters[0], plans(quarters[0].plan.currency), around)
    subscribed = SubscribedDays((house,), around)
    subscribed.welcome()
    for day in range(lived(days)):
        midnight = clock.set(first + timedelta(days=day))
        if day >= before:
            market.live(midnight)
        if day + LATELY == lived(days):
            for _ in range(LATELY):
                house.payments.break_a_card()
        subscribed.live(midnight)
        each_day(day + 1)
    return Demonstration(quarters, quarters[0], market.chance.happened)


def plans(currency: str) -> tuple[PlanDraft, ...]:
    """Give what the first tenant sells by the period."""

    def item(price: str, key: str = "base", kind: ItemKind = ItemKind.FIXED) -> PlanItem:
        return PlanItem(key=key, name=key.title(), kind=kind, price=UnitPrice.of(price, currency))

    bands = (Tier(up_to=Fraction(20), unit=Fraction(2)), Tier(unit=Fraction(3, 2)))
    deliveries = PlanItem(key="deliveries", name="Deliveries", kind=ItemKind.METERED, pricing=Pricing(tiers=bands))
    seats = item("9.00", "seats", ItemKind.PER_SEAT)
    return (
        PlanDraft(handle="membership", name="Membership", items=(item("29.00"),)),
        PlanDraft(handle="year", name="Membership for a year", items=(item("290.00"),), interval=Interval.YEAR),
        PlanDraft(handle="team", name="Team", items=(item("19.00"), seats), trial_days=14),
        PlanDraft(handle="courier", name="Courier", items=(item("15.00"), deliveries)),
    )
