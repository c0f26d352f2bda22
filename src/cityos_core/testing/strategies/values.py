"""Money, rates, legs, bands and periods: the values that laws are stated over."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Final

from attrs import evolve, frozen
from hypothesis import strategies as st

from cityos_core.kernel.currencies import EXPONENTS
from cityos_core.kernel.money import PERCENT_SCALE, Money, Percentage, UnitPrice
from cityos_core.kernel.tiers import Boundary, Pricing, PricingMode, Tier
from cityos_core.kernel.time import Anchor, Interval

ZONES: Final = (
    "UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia",
    "Africa/Casablanca", "America/St_Johns", "America/Sao_Paulo", "Pacific/Chatham",
)  # fmt: skip
"""Zones with every kind of clock change: none, an hour, half an hour, a whole day, across midnight."""

MOST: Final = 10**12
"""The largest amount drawn, in minor units: large enough for carries, small enough for sums."""


def currencies() -> st.SearchStrategy[str]:
    """Draw any currency, with those of zero, two and three digits first."""
    return st.one_of(st.sampled_from(["EUR", "JPY", "KWD"]), st.sampled_from(sorted(EXPONENTS)))


@st.composite
def money(draw: st.DrawFn, currency: str | None = None, *, least: int = -MOST, most: int = MOST) -> Money:
    """Draw an amount between two numbers of minor units."""
    return Money(draw(st.integers(least, most)), currency or draw(currencies()))


@st.composite
def unit_prices(draw: st.DrawFn, currency: str | None = None) -> UnitPrice:
    """Draw a unit price of up to six decimals."""
    micro = draw(st.one_of(st.integers(0, 10**10), st.integers(0, 10**5).map(lambda cents: cents * 10**4)))
    return UnitPrice(micro, currency or draw(currencies()))


def percentages() -> st.SearchStrategy[Percentage]:
    """Draw a percentage from 0 to 100, round ones more often."""
    round_ones = st.integers(0, 1000).map(lambda tenths: Percentage(tenths * 10**5))
    return st.one_of(round_ones, st.integers(0, PERCENT_SCALE).map(Percentage))


def fractions(most: int = 10**6) -> st.SearchStrategy[Fraction]:
    """Draw an exact number from zero that a decimal string can say."""
    return st.builds(lambda number, digits: Fraction(number, 10**digits), st.integers(0, most), st.integers(0, 6))


def weights() -> st.SearchStrategy[list[int | Fraction]]:
    """Draw weights to allocate by: whole numbers, fractions and zeros."""
    weight: st.SearchStrategy[int | Fraction] = st.one_of(
        st.integers(0, 10**6), st.fractions(0, 10**4, max_denominator=1000)
    )
    return st.lists(weight, min_size=1, max_size=12)


@st.composite
def legs(draw: st.DrawFn) -> tuple[int, ...]:
    """Draw the legs of a sale: what parties received, less what others paid; the buyer paid something."""
    gained = draw(st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
    given = draw(st.lists(st.integers(0, max(0, sum(gained) // 4)), max_size=2))
    if sum(gained) <= sum(given):
        gained[0] += 1 + sum(given)
    return tuple(draw(st.permutations([*gained, *(-amount for amount in given)])))


@frozen
class Unwound:
    """The legs of a sale, and refunds that together give all of it back."""

    legs: tuple[int, ...]
    refunds: tuple[int, ...]


@st.composite
def legs_with_refunds(draw: st.DrawFn) -> Unwound:
    """Draw legs and any partition of their sum into refunds, in any order."""
    drawn = draw(legs())
    total = sum(drawn)
    cuts = sorted(draw(st.lists(st.integers(0, total), max_size=12)))
    return Unwound(drawn, tuple(stop - start for start, stop in zip([0, *cuts], [*cuts, total], strict=True)))


def instants() -> st.SearchStrategy[datetime]:
    """Draw an instant of the years that have a market."""
    return st.datetimes(
        datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2060-01-01"), timezones=st.just(UTC)
    )


def anchors() -> st.SearchStrategy[Anchor]:
    """Draw an anchor of recurring periods, at month ends and clock changes as often as not."""
    return st.builds(
        Anchor,
        local=st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2040-01-01")),
        zone=st.sampled_from(ZONES),
        interval=st.sampled_from(Interval),
        count=st.integers(1, 6),
    )


@st.composite
def bounds(draw: st.DrawFn, *, closed: bool = False) -> list[Fraction | None]:
    """Draw ascending upper bounds; the last is open unless told otherwise."""
    drawn = sorted(draw(st.sets(fractions().filter(bool), min_size=1, max_size=5)))
    return [*drawn] if closed else [*drawn, None]


@st.composite
def pricings(draw: st.DrawFn) -> Pricing:
    """Draw a price in bands, of any mode and boundary."""
    mode = draw(st.sampled_from(PricingMode))
    boundary = draw(st.sampled_from(Boundary))
    rising = draw(bounds())[-1:] if mode is PricingMode.PACKAGE else draw(bounds())
    tiers = [
        evolve(tier, up_to=upper) if boundary is Boundary.UP_TO else evolve(tier, from_=upper or Fraction(10**9))
        for upper, tier in ((upper, draw(_tiers(mode))) for upper in rising)
    ]
    return Pricing(tiers=tuple(tiers), mode=mode, boundary=boundary, flat_at_zero=draw(st.booleans()))


def _tiers(mode: PricingMode) -> st.SearchStrategy[Tier]:
    if mode is PricingMode.PERCENTAGE:
        return st.builds(Tier, percentage=percentages(), flat=fractions())
    if mode is PricingMode.PACKAGE:
        return st.builds(Tier, package=fractions().filter(bool), unit=fractions(), free=fractions(), flat=fractions())
    return st.builds(Tier, unit=fractions(), flat=fractions())


def handles() -> st.SearchStrategy[str]:
    """Draw a slug."""
    return st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True)
