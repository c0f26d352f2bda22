"""What a refund takes from each line of an order, and from each party to it: the refund rule applied to a request."""

from collections.abc import Collection, Sequence
from typing import Final

from attrs import frozen

from cityos_core.kernel.allocation import allocate
from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.money import Money
from cityos_core.kernel.rounding import divide
from cityos_core.ledger.unwinding import unwind, unwind_share
from cityos_core.orders.model import LEG_NAMES, DisputeStatus, LegName, Legs, Order, OrderLine, RefundPart

_VENDOR: Final = LEG_NAMES.index(LegName.VENDOR)
_COMMISSIONS: Final = tuple(LEG_NAMES.index(leg) for leg in (LegName.COMMISSION, LegName.COMMISSION_FIXED))
_COMMISSION_TAX: Final = LEG_NAMES.index(LegName.COMMISSION_TAX)


@frozen(kw_only=True)
class LineRefund:
    """What to refund of one line: some units, an amount, or, with neither, everything that remains of it."""

    line: str
    quantity: int | None = None
    amount: Money | None = None

    def __attrs_post_init__(self) -> None:
        if self.quantity is not None and self.amount is not None:
            raise Invalid("refund_form", f"refund line {self.line} by `quantity` or by `amount`, not both")
        if self.quantity is not None and self.quantity < 1:
            raise Invalid("quantity", f"refund one or more units of line {self.line}")


@frozen
class _Left:
    """A line and what earlier refunds left of it: legs and units."""

    line: OrderLine
    legs: Legs
    units: int

    @property
    def paid(self) -> int:
        return sum(self.legs)

    @property
    def is_empty(self) -> bool:
        return not self.units and not any(self.legs)

    def take(self, amount: int, keep: Collection[LegName], *, quantity: int = 0) -> RefundPart:
        """Unwind an amount; one that takes all the buyer paid empties the line."""
        if amount == self.paid:
            return self.empty(keep, quantity=quantity or None)
        legs, kept = _unwound(self.legs, amount, keep)
        return RefundPart(line_id=self.line.id, quantity=quantity, amount=amount, legs=legs, kept=kept)

    def empty(self, keep: Collection[LegName], *, quantity: int | None = None) -> RefundPart:
        """Unwind all that is left, and all units unless a number of them was asked for."""
        units = self.units if quantity is None else quantity
        kept = _keepable(self.legs, keep)
        return RefundPart(line_id=self.line.id, quantity=units, amount=self.paid, legs=self.legs, kept=kept)

    def take_units(self, quantity: int, keep: Collection[LegName]) -> RefundPart:
        """Unwind units: their share of what remains of the price, or of the legs of a line that cost nothing."""
        if quantity > self.units:
            raise Refused(
                "more_than_remains", f"line {self.line.reference} has {self.units} units left to refund, not {quantity}"
            )
        if quantity == self.units:
            return self.empty(keep)
        if self.paid:
            return self.take(divide(self.paid * quantity, self.units), keep, quantity=quantity)
        legs, kept = _unwound_units(self.legs, quantity, self.units, keep)
        return RefundPart(line_id=self.line.id, quantity=quantity, amount=0, legs=legs, kept=kept)


def plan_refund(
    order: Order, *, amount: Money | None = None, lines: Sequence[LineRefund] = (), keep: Collection[LegName] = ()
) -> tuple[RefundPart, ...]:
    """Divide a refund over lines and their legs: an amount, certain lines, or, with neither, everything that remains.

    An amount is allocated over the lines by what the buyer could still get back for each. Legs in ``keep`` stay with
    those who received them and the vendor bears them. What open disputes hold cannot be refunded.
    ``Refused("more_than_remains")`` if there is not that much.
    """
    if amount is not None and lines:
        raise Invalid("refund_form", "refund an amount of the order or certain lines, not both")
    left = _left(order)
    disputed = sum(dispute.amount for dispute in order.disputes if dispute.status is DisputeStatus.OPEN)
    refundable = sum(one.paid for one in left) - disputed
    if lines:
        parts = _of_lines(order, left, lines, keep)
    elif amount is None and not disputed:
        parts = tuple(one.empty(keep) for one in left)
    else:
        asked = refundable if amount is None else _minor(order, amount)
        _require(order, asked, refundable)
        parts = _of_order(left, asked, keep)
    _require(order, sum(part.amount for part in parts), refundable, allowed=bool(parts))
    return parts


def plan_chargeback(order: Order, amount: int) -> tuple[RefundPart, ...]:
    """Divide what a dispute takes over lines and their legs; nothing is kept, and what disputes hold is no limit."""
    left = _left(order)
    _require(order, amount, sum(one.paid for one in left), allowed=amount > 0)
    return _of_order(left, amount, ())


def _left(order: Order) -> list[_Left]:
    left = (_Left(line, order.remaining(line), line.quantity - order.refunded_quantity(line)) for line in order.lines)
    return [one for one in left if not one.is_empty]


def _minor(order: Order, amount: Money) -> int:
    if amount.currency != order.currency:
        raise Invalid("currency_mismatch", f"order {order.reference} is in {order.currency}, not {amount.currency}")
    if amount.minor <= 0:
        raise Invalid("negative_refund", "a refund is more than zero")
    return amount.minor


def _of_lines(
    order: Order, left: list[_Left], lines: Sequence[LineRefund], keep: Collection[LegName]
) -> tuple[RefundPart, ...]:
    known = {line.reference for line in order.lines}
    named = [wanted.line for wanted in lines]
    for reference in named:
        if reference not in known:
            raise Invalid("unknown_line", f"order {order.reference} has no line {reference}")
    if len(set(named)) != len(named):
        raise Invalid("duplicate_line", "name each line once in a refund")
    by_reference = {one.line.reference: one for one in left}
    return tuple(_of_line(order, by_reference.get(wanted.line), wanted, keep) for wanted in lines)


def _of_line(order: Order, left: _Left | None, wanted: LineRefund, keep: Collection[LegName]) -> RefundPart:
    if left is None:
        raise Refused("more_than_remains", f"nothing remains of line {wanted.line}")
    if wanted.quantity is not None:
        return left.take_units(wanted.quantity, keep)
    if wanted.amount is None:
        return left.empty(keep)
    amount = _minor(order, wanted.amount)
    _require(order, amount, left.paid, what=f"line {wanted.line}")
    return left.take(amount, keep)


def _of_order(left: list[_Left], amount: int, keep: Collection[LegName]) -> tuple[RefundPart, ...]:
    weights = [one.paid for one in left]
    if amount == sum(weights):
        return tuple(one.empty(keep) for one in left)
    shares = allocate(amount, weights)
    return tuple(one.take(share, keep) for one, share in zip(left, shares, strict=True) if share)


def _require(order: Order, asked: int, most: int, *, allowed: bool = True, what: str | None = None) -> None:
    if asked > most or not allowed:
        raise Refused(
            "more_than_remains",
            f"{Money(asked, order.currency)} cannot be refunded: {Money(most, order.currency)} remain of "
            f"{what or f'order {order.reference}'}, beside what open disputes hold",
        )


def _keepable(legs: Legs, keep: Collection[LegName]) -> Legs:
    """Give what of each leg stays: the legs named, and of the tax on commission the share of the commission that stays."""
    kept = [max(amount, 0) if name in keep else 0 for name, amount in zip(LEG_NAMES, legs, strict=True)]
    commission = sum(legs[index] for index in _COMMISSIONS)
    if commission:
        kept[_COMMISSION_TAX] = divide(legs[_COMMISSION_TAX] * sum(kept[index] for index in _COMMISSIONS), commission)
    return tuple(kept)


def _unwound(legs: Legs, amount: int, keep: Collection[LegName]) -> tuple[Legs, Legs]:
    kept = _keepable(legs, keep)
    return _apart(unwind(_merged(legs, kept), amount), legs, kept)


def _unwound_units(legs: Legs, part: int, whole: int, keep: Collection[LegName]) -> tuple[Legs, Legs]:
    kept = _keepable(legs, keep)
    return _apart(unwind_share(_merged(legs, kept), part, whole), legs, kept)


def _merged(legs: Legs, kept: Legs) -> list[int]:
    """Take out what is kept and lay it on the vendor."""
    merged = [amount - stays for amount, stays in zip(legs, kept, strict=True)]
    merged[_VENDOR] += sum(kept)
    return merged


def _apart(parts: list[int], legs: Legs, kept: Legs) -> tuple[Legs, Legs]:
    """Divide the vendor's part again over the vendor and what is kept, so that every leg unwinds to its end."""
    if not any(kept):
        return tuple(parts), kept
    vendor, *stays = _signed(parts[_VENDOR], [legs[_VENDOR], *kept])
    unwound = [part + stay for part, stay in zip(parts, stays, strict=True)]
    unwound[_VENDOR] = vendor
    return tuple(unwound), tuple(stays)


def _signed(part: int, remaining: list[int]) -> list[int]:
    if sum(remaining) < 0:
        return [-amount for amount in unwind([-amount for amount in remaining], -part)]
    return unwind(remaining, part)
