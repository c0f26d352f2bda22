"""Allocation, refunds and proration."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from fractions import Fraction

from attrs import field, frozen

from cityos_adapters.calculators.places import at
from cityos_adapters.serialization import Json, UnsignedMoney, load
from cityos_core.kernel.allocation import allocate_money
from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.money import Money
from cityos_core.kernel.proration import D, Resolution, Span, proration
from cityos_core.ledger.unwinding import unwind


@frozen(kw_only=True)
class AllocationInput:
    """What is divided, and by which weights."""

    total: Money
    currency: str
    weights: tuple[int | Fraction, ...] = field()

    @weights.validator
    def _check_weights(self, _attribute: object, value: tuple[int | Fraction, ...]) -> None:
        if not value:
            raise Invalid.at("$.weights", "no_weights", "an amount is divided over at least one weight")


def calculate_allocation(data: object) -> dict[str, Json]:
    """Divide an amount by largest remainder."""
    given = load(AllocationInput, data)
    return {"parts": [part.text for part in allocate_money(given.total, given.weights)]}


@frozen(kw_only=True)
class RefundsInput:
    """The legs of a sale in their recorded order, those who funded a discount negative, and what is given back."""

    currency: str
    legs: Mapping[str, Money] = field()
    refunds: tuple[UnsignedMoney, ...]

    @legs.validator
    def _check_legs(self, _attribute: object, legs: Mapping[str, Money]) -> None:
        if not legs or sum(leg.minor for leg in legs.values()) < 0:
            detail = "a sale has legs, and the buyer did not pay less than nothing for it"
            raise Invalid.at("$.legs", "legs", detail)


def calculate_refunds(data: object) -> dict[str, Json]:
    """Unwind a sale by one refund after the other."""
    given = load(RefundsInput, data)
    left = [leg.minor for leg in given.legs.values()]
    steps: list[Json] = []
    for index, refund in enumerate(given.refunds):
        with at(f"$.refunds[{index}]"):
            parts = _unwound(left, refund)
        left = [amount - part for amount, part in zip(left, parts, strict=True)]
        steps.append({"refund": refund.text, "legs": _by_leg(given, parts)})
    return {"steps": steps, "remaining": _by_leg(given, left)}


def _unwound(left: list[int], refund: Money) -> list[int]:
    if refund.minor > sum(left):
        remaining = Money(sum(left), refund.currency)
        raise Refused("more_than_remains", f"{refund} is more than the {remaining} that remain of the sale")
    return unwind(left, refund.minor)


def _by_leg(given: RefundsInput, amounts: Iterable[int]) -> dict[str, Json]:
    return {name: Money(amount, given.currency).text for name, amount in zip(given.legs, amounts, strict=True)}


def _not_empty(_instance: object, _attribute: object, period: Span[D]) -> None:
    if period.length == 0:
        raise Invalid.at("$.period", "empty_period", "a period ends after it starts")


def _not_reversed(since: date, until: date) -> None:
    if until < since:
        raise Invalid.at("$.until", "reversed_span", "`until` is not before `from`")


@frozen(kw_only=True)
class ByDay:
    """An amount for a period of calendar days."""

    amount: Money
    currency: str
    period: Span[date] = field(validator=_not_empty)
    from_: date
    until: date
    resolution: Resolution = Resolution.DAY

    def __attrs_post_init__(self) -> None:
        _not_reversed(self.from_, self.until)


@frozen(kw_only=True)
class BySecond:
    """An amount for a period between two instants."""

    amount: Money
    currency: str
    period: Span[datetime] = field(validator=_not_empty)
    from_: datetime
    until: datetime
    resolution: Resolution

    def __attrs_post_init__(self) -> None:
        _not_reversed(self.from_, self.until)


def calculate_proration(data: object) -> dict[str, Json]:
    """Give the part of an amount that falls on a part of its period."""
    if isinstance(data, dict) and data.get("resolution") == Resolution.SECOND:
        by_second = load(BySecond, data)
        return _prorated(by_second.amount, by_second.period, by_second.from_, by_second.until)
    by_day = load(ByDay, data)
    return _prorated(by_day.amount, by_day.period, by_day.from_, by_day.until)


def _prorated(amount: Money, period: Span[D], since: D, until: D) -> dict[str, Json]:
    with at("$.from" if since < period.start else "$.until"):
        result = proration(amount, period, Span(since, until))
    return {"amount": result.amount.text, "numerator": result.numerator, "denominator": result.denominator}
