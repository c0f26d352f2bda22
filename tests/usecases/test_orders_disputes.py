"""Disputes."""

from datetime import timedelta
from typing import Any

import pytest

from cityos_core.commissions.lines import EntryStatus
from cityos_core.kernel.errors import Conflict, Refused
from cityos_core.orders.disputes import DisputeOutcome
from cityos_core.orders.draft import TaxRemitter
from cityos_core.orders.model import DISPUTE_LIFE, DisputeStatus, OrderStatus
from cityos_core.orders.refunds import LineRefund
from cityos_core.testing.builders import discount, line, order_draft
from cityos_core.testing.clock import START
from cityos_core.testing.commissions import rule
from usecases.market import Market, eur
from usecases.town import code

TEN = rule("ten", rate="10")
WON, LOST = DisputeOutcome.WON, DisputeOutcome.LOST


def disputed(*, released: bool = False, amount: str | None = "50.00", **settings: Any) -> Market:
    """A sale of 100 at 10 %, of which half is disputed."""
    market = Market.open(TEN, holding_days=0 if released else 7, **settings)
    market.place(order_draft("A-1", fulfilled_at=START))
    market.orders.release_due(market.scope)
    market.orders.open_dispute(market.scope, "A-1", "d-1", amount=eur(amount) if amount else None, reason="fraud")
    return market


def test_the_disputed_share_moves_to_the_reserve() -> None:
    """The vendor's share of a disputed amount waits in the reserve: from its own pending money, or from available."""
    market = disputed()
    assert (market.balance("acme:pending"), market.balance("acme:reserve")) == ("45.00", "45.00")
    market = disputed(released=True)
    assert (market.balance("acme:available"), market.balance("acme:reserve")) == ("45.00", "45.00")
    assert len(market.happened("order.dispute_opened")) == 1
    market.audit()


def test_a_dispute_that_is_won_changes_nothing() -> None:
    """What was held goes back to where it came from; what was pending waits for its release as before."""
    market = disputed()
    assert market.orders.close_dispute(market.scope, "A-1", "d-1", WON).status is DisputeStatus.WON
    assert market.balances()["acme:pending"] == "90.00"
    market.wait(days=7)
    market.orders.release_due(market.scope)
    assert market.balances() == {
        "gateway:card:pending": "100.00",
        "acme:available": "90.00",
        "revenue:commission": "10.00",
    }
    market.audit()


def test_what_was_released_in_between_goes_back_to_available() -> None:
    """Pending money that was held over the release is available when the dispute is won."""
    market = disputed()
    market.wait(days=7)
    market.orders.release_due(market.scope)
    assert (market.balance("acme:available"), market.balance("acme:reserve")) == ("45.00", "45.00")
    market.orders.close_dispute(market.scope, "A-1", "d-1", WON)
    assert (market.balance("acme:available"), market.balance("acme:reserve")) == ("90.00", "0.00")
    market.audit()


def test_a_dispute_that_is_lost_unwinds_the_sale() -> None:
    """Where vendors bear it, a lost dispute is a refund of the amount: commission comes back in proportion."""
    market = disputed()
    market.orders.close_dispute(market.scope, "A-1", "d-1", LOST)
    assert market.balances() == {
        "gateway:card:pending": "50.00",
        "acme:pending": "45.00",
        "revenue:commission": "5.00",
    }
    (refund,) = market.get().refunds
    assert (refund.amount, refund.reason) == (5000, "dispute")
    assert market.get().disputes[0].status is DisputeStatus.LOST
    market.audit()


def test_a_lost_dispute_of_money_that_is_gone_is_debt() -> None:
    """What a vendor does not have when it loses, it owes."""
    market = Market.open(TEN, holding_days=0)
    market.place(order_draft("A-1", fulfilled_at=START))
    market.place(order_draft("A-2", line(unit_price="10.00")))
    market.orders.open_dispute(market.scope, "A-2", "d-1")
    market.orders.refund(market.scope, "A-1")
    assert market.balance("acme:reserve") == "9.00"
    market.orders.close_dispute(market.scope, "A-2", "d-1", LOST)
    assert market.balances() == {}
    market.audit()


def test_what_a_vendor_does_not_have_is_not_held() -> None:
    """A vendor whose money is gone has nothing to hold: nothing is booked until the dispute is lost, then it owes."""
    market = Market.open(TEN, holding_days=0)
    market.place(order_draft("A-1", fulfilled_at=START))
    market.place(order_draft("A-2", fulfilled_at=START))
    market.orders.open_dispute(market.scope, "A-1", "d-1")
    assert (market.balance("acme:reserve"), market.balance("acme:pending")) == ("90.00", "90.00")
    market.orders.refund(market.scope, "A-2")
    booked = len(market.journals())
    market.place(order_draft("A-3", line(discounts=[discount("100")], tax="5.00"), tax_remitter=TaxRemitter.PLATFORM))
    market.orders.open_dispute(market.scope, "A-3", "d-3")
    assert market.get("A-3").disputes[0].held == ()
    assert len(market.journals()) == booked + 1
    market.orders.close_dispute(market.scope, "A-3", "d-3", WON)
    market.orders.close_dispute(market.scope, "A-1", "d-1", LOST)
    market.audit()


def test_the_platform_may_bear_it() -> None:
    """Where the platform bears lost disputes the sale stands, and the whole amount is a chargeback expense."""
    market = disputed(chargeback_bearer="platform")
    market.orders.close_dispute(market.scope, "A-1", "d-1", LOST)
    assert market.balances() == {
        "gateway:card:pending": "50.00",
        "acme:pending": "90.00",
        "revenue:commission": "10.00",
        "expense:chargeback": "50.00",
    }
    assert [entry.status for entry in market.entries()] == [EntryStatus.PENDING]
    assert market.get().refunded == eur("50.00")
    assert market.ledger.verify(market.scope).ok
    market.orders.refund(market.scope, "A-1")
    assert market.balances() == {
        "acme:pending": "45.00",
        "revenue:commission": "5.00",
        "expense:chargeback": "50.00",
    }
    market.audit()


def test_goods_are_sent_although_the_platform_lost() -> None:
    """Where the platform bore a lost dispute the sale stands: the goods are still to be sent, and earn their money."""
    market = Market.open(TEN, chargeback_bearer="platform", holding_days=0)
    market.place(order_draft("A-1"))
    market.orders.open_dispute(market.scope, "A-1", "d-1")
    market.orders.close_dispute(market.scope, "A-1", "d-1", LOST)
    assert market.get().status is OrderStatus.PLACED
    market.orders.fulfil(market.scope, "A-1")
    market.orders.release_due(market.scope)
    assert market.balances() == {
        "acme:available": "90.00",
        "revenue:commission": "10.00",
        "expense:chargeback": "100.00",
    }


def test_a_sale_is_disputed_at_the_cost_of_its_own_money_first() -> None:
    """What is held is the sale's own pending money, then available money, then what is pending for other sales."""
    market = Market.open(holding_days=1)
    market.place(order_draft("A-1", line(unit_price="10.00"), fulfilled_at=START))
    market.wait(days=1)
    market.orders.release_due(market.scope)
    market.place(order_draft("A-2"))
    market.place(order_draft("A-3", line(unit_price="50.00")))
    market.orders.refund(market.scope, "A-3", amount=eur("45.00"))
    assert (market.balance("acme:available"), market.balance("acme:pending")) == ("0.00", "115.00")
    market.place(order_draft("A-4", line(unit_price="10.00"), fulfilled_at=START + timedelta(days=1)))
    market.wait(days=1)
    market.orders.release_due(market.scope)
    market.orders.open_dispute(market.scope, "A-2", "d-1", amount=eur("20.00"))
    assert (market.balance("acme:available"), market.balance("acme:reserve")) == ("10.00", "20.00")
    market.orders.open_dispute(market.scope, "A-3", "d-3")
    assert (market.balance("acme:available"), market.balance("acme:reserve")) == ("10.00", "25.00")
    market.audit()


def test_whoever_was_refunded_meanwhile_gets_back_what_was_held() -> None:
    """A vendor whose part was refunded while the dispute was open pays nothing when it is lost, and nothing stays held."""
    market = Market.open(holding_days=0)
    lines = (line("1"), line("2", sku="birch-chair", vendor="birch"))
    market.place(order_draft("A-1", *lines, fulfilled_at=START))
    market.orders.release_due(market.scope)
    market.orders.open_dispute(market.scope, "A-1", "d-1", amount=eur("100.00"))
    assert (market.balance("acme:reserve"), market.balance("birch:reserve")) == ("50.00", "50.00")
    market.orders.refund(market.scope, "A-1", lines=[LineRefund(line="2")])
    market.orders.close_dispute(market.scope, "A-1", "d-1", LOST)
    assert market.balances() == {}
    market.audit()


def test_disputed_money_cannot_be_refunded() -> None:
    """While a dispute is open, refunds and further disputes stop at what is left beside it."""
    market = disputed()
    with pytest.raises(Refused):
        market.orders.refund(market.scope, "A-1", amount=eur("50.01"))
    with pytest.raises(Refused):
        market.orders.open_dispute(market.scope, "A-1", "d-2", amount=eur("50.01"))
    market.orders.refund(market.scope, "A-1")
    assert market.get().refunded == eur("50.00")
    market.orders.close_dispute(market.scope, "A-1", "d-1", LOST)
    assert market.balances() == {}
    market.audit()


def test_disputes_are_told_once() -> None:
    """The same dispute again, and the same outcome again, change nothing; anything else about it is a conflict."""
    market = disputed()
    first = market.orders.open_dispute(market.scope, "A-1", "d-1")
    assert market.orders.open_dispute(market.scope, "A-1", "d-1", amount=eur("50.00")) == first
    with pytest.raises(Conflict):
        market.orders.open_dispute(market.scope, "A-1", "d-1", amount=eur("49.00"))
    lost = market.orders.close_dispute(market.scope, "A-1", "d-1", LOST)
    before = market.balances()
    assert market.orders.close_dispute(market.scope, "A-1", "d-1", LOST) == lost
    assert code(lambda: market.orders.close_dispute(market.scope, "A-1", "d-1", WON)) == "invalid_state"
    assert code(lambda: market.orders.close_dispute(market.scope, "A-1", "d-9", WON)) == "dispute_not_found"
    assert market.balances() == before
    assert len(market.happened("order.dispute_closed")) == 1


def test_nothing_paid_is_nothing_to_dispute() -> None:
    """An order the buyer paid nothing for cannot be disputed."""
    market = Market.open()
    market.place(order_draft("A-1", line(discounts=[discount("100")])))
    assert code(lambda: market.orders.open_dispute(market.scope, "A-1", "d-1")) == "nothing_paid"


def test_the_table_is_the_life_of_a_dispute() -> None:
    """An open dispute is won or lost, and then it is over."""
    assert DISPUTE_LIFE.allowed(DisputeStatus.OPEN) == ("win", "lose")
    assert DISPUTE_LIFE.allowed(DisputeStatus.WON) == DISPUTE_LIFE.allowed(DisputeStatus.LOST) == ()
