"""Plans, subscriptions and what billing makes of them, to try storage on: something stands in every field."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from attrs import evolve

from cityos_core.kernel.ids import BillingRunId, InvoiceId, PlanId, SubscriptionId
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.kernel.proration import Resolution
from cityos_core.kernel.tiers import Boundary, Pricing, PricingMode, Tier
from cityos_core.kernel.time import Anchor, Interval
from cityos_core.subscriptions.certificate import BillingRun, Certificate
from cityos_core.subscriptions.cycles import BillingCycle, Claim, CycleStatus
from cityos_core.subscriptions.model import Cancellation, Scheduled, Subscription, SubscriptionStatus
from cityos_core.subscriptions.mrr import Movement, MovementKind
from cityos_core.subscriptions.plans import CatchUp, DunningEnd, DunningPolicy, ItemKind, LateUsage, Plan, PlanItem
from cityos_core.subscriptions.terms import (
    Collection,
    CollectionMethod,
    Discount,
    Subscriber,
    SubscriberKind,
    TaxRate,
)
from cityos_core.subscriptions.usage import UsageRecord
from cityos_core.testing.contracts.examples import AT, LARGEST, LATER, WORDS
from cityos_core.testing.contracts.world import Place

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
LEASE: Final = timedelta(minutes=5)

COMPANY: Final = "office@acme.example|7"
TAX: Final = TaxRate(percentage=Percentage.of("8.875"), jurisdiction="us-ny", included=True)
TERMS: Final = Collection(method=CollectionMethod.INVOICE, terms_days=14)


def plan(place: Place, handle: str = "gold") -> Plan:
    """Build a plan with every kind of item and of price."""
    graduated = Pricing(
        tiers=(Tier(up_to=Fraction(1, 3), unit=Fraction(1, 7)), Tier(unit=Fraction(2), flat=Fraction(5)))
    )
    volume = Pricing(
        tiers=(Tier(from_=Fraction(10), unit=Fraction(1, 7)),),
        mode=PricingMode.VOLUME,
        boundary=Boundary.FROM,
        flat_at_zero=False,
    )
    packages = Pricing(
        tiers=(Tier(package=Fraction(100), free=Fraction(5), unit=Fraction(1)),), mode=PricingMode.PACKAGE
    )
    share = Pricing(tiers=(Tier(percentage=Percentage.of("2.5")),), mode=PricingMode.PERCENTAGE)
    return Plan(
        id=PlanId(place.ids.new()),
        tenant_id=place.id,
        handle=handle,
        name=WORDS,
        currency="KWD",
        interval=Interval.QUARTER,
        count=2,
        items=(
            PlanItem(key="base", name=WORDS, price=UnitPrice(LARGEST, "KWD")),
            PlanItem(key="seat", name="Seat", kind=ItemKind.PER_SEAT, price=UnitPrice.of("0.529200", "KWD")),
            *(
                PlanItem(key=f"use-{number}", name="Use", kind=ItemKind.METERED, pricing=pricing)
                for number, pricing in enumerate((graduated, volume, packages, share))
            ),
        ),
        trial_days=14,
        catch_up=CatchUp.MERGE,
        late_usage=LateUsage.CURRENT,
        dunning=DunningPolicy(days=(2, 5), end=DunningEnd.CANCELED),
        proration=Resolution.SECOND,
        created_at=AT,
        retired_at=LATER,
    )


def subscription(place: Place, agreed: Plan) -> Subscription:
    """Build a subscription with something in every field."""
    return Subscription(
        id=SubscriptionId(place.ids.new()),
        tenant_id=place.id,
        store_id=place.store.id,
        subscriber=Subscriber(SubscriberKind.COMPANY, COMPANY),
        plan_id=agreed.id,
        currency=agreed.currency,
        quantities={"seat": 7, "base": 0},
        discounts=(
            Discount(code=WORDS, percentage=Percentage.of("12.5"), cycles=3, first_cycle=2, used=1, last_cycle=2),
            Discount(code="one-off", amount=Money(1250, agreed.currency), cycles=1),
        ),
        tax=TAX,
        collection=TERMS,
        payment_method="pm_7",
        status=SubscriptionStatus.PAST_DUE,
        anchor=Anchor(
            local=datetime.fromisoformat("2025-01-31T00:30:00.123456"),
            zone="Asia/Kolkata",
            interval=Interval.MONTH,
            count=2,
        ),
        first_cycle=2,
        next_cycle=4,
        trial_ends_at=AT,
        cancellation=Cancellation(reason=WORDS, requested_at=AT, at_period_end=True),
        scheduled=Scheduled(plan_id=agreed.id, quantities={"seat": 9}, requested_at=AT),
        paused_at=AT,
        created_at=AT,
        ended_at=LATER,
    )


def bare(made: Subscription) -> Subscription:
    """Leave out of a subscription what need not be there."""
    return Subscription(
        id=made.id,
        tenant_id=made.tenant_id,
        subscriber=Subscriber(SubscriberKind.CUSTOMER, "7"),
        plan_id=made.plan_id,
        currency=made.currency,
        anchor=made.anchor,
        created_at=made.created_at,
    )


def cycle(of: Subscription, index: int = 0) -> BillingCycle:
    """Build a cycle with something in every field."""
    return BillingCycle(
        tenant_id=of.tenant_id,
        subscription_id=of.id,
        index=index,
        starts_at=AT + index * DAY,
        ends_at=AT + (index + 1) * DAY,
        status=CycleStatus.PROCESSING,
        due_at=AT + index * DAY,
        claim=Claim(worker=WORDS, until=LATER),
        invoice_id=InvoiceId(of.id),
        reason=WORDS,
    )


def upcoming(of: Subscription, index: int = 0, *, due_at: datetime | None = AT) -> BillingCycle:
    """Build a cycle that nobody has billed."""
    return evolve(
        cycle(of, index), status=CycleStatus.UPCOMING, due_at=due_at, claim=None, invoice_id=None, reason=None
    )


def usage(of: Subscription, key: str = "k", quantity: str = "1/3", *, counts_at: datetime = AT) -> UsageRecord:
    """Build a report of usage that came late."""
    return UsageRecord(
        tenant_id=of.tenant_id,
        subscription_id=of.id,
        key=key,
        item="use-0",
        quantity=Fraction(quantity),
        used_at=AT - DAY,
        recorded_at=LATER,
        counts_at=counts_at,
        is_late=True,
    )


def movement(of: Subscription, number: int = 0, *, at: datetime = AT, revenue: int = LARGEST) -> Movement:
    """Build a movement of recurring revenue."""
    return Movement(
        tenant_id=of.tenant_id,
        subscription_id=of.id,
        number=number,
        at=at,
        kind=MovementKind.CONTRACTION,
        change=Money(-250, of.currency),
        revenue=Money(revenue, of.currency),
        subscriber=of.subscriber,
        plan_id=of.plan_id,
    )


def billing_run(place: Place) -> BillingRun:
    """Build a run whose certificate has something to say everywhere."""
    return BillingRun(
        id=BillingRunId(place.ids.new()),
        tenant_id=place.id,
        worker=WORDS,
        started_at=AT,
        finished_at=LATER,
        certificate=Certificate(
            due=9,
            billed=4,
            closed=1,
            skipped={"catch_up": 2},
            failed={"halted": 1, WORDS: 1},
            taken_by_others=1,
            invoices=3,
            invoiced=(Money(LARGEST, "EUR"), Money(1250, "KWD")),
            booked=(Money(LARGEST, "EUR"),),
            paid=5,
            declined=6,
            unknown=7,
        ),
    )


def subscribed(place: Place, handle: str = "gold", *, times: int = 1) -> list[Subscription]:
    """Add a plan, and so many subscriptions to it that are active and have nothing special; in the order of their ids."""
    agreed = plan(place, handle)
    made = [evolve(bare(subscription(place, agreed)), created_at=AT + number * HOUR) for number in range(times)]
    with place.open() as uow:
        uow.plans.add(agreed)
        for one in made:
            uow.subscriptions.add(one)
        uow.commit()
    return sorted(made, key=lambda one: one.id)
