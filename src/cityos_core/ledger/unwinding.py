"""The refund rule: every sale unwinds over the remaining amounts of its legs, and the last refund empties them all."""

from collections.abc import Sequence

from cityos_core.kernel.allocation import allocate
from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.rounding import divide


def unwind(remaining: Sequence[int], refund: int) -> list[int]:
    """Divide a refund over what remains of a sale's legs, in their recorded order.

    Positive legs are what parties received, negative ones what parties paid towards a discount. The parts sum to the
    refund, no part is larger than what remains of its leg, and refunding all that remains gives every leg back.
    ``Refused("more_than_remains")`` if the refund is larger than the sum of the legs.
    """
    if refund < 0:
        raise Invalid("negative_refund", "a refund is zero or more")
    total = sum(remaining)
    if refund > total:
        raise Refused("more_than_remains", f"{refund} minor units are more than the {total} that remain of the sale")
    if refund == 0:
        return [0] * len(remaining)
    gained = sum(amount for amount in remaining if amount > 0)
    return _sides(remaining, divide(refund * gained, total), refund)


def unwind_share(remaining: Sequence[int], part: int, whole: int) -> list[int]:
    """Unwind ``part`` of ``whole`` remaining units of a sale that the buyer paid nothing for; the parts sum to zero."""
    if not 0 < part <= whole:
        raise Refused("more_than_remains", f"{part} units are more than the {whole} that remain of the sale")
    if sum(remaining):
        raise Invalid("not_free", "only a sale that the buyer paid nothing for unwinds by quantity")
    gained = sum(amount for amount in remaining if amount > 0)
    return _sides(remaining, divide(gained * part, whole), 0)


def _sides(remaining: Sequence[int], gained: int, refund: int) -> list[int]:
    received = allocate(gained, [max(amount, 0) for amount in remaining])
    funded = allocate(refund - gained, [max(-amount, 0) for amount in remaining])
    return [plus + minus for plus, minus in zip(received, funded, strict=True)]
