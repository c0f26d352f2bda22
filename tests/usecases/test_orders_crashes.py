"""The process dies at every fault point in turn; after a restart everything is as if it had not."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count

import pytest

from cityos_core.kernel import faults
from cityos_core.kernel.imports import Row
from cityos_core.orders.disputes import DisputeOutcome
from cityos_core.orders.draft import OrderDraft, Party
from cityos_core.testing.builders import discount, line, order_draft
from cityos_core.testing.clock import START
from cityos_core.testing.commissions import rule
from usecases.market import Market, eur
from usecases.town import code

Step = Callable[[Market], object]

SHARED = discount("20", funding={Party.PLATFORM: 1, Party.VENDOR: 1})


def draft(reference: str, *, fulfilled: bool = False) -> OrderDraft:
    return order_draft(
        reference,
        line("1", quantity=2, discounts=[SHARED]),
        line("2", sku="birch-chair", vendor="birch", unit_price="33.33"),
        fulfilled_at=START if fulfilled else None,
    )


def rows() -> list[Row[OrderDraft]]:
    drafts = [draft("I-1"), draft("I-2", fulfilled=True), draft("I-1")]
    return [Row(number=number, reference=one.reference, draft=one) for number, one in enumerate(drafts, 1)]


STEPS: dict[str, Step] = {
    "place": lambda market: market.place(draft("A-1")),
    "place fulfilled": lambda market: market.place(draft("A-2", fulfilled=True)),
    "import": lambda market: list(market.orders.import_rows(market.scope, rows())),
    "refund": lambda market: market.orders.refund(market.scope, "A-2", amount=eur("50.00"), key="r-1"),
    "dispute": lambda market: market.orders.open_dispute(market.scope, "A-2", "d-1", amount=eur("20.00")),
    "release": lambda market: market.orders.release_due(market.scope),
    "lose": lambda market: market.orders.close_dispute(market.scope, "A-2", "d-1", DisputeOutcome.LOST),
    "cancel": lambda market: market.orders.cancel(market.scope, "A-1", vendor="birch"),
    "fulfil": lambda market: market.orders.fulfil(market.scope, "A-1", vendor="acme"),
    "deliver": lambda market: market.orders.deliver(market.scope, "A-1"),
}
NOT_REPEATABLE = {"cancel", "fulfil", "deliver"}


def opened() -> Market:
    market = Market.open(rule("ten", rate="10"), holding_days=0, reserve_percentage="10")
    market.stock("chair", 20, low_at=12)
    return market


def points() -> list[tuple[str, int]]:
    """List every fault point an undisturbed life passes: the step it is in, and its number there."""
    market, passed = opened(), []
    for name, step in STEPS.items():
        counted: list[str] = []
        with faults.hooked(counted.append):
            step(market)
        passed += [(name, number) for number in range(len(counted))]
    return passed


def dying_at(number: int) -> Callable[[str], None]:
    passed = count()

    def hook(name: str) -> None:
        if next(passed) == number:
            raise faults.Crash(name)

    return hook


def picture(market: Market) -> Sequence[object]:
    """Draw everything that happened, without identifiers."""
    orders = market.orders.list(market.scope).items
    told = [(event.name, getattr(event, "reference", None)) for event in market.happened(*NAMES)]
    return [
        market.balances(),
        [(order.reference, order.version, [part.status for part in order.vendor_orders]) for order in orders],
        [[(refund.reason, refund.amount) for refund in order.refunds] for order in orders],
        [[(entry.kind, entry.status, entry.net) for entry in market.entries(order.reference)] for order in orders],
        [(journal.kind, sorted(posting.amount for posting in journal.postings)) for journal in market.journals()],
        (market.stock("chair").on_hand, market.stock("chair").reserved),
        told,
    ]


NAMES = (
    "order.placed",
    "order.fulfilment_created",
    "order.refunded",
    "order.cancelled",
    "order.delivered",
    "order.completed",
    "order.dispute_opened",
    "order.dispute_closed",
    "order.released",
    "inventory.low",
)


@pytest.fixture(scope="module")
def undisturbed() -> Sequence[object]:
    market = opened()
    for step in STEPS.values():
        step(market)
    market.audit()
    return picture(market)


def test_every_kind_of_step_has_fault_points() -> None:
    """There are fault points before and after the commit of everything that moves money, and between its writes."""
    names: set[str] = set()
    market = opened()
    with faults.hooked(names.add):
        for step in STEPS.values():
            step(market)
    for what in ("place", "refund", "cancel", "dispute", "release"):
        assert {f"orders.{what}.before_commit", f"orders.{what}.after_commit"} <= names
    assert {"orders.place.before_order", "orders.place.before_entries", "orders.place.before_journal"} <= names


@pytest.mark.parametrize(("where", "number"), points())
def test_dying_changes_nothing(where: str, number: int, undisturbed: Sequence[object]) -> None:
    """Killed at any fault point and run again, everything ends as in the run that was not killed."""
    market = opened()
    for name, step in STEPS.items():
        if name != where:
            step(market)
            continue
        with pytest.raises(faults.Crash), faults.hooked(dying_at(number)):
            step(market)
        again = code(partial(step, market))
        assert again == "ok" or (name in NOT_REPEATABLE and again == "invalid_state")
    market.audit()
    assert picture(market) == undisturbed
