"""A vendor's part of orders."""

from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import OrderId
from cityos_core.orders.model import Order
from cityos_core.orders.ports import OrderFilter
from cityos_http.asking import NOWHERE, Asked, Listed, Paged
from cityos_http.endpoint import Routes
from cityos_http.schemas.orders import FulfilmentRequest, OrderPartView

routes = Routes("/vendor/orders", tag="Vendor portal")


def _own(asked: Asked, order: OrderId) -> Order:
    """Give an order that the vendor has a part in."""
    found = asked.city.orders.get(asked.scope, order)
    if all(part.vendor != asked.vendor for part in found.vendor_orders):
        raise NotFound("order_not_found", NOWHERE)
    return found


@routes.get("", action="orders:list")
def list_order_parts(asked: Asked, query: Paged) -> Listed[OrderPartView]:
    """List the orders that the vendor has a part in, oldest first."""
    page = asked.city.orders.list(asked.scope, OrderFilter(vendor=asked.vendor), asked.page(query))
    return asked.listed(query, page, lambda order: OrderPartView.of(order, asked.vendor))


@routes.get("/{order}", action="orders:read")
def get_order_part(asked: Asked, order: OrderId) -> OrderPartView:
    """Read the vendor's part of an order."""
    return OrderPartView.of(_own(asked, order), asked.vendor)


@routes.post("/{order}/fulfill", action="orders:fulfil", status=200)
def fulfill_order_part(asked: Asked, order: OrderId, body: FulfilmentRequest) -> OrderPartView:
    """Send goods: some units of some lines, or everything that has not gone out yet."""
    after = asked.city.orders.fulfil(
        asked.scope,
        _own(asked, order).id,
        vendor=asked.vendor,
        items=body.quantities,
        carrier=body.carrier,
        tracking=body.tracking,
    )
    return OrderPartView.of(after, asked.vendor)
