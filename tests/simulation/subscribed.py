"""Two tenants with some hundred subscribers: plans of all sorts, cards of all sorts, seats, meters, taxes, discounts."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from itertools import product
from typing import Any, Final

from attrs import evolve, frozen

from cityos_core.app import CityOS
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.kernel.scope import TenantScope
from cityos_core.kernel.tiers import Pricing, Tier
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.plans import CatchUp, DunningEnd, DunningPolicy, ItemKind, PlanItem
from cityos_core.subscriptions.terms import (
    Collection,
    CollectionMethod,
    Discount,
    Subscriber,
    SubscriberKind,
    TaxRate,
)
from cityos_core.subscriptions.trials import Agreement
from simulation.acquirer import BROKE, GOOD, NEVER, STOLEN, WEAK

PARENT: Final = "de/north-city/food/retail"
TERMS: Final = "terms"
"""Instead of a card: whoever has it is sent invoices."""

PAYING: Final = frozenset({GOOD, WEAK, TERMS})
"""Subscribers with one of these are never given up, and so what they are billed does not depend on when that is done."""

CARDS: Final = (GOOD, WEAK, TERMS, GOOD, BROKE, GOOD, TERMS, STOLEN, WEAK, GOOD, GOOD, NEVER)
CALLS: Final = PlanItem(
    key="calls",
    name="Calls",
    kind=ItemKind.METERED,
    pricing=Pricing(tiers=(Tier(up_to=Fraction(10), unit=Fraction(2)), Tier(unit=Fraction(3, 2)))),
)
TENANTS: Final = {"north": ("EUR", "Europe/Berlin"), "south": ("JPY", "America/St_Johns")}
"""Currency and time zone; each counts the numbers of its own invoices."""


@frozen
class Offer:
    """A plan, as both tenants have it: in the tenant's currency, unless it has another."""

    handle: str
    interval: Interval
    catch_up: CatchUp
    terms: Mapping[str, Any]
    has_seats: bool = False
    is_metered: bool = False
    currency: str | None = None


OFFERS: Final = (
    Offer("weekly", Interval.WEEK, CatchUp.BILL_EACH, {}),
    Offer("decade", Interval.DAY, CatchUp.BILL_EACH, {"count": 10}, is_metered=True, currency="USD"),
    Offer(
        "monthly",
        Interval.MONTH,
        CatchUp.BILL_EACH,
        {"dunning": DunningPolicy(end=DunningEnd.CANCELED)},
        has_seats=True,
    ),
    Offer("metered", Interval.MONTH, CatchUp.BILL_EACH, {}, is_metered=True),
    Offer("latest", Interval.WEEK, CatchUp.BILL_CURRENT, {"trial_days": 3}),
    Offer("merged", Interval.WEEK, CatchUp.MERGE, {"dunning": DunningPolicy(days=(1, 3))}, has_seats=True),
    Offer("forgiven", Interval.DAY, CatchUp.FORGIVE, {"count": 9}),
    Offer("halted", Interval.WEEK, CatchUp.HALT, {"count": 2}),
)


@frozen
class Member:
    """A subscriber with a subscription: on which plan, with which card."""

    name: str
    offer: Offer
    card: str
    subscription_id: SubscriptionId

    @property
    def is_exact(self) -> bool:
        """Tell whether what is billed is known beforehand, whenever billing runs and whatever it meets."""
        return self.offer.catch_up is CatchUp.BILL_EACH and self.card in PAYING


@frozen
class House:
    """A tenant, and who subscribes there."""

    scope: TenantScope
    members: tuple[Member, ...]

    @classmethod
    def open(cls, app: CityOS, handle: str, each: int) -> "House":
        """Open one with so many subscribers to each plan."""
        currency, place = TENANTS[handle]
        app.tree.add(PARENT)
        tenant = app.tenants.create(handle, parent=PARENT, name=handle.title(), currency=currency, time_zone=place)
        for offer in OFFERS:
            _sell(app, tenant.scope, offer, offer.currency or currency)
        house = cls(tenant.scope, ())
        return evolve(house, members=tuple(house._join(app, currency, each)))

    def _join(self, app: CityOS, currency: str, each: int) -> Iterator[Member]:
        for offer, number in product(OFFERS, range(each)):
            card = CARDS[number % len(CARDS)]
            name = f"{offer.handle}-{number}-{card}"
            begun = app.subscriptions.begin(
                self.scope,
                offer.handle,
                _agreed(name, offer, number, offer.currency or currency, is_charged=card != TERMS),
                payment_method=None if card == TERMS else card,
            )
            yield Member(name, offer, card, begun.id)

    def use(self, app: CityOS, step: int, at: datetime) -> None:
        """Report what some used just now, as often as it takes; a key keeps it from counting twice."""
        metered = [one for one in self.members if one.offer.is_metered and one.card in PAYING]
        for member in metered[step % 4 :: 4]:
            used = (f"step-{step}", CALLS.key, 1 + step % 5, at)
            while True:
                try:
                    app.subscriptions.record_usage(self.scope, member.subscription_id, [used])
                except Conflict as lost:
                    if lost.code != "stale":
                        raise
                else:
                    break


def _sell(app: CityOS, scope: TenantScope, offer: Offer, currency: str) -> None:
    price = UnitPrice.of("29.99" if currency != "JPY" else "3000", currency)
    items = [PlanItem(key="base", name="Base", price=price)]
    if offer.has_seats:
        items.append(PlanItem(key="seats", name="Seats", kind=ItemKind.PER_SEAT, price=price))
    if offer.is_metered:
        items.append(CALLS)
    app.plans.create(
        scope,
        offer.handle,
        name=offer.handle.title(),
        interval=offer.interval,
        currency=currency,
        catch_up=offer.catch_up,
        items=items,
        **offer.terms,
    )


def _agreed(name: str, offer: Offer, number: int, currency: str, *, is_charged: bool) -> Agreement:
    tenth, cut = Percentage.of("10"), Discount(code="cut", amount=Money(number, currency), cycles=3)
    return Agreement(
        subscriber=Subscriber(SubscriberKind.COMPANY if number % 3 else SubscriberKind.CUSTOMER, name),
        quantities={"seats": 1 + number % 4} if offer.has_seats else {},
        discounts=((), (Discount(code="tenth", percentage=tenth),), (cut,))[number % 3],
        tax=(None, TaxRate(percentage=Percentage.of("19"), jurisdiction="de", included=number % 4 == 1))[number % 2],
        collection=Collection() if is_charged else Collection(method=CollectionMethod.INVOICE, terms_days=14),
    )
