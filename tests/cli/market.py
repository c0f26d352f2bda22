"""A small market as files: two vendors, a product each, two rules, and three orders of which one is wrong."""

import json
from collections.abc import Callable
from pathlib import Path

VENDORS = """handle,name,email,country,tax_id,status
las-cabras,Cooperativa de Quesos 'Las Cabras',sales@las-cabras.example,Spain,,approved
leka,Leka Trading,,SG,,approved
"""

PRODUCTS = """sku,title,vendor,category,unit_price,currency,status
11,Queso Cabrales,las-cabras,dairy/cheese,21.00,USD,published
42,Hokkien Fried Mee,leka,grains,14.00,USD,archived
"""

RULES = [
    {"name": "Everything", "scope": {"level": "tenant", "reference": "north"}, "rate": {"percentage": "10"}},
    {
        "name": "Cheese in bulk",
        "scope": {"level": "product_category", "reference": "dairy"},
        "conditions": {"line_amount": {"min": "150.00", "currency": "USD"}},
        "rate": {"percentage": "8", "fixed": [{"amount": "0.30", "currency": "USD", "per": "line"}]},
    },
]

ORDERS = [
    {
        "reference": "10248",
        "placed_at": "1996-07-04T00:00:00Z",
        "customer": "VINET",
        "currency": "USD",
        "fulfilled_at": "1996-07-16T00:00:00Z",
        "lines": [
            {
                "reference": "1",
                "sku": "11",
                "vendor": "las-cabras",
                "quantity": 12,
                "unit_price": "14.00",
                "discounts": [{"percentage": "5", "funding": {"vendor": 1}}],
            },
            {"reference": "2", "sku": "42", "vendor": "leka", "quantity": 10, "unit_price": "9.80"},
        ],
        "shipping": [{"amount": "32.38"}],
    },
    {
        "reference": "10249",
        "placed_at": "1996-07-05T00:00:00Z",
        "currency": "USD",
        "lines": [{"reference": "1", "sku": "11", "vendor": "las-cabras", "quantity": 3, "unit_price": "21.00"}],
    },
    {
        "reference": "10250",
        "placed_at": "1996-07-08T00:00:00Z",
        "currency": "USD",
        "lines": [{"reference": "1", "sku": "none", "vendor": "leka", "quantity": 1, "unit_price": "1.00"}],
    },
]


def write_files(folder: Path) -> None:
    """Write what a tenant imports."""
    (folder / "vendors.csv").write_text(VENDORS)
    (folder / "products.csv").write_text(PRODUCTS)
    (folder / "rules.json").write_text(json.dumps(RULES))
    (folder / "orders.jsonl").write_text("".join(f"{json.dumps(order)}\n" for order in ORDERS))


def open_market(run: Callable[..., int], folder: Path, *, owner: str, url: str) -> None:
    """Make the tenant ``north`` by the commands of a first hour, up to its orders."""
    north = ("--parent", "de/green-city/food/wholesale", "--name", "North Market", "--currency", "USD")
    tenant = ("--tenant", "north", "--database-url", url)
    codes = [
        run("db", "migrate", "--database-url", owner),
        run("tree", "add", "de/green-city/food/wholesale", "--database-url", url),
        run("tenants", "create", "north", *north, "--database-url", url),
        run("vendors", "import", f"{folder}/vendors.csv", *tenant),
        run("products", "import", f"{folder}/products.csv", *tenant),
        run("commission", "rules", "import", f"{folder}/rules.json", *tenant),
    ]
    assert codes == [0] * len(codes)
