"""Dividing a whole into parts that sum to it: largest remainder, the only allocation in the code base."""

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.money import Money


def allocate(total: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Divide ``total`` by ``weights``, each part within one unit of its exact share.

    The units that rounding down leaves over go to the largest remainders, ties to the lowest index. A negative total is
    the mirror image of the positive one, zero weight gets zero, and weights that are all zero share evenly.
    """
    _check(total, weights)
    if total < 0:
        return [-part for part in allocate(-total, weights)]
    whole = _integers(weights)
    size = sum(whole)
    if size == 0:
        whole, size = [1] * len(whole), len(whole)
    parts, remainders = [], []
    for weight in whole:
        part, remainder = divmod(total * weight, size)
        parts.append(part)
        remainders.append(remainder)
    left = total - sum(parts)
    if left:
        for index in sorted(range(len(parts)), key=lambda i: -remainders[i])[:left]:
            parts[index] += 1
    return parts


def allocate_money(total: Money, weights: Sequence[int | Fraction]) -> list[Money]:
    """Divide an amount by :func:`allocate`."""
    return [Money(part, total.currency) for part in allocate(total.minor, weights)]


def _check(total: int, weights: Sequence[int | Fraction]) -> None:
    if type(total) is not int:
        raise TypeError(f"what is divided is a whole number, not {type(total).__name__} {total!r}")
    if not weights:
        raise Invalid("no_weights", "an amount is divided over at least one weight")
    for weight in weights:
        if type(weight) is not int and type(weight) is not Fraction:
            raise TypeError(f"a weight is a whole number or a fraction, not {type(weight).__name__} {weight!r}")
        if weight < 0:
            raise Invalid("negative_weight", "weights are zero or more")


def _integers(weights: Sequence[int | Fraction]) -> list[int]:
    denominators = [weight.denominator for weight in weights if isinstance(weight, Fraction)]
    scale = lcm(*denominators) if denominators else 1
    return [int(weight * scale) for weight in weights]
