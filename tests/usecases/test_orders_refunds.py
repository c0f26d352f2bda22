"""Refunds and cancellations."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from cityos_core.commissions.lines import EntryKind, EntryStatus
from cityos_core.kernel.errors import Conflict, Refused
from cityos_core.ledger.by_hand import AdjustmentKind
from cityos_core.ledger.ports import JournalFilter
from cityos_core.orders.draft import OrderDraft, Party
from cityos_core.orders.model import OrderStatus, Payment, VendorOrderStatus
from cityos_core.orders.refunds import LineRefund
from cityos_core.testing.builders import discount, line, order_draft
from cityos_core.testing.clock import START
from cityos_core.testing.commissions import flat, rule
from usecases.market import Market, eur
from usecases.town import code

TEN = rule("ten", rate="10")
PLATFORM = {Party.PLATFORM: 1}


def split() -> OrderDraft:
    """100.00 split 33 / 33 / 34 among three vendors."""
    return order_draft(
        "A-1",
        line("1", sku="acme-chair", unit_price="33.00"),
        line("2", sku="birch-chair", vendor="birch", unit_price="33.00"),
        line("3", sku="cedar-chair", vendor="cedar", unit_price="34.00"),
    )


def test_half_of_a_split_payment() -> None:
    """Of a payment of 100 split 33/33/34 a refund of 50 takes 16.50, 16.50 and 17.00, and the rest empties everything."""
    market = Market.open()
    market.place(split())
    market.orders.refund(market.scope, "A-1", amount=eur("50.00"))
    assert market.balances() == {
        "gateway:card:pending": "50.00",
        "acme:pending": "16.50",
        "birch:pending": "16.50",
        "cedar:pending": "17.00",
    }
    market.orders.refund(market.scope, "A-1", amount=eur("50.00"))
    assert market.balances() == {}
    market.audit()


def test_refunds_unwind_the_commission() -> None:
    """A sale of 100 at 10 % refunded 33.33 and then the rest: 30.00 + 3.33, then 60.00 + 6.67."""
    market = Market.open(TEN)
    market.place(order_draft("A-1"))
    market.orders.refund(market.scope, "A-1", amount=eur("33.33"))
    assert market.balances() == {
        "gateway:card:pending": "66.67",
        "acme:pending": "60.00",
        "revenue:commission": "6.67",
    }
    market.audit()
    market.orders.refund(market.scope, "A-1")
    assert market.balances() == {}
    assert [entry.commission for entry in market.entries()] == [1000, -333, -667]
    assert {entry.status for entry in market.entries()} == {EntryStatus.REVERSED}
    market.audit()


def test_a_promotion_is_given_back_to_who_paid_for_it() -> None:
    """Refunding a discounted sale gives the platform its part of the funding back, to the cent."""
    market = Market.open(TEN)
    market.place(order_draft("A-1", line(quantity=3, discounts=[discount("30", funding=PLATFORM)])))
    for _ in range(3):
        market.orders.refund(market.scope, "A-1", lines=[LineRefund(line="1", quantity=1)])
        market.audit()
    assert market.balances() == {}


def test_units_worth_less_than_a_cent() -> None:
    """Units that are worth less than a cent are refunded one by one all the same; the first takes the only cent."""
    market = Market.open()
    market.place(order_draft("A-1", line(unit_price="0.005", quantity=2)))
    one = [LineRefund(line="1", quantity=1)]
    assert [market.orders.refund(market.scope, "A-1", lines=one).amount for _ in range(2)] == [1, 0]
    assert code(lambda: market.orders.refund(market.scope, "A-1", lines=one)) == "more_than_remains"
    assert [entry.net for entry in market.entries()] == [1, -1]
    market.audit()


def test_a_free_sale_unwinds_by_quantity() -> None:
    """A sale the buyer paid nothing for unwinds by units: nothing goes back to the buyer, everyone else is made whole."""
    market = Market.open(TEN)
    market.place(order_draft("A-1", line(quantity=2, discounts=[discount("100", funding=PLATFORM)])))
    refund = market.orders.refund(market.scope, "A-1", lines=[LineRefund(line="1", quantity=1)])
    assert refund.amount == 0
    assert market.balances() == {"acme:pending": "90.00", "revenue:commission": "10.00", "funding:platform": "100.00"}
    market.audit()
    market.orders.refund(market.scope, "A-1")
    assert market.balances() == {}
    market.audit()


def test_a_changed_rule_changes_nothing_about_past_sales() -> None:
    """A rule changed after a sale changes nothing about that sale or its refunds."""
    market, other = Market.open(TEN), Market.open(TEN)
    for one in (market, other):
        one.place(order_draft("A-1"))
        one.orders.refund(one.scope, "A-1", amount=eur("12.34"))
    market.rules(rule("fifty", "tenant", "north", rate="50"))
    for one in (market, other):
        one.orders.refund(one.scope, "A-1", amount=eur("55.55"))
    assert market.balances() == other.balances()
    assert [entry.line for entry in market.entries()] == [entry.line for entry in other.entries()]
    market.place(order_draft("A-2"))
    assert market.entries("A-2")[0].commission == 5000
    market.audit()


def test_the_vendor_pays_from_available_pending_reserve_and_then_owes() -> None:
    """A refund takes a vendor's available money, then pending, then reserve; what is missing is debt."""
    market = Market.open(holding_days=0, reserve_percentage="10")
    market.place(order_draft("A-1", fulfilled_at=START))
    market.orders.release_due(market.scope)
    market.place(order_draft("A-2", line(unit_price="20.00")))
    assert market.balances() == {
        "gateway:card:pending": "120.00",
        "acme:available": "90.00",
        "acme:pending": "20.00",
        "acme:reserve": "10.00",
    }
    market.orders.refund(market.scope, "A-1", amount=eur("95.00"))
    assert market.balances() == {"gateway:card:pending": "25.00", "acme:pending": "15.00", "acme:reserve": "10.00"}
    market.orders.refund(market.scope, "A-2", amount=eur("18.00"))
    assert market.balances() == {"gateway:card:pending": "7.00", "acme:reserve": "7.00"}
    market.orders.refund(market.scope, "A-1")
    market.orders.refund(market.scope, "A-2")
    assert market.balances() == {}
    market.audit()


def test_money_already_paid_out_becomes_debt() -> None:
    """What a vendor no longer has it owes; the buyer is refunded all the same."""
    market = Market.open(TEN, holding_days=0)
    market.place(order_draft("A-1", fulfilled_at=START))
    market.orders.release_due(market.scope)
    market.ledger.adjust(
        market.scope,
        kind=AdjustmentKind.FEE,
        amount=eur("60.00"),
        debit=f"vendor:{market.vendors['acme']}:available",
        credit="expense:fees",
        actor="anna",
        reason="test",
    )
    market.orders.refund(market.scope, "A-1")
    assert market.balance("acme:debt") == "60.00"
    assert market.balance("acme:available") == "0.00"


def test_refunds_are_idempotent() -> None:
    """The same key again answers the refund that stands; for something else it is a conflict."""
    market = Market.open(TEN)
    market.place(order_draft("A-1"))
    first = market.orders.refund(market.scope, "A-1", amount=eur("10.00"), key="r-1")
    assert market.orders.refund(market.scope, "A-1", amount=eur("10.00"), key="r-1") == first
    assert market.get().refunded == eur("10.00")
    with pytest.raises(Conflict) as error:
        market.orders.refund(market.scope, "A-1", amount=eur("11.00"), key="r-1")
    assert error.value.code == "key_reused"
    market.orders.refund(market.scope, "A-1", amount=eur("10.00"))
    market.orders.refund(market.scope, "A-1", amount=eur("10.00"))
    assert market.get().refunded == eur("30.00")


def test_a_dry_run_keeps_nothing() -> None:
    """A dry run shows the refund and changes nothing."""
    market = Market.open(TEN)
    market.place(order_draft("A-1"))
    shown = market.orders.refund(market.scope, "A-1", amount=eur("10.00"), dry_run=True)
    assert (shown.amount, shown.parts[0].legs[:2]) == (1000, (900, 100))
    assert market.get().refunds == ()
    assert market.balance("gateway:card:pending") == "100.00"


def test_refunds_follow_the_payments() -> None:
    """Money goes back through the gateways it came through, by what remains of each payment."""
    market = Market.open()
    market.place(order_draft("A-1"), payments=[Payment("card", 7000), Payment("voucher", 3000)])
    market.orders.refund(market.scope, "A-1", amount=eur("33.33"))
    assert market.balance("gateway:card:pending") == "46.67"
    assert market.balance("gateway:voucher:pending") == "20.00"
    market.orders.refund(market.scope, "A-1")
    assert market.balances() == {}


def test_the_policy_keeps_by_reason() -> None:
    """What the policy keeps for a reason the vendor bears; other reasons give everything back in proportion."""
    policy = {"changed_mind": ["commission", "commission_fixed"], "damaged": []}
    market = Market.open(rule("ten", rate=flat("10", ("0.50", "line"))), refund_policy=policy)
    market.place(order_draft("A-1"))
    market.orders.refund(market.scope, "A-1", amount=eur("50.00"), reason="changed_mind")
    assert market.balances() == {
        "gateway:card:pending": "50.00",
        "acme:pending": "39.50",
        "revenue:commission": "10.50",
    }
    market.audit()
    market.orders.refund(market.scope, "A-1", reason="damaged")
    assert market.balances() == {"revenue:commission": "5.25", "acme:debt": "5.25"}
    assert [entry.commission for entry in market.entries()] == [1050, 0, -525]
    market.audit()


def test_parallel_refunds_never_exceed_the_sale() -> None:
    """Of many refunds at once only as many as the buyer paid for succeed."""
    market = Market.open(TEN)
    market.place(order_draft("A-1"))

    def refund(number: int) -> str:
        return code(lambda: market.orders.refund(market.scope, "A-1", amount=eur("30.00"), key=str(number)))

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(refund, range(8)))
    assert sorted(answers) == ["more_than_remains"] * 5 + ["ok"] * 3
    assert market.balance("gateway:card:pending") == "10.00"
    market.audit()


def test_refunding_everything_before_it_is_sent_cancels() -> None:
    """An order refunded wholly before anything was sent is cancelled: nothing is left to send, and units are free."""
    market = Market.open()
    market.stock("chair", 5)
    market.place(order_draft("A-1", line(quantity=2)))
    market.orders.refund(market.scope, "A-1", lines=[LineRefund(line="1", quantity=1)])
    assert market.stock("chair").reserved == 1
    assert market.get().status is OrderStatus.PLACED
    market.orders.refund(market.scope, "A-1")
    assert market.get().status is OrderStatus.CANCELLED
    assert market.stock("chair").reserved == 0
    assert code(lambda: market.orders.fulfil(market.scope, "A-1")) == "invalid_state"


def test_refunded_units_need_not_be_sent() -> None:
    """Units refunded before they were sent are not outstanding; when the rest was sent the part is fulfilled."""
    market = Market.open()
    market.place(order_draft("A-1", line(quantity=3)))
    market.orders.fulfil(market.scope, "A-1", items={"1": 2})
    assert market.get().vendor_orders[0].status is VendorOrderStatus.PARTLY_FULFILLED
    market.orders.refund(market.scope, "A-1", lines=[LineRefund(line="1", quantity=1)])
    (part,) = market.get().vendor_orders
    assert part.status is VendorOrderStatus.FULFILLED
    assert part.release_due_at == START + timedelta(days=7)


def test_cancelling_unwinds_everything() -> None:
    """Cancelling one vendor's part gives its money back and frees its units; the rest of the order stands."""
    market = Market.open(TEN)
    market.stock("acme-chair", 3)
    market.place(split())
    order = market.orders.cancel(market.scope, "A-1", vendor="acme")
    assert [part.status for part in order.vendor_orders] == ["cancelled", "placed", "placed"]
    assert market.balances() == {
        "gateway:card:pending": "67.00",
        "birch:pending": "29.70",
        "cedar:pending": "30.60",
        "revenue:commission": "6.70",
    }
    assert market.stock("acme-chair").reserved == 0
    order = market.orders.cancel(market.scope, "A-1")
    assert order.status is OrderStatus.CANCELLED
    assert order == market.get()
    assert market.balances() == {}
    assert len(market.happened("order.cancelled")) == 3
    assert code(lambda: market.orders.cancel(market.scope, "A-1")) == "invalid_state"
    market.audit()


def test_what_was_sent_is_not_cancelled() -> None:
    """Once something was sent the part cannot be cancelled, nor the order with it."""
    market = Market.open(TEN)
    market.place(split())
    market.orders.fulfil(market.scope, "A-1", vendor="birch")
    before = market.balances()
    assert code(lambda: market.orders.cancel(market.scope, "A-1", vendor="birch")) == "invalid_state"
    assert code(lambda: market.orders.cancel(market.scope, "A-1")) == "invalid_state"
    assert market.balances() == before
    market.orders.cancel(market.scope, "A-1", vendor="cedar")
    market.audit()


def test_cancelling_leaves_no_pending_money_behind() -> None:
    """A part that is cancelled after a refund took available money gives that back to available; nothing stays pending."""
    market = Market.open(holding_days=0)
    market.place(order_draft("A-0", fulfilled_at=START))
    market.orders.release_due(market.scope)
    market.place(order_draft("A-1"))
    market.orders.refund(market.scope, "A-1", amount=eur("30.00"))
    assert market.balance("acme:available") == "70.00"
    market.orders.cancel(market.scope, "A-1")
    assert market.balances() == {"gateway:card:pending": "100.00", "acme:available": "100.00"}
    market.audit()


def test_free_orders_can_be_cancelled() -> None:
    """An order nobody pays anything for is cancelled too, without a journal."""
    market = Market.open()
    market.place(order_draft("A-1", line(discounts=[discount("100")])))
    market.orders.cancel(market.scope, "A-1")
    assert market.get().status is OrderStatus.CANCELLED
    assert market.journals() == []


def test_nothing_is_refunded_twice() -> None:
    """Once everything is refunded another refund of anything is refused."""
    market = Market.open(TEN)
    market.place(order_draft("A-1", fulfilled_at=START))
    market.orders.refund(market.scope, "A-1")
    for lines in ([], [LineRefund(line="1")]):
        with pytest.raises(Refused):
            market.orders.refund(market.scope, "A-1", lines=lines)
    with pytest.raises(Refused):
        market.orders.refund(market.scope, "A-1", amount=eur("0.01"))
    assert len(list(market.ledger.export(market.scope, JournalFilter(kind="refund")))) == 1


def test_reversals_are_pending_until_released() -> None:
    """A reversal waits like the sale it belongs to; after the release it counts at once."""
    market = Market.open(TEN, holding_days=0)
    market.place(order_draft("A-1", fulfilled_at=START))
    market.orders.refund(market.scope, "A-1", amount=eur("10.00"))
    market.orders.release_due(market.scope)
    market.orders.refund(market.scope, "A-1", amount=eur("10.00"))
    assert [(entry.kind, entry.status) for entry in market.entries()] == [
        (EntryKind.SALE, EntryStatus.APPROVED),
        (EntryKind.REVERSAL, EntryStatus.APPROVED),
        (EntryKind.REVERSAL, EntryStatus.APPROVED),
    ]
