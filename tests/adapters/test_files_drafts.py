"""Vendors, products and rules from files."""

import io
import json

import pytest

from cityos_adapters.files import read_products, read_rules, read_vendors
from cityos_core.catalog.draft import ProductDraft
from cityos_core.catalog.model import ProductStatus
from cityos_core.kernel.errors import CityOSError, Invalid
from cityos_core.kernel.money import UnitPrice
from cityos_core.vendors.draft import VendorDraft
from cityos_core.vendors.model import VendorStatus


def _stream(*lines: str) -> io.BytesIO:
    return io.BytesIO("\n".join(lines).encode())


def _mistakes(error: CityOSError | None) -> list[tuple[str, str]]:
    assert isinstance(error, Invalid)
    return [(mistake.path, mistake.code) for mistake in error.errors]


def test_vendors() -> None:
    """A row is a vendor; the country may be a name, empty cells say nothing."""
    rows = list(
        read_vendors(
            _stream(
                "handle,name,email,country,tax_id,status",
                "exotic-liquids,Exotic Liquids,sales@exotic.example,UK,GB1,approved",
                'leka,"Leka\nTrading",,,,',
            )
        )
    )
    assert rows[0].draft == VendorDraft(
        handle="exotic-liquids",
        name="Exotic Liquids",
        email="sales@exotic.example",
        country="GB",
        tax_id="GB1",
        status=VendorStatus.APPROVED,
    )
    assert rows[1].draft == VendorDraft(handle="leka", name="Leka\nTrading")


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("Bad Handle,Leka,,,,", "handle", "invalid_handle"),
        (",Leka,,,,", "handle", "missing"),
        ("leka,,,,,", "name", "missing"),
        ("leka,  ,,,,", "name", "missing_name"),
        ("leka,Leka,nobody,,,", "email", "invalid_email"),
        ("leka,Leka,,Atlantis,,", "country", "unknown_country"),
        ("leka,Leka,,,,sleeping", "status", "unknown_value"),
    ],
)
def test_mistakes_of_a_vendor(row: str, column: str, code: str) -> None:
    """A mistake is named by row and column, under the vendor's handle as it stands there."""
    (found,) = read_vendors(_stream("handle,name,email,country,tax_id,status", row))
    assert (found.draft, found.reference) == (None, row.split(",", maxsplit=1)[0])
    assert _mistakes(found.error) == [(f"row 2, column {column}", code)]


def test_products() -> None:
    """A row is a product priced in its currency."""
    good, bad = read_products(
        _stream(
            "sku,title,vendor,category,unit_price,currency,status",
            "11,Queso Cabrales,las-cabras,dairy/cheese,21.00,USD,published",
            "12,Mozzarella,las-cabras,Dairy,34.8000001,USD,",
        )
    )
    assert good.draft == ProductDraft(
        sku="11",
        title="Queso Cabrales",
        vendor="las-cabras",
        category="dairy/cheese",
        unit_price=UnitPrice.of("21.00", "USD"),
        currency="USD",
        status=ProductStatus.PUBLISHED,
    )
    assert ("row 3, column unit_price", "surplus_digits") in _mistakes(bad.error)


def test_rules() -> None:
    """A list of rules is read as a whole."""
    rules = read_rules(
        _stream("\ufeff" + json.dumps([{"name": "All", "scope": {"level": "platform"}, "rate": {"percentage": "10"}}]))
    )
    assert [rule.name for rule in rules] == ["All"]


def test_rules_name_every_mistake() -> None:
    """Every mistake in a list of rules is named by its JSON path."""
    with pytest.raises(Invalid) as caught:
        read_rules(_stream('[{"name": "All", "scope": {"level": "moon"}}, {"colour": 1}]'))
    assert {"$[0].scope.level", "$[0].rate", "$[1].colour"} <= {path for path, _ in _mistakes(caught.value)}
