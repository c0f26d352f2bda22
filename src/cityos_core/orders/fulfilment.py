"""Sending goods and their arrival, per vendor order."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import evolve, frozen

from cityos_core.kernel.clock import Clock, instant
from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers, OrderLineId
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.events import FulfilmentCreated, OrderCompleted, OrderDelivered
from cityos_core.orders.finding import OrderName, order_with, save
from cityos_core.orders.model import (
    AWAITING,
    VENDOR_ORDER_LIFE,
    Fulfilment,
    Order,
    OrderStatus,
    Shipped,
    VendorOrder,
    VendorOrderStatus,
)
from cityos_core.orders.settings import HOLDING_DAYS
from cityos_core.orders.standing import lines_of, outstanding, part_of, with_part
from cityos_core.orders.stock import move_stock, ship, units_by_sku
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen(kw_only=True)
class Parcel:
    """How goods were sent."""

    sent_at: datetime
    carrier: str | None = None
    tracking: str | None = None


def send(
    order: Order,
    part: VendorOrder,
    quantities: Mapping[OrderLineId, int],
    parcel: Parcel,
    *,
    identifiers: Identifiers,
    holding: timedelta,
) -> tuple[Order, Event]:
    """Send units of a vendor order's lines; sending the last ones fulfils it and fixes when its money is released."""
    partly = VENDOR_ORDER_LIFE.next(part.status, "fulfil_part")
    if not quantities:
        raise Invalid("nothing_to_send", f"say which units of order {order.reference} {part.vendor} sends")
    fulfilment = Fulfilment(
        id=identifiers.new(),
        vendor_order_id=part.id,
        items=tuple(Shipped(line_id, quantity) for line_id, quantity in quantities.items()),
        shipped_at=parcel.sent_at,
        carrier=parcel.carrier,
        tracking=parcel.tracking,
    )
    sent = with_part(evolve(order, fulfilments=(*order.fulfilments, fulfilment)), evolve(part, status=partly))
    event = FulfilmentCreated(
        subject=order.id,
        occurred_at=parcel.sent_at,
        reference=order.reference,
        vendor=part.vendor,
        fulfilment=fulfilment.id,
        carrier=parcel.carrier,
        tracking=parcel.tracking,
    )
    return complete(sent, part.vendor, at=parcel.sent_at, holding=holding), event


def complete(order: Order, vendor: str, *, at: datetime, holding: timedelta) -> Order:
    """Fulfil a vendor order of which nothing is left to send; its money is due once the holding period is over."""
    part = part_of(order, vendor)
    if any(outstanding(order, line) for line in lines_of(order, part)):
        return order
    status = VENDOR_ORDER_LIFE.next(part.status, "fulfil")
    return with_part(order, evolve(part, status=status, fulfilled_at=at, release_due_at=at + holding))


@frozen(kw_only=True)
class Fulfil:
    """Send goods, in part or all that is outstanding, for one vendor or for all.

    ``items`` are units by line reference. ``Refused("more_than_ordered")`` for more units than are still to be sent,
    ``Conflict("invalid_state")`` for a part that is cancelled or fulfilled. ``at`` is now unless given.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader

    def __call__(
        self,
        scope: TenantScope,
        reference: OrderName,
        *,
        vendor: str | None = None,
        items: Mapping[str, int] | None = None,
        carrier: str | None = None,
        tracking: str | None = None,
        at: datetime | None = None,
    ) -> Order:
        parcel = Parcel(sent_at=instant(at) if at else self.clock.now(), carrier=carrier, tracking=tracking)
        with self.unit_of_work(scope) as uow:
            holding = timedelta(days=self.configuration(uow, scope.tenant_id).value(HOLDING_DAYS))
            order = order_with(uow, reference, lock=True)
            if parcel.sent_at < order.placed_at:
                raise Invalid(
                    "fulfilled_before_placed", f"order {order.reference} was placed at {order.placed_at}, not later"
                )
            events: list[Event] = []
            for part, quantities in _to_send(order, vendor, items):
                order, event = send(order, part, quantities, parcel, identifiers=self.identifiers, holding=holding)
                events += [event, *move_stock(uow, self.clock, units_by_sku(order, quantities), ship)]
            order = save(uow, order)
            uow.commit(events)
        return order


def _to_send(
    order: Order, vendor: str | None, items: Mapping[str, int] | None
) -> list[tuple[VendorOrder, Mapping[OrderLineId, int]]]:
    parts = [part_of(order, vendor)] if vendor is not None else _with_items(order, items)
    for part in parts:
        VENDOR_ORDER_LIFE.next(part.status, "fulfil_part")
    lines = {line.reference: line for part in parts for line in lines_of(order, part)}
    for reference in items or ():
        if reference not in lines:
            raise Invalid("unknown_line", f"order {order.reference} has no line {reference} from {vendor or 'anyone'}")
    return [(part, _quantities(order, part, items)) for part in parts]


def _with_items(order: Order, items: Mapping[str, int] | None) -> list[VendorOrder]:
    if items is not None:
        sellers = {line.vendor_id for line in order.lines if line.reference in items}
        return [part for part in order.vendor_orders if part.vendor_id in sellers]
    return [part for part in order.vendor_orders if part.status in AWAITING] or list(order.vendor_orders[:1])


def _quantities(order: Order, part: VendorOrder, items: Mapping[str, int] | None) -> Mapping[OrderLineId, int]:
    quantities: dict[OrderLineId, int] = {}
    for line in lines_of(order, part):
        left = outstanding(order, line)
        quantity = left if items is None else items.get(line.reference, 0)
        if quantity < 0 or (items is not None and line.reference in items and quantity == 0):
            raise Invalid("quantity", f"send one or more units of line {line.reference}")
        if quantity > left:
            raise Refused("more_than_ordered", f"line {line.reference} has {left} units to send, not {quantity}")
        if quantity:
            quantities[line.id] = quantity
    return quantities


@frozen(kw_only=True)
class Deliver:
    """Record that what was sent arrived, for one vendor or for all whose goods are on their way."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(
        self, scope: TenantScope, reference: OrderName, *, vendor: str | None = None, at: datetime | None = None
    ) -> Order:
        arrived = instant(at) if at else self.clock.now()
        with self.unit_of_work(scope) as uow:
            order = order_with(uow, reference, lock=True)
            events: list[Event] = []
            for part in _on_their_way(order, vendor):
                order = _delivered(order, part, arrived)
                events.append(
                    OrderDelivered(subject=order.id, occurred_at=arrived, reference=order.reference, vendor=part.vendor)
                )
            if order.status is OrderStatus.COMPLETED:
                events.append(OrderCompleted(subject=order.id, occurred_at=arrived, reference=order.reference))
            order = save(uow, order)
            uow.commit(events)
        return order


def _on_their_way(order: Order, vendor: str | None) -> list[VendorOrder]:
    if vendor is not None:
        return [part_of(order, vendor)]
    sent = [part for part in order.vendor_orders if part.status is VendorOrderStatus.FULFILLED]
    return sent or list(order.vendor_orders[:1])


def _delivered(order: Order, part: VendorOrder, at: datetime) -> Order:
    fulfilments = tuple(
        evolve(sent, delivered_at=at) if sent.vendor_order_id == part.id and sent.delivered_at is None else sent
        for sent in order.fulfilments
    )
    status = VENDOR_ORDER_LIFE.next(part.status, "deliver")
    return with_part(evolve(order, fulfilments=fulfilments), evolve(part, status=status))
