"""What happens to orders, to the goods in them and to the vendors' money."""

from typing import ClassVar
from uuid import UUID

from attrs import frozen

from cityos_core.kernel.events import Event
from cityos_core.kernel.money import Money


@frozen(kw_only=True)
class OrderEvent(Event):
    """Something happened to an order, named by its external reference."""

    name: ClassVar[str] = "order"
    reference: str


@frozen(kw_only=True)
class OrderPlaced(OrderEvent):
    """A buyer's order was placed and paid."""

    name: ClassVar[str] = "order.placed"
    total: Money
    vendors: tuple[str, ...]


@frozen(kw_only=True)
class FulfilmentCreated(OrderEvent):
    """A vendor sent goods."""

    name: ClassVar[str] = "order.fulfilment_created"
    vendor: str
    fulfilment: UUID
    carrier: str | None = None
    tracking: str | None = None


@frozen(kw_only=True)
class OrderDelivered(OrderEvent):
    """One vendor's part arrived."""

    name: ClassVar[str] = "order.delivered"
    vendor: str


@frozen(kw_only=True)
class OrderCompleted(OrderEvent):
    """Everything that was not cancelled arrived."""

    name: ClassVar[str] = "order.completed"


@frozen(kw_only=True)
class OrderCancelled(OrderEvent):
    """One vendor's part is not coming."""

    name: ClassVar[str] = "order.cancelled"
    vendor: str


@frozen(kw_only=True)
class OrderRefunded(OrderEvent):
    """Money went back to the buyer."""

    name: ClassVar[str] = "order.refunded"
    refund: UUID
    amount: Money
    reason: str


@frozen(kw_only=True)
class DisputeOpened(OrderEvent):
    """A buyer claims money back through the payment provider."""

    name: ClassVar[str] = "order.dispute_opened"
    dispute: UUID
    amount: Money


@frozen(kw_only=True)
class DisputeClosed(OrderEvent):
    """A dispute was won or lost."""

    name: ClassVar[str] = "order.dispute_closed"
    dispute: UUID
    outcome: str


@frozen(kw_only=True)
class VendorOrderReleased(OrderEvent):
    """A vendor's money for its part became available, less the rolling reserve."""

    name: ClassVar[str] = "order.released"
    vendor: str
    available: Money
    reserved: Money
