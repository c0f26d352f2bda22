"""What a commission is a percentage of: discounts, tax and shipping in or out."""

from typing import Any

import pytest
from attrs import evolve

from cityos_core.commissions.facts import bases
from cityos_core.commissions.rules import BaseTerms, TaxBase
from cityos_core.testing.commissions import decided, rule, sale, sold

NET, GROSS = BaseTerms(), BaseTerms(tax=TaxBase.GROSS)
NET_SHIPPED, GROSS_SHIPPED = BaseTerms(shipping=True), BaseTerms(tax=TaxBase.GROSS, shipping=True)
FULL: dict[str, Any] = {
    "vendor_discount": "10.00",
    "other_discount": "30.00",
    "tax": "12.60",
    "shipping": "5.00",
    "shipping_tax": "1.05",
}


@pytest.mark.parametrize(
    ("terms", "base", "built"),
    [
        (NET, 9000, "gross 100.00, less vendor-funded discounts 10.00"),
        (GROSS, 10260, "gross 100.00, less vendor-funded discounts 10.00, plus tax 12.60"),
        (NET_SHIPPED, 9500, "gross 100.00, less vendor-funded discounts 10.00, plus shipping 5.00"),
        (GROSS_SHIPPED, 10865, "gross 100.00, less vendor-funded discounts 10.00, plus tax 12.60, plus shipping 6.05"),
    ],
)
def test_prices_without_tax(terms: BaseTerms, base: int, built: str) -> None:
    """The base is after vendor-funded discounts, before those of others; tax and shipping come on top if asked."""
    (decision,) = decided(sale(sold(**FULL)), rule(base=terms)).decisions
    assert (decision.base, decision.built, decision.amount) == (base, built, -(-base // 10))


@pytest.mark.parametrize(
    ("terms", "base", "built"),
    [
        (NET, 9000, "gross 121.00, less vendor-funded discounts 12.10, less contained tax 18.90"),
        (GROSS, 10890, "gross 121.00, less vendor-funded discounts 12.10"),
        (
            NET_SHIPPED,
            9500,
            "gross 121.00, less vendor-funded discounts 12.10, less contained tax 18.90, plus shipping 5.00",
        ),
        (GROSS_SHIPPED, 11495, "gross 121.00, less vendor-funded discounts 12.10, plus shipping 6.05"),
    ],
)
def test_prices_with_tax(terms: BaseTerms, base: int, built: str) -> None:
    """Where prices include tax, a net base is less by round(tax x base / what the buyer pays)."""
    discounts: dict[str, Any] = {"vendor_discount": "12.10", "other_discount": "48.40", "tax": "10.50"}
    line = sold("121.00", **discounts, shipping="5.00", shipping_tax="1.05", includes_tax=True)
    (decision,) = decided(sale(line, prices_include_tax=True), rule(base=terms)).decisions
    assert (decision.base, decision.built) == (base, built)


def test_contained_tax() -> None:
    """The tax of what the buyer pays is scaled to the base: half of it paid by the platform, twice the tax."""
    line = sold("121.00", other_discount="60.50", tax="10.50", includes_tax=True)
    assert bases(line, prices_include_tax=True) == (10000, 12100, 10000, 12100)


def test_contained_tax_is_rounded_half_up() -> None:
    """round(0.01 x 2.50 / 5.00), half a cent, counts as a cent."""
    line = sold("5.00", other_discount="0.00", vendor_discount="0.00", tax="0.01", includes_tax=True)
    assert bases(line, prices_include_tax=True)[0] == 499
    shared = evolve(line, vendor_discount=250, paid=500)
    assert bases(shared, prices_include_tax=True)[0] == 249


def test_nothing_paid_nothing_contained() -> None:
    """A base is reduced by nothing if the buyer pays nothing."""
    line = sold("121.00", other_discount="121.00", includes_tax=True)
    assert bases(line, prices_include_tax=True) == (12100, 12100, 12100, 12100)


def test_shipping_the_vendor_does_not_receive() -> None:
    """Only the shipping that the vendor receives is in the base; the facts of the sale name no other."""
    assert decided(sale(sold()), rule(base=NET_SHIPPED)).decisions[0].base == 10000
