"""Releasing vendors' money."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from cityos_core.commissions.lines import EntryStatus
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import JournalId
from cityos_core.ledger.model import Account, Journal
from cityos_core.orders.release import TRIES, Released
from cityos_core.testing.builders import line, order_draft
from cityos_core.testing.clock import START
from cityos_core.testing.commissions import rule
from usecases.market import Market, eur

TEN = rule("ten", rate="10")
STRAY = {"company:funds": 1, "expense:stray": -1}


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


def test_many_are_released_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Money and reserves that are due together move as if each had a transaction of its own: it is only faster."""
    told = []
    for chunk in (50, 2, 1):
        monkeypatch.setattr("cityos_core.orders.release.CHUNK", chunk)
        market, done, passed = busy(), list[Released](), list[str]()
        with faults.hooked(passed.append):
            for days in (1, 2):
                market.wait(days=days)
                done.append(market.orders.release_due(market.scope))
        assert done == [Released(6, 0), Released(0, 6)]
        assert (passed.count("orders.release.before_commit") == 2) == (chunk == 50)
        market.audit()
        names = ("A-1", "A-2", "A-3", "A-4")
        parts = [part for name in names for part in market.get(name).vendor_orders]
        marks = [(entry.order_reference, entry.status) for name in names for entry in market.entries(name)]
        journals = [(one.key, one.kind, one.postings, one.references) for one in market.journals()]
        told.append((market.balances(), parts, marks, journals, market.happened("order.released")))
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("times", [1, 3])
def test_a_lost_race_is_run_again_order_by_order(times: int) -> None:
    """When another transaction gets in the way of many, each is released by itself, once; a few times if need be."""
    market = three_due()
    lost = iter([Conflict("stale", "another transaction was first")] * times)

    def race(name: str) -> None:
        if name == "orders.release.before_commit" and (conflict := next(lost, None)):
            raise conflict

    with faults.hooked(race):
        assert market.orders.release_due(market.scope) == Released(3, 0)
    assert market.balance("acme:available") == "300.00"
    assert len(market.happened("order.released")) == 3
    market.audit()


def test_races_are_not_run_for_ever() -> None:
    """Who loses every race is told so."""
    market, passed = three_due(), list[str]()

    def race(name: str) -> None:
        if name == "orders.release.before_commit":
            passed.append(name)
            raise Conflict("stale", "another transaction was first")

    with faults.hooked(race), pytest.raises(Conflict, match="another transaction"):
        market.orders.release_due(market.scope)
    assert len(passed) == 1 + 3 * (TRIES - 1)
    assert market.orders.release_due(market.scope) == Released(3, 0)


def test_one_troubled_order_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with one order is raised when all others are released, even if it is looked up before them."""
    monkeypatch.setattr("cityos_core.orders.release.CHUNK", 2)
    market = three_due()
    (part,) = market.get("A-1").vendor_orders
    stray = Journal.of(
        id=JournalId(market.identifiers.new()),
        tenant=market.scope.tenant_id,
        key=f"release:{part.id}",
        kind="stray",
        movements=[(Account(market.scope.tenant_id, path, "EUR"), amount) for path, amount in STRAY.items()],
        occurred_at=START,
    )
    with market.database(market.scope) as uow:
        uow.ledger.post(stray)
        uow.commit()
    with pytest.raises(Conflict) as trouble:
        market.orders.release_due(market.scope)
    assert trouble.value.code == "journal_key_reused"
    assert (market.balance("acme:available"), market.balance("acme:pending")) == ("200.00", "100.00")
    assert [market.get(name).vendor_orders[0].released_at is None for name in ("A-1", "A-2", "A-3")] == [
        True,
        False,
        False,
    ]


def busy() -> Market:
    """Open a market with two vendors' orders that fall due on several days, with refunds and a reserve."""
    market = Market.open(TEN, holding_days=1, reserve_percentage="12.5", reserve_days=2)
    both = (line("1"), line("2", vendor="birch", sku="birch-chair", unit_price="20.00"))
    for number, lines in enumerate((both, (line(unit_price="33.33"),), both, (line(unit_price="7.77"),)), 1):
        market.place(order_draft(f"A-{number}", *lines, placed_at=START, fulfilled_at=START))
        if number == 2:
            market.orders.refund(market.scope, "A-2", amount=eur("3.33"))
    market.orders.open_dispute(market.scope, "A-3", "d-1", amount=eur("50.00"))
    return market


def three_due() -> Market:
    """Open a market in which three orders of one vendor are due."""
    market = Market.open(holding_days=0)
    for number in (1, 2, 3):
        market.place(order_draft(f"A-{number}", fulfilled_at=START))
    return market


def test_reversed_transactions_stay_reversed() -> None:
    """A sale that was wholly refunded is reversed and stays so when its part is released."""
    market = Market.open(TEN, holding_days=1)
    market.place(order_draft("A-1", line("1"), line("2", sku="acme-chair"), fulfilled_at=START))
    line_two = next(one for one in market.get().lines if one.reference == "2")
    market.orders.refund(market.scope, "A-1", amount=eur("200.00"))
    market.wait(days=1)
    market.orders.release_due(market.scope)
    assert {entry.status for entry in market.entries() if entry.line_id == line_two.id} == {EntryStatus.REVERSED}
