"""What orders need from storage."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from attrs import frozen

from cityos_core.kernel.ids import NodeId, OrderId, VendorId, VendorOrderId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.orders.model import Order


@frozen(kw_only=True)
class OrderFilter:
    """Which orders: every given part must hold; instants are of placing, ``[since, until)``."""

    vendor: str | None = None
    customer: str | None = None
    store: NodeId | None = None
    since: datetime | None = None
    until: datetime | None = None


@frozen
class Placed:
    """An order that has been placed under a reference, and the digest of what was asked for."""

    order_id: OrderId
    digest: str


@frozen
class Due:
    """A vendor order whose money, or whose reserve, may be let go."""

    order_id: OrderId
    vendor_order_id: VendorOrderId


class Orders(Protocol):
    """The orders of one tenant, whole: lines, vendor orders, fulfilments, refunds and disputes."""

    def add(self, order: Order) -> None:
        """Store a new order; ``Conflict("reference_taken")`` if the reference is in use."""
        ...

    def get(self, order_id: OrderId, *, lock: bool = False) -> Order:
        """Give an order, held until the unit of work ends if asked, or ``NotFound("order_not_found")``."""
        ...

    def many(self, order_ids: Iterable[OrderId], *, lock: bool = False) -> dict[OrderId, Order]:
        """Give these orders, those there are, in a fixed number of queries; held if asked, in the order of their ids."""
        ...

    def placed(self, references: Iterable[str]) -> dict[str, Placed]:
        """Tell which of these references are placed, in one query."""
        ...

    def save(self, order: Order) -> None:
        """Store what was added to or changed on an order, one version up; ``Conflict("stale")`` if someone was first."""
        ...

    def page(self, where: OrderFilter, request: PageRequest) -> Page[Order]:
        """List orders by time of placing."""
        ...

    def to_send(self, vendor_id: VendorId) -> int:
        """Count the vendor orders of which something is still to be sent."""
        ...

    def due(self, now: datetime, *, limit: int) -> list[Due]:
        """List vendor orders whose release or reserve is due by ``now`` and not done, earliest first."""
        ...
