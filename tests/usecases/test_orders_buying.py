"""Buying from the catalogue."""

from functools import partial
from typing import Any

import pytest
from attrs import evolve

from cityos_core.catalog.model import ProductStatus, Variant
from cityos_core.kernel.money import UnitPrice
from cityos_core.orders.buying import Wanted
from cityos_core.orders.model import Order, Payment, ShippingCharge
from cityos_core.testing.builders import line, order_draft
from cityos_core.testing.commissions import rule
from cityos_core.vendors.model import VendorStatus
from usecases.market import Market, eur
from usecases.town import code

RATES = [
    {"name": "heavy", "currency": "EUR", "vendors": ["birch"], "flat": "9.00"},
    {"name": "home", "currency": "EUR", "regions": ["de"], "flat": "4.90", "per_item": "0.50"},
]


def market(**settings: Any) -> Market:
    """Open one whose catalogue has a lamp at 19.99 and a mug at 0.5292."""
    opened = Market.open(rule("ten", rate="10"), **settings)
    opened.product("lamp", "acme", variants=(variant("lamp", "19.99"),))
    opened.product("mug", "birch", variants=(variant("mug", "0.5292"), variant("mug-red", "0.60")))
    return opened


def variant(sku: str, price: str, currency: str = "EUR") -> Variant:
    return Variant(sku=sku, title=sku, unit_price=UnitPrice.of(price, currency))


def buy(opened: Market, *lines: tuple[str, int], **more: Any) -> Order:
    return opened.orders.buy(opened.scope, [Wanted(sku, quantity) for sku, quantity in lines], **more)


def reprice(opened: Market, sku: str, price: str) -> None:
    with opened.database(opened.scope) as uow:
        product = uow.products.by_sku([sku])[sku]
        uow.products.save(evolve(product, variants=(variant(sku, price),)))
        uow.commit()


def test_everything_but_the_choice_comes_from_the_catalogue() -> None:
    """Prices, vendors and the currency are the catalogue's; the order is placed, paid and commissioned like any other."""
    opened = market()
    order = buy(opened, ("lamp", 2), ("mug-red", 10), customer="cus_1", reference="A-1")
    assert [(one.reference, one.sku, one.vendor, one.quantity, one.gross) for one in order.lines] == [
        ("1", "lamp", "acme", 2, 3998),
        ("2", "mug-red", "birch", 10, 600),
    ]
    assert (order.placed_at, order.customer, order.currency) == (opened.clock.now(), "cus_1", "EUR")
    assert order.payments == (Payment("card", 4598),)
    assert opened.get("A-1") == order
    assert opened.totals()["acme"].commission == eur("4.00")
    opened.audit()


def test_it_is_the_order_that_placing_makes() -> None:
    """Buying and placing the same lines come to the same amounts for everyone."""
    bought, placed = market(), market()
    order = buy(bought, ("lamp", 3), ("mug", 7))
    draft = order_draft(
        order.reference,
        line("1", sku="lamp", quantity=3, unit_price="19.99"),
        line("2", sku="mug", vendor="birch", quantity=7, unit_price="0.5292"),
    )
    assert [one.legs for one in order.lines] == [one.legs for one in placed.place(draft).lines]
    assert bought.balances() == placed.balances()


def test_the_same_purchase_again() -> None:
    """A reference given again answers the order that stands, whatever has become of prices, goods and the time since."""
    opened = market()
    opened.stock("lamp", 2)
    order = buy(opened, ("lamp", 2), reference="A-1")
    opened.wait(days=1)
    reprice(opened, "lamp", "25.00")
    assert buy(opened, ("lamp", 2), reference="A-1") == order
    for other in ((("lamp", 1),), (("lamp", 1), ("lamp", 1))):
        assert code(partial(buy, opened, *other, reference="A-1")) == "reference_taken"
    assert code(partial(buy, opened, ("lamp", 2), reference="A-1", customer="cus_2")) == "reference_taken"
    assert opened.stock("lamp").reserved == 2
    assert len(opened.happened("order.placed")) == 1


def test_each_purchase_without_a_reference_is_one_of_its_own() -> None:
    """Without a reference every purchase gets another one."""
    opened = market()
    first, second = buy(opened, ("lamp", 1)), buy(opened, ("lamp", 1))
    assert first.reference != second.reference
    assert opened.get(first.reference) == first


@pytest.mark.parametrize(
    ("sku", "changes", "refused"),
    [
        ("nothing", {}, "unknown_sku"),
        ("set", {"variant": "set-small"}, "sold_in_variants"),
        ("draft", {"status": ProductStatus.DRAFT}, "not_published"),
        ("gone", {"status": ProductStatus.ARCHIVED}, "not_published"),
        ("shop-only", {"stores": ("shop",)}, "not_sold_here"),
        ("dollars", {"variants": (variant("dollars", "1", "USD"),)}, "not_sold_here"),
    ],
)
def test_what_cannot_be_bought(sku: str, changes: dict[str, Any], refused: str) -> None:
    """What is unknown, sold in variants only, not published, or not sold in this store or currency is refused."""
    opened = market()
    opened.stores.create(opened.scope, "web", name="Web")
    opened.stores.create(opened.scope, "shop", name="Shop")
    if sku != "nothing":
        opened.product(sku, "acme", **changes)
    assert code(lambda: buy(opened, ("lamp", 1), (sku, 1), store="web")) == refused
    assert opened.balances() == {}


def test_whom_nothing_can_be_bought_from() -> None:
    """A vendor who is not approved sells nothing, and neither does one without stock."""
    opened = market()
    opened.vendor("dust", VendorStatus.SUSPENDED)
    opened.product("dust-chair", "dust")
    opened.stock("lamp", 1)
    assert code(lambda: buy(opened, ("dust-chair", 1))) == "vendor_not_approved"
    assert code(lambda: buy(opened, ("lamp", 2))) == "out_of_stock"
    assert code(lambda: buy(opened)) == "no_lines"
    assert code(lambda: buy(opened, ("lamp", 0))) == "quantity"
    assert code(lambda: buy(opened, ("lamp", 1), store="nowhere")) == "store_not_found"


def test_a_store_decides_the_currency() -> None:
    """A store that lists currencies sells what is priced in one of them, one currency at a time."""
    opened = market()
    opened.stores.create(opened.scope, "web", name="Web", currencies=["USD", "CHF"])
    opened.product("dollars", "acme", variants=(variant("dollars", "7.00", "USD"),))
    opened.product("francs", "acme", variants=(variant("francs", "8.00", "CHF"),))
    order = buy(opened, ("dollars", 2), store="web")
    assert (order.currency, order.total.text, order.channel) == ("USD", "14.00", "web")
    assert buy(opened, ("francs", 1), store="web").currency == "CHF"
    assert code(lambda: buy(opened, ("francs", 1), ("dollars", 1), store="web")) == "mixed_currencies"
    assert code(lambda: buy(opened, ("lamp", 1), store="web")) == "not_sold_here"


def test_shipping_is_quoted_again() -> None:
    """The buyer names the rates they were quoted; what is charged is what these rates come to now."""
    opened = market(shipping_rates=RATES)
    order = buy(opened, ("lamp", 2), ("mug", 1), rates={"acme": "home", "birch": "heavy"}, region="de")
    assert order.shipping == (
        ShippingCharge(vendor="acme", amount=590, tax=0, quote="home"),
        ShippingCharge(vendor="birch", amount=900, tax=0, quote="heavy"),
    )
    assert order.total == eur("55.41")
    opened.audit()


@pytest.mark.parametrize(
    ("rates", "region", "refused"),
    [
        ({"acme": "home", "birch": "home"}, "de", "quote_changed"),
        ({"cedar": "home"}, "de", "quote_changed"),
        ({"acme": "home"}, "jp", "no_shipping_rate"),
        ({"acme": "home"}, None, "no_shipping_rate"),
    ],
)
def test_quotes_that_do_not_hold(rates: dict[str, str], region: str | None, refused: str) -> None:
    """A rate that is not the one that fits, a vendor who sends nothing, or a region nobody ships to is refused."""
    opened = market(shipping_rates=RATES)
    assert code(lambda: buy(opened, ("lamp", 1), ("mug", 1), rates=rates, region=region)) == refused
    assert opened.balances() == {}


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
def test_buying_over_databases(make_database: Any, kind: str) -> None:
    """Buying does the same over every database."""
    opened = Market.open(rule("ten", rate="10"), database=make_database(kind))
    order = buy(opened, ("chair", 2), ("birch-chair", 1), reference="A-1")
    assert buy(opened, ("chair", 2), ("birch-chair", 1), reference="A-1") == order == opened.get("A-1")
    opened.audit()
