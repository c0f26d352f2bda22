"""What is wrong with a rule beyond the form of its parts: every mistake with its place, for whoever wrote the rule."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from cityos_core.commissions.rules import (
    AmountBand,
    Basis,
    Bounds,
    FixedPart,
    FlatRate,
    RateBand,
    Rule,
    TieredRate,
    UnitPriceBand,
    VolumePeriod,
)
from cityos_core.kernel.currencies import EXPONENTS
from cityos_core.kernel.errors import FieldError, Invalid
from cityos_core.kernel.money import Money
from cityos_core.kernel.tiers import order_mistakes

RULE_PARTS: Final = frozenset({Rule, FlatRate, TieredRate, RateBand, Bounds, AmountBand, UnitPriceBand})
"""What :func:`mistakes_in_part` judges."""

MOST_DAYS: Final = 36_500
"""How long a rolling period may be: a century."""


def require_sound(rules: Sequence[Rule], *, path: str = "$") -> None:
    """Raise ``Invalid("invalid_rules")`` with every mistake in a list of rules that stands at ``path``."""
    mistakes = mistakes_in_list(rules, path=path)
    if mistakes:
        raise Invalid("invalid_rules", f"{len(mistakes)} mistakes in the commission rules", mistakes)


def mistakes_in_list(rules: Sequence[Rule], *, path: str = "$") -> list[FieldError]:
    """List the mistakes in a list of rules that stands at ``path``."""
    return [
        FieldError(f"{path}[{place}]{mistake.path[1:]}", mistake.code, f"{rule.name}: {mistake.detail}")
        for place, rule in enumerate(rules)
        for mistake in mistakes_in(rule)
    ]


def mistakes_in(rule: Rule) -> Iterator[FieldError]:
    """List the mistakes in a rule and in its parts; paths begin at the rule as ``$``."""
    conditions = rule.conditions
    for path, part in (
        ("rate", rule.rate),
        *((f"rate.tiers[{place}]", band) for place, band in enumerate(_bands(rule.rate))),
        ("bounds", rule.bounds),
        ("conditions.unit_price", conditions.unit_price),
        ("conditions.line_amount", conditions.line_amount),
        ("conditions.order_amount", conditions.order_amount),
    ):
        if part is not None:
            for mistake in mistakes_in_part(part):
                yield FieldError(f"$.{path}{mistake.path[1:]}", mistake.code, mistake.detail)
    yield from mistakes_in_part(rule)


def mistakes_in_part(part: object) -> Iterator[FieldError]:
    """List the mistakes that one part of a rule has by itself, or the rule beside those of its parts.

    Paths begin at the part as ``$``. What is no part of a rule has none.
    """
    match part:
        case Rule():
            yield from _limits(part)
        case FlatRate() | RateBand():
            yield from _fixed(part.fixed)
        case TieredRate():
            yield from order_mistakes([band.up_to for band in part.tiers])
            yield from _currency(part.currency)
            yield from _period(part)
        case Bounds():
            yield from _bounds(part)
        case AmountBand() | UnitPriceBand():
            yield from _band(part)


def _bands(rate: FlatRate | TieredRate) -> Sequence[RateBand]:
    return rate.tiers if isinstance(rate, TieredRate) else ()


def _period(rate: TieredRate) -> Iterator[FieldError]:
    if (rate.period is not None) != (rate.basis is Basis.PERIOD):
        yield FieldError("$.period", "period_form", '`"basis": "period"` and `period` go together')
    if (rate.days is not None) != (rate.period is VolumePeriod.ROLLING):
        yield FieldError("$.days", "period_form", '`"period": "rolling"` and `days` go together')
    if rate.days is not None and rate.days < 1:
        yield FieldError("$.days", "empty_period", "a rolling period has one day or more")
    if rate.days is not None and rate.days > MOST_DAYS:
        yield FieldError("$.days", "period_too_long", f"a rolling period has {MOST_DAYS} days at most")


def _fixed(parts: Iterable[FixedPart]) -> Iterator[FieldError]:
    seen = set()
    for place, part in enumerate(parts):
        key = (part.per, part.amount.currency)
        if key in seen:
            detail = f"there is already an amount per {part.per.value} in {part.amount.currency}"
            yield FieldError(f"$.fixed[{place}]", "duplicate_fixed", detail)
        seen.add(key)


def _limits(rule: Rule) -> Iterator[FieldError]:
    caps = {cap.currency: cap for cap in rule.cap}
    for place, floor in enumerate(rule.floor):
        cap = caps.get(floor.currency)
        if cap is not None and cap < floor:
            yield FieldError(f"$.floor[{place}]", "floor_above_cap", f"the floor {floor} is above the cap {cap}")


def _bounds(bounds: Bounds) -> Iterator[FieldError]:
    least, most = bounds.min_percentage, bounds.max_percentage
    if least is not None and most is not None and most < least:
        yield FieldError("$", "bounds_reversed", "`max_percentage` is not below `min_percentage`")


def _band(band: AmountBand | UnitPriceBand) -> Iterator[FieldError]:
    yield from _currency(band.currency)
    for name, bound in (("min", band.min), ("max", band.max)):
        if bound is None:
            continue
        if bound.currency != band.currency:
            detail = f"{bound} stands in a band in {band.currency}; nothing converts it"
            yield FieldError(f"$.{name}", "currency_mismatch", detail)
        if isinstance(bound, Money) and bound.minor < 0:
            yield FieldError(f"$.{name}", "negative_amount", "commission bases are zero or more")


def _currency(code: str) -> Iterator[FieldError]:
    if code not in EXPONENTS:
        yield FieldError("$.currency", "unknown_currency", f"{code!r} is not an ISO 4217 currency code")
