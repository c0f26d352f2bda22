"""Bands over a quantity."""

from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.money import Percentage
from cityos_core.kernel.tiers import (
    Boundary,
    Number,
    Pricing,
    PricingMode,
    Slice,
    Tier,
    check_ascending,
    reached,
    slices,
)
from cityos_core.testing.strategies import bounds, fractions, pricings


def _sums(parts: list[Slice]) -> dict[int, Number]:
    sums: dict[int, Number] = {}
    for part in parts:
        sums[part.index] = sums.get(part.index, 0) + part.amount
    return sums


@given(bounds(), st.lists(fractions(), min_size=1, max_size=8))
def test_slices_of_parts_are_those_of_the_whole(rising: list[Fraction | None], amounts: list[Fraction]) -> None:
    """However a stretch is divided into sales, and in whatever order they come, the bands get the same in all."""
    start, parts = Fraction(0), []
    for amount in amounts:
        parts += slices(rising, start, start + amount)
        start += amount
    assert _sums(parts) == _sums(slices(rising, 0, start))
    assert sum(part.amount for part in parts) == start
    assert all(part.amount > 0 for part in parts)


@given(bounds(), fractions())
def test_the_last_slice_lies_in_the_band_reached(rising: list[Fraction | None], at: Fraction) -> None:
    """Whatever is above zero ends in the band that it reaches: its inclusive upper bound is not below it."""
    index = reached(rising, at)
    upper, lower = rising[index], rising[index - 1] if index else Fraction(-1)
    assert upper is None or at <= upper
    assert lower is not None
    assert lower < at
    assert not at or slices(rising, 0, at)[-1].index == index


def test_bounds_belong_to_the_band_below() -> None:
    """An upper bound is inclusive: at 10 the first band is reached, and just above it the second."""
    assert reached([10, None], 10) == 0
    assert reached([10, None], Fraction(1001, 100)) == 1
    assert slices([10, 20, None], 5, 25) == [Slice(0, 5), Slice(1, 10), Slice(2, 5)]
    assert slices([10, 20, None], 10, 20) == [Slice(1, 10)]
    assert slices([10, None], 7, 7) == []


def test_beyond_a_closed_band_is_refused() -> None:
    """A closed last band ends the price list."""
    assert slices([10], 0, 10) == [Slice(0, 10)]
    for beyond in (lambda: reached([10], 11), lambda: slices([10], 0, 11), lambda: reached([], 0)):
        with pytest.raises(Refused) as caught:
            beyond()
        assert caught.value.code == "beyond_last_band"
    with pytest.raises(Invalid, match="end before it starts"):
        slices([10], 5, 4)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [([], "$.tiers"), ([10, 5], "$.tiers[1].up_to"), ([10, 10], "$.tiers[1].up_to"), ([0, None], "$.tiers[0].up_to"),
     ([None, 10], "$.tiers[0]"), ([5, None, None], "$.tiers[1]"), ([-1], "$.tiers[0].up_to")],
)  # fmt: skip
def test_bands_out_of_order_are_named(wrong: list[Number | None], path: str) -> None:
    """Bounds rise from above zero and only the last band is open; the mistake is named by its place."""
    with pytest.raises(Invalid) as caught:
        check_ascending(wrong)
    assert caught.value.code == "bands_out_of_order"
    assert caught.value.errors[0].path == path


def _tiers(*rows: tuple[str | None, str, str]) -> tuple[Tier, ...]:
    return tuple(
        Tier(up_to=None if up_to is None else Fraction(up_to), unit=Fraction(unit), flat=Fraction(flat))
        for up_to, unit, flat in rows
    )


TWO = _tiers(("10", "10", "2"), (None, "5", "3"))


@pytest.mark.parametrize(
    ("mode", "quantity", "price"),
    [(PricingMode.GRADUATED, 11, 110), (PricingMode.GRADUATED, 10, 102), (PricingMode.GRADUATED, 0, 2), (PricingMode.GRADUATED, Fraction(1, 3), Fraction(16, 3)),
     (PricingMode.VOLUME, 11, 58), (PricingMode.VOLUME, 10, 102), (PricingMode.VOLUME, 0, 2)],
)  # fmt: skip
def test_graduated_and_volume(mode: PricingMode, quantity: Number, price: Number) -> None:
    """Graduated charges each slice by its band, volume everything by the band reached; flats are due once per band entered."""
    assert Pricing(tiers=TWO, mode=mode).price(quantity) == price


@pytest.mark.parametrize(
    ("quantity", "price"), [(0, 0), (100, 0), (101, 10), (200, 10), (201, 20), (Fraction(20001, 100), 20)]
)
def test_packages_are_charged_when_begun(quantity: Number, price: int) -> None:
    """Every package begun after the free units costs its price in full."""
    package = Tier(package=Fraction(100), unit=Fraction(10), free=Fraction(100))
    assert Pricing(tiers=(package,), mode=PricingMode.PACKAGE).price(quantity) == price


def test_percentages_are_banded_like_units() -> None:
    """A percentage of an amount: 2 % of the first 1000 and 1 % of what is above, plus a flat for each band entered."""
    tiers = (
        Tier(up_to=Fraction(1000), percentage=Percentage.of("2")),
        Tier(percentage=Percentage.of("1"), flat=Fraction(5)),
    )
    pricing = Pricing(tiers=tiers, mode=PricingMode.PERCENTAGE)
    assert pricing.price(1000) == 20
    assert pricing.price(Fraction("1500.50")) == Fraction("30.005")


def test_no_flat_at_zero() -> None:
    """Nothing used costs nothing if the first band's flat is not due at zero; otherwise it is."""
    for mode in (PricingMode.GRADUATED, PricingMode.VOLUME):
        pricing = Pricing(tiers=TWO, mode=mode)
        assert pricing.price(0) == 2
        assert evolve(pricing, flat_at_zero=False).price(0) == 0
        assert evolve(pricing, flat_at_zero=False).price(1) == pricing.price(1)


FROM = (
    Tier(from_=Fraction(10), unit=Fraction(5), flat=Fraction(1)),
    Tier(from_=Fraction(20), unit=Fraction(4), flat=Fraction(2)),
)


@pytest.mark.parametrize(
    ("mode", "quantity", "price"),
    [(PricingMode.GRADUATED, 0, 0), (PricingMode.GRADUATED, 9, 0), (PricingMode.GRADUATED, 10, 1), (PricingMode.GRADUATED, 12, 11), (PricingMode.GRADUATED, 20, 53),
     (PricingMode.GRADUATED, 21, 57), (PricingMode.VOLUME, 9, 0), (PricingMode.VOLUME, 10, 51), (PricingMode.VOLUME, 20, 82)],
)  # fmt: skip
def test_lower_bounds(mode: PricingMode, quantity: Number, price: Number) -> None:
    """By lower bounds, what is below the first is free, and a band is entered at its bound."""
    assert Pricing(tiers=FROM, mode=mode, boundary=Boundary.FROM).price(quantity) == price


def test_a_first_lower_bound_of_zero_is_entered_at_zero() -> None:
    """Bands that begin at zero owe their first flat at zero, unless it is not due there."""
    pricing = Pricing(tiers=(Tier(from_=Fraction(0), unit=Fraction(1), flat=Fraction(3)),), boundary=Boundary.FROM)
    assert pricing.price(0) == 3
    assert evolve(pricing, flat_at_zero=False).price(0) == 0


@given(bounds(), st.data())
def test_boundary_duality(rising: list[Fraction | None], data: st.DataObject) -> None:
    """Bands by upper bounds and the same bands by lower bounds differ only exactly at a bound, by the band entered there."""
    priced = [data.draw(st.builds(Tier, unit=fractions(), flat=fractions())) for _ in rising]
    lowers = [Fraction(0), *(bound for bound in rising if bound is not None)]
    mode = data.draw(st.sampled_from([PricingMode.GRADUATED, PricingMode.VOLUME]))
    upper = Pricing(
        tiers=tuple(evolve(tier, up_to=bound) for tier, bound in zip(priced, rising, strict=True)), mode=mode
    )
    lower = Pricing(
        tiers=tuple(evolve(tier, from_=bound) for tier, bound in zip(priced, lowers, strict=True)),
        mode=mode,
        boundary=Boundary.FROM,
    )
    quantity = data.draw(st.one_of(st.sampled_from(lowers), fractions()))
    if quantity not in lowers[1:]:
        assert upper.price(quantity) == lower.price(quantity)
    elif mode is PricingMode.GRADUATED:
        assert lower.price(quantity) - upper.price(quantity) == priced[lowers.index(quantity)].flat


@given(pricings(), st.data())
def test_graduated_prices_are_continuous_and_never_fall(pricing: Pricing, data: st.DataObject) -> None:
    """Without flats a graduated price rises by at most its dearest unit, and never falls as more is used."""
    pricing = evolve(pricing, mode=PricingMode.GRADUATED, tiers=tuple(
        Tier(up_to=tier.up_to, from_=tier.from_, unit=tier.unit or Fraction(0)) for tier in pricing.tiers
    ))  # fmt: skip
    one, other = sorted((data.draw(fractions()), data.draw(fractions())))
    rise = pricing.price(other) - pricing.price(one)
    dearest = max(tier.unit or Fraction(0) for tier in pricing.tiers)
    assert 0 <= rise <= dearest * (other - one)


@given(pricings(), fractions())
def test_charges_add_up(pricing: Pricing, quantity: Fraction) -> None:
    """The price is the exact sum of its charges, each band is charged at most once, in order."""
    charges = pricing.charges(quantity)
    assert sum(charge.amount + charge.flat for charge in charges) == pricing.price(quantity)
    indices = [charge.index for charge in charges]
    assert indices == sorted(set(indices))
    assert sum(charge.quantity for charge in charges) <= quantity
    with pytest.raises(Invalid, match="zero or more"):
        pricing.charges(-1)


@pytest.mark.parametrize(
    ("mode", "boundary", "tier", "path"),
    [(PricingMode.GRADUATED, Boundary.UP_TO, Tier(percentage=Percentage(0)), "$.tiers[0].percentage"),
     (PricingMode.PERCENTAGE, Boundary.UP_TO, Tier(unit=Fraction(1)), "$.tiers[0].unit"),
     (PricingMode.GRADUATED, Boundary.UP_TO, Tier(package=Fraction(1)), "$.tiers[0].package"),
     (PricingMode.PACKAGE, Boundary.UP_TO, Tier(unit=Fraction(1)), "$.tiers[0].package"),
     (PricingMode.PACKAGE, Boundary.UP_TO, Tier(package=Fraction(0)), "$.tiers[0].package"),
     (PricingMode.GRADUATED, Boundary.UP_TO, Tier(from_=Fraction(1)), "$.tiers[0].from"),
     (PricingMode.GRADUATED, Boundary.FROM, Tier(up_to=Fraction(1)), "$.tiers[0]"),
     (PricingMode.GRADUATED, Boundary.FROM, Tier(), "$.tiers[0]")],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(mode: PricingMode, boundary: Boundary, tier: Tier, path: str) -> None:
    """A band says what its mode and boundary ask for, and nothing else."""
    with pytest.raises(Invalid) as caught:
        Pricing(tiers=(tier,), mode=mode, boundary=boundary)
    assert caught.value.errors[0].path == path


def test_packages_have_one_band() -> None:
    """Packages are counted over the whole quantity, so there is one band."""
    band = Tier(package=Fraction(1))
    with pytest.raises(Invalid, match="one band"):
        Pricing(tiers=(evolve(band, up_to=Fraction(1)), band), mode=PricingMode.PACKAGE)


@pytest.mark.parametrize("name", ["up_to", "from_", "unit", "package", "free", "flat"])
def test_negative_numbers_are_refused(name: str) -> None:
    """Nothing in a band is negative."""
    wrong: dict[str, Any] = {name: Fraction(-1)}
    with pytest.raises(Invalid) as caught:
        Tier(**wrong)
    assert caught.value.errors[0].path == f"$.{name.rstrip('_')}"


def test_lower_bounds_rise() -> None:
    """Bands by lower bounds are in order too, and may begin at zero."""
    with pytest.raises(Invalid) as caught:
        Pricing(tiers=FROM[::-1], boundary=Boundary.FROM)
    assert caught.value.errors[0].path == "$.tiers[1].from"
