"""A real trader's orders, or a generated trader of the same shape where the data is not at hand."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path

import pytest
from attrs import frozen

from cityos_core.commissions.lines import VendorTotals
from cityos_core.kernel.imports import Outcome, Row
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.orders.draft import Discount, LineDraft, OrderDraft, ShippingDraft
from cityos_core.testing.commissions import rule
from usecases.market import Market

NORTHWIND = Path(__file__).parents[3] / "shared" / "data" / "northwind"
RULES = (rule("all", rate="10", tax="21"), rule("beverages", "product_category", "category-1", rate="8.5", tax="21"))
CENT = Decimal("0.01")

Records = Sequence[Mapping[str, str]]


@frozen(kw_only=True)
class Trader:
    """What a trader sold, as the rows of its files."""

    products: Records
    orders: Records
    details: Records


@cache
def traders() -> dict[str, Trader]:
    """Give the generated trader, and the real one where its files are."""
    known = {"generated": generated()}
    if NORTHWIND.is_dir():
        known["northwind"] = Trader(products=read("products"), orders=read("orders"), details=read("order_details"))
    return known


def read(name: str) -> Records:
    with (NORTHWIND / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def generated() -> Trader:
    """Make a trader with awkward prices, discounts and freight: nothing random, the same in every run."""
    products = [
        {"product_id": str(number), "supplier_id": str(number % 7 + 1), "category_id": str(number % 3 + 1)}
        for number in range(1, 22)
    ]
    orders, details = [], []
    for number in range(1, 61):
        shipped = f"1997-02-{number % 28 + 1:02}" if number % 9 else ""
        orders.append(
            {
                "order_id": str(number),
                "customer_id": f"C{number % 5}",
                "order_date": f"1997-01-{number % 28 + 1:02}",
                "shipped_date": shipped,
                "freight": f"{number * 37 % 9001 / 100:.2f}",
            }
        )
        details += [
            {
                "order_id": str(number),
                "product_id": str((number * 5 + place * 4) % 21 + 1),
                "unit_price": f"{(number * 131 + place * 17) % 26350 / 100:.2f}",
                "quantity": str((number + place * 11) % 70 + 1),
                "discount": ["0.00", "0.05", "0.15", "0.25"][(number + place) % 4],
            }
            for place in range(number % 4 + 1)
        ]
    return Trader(products=products, orders=orders, details=details)


def drafts(trader: Trader) -> Iterator[OrderDraft]:
    """Read each supplier as a vendor, freight as shipping of the order, discount as the vendor's percentage."""
    suppliers = {product["product_id"]: f"supplier-{product['supplier_id']}" for product in trader.products}
    lines: dict[str, list[LineDraft]] = defaultdict(list)
    for detail in trader.details:
        rate = Percentage.of(str(Decimal(detail["discount"]) * 100))
        lines[detail["order_id"]].append(
            LineDraft(
                reference=detail["product_id"],
                sku=detail["product_id"],
                vendor=suppliers[detail["product_id"]],
                quantity=int(detail["quantity"]),
                unit_price=UnitPrice.of(detail["unit_price"], "USD"),
                discounts=(Discount(percentage=rate),) if rate.micro else (),
            )
        )
    for order in trader.orders:
        yield OrderDraft(
            reference=order["order_id"],
            placed_at=day(order["order_date"]),
            currency="USD",
            lines=tuple(lines[order["order_id"]]),
            customer=order["customer_id"],
            fulfilled_at=day(order["shipped_date"]) if order["shipped_date"] else None,
            shipping=(ShippingDraft(amount=Money.of(order["freight"], "USD")),),
        )


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(params=traders())
def trader(request: pytest.FixtureRequest) -> Trader:
    return traders()[request.param]


@pytest.fixture
def market(trader: Trader) -> Market:
    """Everything the trader sold, imported."""
    opened = Market.open(*RULES, holding_days=7)
    for supplier in sorted({product["supplier_id"] for product in trader.products}):
        opened.vendor(f"supplier-{supplier}")
    for product in trader.products:
        opened.product(
            product["product_id"],
            f"supplier-{product['supplier_id']}",
            category=f"category-{product['category_id']}",
        )
    rows = (Row(number=number, reference=one.reference, draft=one) for number, one in enumerate(drafts(trader), 1))
    assert {result.outcome for result in opened.orders.import_rows(opened.scope, rows)} == {Outcome.CREATED}
    return opened


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def worked_out(trader: Trader) -> dict[str, dict[str, Decimal]]:
    """Work every vendor's figures out again, line by line, with decimals instead of the library."""
    products = {product["product_id"]: product for product in trader.products}
    totals: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for detail in trader.details:
        product = products[detail["product_id"]]
        gross = rounded(Decimal(detail["unit_price"]) * int(detail["quantity"]))
        discount = rounded(gross * Decimal(detail["discount"]))
        percentage = Decimal("8.5") if product["category_id"] == "1" else Decimal(10)
        commission = rounded((gross - discount) * percentage / 100)
        total = totals[f"supplier-{product['supplier_id']}"]
        total["gross"] += gross
        total["discounts"] += discount
        total["commission"] += commission
        total["commission_tax"] += rounded(commission * 21 / 100)
    return totals


def figure(total: VendorTotals, name: str) -> Decimal:
    return Decimal(getattr(total, name).text)


def test_the_report_is_what_anybody_can_work_out(market: Market, trader: Trader) -> None:
    """Per vendor gross, discounts, commission and its tax are those of an independent calculation; net follows."""
    report, expected = market.totals(), worked_out(trader)
    assert set(report) == set(expected)
    for vendor, figures in expected.items():
        for name, amount in figures.items():
            assert figure(report[vendor], name) == amount, (vendor, name)
        net = figures["gross"] - figures["discounts"] + figure(report[vendor], "shipping")
        assert figure(report[vendor], "net") == net - figures["commission"] - figures["commission_tax"]
    freight = sum(Decimal(order["freight"]) for order in trader.orders)
    assert sum(figure(total, "shipping") for total in report.values()) == freight


def test_everyone_together_gets_what_buyers_paid(market: Market, trader: Trader) -> None:
    """Vendors' nets, commission and its tax add up to what buyers paid, and the books say the same."""
    report = market.totals().values()
    goods = sum(figures["gross"] - figures["discounts"] for figures in worked_out(trader).values())
    paid = goods + sum(Decimal(order["freight"]) for order in trader.orders)
    assert Decimal(market.balance("gateway:card:pending")) == paid
    parts = ("net", "commission", "commission_tax")
    assert sum(figure(total, name) for total in report for name in parts) == paid
    assert market.ledger.verify(market.scope).ok


def test_what_was_sent_is_released(market: Market, trader: Trader) -> None:
    """Every order that was shipped is released, the others wait."""
    market.orders.release_due(market.scope)
    shipped = {order["order_id"] for order in trader.orders if order["shipped_date"]}
    for order in trader.orders:
        released = {part.released_at is not None for part in market.get(order["order_id"]).vendor_orders}
        assert released == {order["order_id"] in shipped}
    market.ledger.verify(market.scope)


def test_refunding_everything_leaves_nothing(market: Market, trader: Trader) -> None:
    """Refunds of parts and then of the rest, before and after the release, give back every cent of every account."""
    references = [order["order_id"] for order in trader.orders]
    for number, reference in enumerate(references):
        if number == len(references) // 2:
            market.orders.release_due(market.scope)
        total = market.get(reference).total
        market.orders.refund(market.scope, reference, amount=Money(total.minor * 33 // 100, "USD"))
        market.orders.refund(market.scope, reference)
    market.orders.release_due(market.scope)
    assert market.balances() == {}
    assert not any(figure(total, "net") for total in market.totals().values())
    assert not any(figure(total, "gross") for total in market.totals().values())
    assert market.ledger.verify(market.scope).ok
