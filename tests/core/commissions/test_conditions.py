"""When a rule matches: validity, and conditions that all hold, each by any of its values."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from cityos_core.commissions.decide import decide
from cityos_core.commissions.lines import Sale
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import AmountBand, BaseTerms, Conditions, TaxBase, UnitPriceBand
from cityos_core.kernel.money import UnitPrice
from cityos_core.testing import START
from cityos_core.testing.commissions import band, decided, flat, rule, sale, sold, tiered

LINE = sold(category="furniture/seats", tags=("sale", "new"))
SALE = sale(LINE, channel="web", customer_group="trade")


def matches(sale: Sale, **conditions: Any) -> bool:
    """True if a rule with these conditions wins the sale's only line."""
    return bool(decided(sale, rule(conditions=Conditions(**conditions))).decisions)


@pytest.mark.parametrize(
    ("kind", "hit", "miss"),
    [
        ("vendors", "acme", "acm"),
        ("product_categories", "furniture", "furniture/tables"),
        ("product_categories", "furniture/seats", "seats"),
        ("products", "chair", "chair-red"),
        ("tags", "new", "old"),
        ("customer_groups", "trade", "retail"),
        ("channels", "web", "app"),
    ],
)
def test_any_value_within_a_kind(kind: str, hit: str, miss: str) -> None:
    """Within one kind any of the values will do; product categories match what lies below them."""
    assert matches(SALE, **{kind: (hit,)})
    assert matches(SALE, **{kind: (miss, hit)})
    assert not matches(SALE, **{kind: (miss,)})


def test_every_kind() -> None:
    """Across kinds all must hold."""
    assert matches(SALE, vendors=("acme",), tags=("new",), channels=("web",))
    assert not matches(SALE, vendors=("acme",), tags=("old",), channels=("web",))


def test_absent_facts() -> None:
    """What a sale does not say fails the conditions that ask for it."""
    assert not matches(sale(), channels=("web",))
    assert not matches(sale(), customer_groups=("trade",))
    assert not matches(sale(), product_categories=("furniture",))
    assert not matches(sale(), tags=("new",))


@pytest.mark.parametrize(
    ("least", "most", "holds"),
    [
        ("100", "100", True),
        ("100.000001", None, False),
        (None, "99.999999", False),
        (None, "100", True),
        ("100", None, True),
        (None, None, True),
    ],
)
def test_unit_price_band(least: str | None, most: str | None, *, holds: bool) -> None:
    """Unit prices are compared exactly, with both ends in the band and either absent."""
    ends = (None if end is None else UnitPrice.of(end, "EUR") for end in (least, most))
    assert matches(SALE, unit_price=UnitPriceBand("EUR", *ends)) is holds


@pytest.mark.parametrize(
    ("least", "most", "holds"),
    [
        ("90.00", "90.00", True),
        ("90.01", None, False),
        (None, "89.99", False),
        (None, "0.00", False),
        ("0.00", None, True),
        (None, None, True),
    ],
)
def test_line_amount_band(least: str | None, most: str | None, *, holds: bool) -> None:
    """The line amount is the commission base, both ends are in the band."""
    assert matches(sale(sold(vendor_discount="10.00", tax="18.00")), line_amount=band(least, most)) is holds


def test_a_band_for_free_lines() -> None:
    """A band up to 0.00 holds lines whose base is nothing, and no others; it is not an open one."""
    free = rule(conditions=Conditions(order_amount=band(None, "0.00")), rate="10")
    assert not decided(SALE, free).decisions
    assert decided(sale(sold(vendor_discount="100.00")), free).decisions


def test_amounts_follow_the_rules_own_base() -> None:
    """A rule with a gross base compares gross amounts."""
    line = sold(tax="21.00", shipping="5.00", shipping_tax="1.05")
    gross = rule(conditions=Conditions(line_amount=band("121.00", "121.00")), rate="10")
    assert not decided(sale(line), gross).decisions
    assert decided(sale(line), evolve(gross, base=BaseTerms(tax=TaxBase.GROSS))).amount == 1210
    shipped = evolve(gross, base=BaseTerms(shipping=True), conditions=Conditions(order_amount=band("105.00", "105.00")))
    assert decided(sale(line), shipped).amount == 1050


def test_order_amount_is_the_vendors_part() -> None:
    """The order amount adds the bases of the vendor's own lines, whichever rule they meet, and nobody else's."""
    large = rule("Large", conditions=Conditions(order_amount=band("150.00")))
    book = RuleBook.of([large, rule("Lamp", "product", "lamp", rate="1")])
    lines = decide(book, sale(sold(), sold("50.00", sku="lamp"), sold("99.00", vendor="borealis")))
    assert [line.amount for line in lines] == [1000, 50, 0]


def test_another_currency_never_matches() -> None:
    """A condition in another currency does not match, whatever the figures."""
    assert not matches(SALE, unit_price=UnitPriceBand("USD"))
    assert not matches(SALE, line_amount=AmountBand("USD"))
    assert not matches(SALE, order_amount=band("0.00", None, "USD"))


def test_validity_is_half_open() -> None:
    """A rule holds from its beginning until just before its end, at the instant of the sale."""
    brief = rule(valid_from=START, valid_until=START + timedelta(days=1))
    moments = (-timedelta(microseconds=1), timedelta(0), timedelta(hours=23, minutes=59), timedelta(days=1))
    assert [bool(decided(sale(at=START + moment), brief).decisions) for moment in moments] == [False, True, True, False]


def test_fixed_part_in_another_currency() -> None:
    """A rule whose fixed part has no amount in the sale's currency does not match, and the trace says so."""
    line = decided(
        sale(),
        rule("Wide", rate="5"),
        rule("Dollars", "vendor", "acme", rate=flat("10", ("0.30", "unit"), currency="USD")),
    )
    assert line.amount == 500
    (lost,) = [verdict for verdict in line.trace if verdict.rule == "Dollars"]
    assert (lost.outcome, lost.detail) == ("currency", "a fixed part has no amount in EUR")


def test_every_kind_of_fixed_part_needs_the_currency() -> None:
    """Each kind of fixed part must have an amount in the currency of the sale."""
    per_unit, per_line = flat("10", ("0.30", "unit")), flat("0", ("1.00", "line"), currency="USD")
    mixed = evolve(per_unit, fixed=(*per_unit.fixed, *per_line.fixed))
    assert decided(sale(), rule(rate=mixed)).amount == 0
    whole = evolve(mixed, fixed=(*mixed.fixed, *flat("0", ("0.90", "line")).fixed))
    assert decided(sale(), rule(rate=whole)).amount == 1000 + 30 + 90


def test_tiers_in_another_currency() -> None:
    """A sale in another currency does not match a tiered rule."""
    line = decided(sale(), rule("Dollars", rate=tiered((None, "10"), currency="USD")))
    assert line.amount == 0
    assert [verdict.outcome for verdict in line.trace] == ["currency", "no_rule"]


def test_no_fixed_part_no_currency() -> None:
    """A mere percentage holds in every currency."""
    assert decided(sale(sold("1000", currency="JPY"), currency="JPY"), rule(rate="7.5")).amount == 75
