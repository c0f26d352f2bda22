"""How refunds unwind orders."""

from collections.abc import Collection
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.money import Money
from cityos_core.orders.draft import Party, ShippingRecipient
from cityos_core.orders.entries import reversal_figures
from cityos_core.orders.journals import buyer_gets_back, parties_give_back, vendor_shares
from cityos_core.orders.model import Dispute, LegName, Order, Refund, RefundPart
from cityos_core.orders.refunds import LineRefund, plan_chargeback, plan_refund
from cityos_core.orders.settlement import Figures, Settlement
from cityos_core.testing.builders import discount, line, order_draft, shipping
from cityos_core.testing.clock import START
from cityos_core.testing.settled import commission, placed, settled
from cityos_core.testing.strategies.settlements import settlements


def eur(text: str) -> Money:
    return Money.of(text, "EUR")


def refunded(order: Order, parts: tuple[RefundPart, ...]) -> Order:
    number = len(order.refunds)
    refund = Refund(
        id=UUID(int=number),
        key=str(number),
        reason="goodwill",
        amount=sum(part.amount for part in parts),
        parts=parts,
        refunded_at=START,
        journal_key=f"refund:{number}",
    )
    return evolve(order, refunds=(*order.refunds, refund))


def disputed(order: Order, amount: int) -> Order:
    dispute = Dispute(id=UUID(int=9), reference="d", reason="fraud", amount=amount, opened_at=START)
    return evolve(order, disputes=(dispute,))


THREE = placed(
    settled(
        order_draft(
            "A-1",
            line("1", unit_price="33.00"),
            line("2", unit_price="33.00", vendor="birch"),
            line("3", unit_price="34.00", vendor="cedar"),
        )
    )
)
ONE = placed(settled(order_draft("A-1", line()), commission(1000)))
TAXED = placed(settled(order_draft("A-1", line()), commission(1030, fixed=30, tax=206)))
PROMOTION = discount("100", funding={Party.PLATFORM: 1})


def test_amount_is_allocated_over_the_lines() -> None:
    """An amount on the order is allocated over its lines by what remains of each."""
    assert [part.amount for part in plan_refund(THREE, amount=eur("50.00"))] == [1650, 1650, 1700]
    after = refunded(THREE, plan_refund(THREE, lines=[LineRefund(line="1")]))
    assert [part.amount for part in plan_refund(after, amount=eur("33.50"))] == [1650, 1700]


def test_refund_unwinds_the_legs() -> None:
    """A refund of a line is allocated over its legs by the refund rule."""
    (part,) = plan_refund(ONE, amount=eur("33.33"))
    assert part.legs[:2] == (3000, 333)
    (part,) = plan_refund(refunded(ONE, (part,)))
    assert part.legs[:2] == (6000, 667)


def test_units_take_their_share_of_what_remains() -> None:
    """Units are refunded at their share of what remains; the last units take the rest."""
    order = placed(settled(order_draft("A-1", line(unit_price="3.34", quantity=3))))
    seen = []
    for _ in range(3):
        parts = plan_refund(order, lines=[LineRefund(line="1", quantity=1)])
        seen.append(parts[0].amount)
        order = refunded(order, parts)
    assert seen == [334, 334, 334]
    cheaper = line(unit_price="10.00", quantity=3, discounts=[discount(amount="0.01")])
    order = placed(settled(order_draft("A-1", cheaper)))
    order = refunded(order, plan_refund(order, lines=[LineRefund(line="1", amount=eur("10.00"))]))
    (part,) = plan_refund(order, lines=[LineRefund(line="1", quantity=2)])
    assert part.amount == 1333
    order = refunded(order, (part,))
    assert plan_refund(order, lines=[LineRefund(line="1", quantity=1)])[0].amount == 666
    with pytest.raises(Refused, match="1 units left to refund, not 2"):
        plan_refund(order, lines=[LineRefund(line="1", quantity=2)])


def test_free_lines_unwind_by_quantity() -> None:
    """A line the buyer paid nothing for unwinds by quantity: funding and what it paid for go back together."""
    free = line(unit_price="50.00", quantity=2, discounts=[PROMOTION])
    order = placed(settled(order_draft("A-1", free), commission(1000)))
    (part,) = plan_refund(order, lines=[LineRefund(line="1", quantity=1)])
    assert part.legs == (4500, 500, 0, 0, 0, 0, -5000, 0)
    assert plan_refund(refunded(order, (part,)))[0].legs == (4500, 500, 0, 0, 0, 0, -5000, 0)


def test_free_lines_go_with_the_rest_of_the_order() -> None:
    """An amount leaves free lines alone until it empties the rest of the order; then they unwind wholly."""
    lines = (line("1", unit_price="10.00"), line("2", unit_price="50.00", discounts=[PROMOTION]))
    order = placed(settled(order_draft("A-1", *lines), commission(100), commission(500)))
    (part,) = plan_refund(order, amount=eur("4.00"))
    assert part.line_id == order.lines[0].id
    rest = plan_refund(refunded(order, (part,)), amount=eur("6.00"))
    assert [part.line_id for part in rest] == [one.id for one in order.lines]
    assert rest[1].legs == order.lines[1].legs


@pytest.mark.parametrize(
    ("amount", "lines"),
    [
        ("100.01", []),
        (None, [LineRefund(line="1", amount=eur("33.01"))]),
        (None, [LineRefund(line="1", quantity=2)]),
    ],
)
def test_more_than_remains_is_refused(amount: str | None, lines: list[LineRefund]) -> None:
    """More than what remains of the order, of a line or of its units is refused."""
    with pytest.raises(Refused) as error:
        plan_refund(THREE, amount=eur(amount) if amount else None, lines=lines)
    assert error.value.code == "more_than_remains"


@pytest.mark.parametrize(("amount", "lines"), [(None, []), ("0.01", []), (None, [LineRefund(line="2")])])
def test_nothing_remains(amount: str | None, lines: list[LineRefund]) -> None:
    """Once everything is refunded anything more is refused, however it is asked for."""
    empty = refunded(THREE, plan_refund(THREE))
    with pytest.raises(Refused) as error:
        plan_refund(empty, amount=eur(amount) if amount else None, lines=lines)
    assert error.value.code == "more_than_remains"


def test_what_disputes_hold_cannot_be_refunded() -> None:
    """While a dispute is open its amount cannot be refunded, in whichever way it is asked."""
    order = disputed(THREE, 9000)
    with pytest.raises(Refused):
        plan_refund(order, amount=eur("10.01"))
    with pytest.raises(Refused):
        plan_refund(order, lines=[LineRefund(line="1")])
    assert sum(part.amount for part in plan_refund(order)) == 1000
    with pytest.raises(Refused):
        plan_refund(disputed(THREE, 10000))
    assert sum(part.amount for part in plan_chargeback(order, 9000)) == 9000


@pytest.mark.parametrize(
    ("amount", "lines", "code"),
    [
        (eur("0.00"), [], "negative_refund"),
        (eur("-1.00"), [], "negative_refund"),
        (Money.of("1.00", "USD"), [], "currency_mismatch"),
        (eur("1.00"), [LineRefund(line="1")], "refund_form"),
        (None, [LineRefund(line="4")], "unknown_line"),
        (None, [LineRefund(line="1"), LineRefund(line="1", quantity=1)], "duplicate_line"),
        (None, [LineRefund(line="1", amount=eur("0.00"))], "negative_refund"),
    ],
)
def test_malformed_refunds(amount: Money | None, lines: list[LineRefund], code: str) -> None:
    """Nothing, less than nothing, two ways at once, lines there are not and other currencies are malformed."""
    with pytest.raises(Invalid) as error:
        plan_refund(THREE, amount=amount, lines=lines)
    assert error.value.code == code


def test_a_line_is_refunded_one_way() -> None:
    """A line is refunded by units or by amount, and by one unit at least."""
    with pytest.raises(Invalid, match="not both"):
        LineRefund(line="1", quantity=1, amount=eur("1.00"))
    with pytest.raises(Invalid, match="one or more"):
        LineRefund(line="1", quantity=0)


def test_kept_commission_is_borne_by_the_vendor() -> None:
    """Where the policy keeps the commission the vendor pays the whole refund; its tax stays with it."""
    keep = {LegName.COMMISSION, LegName.COMMISSION_FIXED}
    parts = plan_refund(TAXED, amount=eur("50.00"), keep=keep)
    assert [share for _, share in vendor_shares(TAXED, parts)] == [5000]
    assert parts[0].legs == (4382, 500, 15, 103, 0, 0, 0, 0)
    assert parts[0].kept == (0, 500, 15, 103, 0, 0, 0, 0)
    assert not parties_give_back(TAXED, parts)
    rest = plan_refund(refunded(TAXED, parts))
    assert rest[0].legs == (4382, 500, 15, 103, 0, 0, 0, 0)
    assert not any(rest[0].kept)


def test_kept_fixed_part() -> None:
    """Where only the fixed part is kept, the percentage comes back, with its share of the tax on commission."""
    (part,) = plan_refund(TAXED, keep={LegName.COMMISSION_FIXED})
    assert part.legs == TAXED.lines[0].legs
    assert part.kept == (0, 0, 30, 6, 0, 0, 0, 0)


def test_kept_commission_of_a_sale_that_made_a_debt() -> None:
    """A vendor whose leg is negative, and what is kept beside it, unwind together to the end."""
    order = placed(settled(order_draft("A-1", line(unit_price="10.00", quantity=2)), commission(2500, fixed=400)))
    (part,) = plan_refund(order, amount=eur("5.00"), keep={LegName.COMMISSION_FIXED})
    assert part.legs == (-125, 525, 100, 0, 0, 0, 0, 0)
    (rest,) = plan_refund(refunded(order, (part,)))
    assert rest.legs == (-375, 1575, 300, 0, 0, 0, 0, 0)


def test_kept_shipping() -> None:
    """Where shipping is kept its recipient keeps it and the vendor bears it."""
    order = placed(
        settled(
            order_draft("A-1", shipping=[shipping("5.00")], shipping_recipient=ShippingRecipient.TENANT),
            commission(1000),
        )
    )
    parts = plan_refund(order, keep={LegName.SHIPPING})
    assert [share for _, share in vendor_shares(order, parts)] == [9500]
    figures = reversal_figures(order, order.lines[0], parts[0])
    assert figures == Figures(gross=-10000, shipping=-500, commission=-1000, net=-9500)


ASKED = st.tuples(
    st.sampled_from(["order", "line", "units", "all of a line"]), st.integers(0, 3), st.integers(0, 10**9)
)
KEPT = st.sets(st.sampled_from([LegName.COMMISSION, LegName.COMMISSION_FIXED, LegName.SHIPPING]))


def ask(order: Order, asked: tuple[str, int, int] | None, keep: Collection[LegName]) -> tuple[RefundPart, ...]:
    if asked is None:
        return plan_refund(order, keep=keep)
    kind, place, number = asked
    one = order.lines[place % len(order.lines)]
    reference, line_left, left = one.reference, sum(order.remaining(one)), order.total - order.refunded
    if kind == "order":
        return plan_refund(order, amount=Money(1 + number % (left.minor + 2), "EUR"), keep=keep)
    if kind == "line":
        amount = Money(1 + number % (line_left + 2), "EUR")
        return plan_refund(order, lines=[LineRefund(line=reference, amount=amount)], keep=keep)
    quantity = number % 3 + 1 if kind == "units" else None
    return plan_refund(order, lines=[LineRefund(line=reference, quantity=quantity)], keep=keep)


@settings(max_examples=120)
@given(settlements(currency="EUR"), st.lists(st.tuples(ASKED, KEPT), max_size=8), KEPT)
def test_any_sequence_of_refunds_unwinds_the_order(
    settlement: Settlement, requests: list[tuple[tuple[str, int, int], Collection[LegName]]], last: Collection[LegName]
) -> None:
    """Refunds of any kind, size, order and policy empty every leg exactly; none passes its original or its refund."""
    order = placed(settlement)
    figures = {one.line.draft.reference: one.figures for one in settlement.lines}
    for asked, keep in [*requests, (None, last)]:
        try:
            parts = ask(order, asked, keep)
        except Refused:
            continue
        for part in parts:
            taken = next(one for one in order.lines if one.id == part.line_id)
            assert sum(part.legs) == part.amount
            figures[taken.reference] += reversal_figures(order, taken, part)
        amount = sum(part.amount for part in parts)
        given_back = sum(amount for _, amount in parties_give_back(order, parts))
        assert given_back + sum(share for _, share in vendor_shares(order, parts)) == amount
        assert sum(amount for _, amount in buyer_gets_back(order, amount)) == -amount
        order = refunded(order, parts)
        for one in order.lines:
            for original, left in zip(one.legs, order.remaining(one), strict=True):
                assert min(original, 0) <= left <= max(original, 0)
    assert order.refunded == order.total
    for one in order.lines:
        assert not any(order.remaining(one))
        assert order.refunded_quantity(one) == one.quantity
        rest = figures[one.reference]
        assert (rest.gross, rest.discounts, rest.funding, rest.tax) == (0, 0, 0, 0)
        assert rest.net == rest.shipping - rest.commission - rest.commission_tax
