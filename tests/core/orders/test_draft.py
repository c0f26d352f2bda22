"""Orders as they arrive."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve

from cityos_core.kernel.errors import Invalid
from cityos_core.orders.draft import Discount, OrderDraft, Party
from cityos_core.orders.fingerprint import order_fingerprint, refund_fingerprint
from cityos_core.orders.model import Payment
from cityos_core.orders.refunds import LineRefund
from cityos_core.testing.builders import discount, line, order_draft, shipping
from cityos_core.testing.clock import START


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (Discount, "discount_form"),
        (lambda: discount("5", amount="1.00"), "discount_form"),
        (lambda: discount(amount="-1.00"), "negative_amount"),
        (lambda: discount("5", funding={Party.TENANT: -1}), "negative_weight"),
        (lambda: line(quantity=0), "quantity"),
        (lambda: line(quantity=2**63), "quantity"),
        (lambda: line(""), "reference"),
        (lambda: order_draft(" "), "reference"),
        (lambda: order_draft("x" * 201), "reference"),
        (lambda: Payment("card:eu", 100), "invalid_handle"),
        (lambda: line(tax="-0.01"), "negative_amount"),
        (lambda: shipping("-0.01"), "negative_amount"),
        (lambda: shipping("1.00", tax="-0.01"), "negative_amount"),
        (lambda: evolve(order_draft(), lines=()), "no_lines"),
        (lambda: order_draft("A-1", line("1"), line("1")), "duplicate_line"),
        (lambda: order_draft("A-1", shipping=[shipping("1.00", vendor="nobody")]), "unknown_vendor"),
        (lambda: order_draft("A-1", fulfilled_at=START - timedelta(seconds=1)), "fulfilled_before_placed"),
    ],
)
def test_malformed_orders(make: Callable[[], object], code: str) -> None:
    """What makes no sense is refused where it is built."""
    with pytest.raises(Invalid) as error:
        make()
    assert error.value.code == code


PLAIN = order_draft("A-1", line(discounts=[discount("5")]), shipping=[shipping("1.00")])


@pytest.mark.parametrize(
    "other",
    [
        evolve(PLAIN, customer="VINET"),
        evolve(PLAIN, placed_at=START + timedelta(seconds=1)),
        evolve(PLAIN, fulfilled_at=START),
        evolve(PLAIN, prices_include_tax=True),
        evolve(PLAIN, channel="web"),
        evolve(PLAIN, shipping=()),
        evolve(PLAIN, shipping=(shipping("1.00", vendor="acme"),)),
        evolve(PLAIN, lines=(line(),)),
        evolve(PLAIN, lines=(line(discounts=[discount("5", funding={Party.TENANT: 1})]),)),
        evolve(PLAIN, lines=(line(discounts=[discount("5")], tax="0.01"),)),
        evolve(PLAIN, lines=(line(discounts=[discount("5")], tags=["bulk"]),)),
    ],
)
def test_other_content_has_another_fingerprint(other: OrderDraft) -> None:
    """Whatever differs about an order shows in its fingerprint; so do payments and the store."""
    known = order_fingerprint(PLAIN, payments=None, store=None)
    assert order_fingerprint(other, payments=None, store=None) != known
    assert order_fingerprint(PLAIN, payments=[Payment("card", 1)], store=None) != known
    assert order_fingerprint(PLAIN, payments=None, store="main") != known
    assert order_fingerprint(evolve(PLAIN), payments=None, store=None) == known


def test_refunds_have_fingerprints() -> None:
    """A refund of other lines, or for another reason, is another refund."""
    one = refund_fingerprint(amount=None, lines=[LineRefund(line="1")], reason="damaged")
    assert one != refund_fingerprint(amount=None, lines=[LineRefund(line="2")], reason="damaged")
    assert one != refund_fingerprint(amount=None, lines=[LineRefund(line="1", quantity=1)], reason="damaged")
    assert one != refund_fingerprint(amount=None, lines=[LineRefund(line="1")], reason="fraud")
