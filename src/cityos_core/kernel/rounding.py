"""The one rounding rule: half up, away from zero, once per decision, on exact integers or fractions."""

from fractions import Fraction


def divide(numerator: int, denominator: int) -> int:
    """Give ``numerator / denominator`` rounded half away from zero; the denominator is positive."""
    if numerator >= 0:
        return (2 * numerator + denominator) // (2 * denominator)
    return -((-2 * numerator + denominator) // (2 * denominator))


def half_up(value: Fraction) -> int:
    """Round an exact fraction half away from zero to a whole number."""
    return divide(value.numerator, value.denominator)
