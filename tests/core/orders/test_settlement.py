"""What each party receives."""

from hypothesis import given

from cityos_core.kernel.money import Money
from cityos_core.orders.draft import Party, ShippingRecipient, TaxRemitter
from cityos_core.orders.journals import order_paid
from cityos_core.orders.model import LegName
from cityos_core.orders.settlement import Figures, Settlement
from cityos_core.testing.builders import discount, line, order_draft, shipping
from cityos_core.testing.settled import commission, placed, settled
from cityos_core.testing.strategies.settlements import settlements


def test_promotion_the_platform_pays_for() -> None:
    """Item 100, a 100 % promotion funded by the platform, 10 %: it funds 100, keeps 10, the vendor gets 90."""
    promoted = line(discounts=[discount("100", funding={Party.PLATFORM: 1})])
    settlement = settled(order_draft("A-1", promoted), commission(1000))
    (one,) = settlement.lines
    assert settlement.priced.total == Money.zero("EUR")
    assert one.legs == (9000, 1000, 0, 0, 0, 0, -10000, 0)
    assert one.figures.net == 9000


def test_promotion_the_vendor_pays_for() -> None:
    """The same promotion funded by the vendor: all zero, and nothing is booked."""
    settlement = settled(order_draft("A-1", line(discounts=[discount("100")])), commission(0))
    assert not any(settlement.lines[0].legs)
    assert not any(amount for _, amount in order_paid(placed(settlement)))


def test_tax_and_shipping_go_where_settings_say() -> None:
    """Who remits tax receives it, with the tax on shipping; who receives shipping receives it without its tax."""
    order = order_draft(
        "A-1",
        line(unit_price="121.00", tax="21.00"),
        prices_include_tax=True,
        shipping=[shipping("5.00", tax="1.05")],
        tax_remitter=TaxRemitter.PLATFORM,
        shipping_recipient=ShippingRecipient.TENANT,
    )
    settlement = settled(order, commission(1000, tax=210))
    legs = dict(zip(LegName, settlement.lines[0].legs, strict=True))
    assert legs[LegName.TAX] == 2205
    assert legs[LegName.SHIPPING] == 500
    assert legs[LegName.VENDOR] == 10000 - 1000 - 210
    assert (settlement.lines[0].figures.shipping, settlement.lines[0].figures.tax) == (0, 0)


def test_fixed_part_is_its_own_leg() -> None:
    """The fixed part of a commission is recorded apart from the percentage, so that a refund may keep one of them."""
    settlement = settled(order_draft("A-1", line(unit_price="10.00")), commission(130, fixed=30, tax=27))
    assert settlement.lines[0].legs == (843, 100, 30, 27, 0, 0, 0, 0)


def test_vendors_are_summed() -> None:
    """Each vendor's figures are the sum over its lines."""
    lines = (
        line("1", unit_price="10.00"),
        line("2", unit_price="20.00", vendor="birch"),
        line("3", unit_price="5.00", discounts=[discount(amount="1.00")]),
    )
    vendors = settled(order_draft("A-1", *lines), commission(100), commission(200), commission(40)).vendors
    assert list(vendors) == ["acme", "birch"]
    assert vendors["acme"] == Figures(gross=1500, discounts=100, commission=140, net=1260)


@given(settlements())
def test_everyone_together_gets_what_the_buyer_pays(settlement: Settlement) -> None:
    """Legs sum to what the buyer pays, the vendor's leg is its net, and the net follows from the figures."""
    includes_tax = settlement.priced.draft.prices_include_tax
    for one in settlement.lines:
        assert sum(one.legs) == one.line.paid
        seen = one.figures
        goods = seen.gross - seen.discounts - (one.line.tax if includes_tax else 0)
        charged = seen.commission + seen.commission_tax
        assert one.legs[0] == seen.net == goods + seen.funding + seen.shipping + seen.tax - charged
    order = placed(settlement)
    assert order.total == settlement.priced.total
    assert sum(amount for _, amount in order_paid(order)) == 0
    assert sum(part.net for part in settlement.vendors.values()) == sum(one.legs[0] for one in settlement.lines)
