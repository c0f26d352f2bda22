"""Prices in bands."""

from fractions import Fraction

from attrs import field, frozen

from cityos_adapters.calculators.places import at
from cityos_adapters.serialization import Json, exact_text, load
from cityos_core.kernel.errors import Invalid, require_none
from cityos_core.kernel.money import Money, exponent
from cityos_core.kernel.rounding import half_up
from cityos_core.kernel.tiers import Boundary, Charge, Pricing, PricingMode, Tier, not_negative, rising_mistakes


@frozen(kw_only=True)
class TiersInput:
    """Bands and a quantity; a price by packages may stand by itself, without a list of bands."""

    quantity: Fraction = field(validator=not_negative)
    currency: str | None = None
    mode: PricingMode = PricingMode.GRADUATED
    boundary: Boundary = Boundary.UP_TO
    flat_at_zero: bool = True
    tiers: tuple[Tier, ...] | None = field(default=None)
    package: Fraction | None = field(default=None, validator=not_negative)
    unit: Fraction | None = field(default=None, validator=not_negative)
    free: Fraction | None = field(default=None, validator=not_negative)

    @tiers.validator
    def _check_order(self, _attribute: object, tiers: tuple[Tier, ...] | None) -> None:
        if tiers is not None:
            by_lower = any(tier.from_ is not None for tier in tiers)
            require_none(rising_mistakes(tiers, Boundary.FROM if by_lower else Boundary.UP_TO))


def calculate_tiers(data: object) -> dict[str, Json]:
    """Price a quantity in bands: exactly, or rounded once if a currency is given."""
    given = load(TiersInput, data)
    with at("$"):
        pricing = Pricing(
            tiers=_bands(given), mode=given.mode, boundary=given.boundary, flat_at_zero=given.flat_at_zero
        )
    with at("$.quantity"):
        charges = pricing.charges(given.quantity)
        total = sum((charge.amount + charge.flat for charge in charges), Fraction(0))
        return {"amount": _amount(total, given.currency), "slices": [_slice(charge) for charge in charges]}


def _bands(given: TiersInput) -> tuple[Tier, ...]:
    if given.tiers is None:
        if given.mode is not PricingMode.PACKAGE:
            raise Invalid.at("$.tiers", "missing", "this is required")
        return (Tier(package=given.package, unit=given.unit, free=given.free),)
    for name in ("package", "unit", "free"):
        if getattr(given, name) is not None:
            raise Invalid.at(f"$.{name}", "unknown_key", f"`{name}` belongs in a band of `tiers`")
    return given.tiers


def _amount(total: Fraction, currency: str | None) -> str:
    if currency is None:
        return exact_text(total)
    return Money(half_up(total * 10 ** exponent(currency)), currency).text


def _slice(charge: Charge) -> Json:
    return {
        "band": charge.index,
        "quantity": exact_text(charge.quantity),
        "amount": exact_text(charge.amount),
        "flat": exact_text(charge.flat),
    }
