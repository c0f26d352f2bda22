"""Turns the Northwind sample database, as CSV files, into files that CityOS imports.

Each supplier becomes a vendor, each customer a buyer, freight is shipping of the whole order, a discount is funded by
the vendor, the currency is USD. An order that was not shipped is not fulfilled.
"""

import csv
import json
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

CURRENCY = "USD"

Row = Mapping[str, str]


def convert(source: Path, target: Path) -> None:
    """Read the tables in one folder and write ``vendors.csv``, ``products.csv`` and ``orders.jsonl`` to another."""
    suppliers = {row["supplier_id"]: row for row in _table(source, "suppliers")}
    categories = {row["category_id"]: handle(row["name"]) for row in _table(source, "categories")}
    products = {row["product_id"]: row for row in _table(source, "products")}
    vendors = {key: handle(row["company_name"]) for key, row in suppliers.items()}
    target.mkdir(parents=True, exist_ok=True)
    _write(
        target / "vendors.csv",
        ("handle", "name", "email", "country", "tax_id", "status"),
        ((vendors[key], row["company_name"], "", row["country"], "", "approved") for key, row in suppliers.items()),
    )
    _write(
        target / "products.csv",
        ("sku", "title", "vendor", "category", "unit_price", "currency", "status"),
        (
            (
                sku,
                row["name"],
                vendors[row["supplier_id"]],
                categories[row["category_id"]],
                row["unit_price"],
                CURRENCY,
                "archived" if row["discontinued"] == "1" else "published",
            )
            for sku, row in products.items()
        ),
    )
    sellers = {sku: vendors[row["supplier_id"]] for sku, row in products.items()}
    with (target / "orders.jsonl").open("w", encoding="utf-8") as file:
        for order in orders(source, sellers):
            file.write(json.dumps(order) + "\n")


def orders(source: Path, sellers: Mapping[str, str]) -> Iterator[Mapping[str, object]]:
    """Build the orders, oldest first."""
    details = defaultdict(list)
    for row in _table(source, "order_details"):
        details[row["order_id"]].append(row)
    for row in _table(source, "orders"):
        lines = details[row["order_id"]]
        yield {
            "reference": row["order_id"],
            "placed_at": f"{row['order_date']}T00:00:00Z",
            "customer": row["customer_id"],
            "currency": CURRENCY,
            "fulfilled_at": f"{row['shipped_date']}T00:00:00Z" if row["shipped_date"] else None,
            "lines": [line(str(place), detail, sellers) for place, detail in enumerate(lines, start=1)],
            "shipping": [{"amount": amount(row["freight"])}],
        }


def line(reference: str, detail: Row, sellers: Mapping[str, str]) -> Mapping[str, object]:
    """Build one line; the price is the one that was paid, not the list price."""
    percentage = (Decimal(detail["discount"]) * 100).normalize()
    return {
        "reference": reference,
        "sku": detail["product_id"],
        "vendor": sellers[detail["product_id"]],
        "quantity": int(detail["quantity"]),
        "unit_price": detail["unit_price"],
        "discounts": [{"percentage": f"{percentage:f}", "funding": {"vendor": 1}}] if percentage else [],
    }


def amount(text: str) -> str:
    """Write an amount with the currency's two digits."""
    return f"{Decimal(text):.2f}"


def handle(name: str) -> str:
    """Turn a name into a handle: ``Cooperativa de Quesos 'Las Cabras'`` is ``cooperativa-de-quesos-las-cabras``."""
    latin = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", latin.lower()).strip("-")


def _table(source: Path, name: str) -> Iterator[Row]:
    with (source / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _write(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
