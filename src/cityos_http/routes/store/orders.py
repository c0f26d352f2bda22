"""Buying, and what became of it, for customers."""

from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import OrderId
from cityos_core.orders.buying import Wanted
from cityos_core.orders.ports import OrderFilter
from cityos_http.asking import NOWHERE, Asked, Listed, Paged
from cityos_http.endpoint import Routes
from cityos_http.schemas.buying import PurchaseRequest
from cityos_http.schemas.orders import CustomerOrderView

routes = Routes("/store/orders", tag="Storefront")


@routes.post("", action="orders:place", moves_money=True)
def place_order(asked: Asked, body: PurchaseRequest) -> CustomerOrderView:
    """Order from the catalogue.

    Prices, vendors and taxes are the catalogue's, and the buyer is whoever has signed in.
    """
    order = asked.city.orders.buy(
        asked.scope,
        [Wanted(line.sku, line.quantity) for line in body.lines],
        customer=asked.customer,
        store=body.store,
        rates=body.shipping_rates,
        region=body.region,
        reference=body.reference,
    )
    return CustomerOrderView.of(order)


@routes.get("", action="orders:list")
def list_own_orders(asked: Asked, query: Paged) -> Listed[CustomerOrderView]:
    """List one's own orders, oldest first."""
    page = asked.city.orders.list(asked.scope, OrderFilter(customer=asked.customer), asked.page(query))
    return asked.listed(query, page, CustomerOrderView.of)


@routes.get("/{order}", action="orders:read")
def get_own_order(asked: Asked, order: OrderId) -> CustomerOrderView:
    """Read one of one's own orders."""
    found = asked.city.orders.get(asked.scope, order)
    if found.customer != asked.customer:
        raise NotFound("order_not_found", NOWHERE)
    return CustomerOrderView.of(found)
