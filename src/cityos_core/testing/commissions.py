"""Commission rules and sales, with sensible words for everything a test does not care about; amounts are in EUR."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from cityos_core.commissions.decide import decide
from cityos_core.commissions.lines import CommissionLine, Sale, SaleLine, VolumeWindow
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import (
    AmountBand,
    Bounds,
    CommissionTax,
    FixedPart,
    FlatRate,
    Per,
    RateBand,
    Rule,
    RuleScope,
    ScopeLevel,
    TieredRate,
)
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.testing.clock import START

FixedTexts = Iterable[tuple[str, str]]
"""Fixed parts as (amount, per)."""

HIERARCHY = {
    "country": "de",
    "scope": "de/green-city",
    "category": "de/green-city/food",
    "subcategory": "de/green-city/food/wholesale",
    "tenant": "de/green-city/food/wholesale/north",
    "store": "de/green-city/food/wholesale/north/main",
}
"""Where sales happen unless a test says otherwise."""


def fixed(parts: FixedTexts, currency: str = "EUR") -> tuple[FixedPart, ...]:
    """Build fixed parts."""
    return tuple(FixedPart(Money.of(amount, currency), Per(per)) for amount, per in parts)


def flat(percentage: str = "0", *parts: tuple[str, str], currency: str = "EUR") -> FlatRate:
    """Build a flat rate: ``flat("8.5", ("0.30", "unit"))``."""
    return FlatRate(percentage=Percentage.of(percentage), fixed=fixed(parts, currency))


def tiered(*bands: tuple[str | Fraction | None, str, *tuple[tuple[str, str], ...]], **more: Any) -> TieredRate:
    """Build a tiered rate of (bound, percentage, fixed parts...) bands: ``tiered(("100", "10"), (None, "20"))``."""
    currency = more.setdefault("currency", "EUR")
    return TieredRate(
        tiers=tuple(
            RateBand(
                up_to=None if up_to is None else Fraction(up_to),
                percentage=Percentage.of(percentage),
                fixed=fixed(parts, currency),
            )
            for up_to, percentage, *parts in bands
        ),
        **more,
    )


def rule(
    name: str = "Rule",
    level: str = "platform",
    reference: str | None = None,
    *,
    rate: FlatRate | TieredRate | str = "10",
    tax: str | None = None,
    **more: Any,
) -> Rule:
    """Build a rule; ``rate`` may be a mere percentage, ``tax`` is one."""
    return Rule(
        name=name,
        scope=RuleScope(ScopeLevel(level), reference),
        rate=flat(rate) if isinstance(rate, str) else rate,
        tax=None if tax is None else CommissionTax(percentage=Percentage.of(tax)),
        **more,
    )


def bounds(least: str | None = None, most: str | None = None, *, locked: bool = False) -> Bounds:
    """Build bounds of percentages."""
    return Bounds(
        min_percentage=None if least is None else Percentage.of(least),
        max_percentage=None if most is None else Percentage.of(most),
        locked=locked,
    )


def band(least: str | None = None, most: str | None = None, currency: str = "EUR") -> AmountBand:
    """Build the amount band of a condition."""
    return AmountBand(
        currency,
        None if least is None else Money.of(least, currency),
        None if most is None else Money.of(most, currency),
    )


def sold(
    unit_price: str = "100.00",
    *,
    reference: str = "1",
    sku: str = "chair",
    vendor: str = "acme",
    quantity: int = 1,
    vendor_discount: str = "0",
    other_discount: str = "0",
    tax: str = "0",
    shipping: str = "0",
    shipping_tax: str = "0",
    includes_tax: bool = False,
    currency: str = "EUR",
    **more: Any,
) -> SaleLine:
    """Build a sold line; what the buyer pays for it is worked out."""

    def minor(text: str) -> int:
        return 0 if text == "0" else Money.of(text, currency).minor

    price = UnitPrice.of(unit_price, currency)
    gross = price.times(quantity).minor
    left = gross - minor(vendor_discount) - minor(other_discount)
    return SaleLine(
        reference=reference,
        sku=sku,
        vendor=vendor,
        quantity=quantity,
        unit_price=price,
        gross=gross,
        vendor_discount=minor(vendor_discount),
        tax=minor(tax),
        paid=left if includes_tax else left + minor(tax),
        shipping=minor(shipping),
        shipping_tax=minor(shipping_tax),
        **more,
    )


def sale(
    *lines: SaleLine,
    at: datetime = START,
    currency: str = "EUR",
    hierarchy: Mapping[str, str] | None = None,
    volumes: Mapping[tuple[str, VolumeWindow], int] | None = None,
    **more: Any,
) -> Sale:
    """Build a sale, of one line of 100.00 unless lines are given."""
    return Sale(
        at=at,
        currency=currency,
        lines=lines or (sold(),),
        hierarchy=HIERARCHY if hierarchy is None else hierarchy,
        volumes=volumes or {},
        **more,
    )


def decided(sale: Sale, *rules: Rule) -> CommissionLine:
    """Decide a sale of one line by these rules, oldest first."""
    (line,) = decide(RuleBook.of(rules), sale)
    return line
