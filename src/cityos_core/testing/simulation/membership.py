"""Who subscribes in one tenant of a simulated city: to what, on which terms, with which card."""

from collections.abc import Mapping
from random import Random
from typing import Final

from attrs import define, field, frozen

from cityos_core.app import CityOS
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import Money, Percentage, exponent
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.applying import OVER
from cityos_core.subscriptions.attempts import DeclineClass
from cityos_core.subscriptions.drafts import PlanDraft
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import ItemKind
from cityos_core.subscriptions.terms import Collection, CollectionMethod, Discount, Subscriber, SubscriberKind
from cityos_core.subscriptions.trials import Agreement
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.simulation.building import Quarter
from cityos_core.testing.simulation.cards import MoodyGateway
from cityos_core.testing.simulation.chance import Chance
from cityos_core.testing.simulation.offers import vat

TERMS: Final = Collection(method=CollectionMethod.INVOICE, terms_days=14)


@frozen(kw_only=True)
class SubscriberHabits:
    """How much subscribers of a tenant do: of a thousand days, on how many this happens, unless it says otherwise."""

    members: int = 12
    """How many there are at most at a time."""
    first: int = 8
    """How many come on the first day."""
    joining: int = 250
    wishing: int = 400
    using: int = 350
    breaking: int = 150
    """A card begins to be declined."""
    healing: int = 80
    """A card that is declined is accepted again."""
    replacing: int = 60
    """Whose card is declined gives another one."""
    paying: int = 80
    """An open invoice is paid by hand."""
    correcting: int = 60
    """Somebody credits, voids or writes off an invoice."""
    on_terms: int = 200
    """Of a thousand subscribers, how many are sent invoices."""
    broken: int = 150
    """Of a thousand cards, how many are declined from the beginning."""


@define(kw_only=True)
class Member:
    """A subscription, and the card that is charged for it; none of who is sent invoices."""

    subscriber: Subscriber
    subscription_id: SubscriptionId
    card: str | None


@define(kw_only=True)
class Membership:
    """Those who subscribe in one tenant, and all they act on."""

    app: CityOS
    quarter: Quarter
    plans: Mapping[str, PlanDraft]
    gateway: MoodyGateway
    clock: SimulatedClock
    chance: Chance
    habits: SubscriberHabits
    members: list[Member] = field(factory=list)
    _joined: int = field(default=0, init=False)
    _begun: int = field(default=0, init=False)
    _cards: int = field(default=0, init=False)

    @property
    def scope(self) -> TenantScope:
        """The tenant's."""
        return self.quarter.tenant.scope

    @property
    def random(self) -> Random:
        """Where all chance comes from."""
        return self.chance.random

    def come(self) -> None:
        """Let somebody subscribe, or one of those who are there subscribe to something else; who is gone makes room."""
        self.members = [one for one in self.members if self._is_there(one)]
        if len(self.members) < self.habits.members:
            is_known = self.members and self.chance.is_one_of(120)
            self.join(self.random.choice(self.members).subscriber if is_known else self._somebody())

    def join(self, subscriber: Subscriber, plan: str | None = None) -> None:
        """Let somebody subscribe to a plan."""
        self._begun += 1
        draft = self.plans[plan or self.random.choice(list(self.plans))]
        is_charged = not self.chance.is_one_of(self.habits.on_terms)
        card, key = self.new_card() if is_charged else None, f"{self._begun}"
        agreement = Agreement(
            subscriber=subscriber,
            quantities=self.quantities(draft),
            discounts=(self.discount("welcome"),) if self.chance.is_one_of(250) else (),
            tax=self.random.choice([None, vat(self.quarter, included=False), vat(self.quarter, included=True)]),
            collection=Collection() if is_charged else TERMS,
        )
        begun: list[Subscription] = []

        def begin() -> None:
            done = self.app.subscriptions.begin(self.scope, draft.handle, agreement, payment_method=card, key=key)
            begun.append(done)

        if self.chance.allowed("subscriptions", begin):
            self.members.append(Member(subscriber=subscriber, subscription_id=begun[-1].id, card=card))

    def new_card(self) -> str:
        """Give a card to somebody; some are declined from the beginning."""
        self._cards += 1
        card = f"card-{self.quarter.plan.handle}-{self._cards}"
        if self.chance.is_one_of(self.habits.broken):
            self.gateway.decline(card, self.random.choice(list(DeclineClass)))
        return card

    def quantities(self, plan: PlanDraft) -> dict[str, int]:
        """Say how many seats somebody takes."""
        return {item.key: self.random.randint(1, 12) for item in plan.items if item.kind is ItemKind.PER_SEAT}

    def discount(self, code: str) -> Discount:
        """Make up a discount."""
        cycles, currency = self.random.choice([None, 1, 3]), self.quarter.plan.currency
        if self.random.randrange(2):
            percentage = Percentage.of(self.random.choice(["10", "33.333333", "100"]))
            return Discount(code=code, percentage=percentage, cycles=cycles)
        most = 3_000 * (10 if exponent(currency) == 3 else 1)
        return Discount(code=code, amount=Money(self.random.randint(0, most), currency), cycles=cycles)

    def _is_there(self, member: Member) -> bool:
        return self.app.subscriptions.get(self.scope, member.subscription_id).status not in OVER

    def _somebody(self) -> Subscriber:
        self._joined += 1
        what = self.random.choice(["cafe", "hotel", "canteen", "bistro"])
        kind = self.random.choice(list(SubscriberKind))
        return Subscriber(kind, f"{what}-{self.quarter.plan.handle}-{self._joined}")
