"""Shipping quotes."""

from typing import Any

import pytest

from cityos_core.kernel.errors import Refused
from cityos_core.orders.draft import OrderDraft
from cityos_core.orders.model import ShippingCharge
from cityos_core.orders.shipping_rates import ShippingQuote
from cityos_core.testing.builders import discount, line, order_draft, shipping
from usecases.market import Market, eur
from usecases.town import code

HOME: dict[str, Any] = {"name": "home", "currency": "EUR", "regions": ["de", "AT"], "flat": "4.90", "per_item": "0.50"}
HEAVY: dict[str, Any] = {
    "name": "heavy",
    "currency": "EUR",
    "vendors": ["birch"],
    "by_weight": [{"up_to_g": 1000, "amount": "7.00"}, {"up_to_g": 5000, "amount": "19.00"}],
}
WORLD: dict[str, Any] = {"name": "world", "currency": "EUR", "flat": "20.00", "free_above": "200.00"}


def market(*tables: dict[str, Any]) -> Market:
    opened = Market.open(shipping_rates=list(tables))
    opened.product("stone", "birch", weight_g=400)
    return opened


def draft() -> OrderDraft:
    return order_draft("A-1", line("1", quantity=2), line("2", sku="stone", vendor="birch", quantity=3))


def quoted(opened: Market, order: OrderDraft, region: str | None = "de") -> dict[str, tuple[str, str]]:
    quotes = opened.orders.quote_shipping(opened.scope, order, region=region)
    return {quote.vendor: (quote.amount.text, quote.rate) for quote in quotes}


def test_each_vendor_is_quoted_by_the_first_table_that_fits() -> None:
    """Flat and per-item amounts add up, weights find their band, and the region decides which table counts."""
    opened = market(HEAVY, HOME, WORLD)
    assert quoted(opened, draft()) == {"acme": ("5.90", "home"), "birch": ("19.00", "heavy")}
    assert quoted(opened, draft(), "at")["acme"] == ("5.90", "home")
    assert quoted(opened, draft(), "jp")["acme"] == ("0.00", "world")
    assert quoted(opened, draft(), None)["acme"] == ("0.00", "world")


def test_bounds_are_inclusive() -> None:
    """A weight at a bound is still in its band, and goods at the free amount go free; beyond the last band nothing fits."""
    opened = market(HEAVY)
    opened.product("kilo", "birch", weight_g=1000)
    assert quoted(opened, order_draft("A-1", line(sku="kilo", vendor="birch")))["birch"] == ("7.00", "heavy")
    assert quoted(opened, order_draft("A-1", line(sku="kilo", vendor="birch", quantity=5)))["birch"][0] == "19.00"
    for order in (
        order_draft("A-1", line(sku="kilo", vendor="birch", quantity=6)),
        order_draft("A-1", line(sku="birch-chair", vendor="birch")),
    ):
        with pytest.raises(Refused) as error:
            quoted(opened, order)
        assert error.value.code == "no_shipping_rate"
    opened = market(WORLD)
    assert quoted(opened, order_draft("A-1", line(quantity=2)))["acme"][0] == "0.00"
    assert (
        quoted(opened, order_draft("A-1", line(quantity=2, discounts=[discount(amount="0.01")])))["acme"][0] == "20.00"
    )


def test_the_quote_is_charged_and_kept() -> None:
    """Quotes handed to placing are charged beside other shipping, and the order keeps which rates they came from."""
    opened = market(HEAVY, HOME)
    order = order_draft("A-1", *draft().lines, shipping=[shipping("1.00")])
    quotes = opened.orders.quote_shipping(opened.scope, order, region="de")
    placed = opened.place(order, quotes=quotes)
    assert placed.shipping == (
        ShippingCharge(vendor=None, amount=100, tax=0),
        ShippingCharge(vendor="acme", amount=590, tax=0, quote="home"),
        ShippingCharge(vendor="birch", amount=1900, tax=0, quote="heavy"),
    )
    assert placed.total == eur("525.90")
    assert opened.place(order, quotes=quotes) == placed
    assert code(lambda: opened.place(order)) == "reference_taken"
    opened.audit()


def test_quotes_may_carry_tax() -> None:
    """A caller who knows the tax on shipping adds it to the quote."""
    opened = market(HOME)
    quote = ShippingQuote(vendor="acme", amount=eur("5.00"), rate="home", tax=eur("0.95"))
    assert opened.place(order_draft("A-1"), quotes=[quote]).total == eur("105.95")


def test_nothing_fits_without_tables() -> None:
    """Without rate tables, or for products there are not, nothing can be quoted."""
    opened = Market.open()
    assert code(lambda: quoted(opened, order_draft("A-1"))) == "no_shipping_rate"
    assert code(lambda: quoted(opened, order_draft("A-1", line(sku="nothing")))) == "unknown_sku"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x"},
        {"name": "x", "currency": "EURO"},
        {"name": "x", "currency": "EUR", "flat": 4.9},
        {"name": "x", "currency": "EUR", "flat": "4.9"},
        {"name": "x", "currency": "EUR", "flat": "-1.00"},
        {"name": "x", "currency": "EUR", "colour": "red"},
        {
            "name": "x",
            "currency": "EUR",
            "by_weight": [{"up_to_g": 2, "amount": "1.00"}, {"up_to_g": 2, "amount": "2.00"}],
        },
        {"name": "x", "currency": "EUR", "by_weight": [{"amount": "1.00"}, {"up_to_g": 2, "amount": "2.00"}]},
        {"name": "x", "currency": "EUR", "by_weight": [{"up_to_g": 2}]},
    ],
)
def test_malformed_tables(wrong: dict[str, Any]) -> None:
    """A rate table that cannot be read is not stored."""
    opened = Market.open()
    assert code(lambda: opened.settings.set(opened.scope, "shipping_rates", [wrong])) != "ok"


def test_tables_have_names_of_their_own() -> None:
    """Two tables of one name are malformed: an order would not say which rate it kept."""
    opened = Market.open()
    assert code(lambda: opened.settings.set(opened.scope, "shipping_rates", [HOME, HOME])) == "invalid_setting"
