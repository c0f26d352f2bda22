"""How tests speak to `cityos calc`, and the examples of the documentation."""

import json
from collections.abc import Callable
from typing import Any

from attrs import frozen

INVALID = 8
REFUSED = 7


@frozen
class Answer:
    """How a calculation ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed, insisting on success."""
        assert (self.code, self.err) == (0, "")
        return json.loads(self.out)

    def failed(self, code: int, path: str) -> None:
        """Insist on an exit code, nothing on standard output, and a path on standard error."""
        assert (self.code, self.out) == (code, "")
        assert f"{path}: " in self.err


Calc = Callable[[str, object], Answer]
"""Runs a calculator by name on data, or on raw bytes."""

ALLOCATE: dict[str, Any] = {"total": "10.00", "currency": "EUR", "weights": [1, 1, 1]}
REFUNDS: dict[str, Any] = {
    "currency": "EUR",
    "legs": {"vendor": "90.00", "commission": "10.00"},
    "refunds": ["33.33", "66.67"],
}
TIERS: dict[str, Any] = {
    "tiers": [{"up_to": "10", "unit": "10", "flat": "2"}, {"unit": "5", "flat": "3"}],
    "mode": "graduated",
    "quantity": "11",
}
PERIODS: dict[str, Any] = {
    "anchor": "2024-01-31T00:00",
    "zone": "Europe/Paris",
    "interval": "month",
    "count": 1,
    "first": 0,
    "number": 5,
}
PRORATION: dict[str, Any] = {
    "amount": "100.00",
    "currency": "EUR",
    "period": {"start": "2025-06-01", "end": "2025-07-01"},
    "from": "2025-06-16",
    "until": "2025-07-01",
    "resolution": "day",
}
COMMISSION: dict[str, Any] = {
    "rules": [{"name": "Ten", "scope": {"level": "platform"}, "rate": {"percentage": "10"}}],
    "order": {
        "reference": "o-1",
        "placed_at": "2026-01-15T12:00:00Z",
        "currency": "EUR",
        "lines": [{"reference": "1", "sku": "chair", "vendor": "acme", "quantity": 1, "unit_price": "100.00"}],
    },
}
EXAMPLES = {
    "allocate": ALLOCATE,
    "commission": COMMISSION,
    "refunds": REFUNDS,
    "tiers": TIERS,
    "periods": PERIODS,
    "proration": PRORATION,
}
