"""Refunds and disputes as the API shows and takes them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import OrderId, RefundId
from cityos_core.kernel.money import Money
from cityos_core.orders.disputes import DisputeOutcome
from cityos_core.orders.model import LEG_NAMES, Dispute, DisputeStatus, Legs, Order, Refund
from cityos_core.orders.refunds import LineRefund
from cityos_http.schema import about

LONGEST_NAME = 200


@frozen(kw_only=True)
class RefundedLineView:
    """What a refund took from one line, and what of it the vendor bears beyond its share."""

    line: str
    quantity: int
    amount: Money
    legs: Mapping[str, Money]
    kept: Mapping[str, Money]


@frozen(kw_only=True)
class RefundView:
    """Money that went back to the buyer."""

    id: RefundId
    key: str
    order: OrderId
    order_reference: str
    amount: Money
    reason: str
    note: str
    lines: tuple[RefundedLineView, ...]
    refunded_at: datetime

    @classmethod
    def of(cls, order: Order, refund: Refund) -> Self:
        """Show a refund of an order."""
        lines, currency = {line.id: line.reference for line in order.lines}, order.currency
        return cls(
            id=RefundId(refund.id),
            key=refund.key,
            order=order.id,
            order_reference=order.reference,
            amount=Money(refund.amount, currency),
            reason=refund.reason,
            note=refund.note,
            lines=tuple(
                RefundedLineView(
                    line=lines[part.line_id],
                    quantity=part.quantity,
                    amount=Money(part.amount, currency),
                    legs=legs_of(part.legs, currency),
                    kept=legs_of(part.kept, currency),
                )
                for part in refund.parts
            ),
            refunded_at=refund.refunded_at,
        )


@frozen(kw_only=True)
class DisputeView:
    """A buyer's claim against a payment, and what it holds back by vendor."""

    reference: str
    status: DisputeStatus
    reason: str
    amount: Money
    held: Mapping[str, Money]
    opened_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, order: Order, dispute: Dispute) -> Self:
        """Show a dispute."""
        vendors = {part.id: part.vendor for part in order.vendor_orders}
        return cls(
            reference=dispute.reference,
            status=dispute.status,
            reason=dispute.reason,
            amount=Money(dispute.amount, order.currency),
            held={vendors[held.vendor_order_id]: Money(held.amount, order.currency) for held in dispute.held},
            opened_at=dispute.opened_at,
            closed_at=dispute.closed_at,
        )


@frozen(kw_only=True)
class LineRefundRequest:
    """What to refund of one line: some units, an amount, or, with neither, everything that remains of it."""

    line: str = field(metadata=about("The line's reference.", example="1"))
    quantity: int | None = field(default=None, metadata=about("Units.", example=1, least=1))
    amount: Money | None = None

    def refund(self) -> LineRefund:
        """Give what the core knows."""
        return LineRefund(line=self.line, quantity=self.quantity, amount=self.amount)


@frozen(kw_only=True)
class RefundRequest:
    """Money for the buyer: an amount of the order, certain lines, or, with neither, everything that remains."""

    amount: Money | None = None
    lines: tuple[LineRefundRequest, ...] = ()
    reason: str = field(default="other", metadata=about("Decides by the refund policy what is kept."))
    note: str = field(default="", metadata=about("For the record."))


@frozen(kw_only=True)
class DisputeRequest:
    """A buyer's claim against a payment."""

    reference: str = field(
        metadata=about("What the provider calls it.", example="dp_1", pattern="^[^/]+$", least=1, most=LONGEST_NAME)
    )
    amount: Money | None = field(default=None, metadata=about("Everything that remains unless said."))
    reason: str = field(default="other", metadata=about("What the buyer says."))

    @reference.validator
    def _check(self, _attribute: object, value: str) -> None:
        if not 1 <= len(value) <= LONGEST_NAME or not value.isprintable() or "/" in value:
            raise Invalid.at(
                "$.reference",
                "reference",
                f"a dispute is named by 1 to {LONGEST_NAME} printable characters but slashes",
            )


@frozen(kw_only=True)
class OutcomeRequest:
    """How a dispute ended, from the vendors' side."""

    outcome: DisputeOutcome


def legs_of(legs: Legs, currency: str) -> Mapping[str, Money]:
    """Give the parties' amounts by name, without those who have none."""
    named: Iterable[tuple[str, int]] = zip((name.value for name in LEG_NAMES), legs, strict=True)
    return {name: Money(minor, currency) for name, minor in named if minor}
