"""Orders, for administrators."""

from collections.abc import Callable

from cityos_core.access.model import Resource
from cityos_core.kernel.ids import NodeId, OrderId
from cityos_core.orders.model import Order
from cityos_core.orders.ports import OrderFilter
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes
from cityos_http.schemas.orders import OrderQuery, OrderView
from cityos_http.schemas.placing import CancellationRequest, DeliveryRequest, OrderRequest, ShipmentRequest
from cityos_http.schemas.refunds import DisputeRequest, DisputeView, OutcomeRequest, RefundRequest, RefundView

routes = Routes("/admin/orders", tag="Orders")


def _shown(asked: Asked, order: OrderId) -> OrderView:
    return OrderView.of(asked.city.orders.get(asked.scope, order))


def _owned(asked: Asked) -> Callable[[Order], Resource]:
    """Say whose orders are. One of several vendors belongs to none of them alone."""
    stores = {store.id: store.handle for store in asked.city.stores.list(asked.scope)}

    def resource(order: Order) -> Resource:
        sellers = {part.vendor for part in order.vendor_orders}
        return Resource(
            kind=asked.endpoint.resource,
            id=str(order.id),
            tenant_id=asked.tenant.id,
            path=asked.tenant.path,
            store=None if order.store_id is None else stores.get(order.store_id),
            vendor=sellers.pop() if len(sellers) == 1 else None,
            customer=order.customer,
        )

    return resource


def _about(asked: Asked, order: OrderId, **_: object) -> Resource:
    """Say whose an order is, for grants that reach one store, vendor or customer only."""
    return _owned(asked)(asked.city.orders.get(asked.scope, order))


@routes.get("", action="orders:list", filters=True)
def list_orders(asked: Asked, query: OrderQuery) -> Listed[OrderView]:
    """List the orders that the caller may see, oldest first."""
    where = OrderFilter(
        vendor=query.vendor,
        customer=query.customer,
        store=None if query.store is None else NodeId(query.store),
        since=query.since,
        until=query.until,
    )
    page = asked.sift(query, lambda request: asked.city.orders.list(asked.scope, where, request), _owned(asked))
    return asked.listed(query, page, OrderView.of)


@routes.post("", action="orders:place", moves_money=True)
def create_order(asked: Asked, body: OrderRequest) -> OrderView:
    """Place an order in the exchange format and book its payment.

    The same order again is answered with the one that stands, whatever the idempotency key.
    """
    order = asked.city.orders.place(asked.scope, body.draft(), payments=body.paid(), store=body.store)
    return OrderView.of(order)


@routes.get("/{order}", action="orders:read", about=_about)
def get_order(asked: Asked, order: OrderId) -> OrderView:
    """Read everything about an order."""
    return _shown(asked, order)


@routes.post("/{order}/fulfill", action="orders:fulfil", status=200, about=_about)
def fulfill_order(asked: Asked, order: OrderId, body: ShipmentRequest) -> OrderView:
    """Send goods: some units of some lines, or everything that has not gone out yet."""
    after = asked.city.orders.fulfil(
        asked.scope,
        order,
        vendor=body.vendor,
        items=body.quantities,
        carrier=body.carrier,
        tracking=body.tracking,
        at=body.at,
    )
    return OrderView.of(after)


@routes.post("/{order}/deliver", action="orders:deliver", status=200, about=_about)
def deliver_order(asked: Asked, order: OrderId, body: DeliveryRequest) -> OrderView:
    """Record that what was sent arrived."""
    return OrderView.of(asked.city.orders.deliver(asked.scope, order, vendor=body.vendor, at=body.at))


@routes.post("/{order}/cancel", action="orders:cancel", status=200, about=_about, moves_money=True)
def cancel_order(asked: Asked, order: OrderId, body: CancellationRequest) -> OrderView:
    """Cancel an order, or one vendor's part of it, before anything of it was sent; the buyer gets the money back."""
    return OrderView.of(asked.city.orders.cancel(asked.scope, order, vendor=body.vendor, note=body.note))


@routes.get("/{order}/refunds", action="refunds:list", about=_about)
def list_refunds(asked: Asked, order: OrderId, query: Paged) -> Listed[RefundView]:
    """List what went back to the buyer of an order, oldest first."""
    found = asked.city.orders.get(asked.scope, order)
    return asked.part(
        query,
        found.refunds,
        lambda refund: f"{refund.refunded_at.isoformat()} {refund.id}",
        lambda refund: RefundView.of(found, refund),
    )


@routes.post("/{order}/refunds", action="orders:refund", about=_about, moves_money=True)
def refund_order(asked: Asked, order: OrderId, body: RefundRequest) -> RefundView:
    """Give a buyer money back: an amount, certain lines, or everything that remains."""
    refund = asked.city.orders.refund(
        asked.scope,
        order,
        amount=body.amount,
        lines=[line.refund() for line in body.lines],
        reason=body.reason,
        note=body.note,
    )
    return RefundView.of(asked.city.orders.get(asked.scope, order), refund)


@routes.post("/{order}/disputes", action="disputes:open", about=_about, moves_money=True)
def open_dispute(asked: Asked, order: OrderId, body: DisputeRequest) -> DisputeView:
    """Record that a buyer disputes a payment; the vendors' shares are held back."""
    dispute = asked.city.orders.open_dispute(asked.scope, order, body.reference, amount=body.amount, reason=body.reason)
    return DisputeView.of(asked.city.orders.get(asked.scope, order), dispute)


@routes.post("/{order}/disputes/{dispute}/close", action="disputes:close", status=200, about=_about, moves_money=True)
def close_dispute(asked: Asked, order: OrderId, dispute: str, body: OutcomeRequest) -> DisputeView:
    """Record how a dispute ended; lost, the buyer's bank takes the money."""
    closed = asked.city.orders.close_dispute(asked.scope, order, dispute, body.outcome)
    return DisputeView.of(asked.city.orders.get(asked.scope, order), closed)
