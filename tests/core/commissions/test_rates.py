"""What flat rates come to: percentages, fixed parts, floors and caps, rounded once."""

from typing import Any

import pytest

from cityos_core.commissions.decide import decide
from cityos_core.commissions.lines import Component
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import FloorPolicy
from cityos_core.kernel.money import Money
from cityos_core.testing.commissions import decided, fixed, flat, rule, sale, sold


def eur(text: str) -> Money:
    """An amount in EUR."""
    return Money.of(text, "EUR")


@pytest.mark.parametrize(
    ("price", "rate", "amount"),
    [
        ("100.00", "10", 1000),
        ("0.05", "10", 1),
        ("0.04", "10", 0),
        ("19.99", "8.5", 170),
        ("1.00", "0.5", 1),
        ("1.00", "0.499999", 0),
        ("99999999.99", "33.333333", 3333333300),
        ("100.00", "0", 0),
        ("100.00", "100", 10000),
    ],
)
def test_percentage(price: str, rate: str, amount: int) -> None:
    """A percentage of the base, rounded half up."""
    assert decided(sale(sold(price)), rule(rate=rate)).amount == amount


def test_fixed_parts() -> None:
    """Fixed parts are charged per unit and per line, beside the percentage."""
    line = decided(sale(sold("10.00", quantity=7)), rule(rate=flat("8.5", ("0.30", "unit"), ("1.00", "line"))))
    assert (line.amount, line.fixed) == (595 + 210 + 100, 310)
    assert line.decisions[0].components == (
        Component("percentage", "8.5 % of 70.00", "5.95"),
        Component("fixed", "0.30 per unit x 7", "2.10"),
        Component("fixed", "1.00 per line", "1.00"),
    )


def test_sum_is_rounded_once() -> None:
    """The parts of one rule are added exactly and rounded together; components keep the exact amounts."""
    line = decided(sale(sold("0.45")), rule(rate=flat("1", ("0.10", "line"))))
    assert [component.amount for component in line.decisions[0].components] == ["0.0045", "0.10"]
    assert line.amount == 10


def test_per_order() -> None:
    """A part per order is one amount, laid by largest remainder on the vendor's lines that the rule won."""
    book = RuleBook.of([rule(rate=flat("0", ("1.00", "order"))), rule("Lamp", "product", "lamp", rate="10")])
    lines = decide(
        book,
        sale(
            sold("10.00"),
            sold("10.00", sku="lamp"),
            sold("10.00", sku="desk"),
            sold("10.00", sku="sofa"),
            sold("70.00", vendor="borealis"),
        ),
    )
    assert [line.amount for line in lines] == [34, 100, 33, 33, 100]
    assert [line.fixed for line in lines] == [34, 0, 33, 33, 100]


def test_per_order_follows_bases() -> None:
    """The parts of an amount per order are in proportion to the bases, and equal if all bases are zero."""
    fee = rule(rate=flat("0", ("5.00", "order")), floor_policy=FloorPolicy.DEBT)
    lines = decide(RuleBook.of([fee]), sale(sold("30.00"), sold("10.00")))
    assert [line.amount for line in lines] == [375, 125]
    free = [sold("30.00", vendor_discount="30.00"), sold("10.00", vendor_discount="10.00")]
    assert [line.amount for line in decide(RuleBook.of([fee]), sale(*free))] == [250, 250]


def test_floor_and_cap() -> None:
    """Floor and cap hold per line for the sum of the rule's parts, in the sale's currency only."""
    limited = rule(rate=flat("10", ("0.50", "line")), floor=(eur("2.00"),), cap=(eur("9.00"),))
    lines = decide(RuleBook.of([limited]), sale(sold("10.00"), sold("50.00"), sold("100.00")))
    assert [line.amount for line in lines] == [200, 550, 900]
    assert [line.decisions[0].clamp for line in lines] == ["raised to the floor 2.00", "", "lowered to the cap 9.00"]
    assert [line.fixed for line in lines] == [50, 50, 50]


def test_limits_in_other_currencies() -> None:
    """Floors and caps are never converted: those in other currencies do not count, and the rule still matches."""
    limited = rule(floor=(Money.of("50.00", "USD"),), cap=(Money.of("60.00", "USD"),))
    assert decided(sale(), limited).amount == 1000


def test_floor_above_the_sale() -> None:
    """By default a commission above its base is capped at the base."""
    line = decided(sale(sold("0.80")), rule(floor=(eur("1.00"),)))
    assert line.amount == 80
    assert line.decisions[0].clamp == "raised to the floor 1.00; capped at the base"


def test_fixed_part_of_a_capped_commission() -> None:
    """What is left of a capped commission is fixed first."""
    line = decided(sale(sold("0.80")), rule(rate=flat("50", ("0.70", "line"))))
    assert (line.amount, line.fixed) == (80, 70)


def test_commission_tax() -> None:
    """Tax on commission is its own amount, rounded once on the rounded commission."""
    line = decided(sale(sold("19.99")), rule(rate="8.5", tax="21"))
    assert (line.amount, line.tax) == (170, 36)


def test_currencies_without_and_with_three_digits() -> None:
    """Amounts follow the digits of the currency."""
    yen = rule(rate=flat("7.5", ("30", "unit"), currency="JPY"))
    line = decided(sale(sold("1190", quantity=2, currency="JPY"), currency="JPY"), yen)
    assert (line.amount, line.decisions[0].components[0].amount) == (179 + 60, "178.5")
    dinar = decided(sale(sold("1.250", currency="KWD"), currency="KWD"), rule(rate="33.3"))
    assert (dinar.amount, dinar.decisions[0].components[0].amount) == (416, "0.41625")
    assert fixed([("1", "line")], "JPY")[0].amount.minor == 1


@pytest.mark.parametrize("platform", [True, False])
def test_wholly_promoted_item(*, platform: bool) -> None:
    """Funded wholly by the platform, an item of 100 at 10 % is charged 10; funded wholly by the vendor, nothing."""
    funded: dict[str, Any] = {"other_discount": "100.00"} if platform else {"vendor_discount": "100.00"}
    line = decided(sale(sold("100.00", **funded)), rule(rate="10", tax="21"))
    assert (line.amount, line.tax) == ((1000, 210) if platform else (0, 0))
