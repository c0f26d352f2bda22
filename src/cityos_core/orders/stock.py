"""What orders do to the stock of the variants they sell."""

from collections import Counter
from collections.abc import Callable, Mapping

from cityos_core.catalog.inventory import low_stock_event
from cityos_core.catalog.model import Stock
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Refused
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import OrderLineId
from cityos_core.orders.model import Order
from cityos_core.unit_of_work import UnitOfWork

Step = Callable[[Stock, int], Stock]


def reserve(stock: Stock, quantity: int) -> Stock:
    """Set units aside for an order."""
    return stock.reserve(quantity)


def release(stock: Stock, quantity: int) -> Stock:
    """Give back units that are not going to be sent."""
    return stock.release(quantity)


def ship(stock: Stock, quantity: int) -> Stock:
    """Send units; ``Refused("out_of_stock")`` if the house does not hold as many and back-orders are not allowed."""
    after = stock.ship(quantity)
    if after.on_hand < 0 and not after.backorders:
        raise Refused(
            "out_of_stock", f"sku {stock.sku} has {stock.on_hand} on hand, {quantity} cannot be sent; correct its stock"
        )
    return after


def sell(stock: Stock, quantity: int) -> Stock:
    """Set units aside and send them at once."""
    return ship(reserve(stock, quantity), quantity)


def move_stock(uow: UnitOfWork, clock: Clock, units: Mapping[str, int], step: Step) -> list[Event]:
    """Take a step with the counted variants among these skus, and tell which of them became low by it."""
    wanted = {sku: quantity for sku, quantity in units.items() if quantity}
    if not wanted:
        return []
    before = uow.inventory.lock(wanted)
    after = {sku: step(stock, wanted[sku]) for sku, stock in before.items()}
    if after:
        uow.inventory.save(after.values())
    return [low_stock_event(stock, clock) for sku, stock in after.items() if stock.is_low and not before[sku].is_low]


def units_by_sku(order: Order, quantities: Mapping[OrderLineId, int]) -> Counter[str]:
    """Add up units of lines by what they are units of."""
    units: Counter[str] = Counter()
    for line in order.lines:
        units[line.sku] += quantities.get(line.id, 0)
    return units
