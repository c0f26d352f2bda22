"""What a made-up tenant sells by the period: plans of every interval, with seats, meters and trials, billed by every rule."""

from collections.abc import Iterable
from fractions import Fraction
from random import Random
from typing import Any, Final

from cityos_core.app import CityOS
from cityos_core.kernel.money import Percentage, UnitPrice, exponent
from cityos_core.kernel.proration import Resolution
from cityos_core.kernel.tiers import Pricing, PricingMode, Tier
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.drafts import PlanDraft
from cityos_core.subscriptions.plans import CatchUp, DunningEnd, DunningPolicy, ItemKind, LateUsage, PlanItem
from cityos_core.subscriptions.terms import TaxRate
from cityos_core.testing.market import numbered, require_all
from cityos_core.testing.simulation.building import Quarter

SEATS: Final = "seats"
CALLS: Final = "calls"
"""The keys of what is charged per seat, and by usage."""

MOST_CALLS: Final = 50
"""What the closed meter counts up to; beyond it a period has no price, and a person must look."""

CANCELED: Final = DunningEnd.CANCELED


def offers(random: Random, currency: str) -> tuple[PlanDraft, ...]:
    """Make up plans, which between them have every policy for what an outage left, and for usage that comes late."""
    base, seat = _item(random, currency, "base"), _item(random, currency, SEATS, ItemKind.PER_SEAT)
    open_meter, closed_meter = _meter(random, currency, None), _meter(random, currency, MOST_CALLS)
    policies = iter([*random.sample(list(CatchUp), k=5), CatchUp.BILL_EACH, CatchUp.BILL_EACH])
    late = iter([*random.sample(list(LateUsage), k=3), random.choice(list(LateUsage))])

    short = DunningPolicy(days=(1, 3), end=CANCELED)

    def offer(handle: str, *items: PlanItem, **terms: Any) -> PlanDraft:
        is_metered = any(item.kind is ItemKind.METERED for item in items)
        late_usage = next(late) if is_metered else LateUsage.REPRICE
        words = {"name": f"{handle.title()} plan", "catch_up": next(policies), "late_usage": late_usage}
        return PlanDraft(handle=handle, items=items, **{**words, **terms})

    return (
        offer("basic", base),
        offer("team", base, seat, proration=Resolution.SECOND, trial_days=14, dunning=short),
        offer("weekly", base, seat, interval=Interval.WEEK, dunning=DunningPolicy(days=(2, 5))),
        offer("decade", base, open_meter, interval=Interval.DAY, count=10),
        offer("metered", open_meter, interval=Interval.WEEK, count=2),
        offer("trial", base, closed_meter, trial_days=20, dunning=DunningPolicy(end=CANCELED)),
        offer("yearly", _item(random, currency, "base", times=10), interval=Interval.YEAR),
    )


def sell(app: CityOS, quarter: Quarter, plans: Iterable[PlanDraft]) -> None:
    """Put plans on sale."""
    require_all(app.plans.import_rows(quarter.tenant.scope, numbered(plans)))


def vat(quarter: Quarter, *, included: bool) -> TaxRate:
    """Give the tax on what is sold by the period; it is booked apart from the tax on what vendors sell."""
    plan = quarter.plan
    jurisdiction = f"{plan.parent[:2]}-vat"
    return TaxRate(percentage=Percentage.of(str(plan.tax_percentage)), jurisdiction=jurisdiction, included=included)


def _item(random: Random, currency: str, key: str, kind: ItemKind = ItemKind.FIXED, *, times: int = 1) -> PlanItem:
    cents = random.randint(500, 9_900) * times
    digits = exponent(currency)
    price = f"{cents}" if digits == 0 else f"{cents // 100}.{cents % 100:02d}"
    return PlanItem(key=key, name=key.title(), kind=kind, price=UnitPrice.of(price, currency))


def _meter(random: Random, currency: str, most: int | None) -> PlanItem:
    unit = Fraction(random.randint(5, 150), 100) * (100 if exponent(currency) == 0 else 1)
    last = None if most is None else Fraction(most)
    tiers = (
        Tier(up_to=Fraction(10), unit=unit),
        Tier(up_to=Fraction(30), unit=unit / 2),
        Tier(up_to=last, unit=unit / 3),
    )
    pricing = Pricing(tiers=tiers, mode=random.choice([PricingMode.GRADUATED, PricingMode.VOLUME]))
    return PlanItem(key=CALLS, name="Calls", kind=ItemKind.METERED, pricing=pricing)
