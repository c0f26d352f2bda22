"""Bands over a quantity: the one tier function for commission, volume pricing and metered billing.

Everything rests on :func:`slices`: a stretch of a quantity is cut at the bands' bounds, each slice is charged by its own
band, and the exact sum is rounded once, by the caller.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any

from attrs import Attribute, field, frozen

from cityos_core.kernel.errors import FieldError, Invalid, Refused, require_none
from cityos_core.kernel.money import Percentage

Number = int | Fraction


@frozen
class Slice:
    """The part of a stretch that lies in one band; ``index`` counts the bands from zero."""

    index: int
    amount: Number


def reached(bounds: Sequence[Number | None], at: Number) -> int:
    """Give the index of the first band whose inclusive upper bound is not below ``at``; ``None`` is the open bound.

    ``Refused("beyond_last_band")`` if the last band is closed and below ``at``.
    """
    for index, bound in enumerate(bounds):
        if bound is None or at <= bound:
            return index
    raise Refused("beyond_last_band", f"{at} is beyond the last band, which ends at {bounds[-1] if bounds else 0}")


def slices(bounds: Sequence[Number | None], start: Number, stop: Number) -> list[Slice]:
    """Cut the stretch from ``start`` to ``stop`` at ascending upper bounds; the slices are not empty and sum to it.

    Stretches that continue each other give together the slices of the whole. ``Refused("beyond_last_band")`` if the
    stretch passes a closed last band.
    """
    if stop < start:
        raise Invalid("reversed_stretch", "a stretch of a quantity does not end before it starts")
    last = reached(bounds, stop)
    parts, lower = [], start
    for index, bound in enumerate(bounds[:last]):
        if bound is not None and bound > lower:
            parts.append(Slice(index, bound - lower))
            lower = bound
    if stop > lower:
        parts.append(Slice(last, stop - lower))
    return parts


def check_ascending(bounds: Sequence[Number | None], *, name: str = "up_to", above: Number = 0) -> None:
    """Refuse bounds that are out of order; ``Invalid("bands_out_of_order")`` has every :func:`order_mistakes`."""
    require_none(order_mistakes(bounds, name=name, above=above))


def order_mistakes(bounds: Sequence[Number | None], *, name: str = "up_to", above: Number = 0) -> Iterator[FieldError]:
    """List the bounds that do not rise, from above ``above``, and the open bands that are not the last.

    Each is named by its path below the object that holds ``tiers``.
    """
    if not bounds:
        yield _out_of_order("$.tiers", "there is at least one band")
    for index, (before, bound) in enumerate(pairwise((above, *bounds))):
        if before is None:
            yield _out_of_order(f"$.tiers[{index - 1}]", f"only the last band may be open: give this one a `{name}`")
        elif bound is not None and bound <= before:
            yield _out_of_order(f"$.tiers[{index}].{name}", f"bands rise: `{name}` is above {before}")


def _out_of_order(path: str, detail: str) -> FieldError:
    return FieldError(path, "bands_out_of_order", detail)


class PricingMode(StrEnum):
    """How bands charge a quantity.

    Graduated: each slice by its own band. Volume: everything by the band reached. Package: started packages.
    Percentage: graduated, over an amount.
    """

    GRADUATED = "graduated"
    VOLUME = "volume"
    PACKAGE = "package"
    PERCENTAGE = "percentage"


class Boundary(StrEnum):
    """Which inclusive bound the bands state: the upper or the lower one."""

    UP_TO = "up_to"
    FROM = "from"


def not_negative(_instance: object, attribute: "Attribute[Any]", value: Fraction | None) -> None:
    """Validate an attribute: its number is zero or more."""
    if value is not None and value < 0:
        name = attribute.name.rstrip("_")
        raise Invalid.at(f"$.{name}", "negative_amount", f"`{name}` is zero or more")


@frozen(kw_only=True)
class Tier:
    """One band of a price: what a unit in it costs, or a package of units, or its percentage, plus what is due once.

    Of a package band the first ``free`` units cost nothing, and every package begun after them costs ``unit``.
    """

    up_to: Fraction | None = field(default=None, validator=not_negative)
    from_: Fraction | None = field(default=None, validator=not_negative)
    unit: Fraction | None = field(default=None, validator=not_negative)
    percentage: Percentage | None = None
    package: Fraction | None = field(default=None, validator=not_negative)
    free: Fraction | None = field(default=None, validator=not_negative)
    flat: Fraction = field(default=Fraction(0), validator=not_negative)

    def charge(self, quantity: Number) -> Fraction:
        """Give the exact price of a quantity in this band, without what is due once."""
        if self.percentage is not None:
            return self.percentage.exact * quantity
        unit = self.unit or Fraction(0)
        if self.package is None:
            return unit * quantity
        return unit * ceil(max(Fraction(0), quantity - (self.free or 0)) / self.package)


_KEYS_OF_MODE = {
    PricingMode.GRADUATED: ("unit",),
    PricingMode.VOLUME: ("unit",),
    PricingMode.PACKAGE: ("unit", "package", "free"),
    PricingMode.PERCENTAGE: ("percentage",),
}


@frozen
class Charge:
    """What one band charges: ``amount`` for the ``quantity`` in it and ``flat`` for having entered it."""

    index: int
    quantity: Number
    amount: Fraction
    flat: Fraction


@frozen(kw_only=True)
class Pricing:
    """A price in bands. ``flat_at_zero``: whether the first band's flat is due although nothing was used.

    Bands state an inclusive upper bound (``up_to``, the last may be open) or an inclusive lower one (``from``; what lies
    below the first is free, and a band is entered at its bound).
    """

    tiers: tuple[Tier, ...]
    mode: PricingMode = PricingMode.GRADUATED
    boundary: Boundary = Boundary.UP_TO
    flat_at_zero: bool = True

    def __attrs_post_init__(self) -> None:
        require_none(self._mistakes())

    def charges(self, quantity: Number) -> tuple[Charge, ...]:
        """List what each band entered charges, exactly. ``Refused("beyond_last_band")`` beyond a closed last band."""
        if quantity < 0:
            raise Invalid("negative_quantity", "a quantity is zero or more")
        entered, parts = self._cut(quantity)
        if self.mode is PricingMode.VOLUME:
            entered, parts = entered[-1:], dict.fromkeys(entered[-1:], quantity)
        return tuple(self._charge(index, parts.get(index, 0), quantity) for index in entered)

    def price(self, quantity: Number) -> Fraction:
        """Give the exact price of a quantity."""
        return sum((charge.amount + charge.flat for charge in self.charges(quantity)), Fraction(0))

    def _mistakes(self) -> Iterator[FieldError]:
        for index, tier in enumerate(self.tiers):
            yield from _form_mistakes(f"$.tiers[{index}]", tier, self.mode, self.boundary)
        yield from rising_mistakes(self.tiers, self.boundary)
        if self.mode is PricingMode.PACKAGE and len(self.tiers) > 1:
            yield _misplaced("$.tiers[1]", "packages are counted in one band only")

    def _cut(self, quantity: Number) -> tuple[range, dict[int, Number]]:
        if self.boundary is Boundary.UP_TO:
            bounds, shift = [tier.up_to for tier in self.tiers], 0
            entered = range(reached(bounds, quantity) + 1)
        else:
            bounds, shift = [*(tier.from_ for tier in self.tiers), None], 1
            entered = range(sum(1 for bound in bounds if bound is not None and bound <= quantity))
        return entered, {part.index - shift: part.amount for part in slices(bounds, 0, quantity)}

    def _charge(self, index: int, amount: Number, quantity: Number) -> Charge:
        tier = self.tiers[index]
        flat = tier.flat if quantity or self.flat_at_zero else Fraction(0)
        return Charge(index, amount, tier.charge(amount), flat)


def rising_mistakes(tiers: Sequence[Tier], boundary: Boundary) -> Iterator[FieldError]:
    """List what is out of order in bands by their upper bounds, or by their lower ones if all state it."""
    if boundary is Boundary.UP_TO:
        yield from order_mistakes([tier.up_to for tier in tiers])
    elif all(tier.from_ is not None for tier in tiers):
        yield from order_mistakes([tier.from_ for tier in tiers], name="from", above=-1)


def _form_mistakes(path: str, tier: Tier, mode: PricingMode, boundary: Boundary) -> Iterator[FieldError]:
    if boundary is Boundary.UP_TO and tier.from_ is not None:
        yield _misplaced(f"{path}.from", '`from` needs `"boundary": "from"`')
    if boundary is Boundary.FROM and (tier.from_ is None or tier.up_to is not None):
        yield _misplaced(path, "with boundary `from` every band states its `from`, and no `up_to`")
    for name in ("unit", "percentage", "package", "free"):
        if getattr(tier, name) is not None and name not in _KEYS_OF_MODE[mode]:
            yield _misplaced(f"{path}.{name}", f"`{name}` has no meaning in mode {mode.value}")
    if mode is PricingMode.PACKAGE and not tier.package:
        yield _misplaced(f"{path}.package", "a package holds more than zero units")


def _misplaced(path: str, detail: str) -> FieldError:
    return FieldError(path, "tier_form", detail)
