"""Orders from files."""

from collections.abc import Iterator

from attrs import evolve

from cityos_core.catalog.model import ProductStatus
from cityos_core.commissions.rules import Basis, VolumePeriod
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.imports import Outcome, Row, RowResult
from cityos_core.orders.draft import OrderDraft
from cityos_core.testing.builders import discount, line, order_draft
from cityos_core.testing.clock import START
from cityos_core.testing.commissions import rule, tiered
from usecases.market import Market, eur

CREATED, UPDATED, UNCHANGED, REJECTED = Outcome


def imported(market: Market, *drafts: OrderDraft) -> list[RowResult]:
    rows = (Row(number=number, reference=one.reference, draft=one) for number, one in enumerate(drafts, 1))
    return list(market.orders.import_rows(market.scope, rows))


def test_orders_are_placed_once() -> None:
    """A file read again changes nothing, and an order that stands in it twice is placed once."""
    market = Market.open(rule("ten", rate="10"))
    drafts = [order_draft("A-1", fulfilled_at=START), order_draft("A-2"), order_draft("A-1", fulfilled_at=START)]
    assert [result.outcome for result in imported(market, *drafts)] == [CREATED, CREATED, UNCHANGED]
    before = market.balances()
    assert [result.outcome for result in imported(market, *drafts)] == [UNCHANGED] * 3
    assert market.balances() == before
    assert len(market.happened("order.placed")) == 2
    market.audit()


def test_rows_are_judged_one_by_one() -> None:
    """A row that is wrong is rejected with its reason and leaves no trace; the others are placed."""
    market = Market.open()
    market.product("gone", "acme", status=ProductStatus.ARCHIVED)
    imported(market, order_draft("A-0"))
    wrong = [
        order_draft("A-0", line(quantity=2)),
        order_draft("A-1", line(vendor="nobody")),
        order_draft("A-2", line(sku="nothing")),
        order_draft("A-3", line(discounts=[discount(amount="100.01")])),
    ]
    results = imported(market, order_draft("A-4", line(sku="gone")), *wrong, order_draft("A-5"))
    assert [result.outcome for result in results] == [CREATED, *[REJECTED] * 4, CREATED]
    assert [result.error.code for result in results if result.error] == [
        "reference_taken",
        "unknown_vendor",
        "unknown_sku",
        "discount_exceeds_line",
    ]
    assert [order.reference for order in market.orders.list(market.scope).items] == ["A-0", "A-4", "A-5"]
    market.audit()


def test_unreadable_rows_are_answered() -> None:
    """A row that could not be read is rejected with the reader's reason."""
    market = Market.open()
    mistake = Invalid("malformed", "line 3 is not JSON")
    rows: list[Row[OrderDraft]] = [Row(number=3, error=mistake), Row(number=4, draft=order_draft("A-1"))]
    first, second = market.orders.import_rows(market.scope, rows)
    assert (first.number, first.outcome, first.error) == (3, REJECTED, mistake)
    assert second.outcome is CREATED


def test_rows_stream() -> None:
    """Rows are taken as their answers are: a file that never ends can be stopped anywhere, and what was answered stands."""
    market = Market.open()
    taken: list[int] = []

    def endless() -> Iterator[Row[OrderDraft]]:
        number = 0
        while True:
            number += 1
            taken.append(number)
            yield Row(number=number, reference=f"A-{number}", draft=order_draft(f"A-{number}"))

    results = market.orders.import_rows(market.scope, endless())
    for _ in range(150):
        assert next(iter(results)).outcome is CREATED
    assert len(taken) <= 250
    assert market.get("A-150").total == eur("100.00")


def test_volumes_climb_within_a_file() -> None:
    """An order counts towards the volume of those after it in the same file."""
    climbing = tiered(("100", "10"), (None, "20"), basis=Basis.PERIOD, period=VolumePeriod.MONTH)
    market = Market.open(rule("climbing", rate=climbing))
    imported(market, order_draft("A-1"), order_draft("A-2"))
    assert [market.entries(name)[0].commission for name in ("A-1", "A-2")] == [1000, 2000]


def test_stock_runs_out_within_a_file() -> None:
    """Units that one order of a file took are not there for the next."""
    market = Market.open()
    market.stock("chair", 3)
    results = imported(market, order_draft("A-1", line(quantity=2)), order_draft("A-2", line(quantity=2)))
    assert [result.outcome for result in results] == [CREATED, REJECTED]
    assert market.stock("chair").reserved == 2


def test_the_way_a_file_is_written_makes_no_difference() -> None:
    """No tax and a tax of zero, no discounts and a discount of nothing to say, are the same order."""
    market = Market.open()
    imported(market, order_draft("A-1"))
    plain = order_draft("A-1")
    same = evolve(plain, lines=tuple(evolve(one, tax=eur("0.00")) for one in plain.lines))
    assert [result.outcome for result in imported(market, same)] == [UNCHANGED]
