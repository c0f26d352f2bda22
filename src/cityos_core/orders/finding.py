"""Finding orders by the reference that the outside world knows them by."""

from attrs import evolve, frozen

from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.model import Order
from cityos_core.orders.ports import OrderFilter
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory


def order_with(uow: UnitOfWork, reference: str, *, lock: bool = False) -> Order:
    """Give the order with a reference, held if asked, or ``NotFound("order_not_found")``."""
    placed = uow.orders.placed([reference]).get(reference)
    if placed is None:
        raise NotFound("order_not_found", f"there is no order {reference!r}; list the orders to see what there is")
    return uow.orders.get(placed.order_id, lock=lock)


def save(uow: UnitOfWork, order: Order) -> Order:
    """Store a changed order and give it in its new version."""
    uow.orders.save(order)
    return evolve(order, version=order.version + 1)


@frozen
class GetOrder:
    """Give an order by its reference."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, reference: str) -> Order:
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
