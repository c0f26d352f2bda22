"""Commission rules of every kind for a made-up city, with random figures."""

from fractions import Fraction
from random import Random

from cityos_core.commissions.rules import (
    AmountBand,
    BaseTerms,
    Basis,
    Bounds,
    CommissionTax,
    Conditions,
    FixedPart,
    FlatRate,
    FloorPolicy,
    Per,
    RateBand,
    Rule,
    RuleScope,
    ScopeLevel,
    TaxBase,
    TieredRate,
    TierMode,
    VolumePeriod,
)
from cityos_core.kernel.money import Money, Percentage, exponent


def _percent(random: Random, low: int, high: int) -> Percentage:
    return Percentage(random.randint(low * 2, high * 2) * 500_000)


def _money(random: Random, currency: str, low: int, high: int) -> Money:
    """Give between ``low`` and ``high`` cents, taken to the currency's size (a hundred yen for one euro)."""
    cents = random.randint(low, high)
    return Money(cents * 10 if exponent(currency) == 3 else cents, currency)


def _bands(random: Random, bounds: list[int]) -> tuple[RateBand, ...]:
    rates = sorted((_percent(random, 4, 18) for _ in range(len(bounds) + 1)), reverse=True)
    tops = [Fraction(bound) for bound in bounds]
    return tuple(
        RateBand(up_to=tops[index] if index < len(tops) else None, percentage=rate) for index, rate in enumerate(rates)
    )


def platform_rules(random: Random) -> tuple[Rule, ...]:
    """Rules that hold for every tenant: a default within bounds, and a small service fee that stacks on top."""
    return (
        Rule(
            name="Platform default",
            scope=RuleScope(ScopeLevel.PLATFORM),
            rate=FlatRate(percentage=_percent(random, 8, 12)),
            bounds=Bounds(min_percentage=Percentage.of("3"), max_percentage=Percentage.of("25")),
            tax=CommissionTax(percentage=Percentage.of("19")),
        ),
        Rule(
            name="Service fee",
            scope=RuleScope(ScopeLevel.PLATFORM),
            group="service",
            rate=FlatRate(percentage=Percentage.of("0.5")),
            base=BaseTerms(tax=TaxBase.GROSS, shipping=True),
        ),
        Rule(
            name="France, regulated",
            scope=RuleScope(ScopeLevel.COUNTRY, "fr"),
            rate=FlatRate(percentage=_percent(random, 9, 14)),
            bounds=Bounds(max_percentage=Percentage.of("15")),
            tax=CommissionTax(percentage=Percentage.of("20")),
        ),
    )


def tenant_rules(random: Random, currency: str, vendors: list[str], sku: str) -> tuple[Rule, ...]:
    """Rules of one tenant: by vendor, category and product, flat, fixed and tiered, bounded below and above."""
    scale = 100 if currency == "JPY" else 1
    level = ScopeLevel
    return (
        Rule(
            name="Large orders",
            scope=RuleScope(level.PRODUCT_CATEGORY, "beverages"),
            rate=TieredRate(
                tiers=_bands(random, [200 * scale, 800 * scale]),
                mode=TierMode.SLAB,
                basis=Basis.ORDER,
                currency=currency,
            ),
        ),
        Rule(
            name="Growing with volume",
            scope=RuleScope(level.VENDOR, vendors[0]),
            rate=TieredRate(
                tiers=_bands(random, [1_000 * scale, 5_000 * scale]),
                basis=Basis.PERIOD,
                period=VolumePeriod.MONTH,
                currency=currency,
            ),
            tax=CommissionTax(percentage=Percentage.of("19")),
        ),
        Rule(
            name="Per crate of cheese",
            scope=RuleScope(level.PRODUCT_CATEGORY, "dairy/cheese"),
            priority=5,
            rate=FlatRate(
                percentage=_percent(random, 5, 9), fixed=(FixedPart(_money(random, currency, 5, 30), Per.UNIT),)
            ),
            floor=(_money(random, currency, 50, 150),),
            cap=(_money(random, currency, 4_000, 9_000),),
        ),
        Rule(
            name="Handling of seafood",
            scope=RuleScope(level.PRODUCT_CATEGORY, "seafood"),
            rate=FlatRate(
                percentage=_percent(random, 6, 12), fixed=(FixedPart(_money(random, currency, 100, 300), Per.ORDER),)
            ),
            base=BaseTerms(shipping=True),
        ),
        Rule(
            name="Launch partner",
            scope=RuleScope(level.VENDOR, vendors[-1]),
            conditions=Conditions(channels=("web", "app")),
            rate=FlatRate(percentage=_percent(random, 2, 5)),
        ),
        Rule(
            name="Small lines",
            scope=RuleScope(level.PRODUCT_CATEGORY, "confections"),
            conditions=Conditions(line_amount=AmountBand(currency, max=_money(random, currency, 3_000, 8_000))),
            rate=FlatRate(
                percentage=_percent(random, 10, 16), fixed=(FixedPart(_money(random, currency, 20, 90), Per.LINE),)
            ),
            floor_policy=FloorPolicy.DEBT,
        ),
        Rule(
            name="Flagship product",
            scope=RuleScope(level.PRODUCT, sku),
            rate=TieredRate(tiers=_bands(random, [100 * scale, 300 * scale]), basis=Basis.LINE, currency=currency),
        ),
    )
