"""Many threads at once, on every kind of database."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from cityos_core.orders.draft import OrderDraft
from cityos_core.orders.refunds import LineRefund
from cityos_core.testing.builders import line, order_draft
from cityos_core.testing.clock import START
from cityos_core.testing.commissions import rule
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.market import Market, eur
from usecases.town import code

THREADS = 6


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def market(request: pytest.FixtureRequest, make_database: Callable[[str], UnitOfWorkFactory]) -> Market:
    return Market.open(rule("ten", rate="10"), database=make_database(request.param), holding_days=0)


def split(reference: str, *, fulfilled: bool = False) -> OrderDraft:
    return order_draft(
        reference,
        line("1", quantity=2),
        line("2", sku="birch-chair", vendor="birch", unit_price="33.33"),
        fulfilled_at=START if fulfilled else None,
    )


def at_once(*calls: Callable[[], object]) -> Counter[str]:
    """Make all calls at the same time and count how they ended."""
    with ThreadPoolExecutor(THREADS) as threads:
        return Counter(threads.map(code, calls))


def test_one_order_is_placed_once(market: Market) -> None:
    """One order sent from many threads at once is placed once."""
    assert at_once(*[partial(market.place, split("A-1"))] * THREADS) == {"ok": THREADS}
    assert market.balance("gateway:card:pending") == "233.33"
    market.audit()


def test_refunds_never_exceed_the_sale(market: Market) -> None:
    """Of many refunds at once only as many as the buyer paid for succeed, and one key refunds once."""
    market.place(split("A-1"))
    refund = partial(market.orders.refund, market.scope, "A-1", amount=eur("100.00"))
    ended = at_once(*[partial(refund, key=str(number % 4)) for number in range(12)])
    assert set(ended) <= {"ok", "more_than_remains"}
    assert market.get().refunded == eur("200.00")
    market.audit()


def test_stock_is_sold_once(market: Market) -> None:
    """Of many orders for the last units only as many are placed as there are units."""
    market.stock("chair", 4)
    ended = at_once(*[partial(market.place, order_draft(f"A-{n}", line(quantity=1))) for n in range(8)])
    assert ended == {"ok": 4, "out_of_stock": 4}
    assert market.stock("chair").reserved == 4


def test_money_is_released_once(market: Market) -> None:
    """Workers that release at once release each part once, whatever is refunded meanwhile."""
    for number in range(6):
        market.place(split(f"A-{number}", fulfilled=True))
    release = partial(market.orders.release_due, market.scope)
    refunds = [
        partial(market.orders.refund, market.scope, f"A-{number}", lines=[LineRefund(line="1", quantity=1)], key="r")
        for number in range(6)
    ]
    ended = at_once(release, *refunds, release, release)
    assert ended["ok"] + ended["stale"] == 9
    market.orders.release_due(market.scope)
    assert (market.balance("acme:pending"), market.balance("birch:pending")) == ("0.00", "0.00")
    market.audit()


def test_cancelling_and_placing_do_not_wait_for_each_other(market: Market) -> None:
    """Orders placed and cancelled at once, over the same stock and vendors, all end, and the books are right."""
    market.stock("chair", 100)
    for number in range(6):
        market.place(split(f"A-{number}"))
    calls: list[Callable[[], object]] = []
    for number in range(6):
        calls += [
            partial(market.orders.cancel, market.scope, f"A-{number}"),
            partial(market.place, split(f"B-{number}")),
        ]
    ended = at_once(*calls)
    assert ended["ok"] + ended["stale"] == 12
    kept = sum(order.status.value == "placed" for order in market.orders.list(market.scope).items)
    assert market.stock("chair").reserved == 2 * kept
    market.audit()
