"""Commission transactions as records."""

from typing import TYPE_CHECKING, Final

from attrs import asdict

from cityos_core.kernel.rendering import Record

if TYPE_CHECKING:
    from cityos_core.commissions.reading import EntryRow

AMOUNTS: Final = ("gross", "discounts", "funding", "shipping", "tax", "commission", "commission_tax", "net")
COLUMNS: Final = (
    "occurred_at",
    "order",
    "line",
    "vendor",
    "sku",
    "category",
    "kind",
    "status",
    "rules",
    "currency",
    *AMOUNTS,
    "journal",
    "payout",
)


def record(row: "EntryRow") -> Record:
    """Give a transaction."""
    return {**asdict(row, recurse=False), "currency": row.net.currency}
