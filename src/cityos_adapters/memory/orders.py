"""The orders of one tenant."""

from collections.abc import Iterable
from datetime import datetime

from attrs import frozen

from cityos_adapters.memory.paging import Words, moment, page
from cityos_adapters.memory.rows import require_own, save
from cityos_adapters.memory.storage import awaits_release
from cityos_adapters.memory.tables import View
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import OrderId, TenantId, VendorId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.orders.model import AWAITING, Order, VendorOrder
from cityos_core.orders.ports import Due, OrderFilter, Placed


@frozen
class MemoryOrders:
    """Orders by id and reference."""

    tenant: TenantId
    orders: View[OrderId, Order]

    def add(self, order: Order) -> None:
        require_own(self.tenant, order.tenant_id)
        self.orders.put(order.id, order)

    def get(self, order_id: OrderId, *, lock: bool = False) -> Order:  # noqa: ARG002  the whole database is held
        order = self.orders.get(order_id)
        if order is None:
            raise NotFound("order_not_found", f"there is no order {order_id}")
        return order

    def many(self, order_ids: Iterable[OrderId], *, lock: bool = False) -> dict[OrderId, Order]:  # noqa: ARG002  as above
        found = {order_id: self.orders.get(order_id) for order_id in order_ids}
        return {order_id: order for order_id, order in found.items() if order is not None}

    def placed(self, references: Iterable[str]) -> dict[str, Placed]:
        found = (order for reference in set(references) for order in self.orders.find("reference", reference))
        return {order.reference: Placed(order.id, order.digest) for order in found}

    def save(self, order: Order) -> None:
        require_own(self.tenant, order.tenant_id)
        save(self.orders, order.id, order)

    def page(self, where: OrderFilter, request: PageRequest) -> Page[Order]:
        return page((order for order in self.orders.all() if _matches(order, where)), _words, request)

    def to_send(self, vendor_id: VendorId) -> int:
        parts = (part for order in self.orders.all() for part in order.vendor_orders)
        return sum(part.vendor_id == vendor_id and part.status in AWAITING for part in parts)

    def due(self, now: datetime, *, limit: int) -> list[Due]:
        waiting = self.orders.find("awaits_release", value=True)
        parts = ((order, part) for order in waiting for part in order.vendor_orders if awaits_release(part))
        due = [(_due_at(part), part.id, order.id) for order, part in parts]
        return [Due(order, part) for at, part, order in sorted(due) if at <= now][:limit]


def _words(order: Order) -> Words:
    return moment(order.placed_at), str(order.id)


def _matches(order: Order, where: OrderFilter) -> bool:
    return (
        (where.vendor is None or any(part.vendor == where.vendor for part in order.vendor_orders))
        and where.customer in (None, order.customer)
        and where.store in (None, order.store_id)
        and (where.since is None or where.since <= order.placed_at)
        and (where.until is None or order.placed_at < where.until)
    )


def _due_at(part: VendorOrder) -> datetime:
    due = part.reserve_due_at if part.released_at else part.release_due_at
    if due is None:
        raise ValueError("a vendor order that awaits its release has a date for it")
    return due
