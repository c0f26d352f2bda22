"""Vendors, products and usage from CSV, one per row."""

from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final, TypeVar

from cityos_adapters.files.table import Columns, Record, located, records
from cityos_adapters.serialization import load
from cityos_core.catalog.draft import ProductDraft
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.imports import Row
from cityos_core.subscriptions.drafts import UsageDraft
from cityos_core.vendors.draft import VendorDraft

T = TypeVar("T")

VENDOR_COLUMNS: Final = Columns(required=("handle", "name"), optional=("email", "country", "tax_id", "status"))
PRODUCT_COLUMNS: Final = Columns(
    required=("sku", "title", "vendor", "unit_price", "currency"), optional=("category", "status")
)
USAGE_COLUMNS: Final = Columns(required=("subscription", "key", "item", "quantity", "used_at"))

_VENDOR_CODES: Final = {
    "invalid_handle": "handle",
    "missing_name": "name",
    "invalid_email": "email",
    "unknown_country": "country",
}
_PRODUCT_CODES: Final = {"invalid_sku": "sku", "missing_title": "title", "invalid_handle": "category"}
"""Which column a mistake is in that is found when the whole draft is put together."""


def read_vendors(stream: BinaryIO) -> Iterator[Row[VendorDraft]]:
    """Read vendors, known by their handles."""
    return (_row(record, VendorDraft, "handle", _VENDOR_CODES) for record in records(stream, VENDOR_COLUMNS))


def read_products(stream: BinaryIO) -> Iterator[Row[ProductDraft]]:
    """Read products, known by their skus."""
    return (_row(record, ProductDraft, "sku", _PRODUCT_CODES) for record in records(stream, PRODUCT_COLUMNS))


def read_usage_csv(stream: BinaryIO) -> Iterator[Row[UsageDraft]]:
    """Read what was used, each report known by its key."""
    return (_row(record, UsageDraft, "key", {}) for record in records(stream, USAGE_COLUMNS))


def _row(record: Record, cls: type[T], reference: str, codes: Mapping[str, str]) -> Row[T]:
    draft, error = None, record.error
    if error is None:
        try:
            draft = load(cls, dict(record.cells))
        except Invalid as invalid:
            error = located(invalid, lambda found: (record.row, _key(found.path) or codes.get(found.code)))
    return Row(number=record.row, reference=record.cells.get(reference, ""), draft=draft, error=error)


def _key(path: str) -> str:
    return path.removeprefix("$").removeprefix(".")
