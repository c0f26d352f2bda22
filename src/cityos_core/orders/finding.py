"""Finding orders by the reference that the outside world knows them by, or by id."""

from uuid import UUID

from attrs import evolve, frozen

from cityos_core.kernel.errors import Conflict, NotFound
from cityos_core.kernel.ids import OrderId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.model import Order
from cityos_core.orders.ports import OrderFilter
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

OrderName = str | OrderId
"""What tells a tenant's order from its others: its reference or its id."""


def order_with(uow: UnitOfWork, name: OrderName, *, lock: bool = False) -> Order:
    """Give the order with a reference or an id, held if asked, or ``NotFound("order_not_found")``."""
    if isinstance(name, UUID):
        return uow.orders.get(name, lock=lock)
    placed = uow.orders.placed([name]).get(name)
    if placed is None:
        raise NotFound("order_not_found", f"there is no order {name!r}; list the orders to see what there is")
    return uow.orders.get(placed.order_id, lock=lock)


def placed_as(uow: UnitOfWork, reference: str, digest: str) -> Order | None:
    """Give the order that the same request placed under a reference; ``Conflict("reference_taken")`` if it was another."""
    placed = uow.orders.placed([reference]).get(reference)
    if placed is None:
        return None
    if placed.digest != digest:
        raise taken(reference)
    return uow.orders.get(placed.order_id)


def taken(reference: str) -> Conflict:
    """Say that a reference names another order."""
    return Conflict("reference_taken", f"order {reference} was placed before with other content; use another reference")


def save(uow: UnitOfWork, order: Order) -> Order:
    """Store a changed order and give it in its new version."""
    uow.orders.save(order)
    return evolve(order, version=order.version + 1)


@frozen
class GetOrder:
    """Give an order by its reference or its id."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, reference: OrderName) -> Order:
        with self.unit_of_work(scope) as uow:
            return order_with(uow, reference)


@frozen
class ListOrders:
    """List orders page by page, by time of placing."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self, scope: TenantScope, where: OrderFilter | None = None, request: PageRequest | None = None
    ) -> Page[Order]:
        with self.unit_of_work(scope) as uow:
            return uow.orders.page(where or OrderFilter(), request or PageRequest())
