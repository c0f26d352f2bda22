"""How an order stands: what each vendor gets of it, what has been sent, what is still to be sent."""

from attrs import evolve

from cityos_core.kernel.errors import NotFound
from cityos_core.orders.model import LEG_NAMES, LegName, Order, OrderLine, VendorOrder

_VENDOR = LEG_NAMES.index(LegName.VENDOR)


def lines_of(order: Order, part: VendorOrder) -> list[OrderLine]:
    """List the lines of one vendor's part."""
    return [line for line in order.lines if line.vendor_id == part.vendor_id]


def part_of(order: Order, vendor: str) -> VendorOrder:
    """Give the part of the vendor with a handle, or ``NotFound("vendor_order_not_found")``."""
    for part in order.vendor_orders:
        if part.vendor == vendor:
            return part
    sellers = ", ".join(part.vendor for part in order.vendor_orders)
    raise NotFound("vendor_order_not_found", f"{vendor} has no part in order {order.reference}; it is from {sellers}")


def with_part(order: Order, changed: VendorOrder) -> Order:
    """Put a changed part in its place."""
    parts = (changed if part.id == changed.id else part for part in order.vendor_orders)
    return evolve(order, vendor_orders=tuple(parts))


def vendor_net(order: Order, part: VendorOrder) -> int:
    """Say what the vendor got for its part when the order was placed, in minor units; below zero if it owes."""
    return sum(line.legs[_VENDOR] for line in lines_of(order, part))


def shipped(order: Order, line: OrderLine) -> int:
    """Count the units of a line that went out."""
    return sum(item.quantity for sent in order.fulfilments for item in sent.items if item.line_id == line.id)


def outstanding(order: Order, line: OrderLine) -> int:
    """Count the units of a line that are still to be sent; refunded units are taken to be those not sent yet."""
    return max(line.quantity - shipped(order, line) - order.refunded_quantity(line), 0)


def is_empty(order: Order, line: OrderLine) -> bool:
    """True if refunds unwound every leg of a line and counted every unit."""
    return order.refunded_quantity(line) >= line.quantity and not any(order.remaining(line))
