"""What the buyer pays."""

import pytest
from attrs import evolve
from hypothesis import given

from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.money import Money, UnitPrice
from cityos_core.orders.draft import LineDraft, OrderDraft, Party, ShippingDraft, ShippingRecipient
from cityos_core.orders.model import AppliedDiscount
from cityos_core.orders.pricing import Listing, price, sale
from cityos_core.testing.builders import discount, line, order_draft, shipping
from cityos_core.testing.strategies import order_drafts


def draft(*lines: LineDraft, charges: tuple[ShippingDraft, ...] = (), includes_tax: bool = False) -> OrderDraft:
    return order_draft("A-1", *lines, shipping=charges, prices_include_tax=includes_tax)


def eur(text: str) -> Money:
    return Money.of(text, "EUR")


def test_line_is_rounded_once() -> None:
    """A unit price finer than a cent is multiplied first and rounded once: 0.5292 x 500 = 264.60."""
    assert price(draft(line(unit_price="0.5292", quantity=500))).total == eur("264.60")


def test_discounts_apply_to_what_is_left() -> None:
    """Discounts apply in their order, each to what the earlier ones left."""
    discounts = (discount("10"), discount(amount="5.00"), discount("50"))
    (priced,) = price(draft(line(discounts=discounts))).lines
    assert [one.amount for one in priced.discounts] == [1000, 500, 4250]
    assert priced.goods == 4250


def test_funding_is_allocated_vendor_first() -> None:
    """Funding is divided by largest remainder in the order vendor, platform, tenant, ties to the first."""
    shared = discount(amount="1.00", funding={Party.TENANT: 1, Party.PLATFORM: 1, Party.VENDOR: 1})
    (priced,) = price(draft(line(discounts=[shared]))).lines
    assert priced.discounts == (AppliedDiscount(100, 34, 33, 33),)


def test_funding_is_shared_by_those_it_names() -> None:
    """Weights that are all zero share evenly between the parties named, not with anybody else."""
    named = discount(amount="1.00", funding={Party.TENANT: 0, Party.PLATFORM: 0})
    (priced,) = price(draft(line(discounts=[named]))).lines
    assert priced.discounts == (AppliedDiscount(100, 0, 50, 50),)


def test_every_tax_that_is_too_large_is_named() -> None:
    """The mistakes of all lines are told at once."""
    lines = [line(reference, unit_price="1.00", tax="1.01") for reference in ("1", "2")]
    with pytest.raises(Invalid) as caught:
        price(draft(*lines, includes_tax=True))
    assert [mistake.path for mistake in caught.value.errors] == ["$.lines[0].tax", "$.lines[1].tax"]


def test_absent_funding_is_the_vendors() -> None:
    """A discount without funding shares is the vendor's."""
    (priced,) = price(draft(line(discounts=[discount(amount="1.00")]))).lines
    assert (priced.vendor_discount, priced.platform, priced.tenant) == (100, 0, 0)


def test_discounts_beyond_the_line_are_refused() -> None:
    """Discounts that together come to more than their line are refused, and the line is named."""
    order = draft(line("1"), line("second", discounts=[discount("50"), discount(amount="50.01")]))
    with pytest.raises(Refused, match=r"^\$\.lines\[1\]\.discounts\[1\]: line second") as refused:
        price(order)
    assert refused.value.code == "discount_exceeds_line"
    with pytest.raises(Refused, match=r"^\$\.order\.lines\[1\]"):
        price(order, path="$.order")


def test_tax_is_added_or_contained() -> None:
    """Tax comes on top of the price, or is contained in it where prices include tax."""
    one = line(unit_price="121.00", tax="21.00")
    assert price(draft(one)).total == eur("142.00")
    assert price(draft(one, includes_tax=True)).total == eur("121.00")


def test_contained_tax_is_no_more_than_the_price() -> None:
    """A contained tax above what the buyer pays is malformed, and its place is named."""
    with pytest.raises(Invalid, match=r"\$\.lines\[0\]\.tax: "):
        price(draft(line(unit_price="1.00", tax="1.01"), includes_tax=True))


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (evolve(draft(line()), currency="USD"), "$.lines[0].unit_price"),
        (draft(evolve(line(), tax=Money.of("1.00", "USD"))), "$.lines[0].tax"),
        (draft(line(discounts=[discount(amount="1.00", currency="USD")])), "$.lines[0].discounts[0].amount"),
        (draft(line(), charges=(shipping("1.00", currency="USD"),)), "$.shipping[0].amount"),
    ],
)
def test_other_currencies_are_malformed(wrong: OrderDraft, place: str) -> None:
    """Nothing in an order may be in another currency than the order, and the place is named."""
    with pytest.raises(Invalid, match="nothing converts it") as invalid:
        price(wrong)
    assert [(error.path, error.code) for error in invalid.value.errors] == [(place, "currency_mismatch")]


def test_shipping_of_the_order_is_laid_on_all_lines() -> None:
    """Shipping without a vendor, and its tax, are laid on all lines by their amounts after discounts without tax."""
    order = draft(
        line("1", unit_price="20.00", discounts=[discount("50")], tax="9.00"),
        line("2", unit_price="20.00", vendor="birch"),
        charges=(shipping("1.00", tax="0.10"),),
    )
    assert [(one.shipping, one.shipping_tax) for one in price(order).lines] == [(33, 3), (67, 7)]


def test_shipping_of_a_vendor_is_laid_on_its_lines() -> None:
    """Shipping of a vendor is laid on that vendor's lines only; lines that cost nothing share evenly."""
    order = draft(
        line("1", unit_price="0.00"),
        line("2", unit_price="20.00", vendor="birch"),
        line("3", unit_price="0.00"),
        charges=(shipping("1.01", vendor="acme"),),
    )
    assert [one.shipping for one in price(order).lines] == [51, 0, 50]


def test_contained_tax_is_no_weight() -> None:
    """Where prices include tax, shipping is laid on lines by their amounts without it."""
    lines = (line("1", unit_price="20.00", tax="10.00"), line("2", unit_price="10.00"))
    order = draft(*lines, includes_tax=True, charges=(shipping("1.00"),))
    assert [one.shipping for one in price(order).lines] == [50, 50]


def test_a_total_beyond_the_ledger_is_malformed() -> None:
    """An order whose total does not fit the ledger is malformed."""
    huge = evolve(line(quantity=5001), unit_price=UnitPrice(2**63 - 1, "EUR"))
    with pytest.raises(Invalid, match="64 bits"):
        price(draft(huge, evolve(huge, reference="2")))


def test_sale_facts() -> None:
    """A commission decision sees the line, what the catalogue says of it and the shipping its vendor receives."""
    promotion = discount(amount="10.00", funding={Party.PLATFORM: 1})
    one = line(unit_price="121.00", tags=["bulk"], tax="21.00", discounts=[promotion])
    order = evolve(draft(one, charges=(shipping("5.00", tax="1.05"),)), channel="web", customer_group="gold")
    listings = {"chair": Listing(product="seat", category="home/seats", tags=("new", "bulk"))}
    facts = sale(price(order), listings=listings, hierarchy={"tenant": "north"})
    (sold,) = facts.lines
    assert (sold.gross, sold.vendor_discount, sold.tax, sold.paid) == (12100, 0, 2100, 13200)
    assert (sold.shipping, sold.shipping_tax) == (500, 105)
    assert (sold.product, sold.category, sold.tags) == ("seat", "home/seats", ("bulk", "new"))
    assert (facts.channel, facts.customer_group, facts.hierarchy) == ("web", "gold", {"tenant": "north"})
    (sold,) = sale(price(order, shipping_recipient=ShippingRecipient.TENANT)).lines
    assert (sold.shipping, sold.shipping_tax) == (0, 0)


@given(order_drafts())
def test_parts_sum_to_the_whole(order: OrderDraft) -> None:
    """Lines sum to the order for goods, discounts, tax and shipping, and funding sums to the discounts."""
    priced = price(order)
    assert sum(one.shipping for one in priced.lines) == sum(charge.amount.minor for charge in order.shipping)
    assert sum(one.shipping_tax for one in priced.lines) == sum(c.tax.minor for c in order.shipping if c.tax)
    for one in priced.lines:
        assert one.vendor_discount + one.platform + one.tenant == one.discount <= one.gross
        assert one.goods == one.gross - one.discount + (0 if order.prices_include_tax else one.tax)
    assert priced.total.minor == sum(one.goods + one.shipping + one.shipping_tax for one in priced.lines)
