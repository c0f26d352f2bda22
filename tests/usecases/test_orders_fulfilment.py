"""Sending goods and their arrival."""

from datetime import timedelta

import pytest

from cityos_core.kernel.errors import Refused
from cityos_core.orders.draft import OrderDraft
from cityos_core.orders.model import VENDOR_ORDER_LIFE, OrderStatus, VendorOrderStatus
from cityos_core.testing.builders import line, order_draft
from cityos_core.testing.clock import START
from usecases.market import Market
from usecases.town import code


def two_vendors() -> OrderDraft:
    return order_draft(
        "A-1",
        line("1", quantity=3),
        line("2", sku="acme-chair"),
        line("3", sku="birch-chair", vendor="birch"),
    )


def test_goods_are_sent_in_parts() -> None:
    """A vendor may send part of its goods with tracking; the money is due only when the last of them went out."""
    market = Market.open()
    market.stock("chair", 5)
    market.place(two_vendors())
    order = market.orders.fulfil(
        market.scope, "A-1", vendor="acme", items={"1": 2}, carrier="post", tracking="LX1", at=START
    )
    assert order == market.get()
    acme, birch = order.vendor_orders
    assert (acme.status, acme.release_due_at) == (VendorOrderStatus.PARTLY_FULFILLED, None)
    assert birch.status is VendorOrderStatus.PLACED
    (fulfilment,) = order.fulfilments
    assert (fulfilment.carrier, fulfilment.tracking) == ("post", "LX1")
    assert (market.stock("chair").on_hand, market.stock("chair").reserved) == (3, 1)
    market.wait(days=1)
    acme, _ = market.orders.fulfil(market.scope, "A-1", vendor="acme").vendor_orders
    assert acme.status is VendorOrderStatus.FULFILLED
    assert acme.release_due_at == START + timedelta(days=8)
    assert [event.name for event in market.happened("order.fulfilment_created")] == ["order.fulfilment_created"] * 2


def test_everything_is_sent_at_once() -> None:
    """Without a vendor everyone sends what is outstanding, each a fulfilment of its own."""
    market = Market.open()
    market.place(two_vendors())
    order = market.orders.fulfil(market.scope, "A-1")
    assert [part.status for part in order.vendor_orders] == ["fulfilled", "fulfilled"]
    assert [sum(item.quantity for item in sent.items) for sent in order.fulfilments] == [4, 1]
    assert code(lambda: market.orders.fulfil(market.scope, "A-1")) == "invalid_state"
    assert code(lambda: market.orders.fulfil(market.scope, "A-1", items={"1": 1})) == "invalid_state"


def test_no_more_is_sent_than_was_ordered() -> None:
    """More units than are outstanding, none, or those of someone else's line cannot be sent."""
    market = Market.open()
    market.place(two_vendors())
    with pytest.raises(Refused, match="line 1 has 3 units to send, not 4"):
        market.orders.fulfil(market.scope, "A-1", items={"1": 4})

    def sending(items: dict[str, int]) -> str:
        return code(lambda: market.orders.fulfil(market.scope, "A-1", vendor="acme", items=items))

    assert [sending({"1": 0}), sending({"3": 1}), sending({})] == ["quantity", "unknown_line", "nothing_to_send"]
    assert code(lambda: market.orders.fulfil(market.scope, "A-1", vendor="cedar")) == "vendor_order_not_found"
    early = START - timedelta(days=1)
    assert code(lambda: market.orders.fulfil(market.scope, "A-1", at=early)) == "fulfilled_before_placed"
    assert market.get().fulfilments == ()


def test_stock_that_is_not_there_is_not_sent() -> None:
    """A part whose units were counted away since cannot be sent until the stock is corrected."""
    market = Market.open()
    market.place(order_draft("A-1", line(quantity=3)))
    market.stock("chair", 2)
    assert code(lambda: market.orders.fulfil(market.scope, "A-1")) == "out_of_stock"
    market.stock("chair", 2, backorders=True)
    market.orders.fulfil(market.scope, "A-1")
    assert market.stock("chair").on_hand == -1


def test_an_order_is_completed_when_everything_arrived() -> None:
    """Deliveries are told per vendor; with the last of them, cancelled parts aside, the order is completed."""
    market = Market.open()
    market.place(two_vendors())
    market.orders.fulfil(market.scope, "A-1", vendor="acme")
    market.wait(days=2)
    order = market.orders.deliver(market.scope, "A-1")
    assert order.status is OrderStatus.PLACED
    assert order.fulfilments[0].delivered_at == START + timedelta(days=2)
    assert not market.happened("order.completed")
    assert code(lambda: market.orders.deliver(market.scope, "A-1", vendor="birch")) == "invalid_state"
    market.orders.cancel(market.scope, "A-1", vendor="birch")
    assert market.get().status is OrderStatus.COMPLETED
    assert len(market.happened("order.delivered")) == len(market.happened("order.completed")) == 1


def test_the_table_is_the_life_of_a_vendor_order() -> None:
    """What was sent cannot be cancelled, and nothing happens to what was delivered or cancelled."""
    assert VENDOR_ORDER_LIFE.allowed(VendorOrderStatus.PLACED) == ("fulfil_part", "fulfil", "cancel")
    assert VENDOR_ORDER_LIFE.allowed(VendorOrderStatus.PARTLY_FULFILLED) == ("fulfil_part", "fulfil")
    assert VENDOR_ORDER_LIFE.allowed(VendorOrderStatus.FULFILLED) == ("deliver",)
    assert VENDOR_ORDER_LIFE.allowed(VendorOrderStatus.DELIVERED) == ()
    assert VENDOR_ORDER_LIFE.allowed(VendorOrderStatus.CANCELLED) == ()
