"""What a cycle costs: recurring items in advance, usage in arrears, discounts, and taxes that sum to the tax total."""

from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from fractions import Fraction

from attrs import evolve, field, frozen

from cityos_core.kernel.allocation import allocate
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.proration import Span
from cityos_core.kernel.rounding import half_up
from cityos_core.kernel.tiers import PricingMode
from cityos_core.subscriptions.invoices import Line, LineKind
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import Plan, PlanItem
from cityos_core.subscriptions.stretches import Stretch
from cityos_core.subscriptions.terms import Discount, TaxRate


def in_advance(
    subscription: Subscription,
    plan: Plan,
    cycle: int,
    stretch: Stretch,
    *,
    kind: LineKind = LineKind.RECURRING,
    items: Container[str] | None = None,
) -> list[Line]:
    """Charge fixed and per-seat items for a stretch of a cycle's period, discounted, without tax; zero seats cost no line.

    A line's price is the exact price times the exact share, rounded once; so is each discount.
    """
    if not stretch.share:
        return []
    lines = [
        _line(kind, item.key, item.name, cycle, stretch, quantity, item.cost(quantity, plan.currency))
        for item in plan.recurring
        if (quantity := subscription.quantity(item.key)) and (items is None or item.key in items)
    ]
    applying = [discount for discount in subscription.discounts if discount.applies_to(cycle)]
    return _discounted(lines, applying, stretch.share)


def _line(kind: LineKind, key: str, name: str, cycle: int, stretch: Stretch, quantity: int, cost: Fraction) -> Line:
    gross = half_up(cost * stretch.share)
    return Line(
        kind=kind, item=key, description=name, cycle=cycle, quantity=Fraction(quantity), covers=stretch.covers,
        gross=gross, net=gross,
    )  # fmt: skip


def _discounted(lines: Sequence[Line], discounts: Iterable[Discount], share: Fraction) -> list[Line]:
    """Apply discounts in their order, each to what is left; together never more than the lines."""
    left = [line.gross for line in lines]
    for discount in discounts if lines else ():
        if discount.percentage is not None:
            taken = [discount.percentage.on(amount) for amount in left]
        else:
            amount = half_up(discount.amount.minor * share) if discount.amount else 0
            taken = allocate(min(amount, sum(left)), left)
        left = [amount - less for amount, less in zip(left, taken, strict=True)]
    return [evolve(line, discount=line.gross - net, net=net) for line, net in zip(lines, left, strict=True)]


def given(subscription: Subscription, cycle: int) -> Subscription:
    """Note that a cycle's discounts were given."""
    return evolve(subscription, discounts=tuple(discount.given_in(cycle) for discount in subscription.discounts))


@frozen(kw_only=True)
class Use:
    """What was used of a metered item in one cycle's period, in all, and what of it was billed before.

    ``quantity`` includes what was reported late; ``charged`` is the gross of earlier lines, in minor units, but for those
    at another price that held within the cycle.
    """

    item: str
    cycle: int
    covers: Span[datetime]
    quantity: Fraction = field(converter=Fraction)
    is_late: bool = False
    billed: Fraction = field(default=Fraction(0), converter=Fraction)
    charged: int = 0

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.billed <= self.quantity:
            raise Invalid("negative_quantity", "usage is zero or more, and never less than what of it was billed")


def in_arrears(plan: Plan, uses: Iterable[Use]) -> list[Line]:
    """Charge what was used, without tax: the price of the period's whole usage, less what was charged for it before.

    However late and in whatever portions usage is reported, its period comes to one price; what was billed at another one
    stays as it was, and what came since costs what it adds. Where more usage is cheaper (volume bands) nothing is given
    back. ``Refused("beyond_last_band")`` if the bands do not reach that far.
    """
    return [_usage(plan, use) for use in uses if not use.is_late or use.quantity > use.billed]


def _usage(plan: Plan, use: Use) -> Line:
    item = plan.item(use.item)
    gross = max(0, item.gross(use.quantity, plan.currency) - _known(item, use, plan.currency))
    return Line(
        kind=LineKind.LATE_USAGE if use.is_late else LineKind.USAGE,
        item=item.key,
        description=item.name,
        cycle=use.cycle,
        quantity=use.quantity - use.billed,
        covers=use.covers,
        gross=gross,
        net=gross,
    )


def _known(item: PlanItem, use: Use, currency: str) -> int:
    """Give what of the price was charged before: what was billed comes to that, whatever it was billed at then."""
    if not use.billed or item.pricing is None:
        return use.charged
    known = item.gross(use.billed, currency)
    return max(known, use.charged) if item.pricing.mode is PricingMode.VOLUME else known


def taxed(lines: Sequence[Line], tax: TaxRate | None) -> tuple[Line, ...]:
    """Tax charges: the tax on their sum, rounded once, divided over them by largest remainder."""
    if tax is None or not lines:
        return tuple(lines)
    bases = [line.net for line in lines]
    parts = allocate(tax.on(sum(bases)), bases)
    return tuple(
        evolve(line, net=base - part if tax.included else base, tax=part)
        for line, base, part in zip(lines, bases, parts, strict=True)
    )
