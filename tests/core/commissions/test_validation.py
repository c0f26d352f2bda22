"""What is wrong with a rule is said at once, with every mistake's place."""

from typing import Any

import pytest
from attrs import evolve

from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import (
    AmountBand,
    Basis,
    Conditions,
    Rule,
    TieredRate,
    UnitPriceBand,
    VolumePeriod,
)
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.money import Money, UnitPrice
from cityos_core.testing.commissions import band, bounds, flat, rule, tiered


def mistakes(*rules: Rule) -> list[tuple[str, str]]:
    """List the paths and codes of what is refused."""
    with pytest.raises(Invalid) as invalid:
        RuleBook.of(rules, path="$.rules")
    assert invalid.value.code == "invalid_rules"
    return [(error.path, error.code) for error in invalid.value.errors]


def rolling(**more: Any) -> TieredRate:
    """A rate over some days' volume."""
    return tiered((None, "10"), basis=Basis.PERIOD, period=VolumePeriod.ROLLING, **more)


@pytest.mark.parametrize(
    ("sick", "path", "code"),
    [
        (rule(rate=tiered()), "rate.tiers", "bands_out_of_order"),
        (rule(rate=tiered(("5", "1"), ("5", "2"))), "rate.tiers[1].up_to", "bands_out_of_order"),
        (rule(rate=tiered((None, "1"), ("5", "2"))), "rate.tiers[0]", "bands_out_of_order"),
        (rule(rate=tiered(("0", "1"), (None, "2"))), "rate.tiers[0].up_to", "bands_out_of_order"),
        (rule(rate=tiered((None, "1"), basis=Basis.PERIOD)), "rate.period", "period_form"),
        (rule(rate=tiered((None, "1"), period=VolumePeriod.MONTH)), "rate.period", "period_form"),
        (rule(rate=rolling()), "rate.days", "period_form"),
        (rule(rate=rolling(days=0)), "rate.days", "empty_period"),
        (
            rule(rate=tiered((None, "1", ("1.00", "line"), ("2.00", "line")))),
            "rate.tiers[0].fixed[1]",
            "duplicate_fixed",
        ),
        (rule(rate=flat("1", ("1.00", "unit"), ("1.00", "unit"))), "rate.fixed[1]", "duplicate_fixed"),
        (rule(rate=evolve(tiered((None, "1")), currency="EUX")), "rate.currency", "unknown_currency"),
        (rule(floor=(Money(2, "EUR"),), cap=(Money(1, "EUR"),)), "floor[0]", "floor_above_cap"),
        (rule(bounds=bounds("5", "4")), "bounds", "bounds_reversed"),
        (
            rule(conditions=Conditions(line_amount=AmountBand("EUR", Money(1, "USD")))),
            "conditions.line_amount.min",
            "currency_mismatch",
        ),
        (
            rule(conditions=Conditions(order_amount=AmountBand("EUR", max=Money(-1, "EUR")))),
            "conditions.order_amount.max",
            "negative_amount",
        ),
        (
            rule(conditions=Conditions(unit_price=UnitPriceBand("EUR", max=UnitPrice.of("1", "USD")))),
            "conditions.unit_price.max",
            "currency_mismatch",
        ),
        (
            rule(conditions=Conditions(unit_price=UnitPriceBand("EUX"))),
            "conditions.unit_price.currency",
            "unknown_currency",
        ),
    ],
)
def test_mistakes(sick: Rule, path: str, code: str) -> None:
    """Every mistake has its place and its code."""
    assert mistakes(sick) == [(f"$.rules[0].{path}", code)]


def test_all_at_once() -> None:
    """The mistakes of all rules are reported together, each under its rule."""
    sick = rule(rate=tiered(), bounds=bounds("5", "4"))
    assert [path for path, _ in mistakes(rule(), sick, rule(), sick)] == [
        "$.rules[1].rate.tiers",
        "$.rules[1].bounds",
        "$.rules[3].rate.tiers",
        "$.rules[3].bounds",
    ]


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"floor": (Money(1, "EUR"), Money(2, "EUR"))}, "$.floor[1].currency", "duplicate_currency"),
        ({"cap": (Money(-1, "EUR"),)}, "$.cap[0].amount", "negative_amount"),
        ({"group": " "}, "$.group", "missing_group"),
        ({"name": " "}, "$.name", "missing_name"),
    ],
)
def test_what_no_rule_can_have(change: dict[str, Any], path: str, code: str) -> None:
    """Some values are wrong whatever the rest of the rule says; such a rule cannot be made."""
    with pytest.raises(Invalid) as invalid:
        evolve(rule(), **change)
    assert [(error.path, error.code) for error in invalid.value.errors] == [(path, code)]


def test_sound() -> None:
    """Empty amount bands and closed last bands are allowed: the lint speaks of the one, the decision of the other."""
    RuleBook.of([rule(rate=tiered(("5", "1"))), rule(conditions=Conditions(line_amount=band("5.00", "4.00")))])
    RuleBook.of([rule(floor=(Money(1, "EUR"), Money(100, "JPY")), cap=(Money(1, "EUR"),)), rule(rate=rolling(days=1))])
