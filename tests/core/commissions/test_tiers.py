"""Tiered rates: marginal and slab, over a line, an order or a period's volume."""

from fractions import Fraction
from typing import Any

import pytest

from cityos_core.commissions.decide import decide
from cityos_core.commissions.errors import SaleRefused
from cityos_core.commissions.lines import Component, VolumeWindow
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import Basis, FloorPolicy, TieredRate, TierMode, VolumePeriod
from cityos_core.testing.commissions import decided, rule, sale, sold, tiered

SLAB = {"mode": TierMode.SLAB}
MONTH = VolumeWindow(period=VolumePeriod.MONTH)
FALLING = (("1000.00", "10"), ("5000.00", "8"), (None, "5"))


def monthly(*bands: Any, **more: Any) -> TieredRate:
    """A rate climbed by the month's volume."""
    return tiered(*bands, basis=Basis.PERIOD, period=VolumePeriod.MONTH, **more)


@pytest.mark.parametrize(
    ("price", "amount"),
    [("0.00", 0), ("999.99", 10000), ("1000.00", 10000), ("1000.01", 10000), ("1000.13", 10001), ("6000.00", 47000)],
)
def test_marginal(price: str, amount: int) -> None:
    """Each slice is charged at its own rate; bounds belong to the band below them."""
    assert decided(sale(sold(price)), rule(rate=tiered(*FALLING))).amount == amount


@pytest.mark.parametrize(
    ("price", "amount"),
    [("0.00", 0), ("999.99", 10000), ("1000.00", 10000), ("1000.01", 8000), ("5000.00", 40000), ("5000.01", 25000)],
)
def test_slab(price: str, amount: int) -> None:
    """Everything is charged at the rate reached; a bound is still in its band."""
    assert decided(sale(sold(price)), rule(rate=tiered(*FALLING, **SLAB))).amount == amount


def test_fraction_bounds() -> None:
    """Bounds finer than a cent cut exactly, and the sum is rounded once."""
    line = decided(sale(sold("1.00")), rule(rate=tiered(("0.3333333", "10"), (None, "20"))))
    assert [component.amount for component in line.decisions[0].components] == ["0.03333333", "0.13333334"]
    assert line.amount == 17
    third = decided(sale(sold("1.00")), rule(rate=tiered((Fraction(1, 3), "10"), (None, "20"))))
    assert [component.amount for component in third.decisions[0].components] == ["1/30", "2/15"]
    assert third.amount == 17


def test_fixed_parts_of_bands() -> None:
    """A band's fixed parts are due once for each band entered (marginal) or for the one reached (slab)."""
    bands = (("10.00", "10", ("0.50", "line")), ("20.00", "5", ("0.10", "unit")), (None, "1", ("2.00", "line")))
    line = sold("5.00", quantity=3)
    marginal = decided(sale(line), rule(rate=tiered(*bands)))
    assert (marginal.amount, marginal.fixed) == (100 + 25 + 50 + 30, 80)
    slab = decided(sale(line), rule(rate=tiered(*bands, **SLAB)))
    assert (slab.amount, slab.fixed) == (75 + 30, 30)
    assert Component("fixed", "band 2: 0.10 per unit x 3", "0.30") in slab.decisions[0].components


def test_one_open_band_is_a_flat_rate() -> None:
    """A tiered rate of one open band charges like the flat rate, even where there is nothing to charge on."""
    rate = tiered((None, "10", ("0.50", "line"), ("0.10", "unit")))
    free = sold("5.00", vendor_discount="5.00")
    assert decided(sale(free), rule(rate=rate, floor_policy=FloorPolicy.DEBT)).amount == 60
    assert decided(sale(sold("5.00")), rule(rate=rate)).amount == 110


def test_order_basis() -> None:
    """Over an order: one amount for the vendor's lines that the rule won, laid on them by their bases."""
    climbing = rule(rate=tiered(("100.00", "10"), (None, "20"), basis=Basis.ORDER))
    other = rule("Lamp", "product", "lamp", rate="1")
    lines = decide(
        RuleBook.of([climbing, other]),
        sale(
            sold("50.00", reference="a"),
            sold("500.00", reference="b", sku="lamp"),
            sold("100.01", reference="c"),
            sold("100.00", reference="d", vendor="borealis"),
        ),
    )
    assert [line.amount for line in lines] == [667, 500, 1333, 1000]
    assert lines[0].amount + lines[2].amount == 2000
    assert lines[0].decisions[0].components[0].kind == "order"


def test_order_basis_slab() -> None:
    """The rate that the order reached holds for all of it."""
    lines = decide(
        RuleBook.of([rule(rate=tiered(("100.00", "10"), (None, "20"), basis=Basis.ORDER, **SLAB))]),
        sale(sold("50.00"), sold("50.01", sku="lamp")),
    )
    assert [line.amount for line in lines] == [1000, 1000]


def test_order_basis_with_fixed_parts() -> None:
    """Of the bands entered, parts per order are in the one amount, parts per line and unit stay with each line."""
    bands = (("100.00", "0", ("1.00", "order")), (None, "0", ("2.00", "order"), ("0.10", "unit")))
    lines = decide(
        RuleBook.of([rule(rate=tiered(*bands, basis=Basis.ORDER))]),
        sale(sold("100.00"), sold("25.00", sku="lamp", quantity=2)),
    )
    assert [line.amount for line in lines] == [200 + 10, 100 + 20]
    assert [line.fixed for line in lines] == [210, 120]


def test_parts_per_order_of_other_bases() -> None:
    """A band's part per order is due once for the vendor's lines, however many of them entered the band."""
    bands = (("60.00", "0", ("1.00", "order")), (None, "0", ("4.00", "order")))
    lines = decide(RuleBook.of([rule(rate=tiered(*bands))]), sale(sold("50.00"), sold("100.00"), sold("100.00")))
    assert [line.amount for line in lines] == [100, 200, 200]


def test_period_straddles_a_bound() -> None:
    """A sale on top of the period's volume may straddle a bound: each slice at its own rate, or the rate reached."""
    volumes = {("acme", MONTH): 90000}
    lines = [
        decided(sale(sold("200.00"), volumes=volumes), rule(rate=monthly(*FALLING, **more))) for more in ({}, SLAB)
    ]
    assert [line.amount for line in lines] == [1000 + 800, 1600]


def test_period_volume_reaches_a_bound() -> None:
    """A volume exactly at a bound, this line included, is still in the band; a vendor without one starts at zero."""
    rate = rule(rate=monthly(*FALLING, **SLAB))
    assert decided(sale(sold("100.00"), volumes={("acme", MONTH): 90000}), rate).amount == 1000
    assert decided(sale(sold("100.01"), volumes={("acme", MONTH): 90000}), rate).amount == 800
    assert decided(sale(sold("100.00"), volumes={("borealis", MONTH): 90000}), rate).amount == 1000


def test_period_lines_stack() -> None:
    """An order's lines stack on the volume in their order, whatever rules they meet; other vendors' do not."""
    book = RuleBook.of([rule(rate=monthly(("100.00", "10"), (None, "20"))), rule("Lamp", "product", "lamp", rate="1")])
    lines = decide(
        book,
        sale(
            sold("60.00"),
            sold("30.00", sku="lamp"),
            sold("500.00", vendor="borealis", sku="lamp"),
            sold("20.00"),
            volumes={("acme", MONTH): 500},
        ),
    )
    assert [line.amount for line in lines] == [600, 30, 500, 50 + 300]


def test_windows_are_apart() -> None:
    """Each rule climbs the volume of its own window."""
    rolling = tiered(*FALLING, basis=Basis.PERIOD, period=VolumePeriod.ROLLING, days=30)
    volumes = {("acme", VolumeWindow(period=VolumePeriod.ROLLING, days=30)): 600000, ("acme", MONTH): 0}
    line = decided(sale(volumes=volumes), rule(rate=rolling), rule("Fee", group="fee", rate=monthly(*FALLING)))
    assert [decision.amount for decision in line.decisions] == [500, 1000]


@pytest.mark.parametrize("basis", list(Basis))
@pytest.mark.parametrize("mode", list(TierMode))
def test_beyond_a_closed_band(basis: Basis, mode: TierMode) -> None:
    """An amount beyond a closed last band is refused, and the line is named."""
    period = VolumePeriod.MONTH if basis is Basis.PERIOD else None
    closed = rule("Closed", rate=tiered(("50.00", "10"), basis=basis, mode=mode, period=period))
    assert decided(sale(sold("50.00")), closed).amount == 500
    with pytest.raises(SaleRefused) as refused:
        decided(sale(sold("50.01", reference="7")), closed)
    assert (refused.value.code, refused.value.line) == ("beyond_last_band", 0)
    assert "line 7" in refused.value.detail
