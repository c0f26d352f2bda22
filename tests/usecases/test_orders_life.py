"""Whole lives of orders, drawn at random."""

from collections.abc import Callable
from functools import partial
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_core.kernel.money import Money
from cityos_core.orders.disputes import DisputeOutcome
from cityos_core.orders.draft import Party
from cityos_core.orders.refunds import LineRefund
from cityos_core.testing.builders import discount, line, order_draft, shipping
from cityos_core.testing.commissions import flat, rule
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.market import Market
from usecases.town import code

WAYS = ("refund", "line", "units", "release", "fulfil", "wait", "cancel", "dispute", "win", "lose")
STEPS = st.lists(st.tuples(st.sampled_from(WAYS), st.integers(0, 10**6)), max_size=14)


@settings(max_examples=60)
@given(STEPS, st.sampled_from(["vendor", "platform"]))
def test_any_life_of_orders_ties(steps: list[tuple[str, int]], bearer: str) -> None:
    """Whatever happens in any order, books, orders and transactions agree, and in the end no money is left waiting."""
    market = opened(bearer)
    place(market)
    for what, number in steps:
        attempt(market, what, number)
        market.audit()
    finish(market)
    waiting = (":pending", ":reserve")
    assert not [path for path in market.balances() if path.endswith(waiting) and not path.startswith("gateway")]


def opened(bearer: str, database: UnitOfWorkFactory | None = None) -> Market:
    """Open a market with everything switched on."""
    return Market.open(
        rule("ten", rate=flat("10", ("0.30", "unit")), tax="19"),
        database=database,
        holding_days=2,
        reserve_percentage="12.5",
        reserve_days=5,
        refund_policy={"fraud": ["commission"]},
        chargeback_bearer=bearer,
    )


def place(market: Market) -> None:
    """Place two orders: one of many units with tax and shipping, one of two vendors with promotions."""
    promotion = discount("33", funding={Party.TENANT: 2, Party.VENDOR: 1})
    free = discount("100", funding={Party.PLATFORM: 1})
    taxed = line("1", quantity=3, tax="57.00", unit_price="0.99")
    market.place(order_draft("A-1", taxed, shipping=[shipping("4.99")]))
    market.place(
        order_draft(
            "A-2",
            line("1", quantity=2, discounts=[promotion]),
            line("2", sku="birch-chair", vendor="birch", unit_price="77.77"),
            line("3", quantity=4, discounts=[free]),
        )
    )


def attempt(market: Market, what: str, number: int) -> str:
    """Try something with one of the orders; a refusal is an answer too."""
    orders, scope = market.orders, market.scope
    order = market.get(f"A-{number % 2 + 1}")
    reference, one = order.reference, order.lines[number % len(order.lines)].reference
    amount, reason = Money(1 + number % 5000, "EUR"), "fraud" if number % 3 else "other"
    units = LineRefund(line=one, quantity=1 + number % 2)
    ways = {
        "refund": lambda: orders.refund(scope, reference, amount=amount, reason=reason),
        "line": lambda: orders.refund(scope, reference, lines=[LineRefund(line=one)], reason=reason),
        "units": lambda: orders.refund(scope, reference, lines=[units]),
        "release": lambda: orders.release_due(scope),
        "fulfil": lambda: orders.fulfil(scope, reference, items={one: 1 + number % 2}),
        "wait": lambda: market.wait(days=1 + number % 4),
        "cancel": lambda: orders.cancel(scope, reference, vendor="acme"),
        "dispute": lambda: orders.open_dispute(scope, reference, str(number % 4), amount=amount),
        "win": lambda: orders.close_dispute(scope, reference, str(number % 4), DisputeOutcome.WON),
        "lose": lambda: orders.close_dispute(scope, reference, str(number % 4), DisputeOutcome.LOST),
    }
    return code(ways[what])


def finish(market: Market) -> None:
    """Close every dispute, send what is outstanding, and let all time run out."""
    for reference in ("A-1", "A-2"):
        for dispute in market.get(reference).disputes:
            outcome = DisputeOutcome.LOST if dispute.amount % 2 else DisputeOutcome.WON
            if dispute.status.value == "open":
                market.orders.close_dispute(market.scope, reference, dispute.reference, outcome)
        code(partial(market.orders.fulfil, market.scope, reference))
    for _ in range(2):
        market.wait(days=30)
        market.orders.release_due(market.scope)
    market.audit()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("seed", range(3))
def test_databases_tell_the_same_story(kind: str, seed: int, make_database: Callable[[str], UnitOfWorkFactory]) -> None:
    """The same life on a real database: every answer, balance, order and transaction is that of the one in memory."""
    chance = Random(seed)
    memory, real = (opened("vendor", make_database(name)) for name in ("memory", kind))
    for market in (memory, real):
        place(market)
    for _ in range(12):
        what, number = chance.choice(WAYS), chance.randrange(10**6)
        assert attempt(memory, what, number) == attempt(real, what, number)
        assert memory.balances() == real.balances()
        for reference in ("A-1", "A-2"):
            assert memory.get(reference) == real.get(reference)
            assert memory.entries(reference) == real.entries(reference)
    for market in (memory, real):
        finish(market)
    assert memory.balances() == real.balances()
