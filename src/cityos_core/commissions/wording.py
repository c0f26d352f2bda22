"""How amounts and rules read in explanations: plain decimal strings, quickly written."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from cityos_core.commissions.rules import AmountBand, Rule, UnitPriceBand
from cityos_core.kernel.money import UNIT_DIGITS, UNIT_SCALE

SCALE: Final = 100 * UNIT_SCALE
"""Exact commissions are counted in this many parts of a minor unit: a base times a percentage is then a whole number."""


def amount_text(minor: int, digits: int) -> str:
    """Write an amount of zero or more minor units as a decimal string in major units."""
    if digits == 0:
        return str(minor)
    major, rest = divmod(minor, 10**digits)
    return f"{major}.{rest:0{digits}d}"


def exact_text(parts: int | Fraction, digits: int) -> str:
    """Write an exact amount, counted in :data:`SCALE` parts of a minor unit, as a decimal string, or else a fraction."""
    if isinstance(parts, Fraction):
        if parts.denominator != 1:
            return str(parts / (SCALE * 10**digits))
        parts = parts.numerator
    minor, rest = divmod(parts, SCALE)
    if not rest:
        return amount_text(minor, digits)
    text = amount_text(minor, digits)
    return f"{text}{'' if digits else '.'}{rest:08d}".rstrip("0")


def percent_text(micro: int) -> str:
    """Write millionths of a percent."""
    whole, rest = divmod(micro, UNIT_SCALE)
    return f"{whole}.{rest:0{UNIT_DIGITS}d}".rstrip("0") + " %" if rest else f"{whole} %"


def range_text(least: object, most: object, unit: str) -> str:
    """Write a range of which either end may be open."""
    if least is None and most is None:
        return f"any {unit}"
    if least is None:
        return f"up to {most} {unit}"
    if most is None:
        return f"from {least} {unit}"
    return f"from {least} to {most} {unit}"


def band_text(band: AmountBand | UnitPriceBand) -> str:
    """Write the band of a condition."""
    least, most = (None if end is None else end.text for end in (band.min, band.max))
    return range_text(least, most, band.currency)


def validity_text(rule: Rule) -> str:
    """Write when a rule is valid."""
    since = f"from {rule.valid_from.isoformat()}" if rule.valid_from else ""
    until = f"until {rule.valid_until.isoformat()}" if rule.valid_until else ""
    return " ".join(filter(None, ("valid", since, until))) if since or until else "always valid"


def choice_text(values: Iterable[str], *, most: int = 5) -> str:
    """Write a list of words, cut short if it is long."""
    words = sorted(values)
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")
