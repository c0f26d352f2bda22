"""Releasing vendors' money."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from cityos_core.commissions.lines import EntryStatus
from cityos_core.orders.release import Released
from cityos_core.testing.builders import line, order_draft
from cityos_core.testing.clock import START
from cityos_core.testing.commissions import rule
from usecases.market import Market, eur

TEN = rule("ten", rate="10")


def test_money_is_released_after_the_holding_period() -> None:
    """Money is pending until fulfilment plus the holding period, then available, and its transactions approved."""
    market = Market.open(TEN, holding_days=3)
    market.place(order_draft("A-1", fulfilled_at=START))
    market.place(order_draft("A-2"))
    market.wait(days=3, seconds=-1)
    assert market.orders.release_due(market.scope) == Released(0, 0)
    market.wait(seconds=1)
    assert market.orders.release_due(market.scope) == Released(1, 0)
    assert (market.balance("acme:available"), market.balance("acme:pending")) == ("90.00", "90.00")
    assert [entry.status for entry in market.entries("A-1")] == [EntryStatus.APPROVED]
    assert [entry.status for entry in market.entries("A-2")] == [EntryStatus.PENDING]
    assert len(market.happened("order.released")) == 1
    assert market.orders.release_due(market.scope) == Released(0, 0)
    market.audit()


def test_a_rolling_reserve_is_kept_back() -> None:
    """A part of what is released waits in the reserve for its days, and is then available too."""
    market = Market.open(holding_days=0, reserve_percentage="12.5", reserve_days=10)
    market.place(order_draft("A-1", line(unit_price="33.33"), fulfilled_at=START))
    market.orders.release_due(market.scope)
    assert (market.balance("acme:available"), market.balance("acme:reserve")) == ("29.16", "4.17")
    (part,) = market.get().vendor_orders
    assert (part.reserved, part.reserve_due_at) == (417, START + timedelta(days=10))
    market.wait(days=10)
    assert market.orders.release_due(market.scope) == Released(0, 1)
    assert market.balances() == {"gateway:card:pending": "33.33", "acme:available": "33.33"}
    assert market.orders.release_due(market.scope) == Released(0, 0)
    market.audit()


def test_settings_hold_from_the_moment_of_each_step() -> None:
    """The holding period is fixed at fulfilment; a later change counts for later fulfilments."""
    market = Market.open(holding_days=3)
    market.place(order_draft("A-1", fulfilled_at=START))
    market.settings.set(market.scope, "holding_days", 30)
    market.place(order_draft("A-2", fulfilled_at=START))
    market.wait(days=3)
    assert market.orders.release_due(market.scope) == Released(1, 0)


def test_refunds_before_the_release_leave_less_to_release() -> None:
    """What a refund took of a part's own pending money is not released again."""
    market = Market.open(TEN, holding_days=1)
    market.place(order_draft("A-1", fulfilled_at=START))
    market.orders.refund(market.scope, "A-1", amount=eur("40.00"))
    market.wait(days=1)
    market.orders.release_due(market.scope)
    assert (market.balance("acme:available"), market.balance("acme:pending")) == ("54.00", "0.00")
    market.audit()


def test_more_than_a_look_up_holds() -> None:
    """However many parts are due, one run releases all of them, and workers at once release each once."""
    market = Market.open(holding_days=0)
    for number in range(120):
        market.place(order_draft(f"A-{number}", line(unit_price="1.00"), fulfilled_at=START))
    with ThreadPoolExecutor(3) as threads:
        done = list(threads.map(lambda _: market.orders.release_due(market.scope), range(3)))
    market.orders.release_due(market.scope)
    assert sum(one.vendor_orders for one in done) == 120
    assert market.balance("acme:available") == "120.00"
    assert market.ledger.verify(market.scope).ok


def test_reversed_transactions_stay_reversed() -> None:
    """A sale that was wholly refunded is reversed and stays so when its part is released."""
    market = Market.open(TEN, holding_days=1)
    market.place(order_draft("A-1", line("1"), line("2", sku="acme-chair"), fulfilled_at=START))
    line_two = next(one for one in market.get().lines if one.reference == "2")
    market.orders.refund(market.scope, "A-1", amount=eur("200.00"))
    market.wait(days=1)
    market.orders.release_due(market.scope)
    assert {entry.status for entry in market.entries() if entry.line_id == line_two.id} == {EntryStatus.REVERSED}
