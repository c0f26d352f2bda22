"""What happens around subscriptions in a simulated city on one day, hour by hour: billing, retries, and what people do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Final, Self

from attrs import frozen

from cityos_core.app import CityOS
from cityos_core.subscriptions.drafts import PlanDraft
from cityos_core.subscriptions.dunning import next_run
from cityos_core.subscriptions.settings import BILLING_GATEWAY
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.simulation.building import Quarter
from cityos_core.testing.simulation.cards import MoodyGateway
from cityos_core.testing.simulation.chance import Chance
from cityos_core.testing.simulation.membership import Membership, SubscriberHabits
from cityos_core.testing.simulation.offers import offers, sell
from cityos_core.testing.simulation.office import Office
from cityos_core.testing.simulation.paying import Payments
from cityos_core.testing.simulation.using import Use
from cityos_core.testing.simulation.wanting import Wants

Turn = tuple[datetime, Callable[[], object]]

BILLING: Final = timedelta(hours=6)
"""When in a day billing runs."""

DAY: Final = timedelta(days=1)


@frozen(kw_only=True)
class Surroundings:
    """What is around billing in a simulated city: cards, a gateway, outages, a clock."""

    gateway: MoodyGateway
    clock: SimulatedClock
    chance: Chance
    habits: SubscriberHabits = SubscriberHabits()
    outages: int = 20
    """Of a thousand days, on how many billing begins to stand still for a while, in each tenant."""
    silence: int = 40
    """Of a thousand days, on how many the gateway answers no question about earlier charges."""


@frozen
class House:
    """One tenant with those who subscribe there and those who bill them."""

    those: Membership
    wants: Wants
    use: Use
    payments: Payments
    office: Office

    @classmethod
    def open(cls, app: CityOS, quarter: Quarter, plans: Sequence[PlanDraft], around: Surroundings) -> Self:
        """Put plans on sale in a tenant, collected by the gateway; nobody has subscribed yet."""
        sell(app, quarter, plans)
        app.settings.set(quarter.tenant.scope, BILLING_GATEWAY.key, around.gateway.name)
        those = Membership(
            app=app,
            quarter=quarter,
            plans={plan.handle: plan for plan in plans},
            gateway=around.gateway,
            clock=around.clock,
            chance=around.chance,
            habits=around.habits,
        )
        return cls(those, Wants(those), Use(those), Payments(those), Office(those, around.outages))

    def turns(self, day: datetime) -> Iterator[Turn]:
        """List what happens on a day, given by its midnight, and when."""
        yield day + BILLING, self.office.bill
        place = self.those.quarter.plan.time_zone
        run = next_run(day - datetime.resolution, place)
        while run < day + DAY:
            yield run, self.office.retry
            run = next_run(run, place)
        habits, hours = self.those.habits, self.those.random.sample(range(24), k=5)
        people: tuple[tuple[int, Callable[[], object]], ...] = (
            (habits.joining, self.those.come),
            (habits.wishing, self.wants.want),
            (habits.using, self.use.use),
            (habits.breaking, self.payments.break_a_card),
            (habits.correcting, self.payments.correct),
        )
        for (thousand, act), hour in zip(people, hours, strict=True):
            if self.those.chance.is_one_of(thousand):
                yield day + timedelta(hours=hour, minutes=7), act


@frozen
class SubscribedDays:
    """Runs all that has to do with subscriptions in a city by the day."""

    houses: tuple[House, ...]
    around: Surroundings

    @classmethod
    def begin(cls, app: CityOS, quarters: Iterable[Quarter], around: Surroundings) -> Self:
        """Make plans up in every tenant, and put them on sale."""
        random = around.chance.random
        return cls(tuple(House.open(app, one, offers(random, one.plan.currency), around) for one in quarters), around)

    def welcome(self) -> None:
        """Let those come who are there from the beginning."""
        for house in self.houses:
            for _ in range(self.around.habits.first):
                house.those.come()

    def live(self, day: datetime) -> None:
        """Live one day from its midnight."""
        gateway, chance, clock = self.around.gateway, self.around.chance, self.around.clock
        gateway.clear_up()
        gateway.fall_silent(is_silent=chance.is_one_of(self.around.silence))
        for house in self.houses:
            house.payments.mind_cards()
            house.payments.pay()
            house.office.perhaps_close()
        turns = [turn for house in self.houses for turn in house.turns(day)]
        for at, act in sorted(turns, key=itemgetter(0)):
            clock.set(max(at, clock.now()))
            act()

    def calm_down(self) -> None:
        """Let everything become known, and be done that waits: the gateway answers, and billing runs undisturbed."""
        self.around.gateway.calm_down()
        for _ in range(4):
            self.around.gateway.clear_up(all_of_it=True)
            self.around.clock.advance(timedelta(hours=7))
            for house in self.houses:
                house.office.finish()
