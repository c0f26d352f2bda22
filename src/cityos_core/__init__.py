"""The core of a city-scale marketplace: orders, commission, a double-entry ledger and payouts, exact to the cent."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cityos_core.kernel.allocation import allocate, allocate_money
from cityos_core.kernel.errors import (
    CityOSError,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from cityos_core.kernel.money import Money, Percentage, UnitPrice
from cityos_core.kernel.scope import PlatformScope, TenantScope

if TYPE_CHECKING:
    from cityos_core.app import CityOS
    from cityos_core.dependencies import Dependencies
    from cityos_core.orders.draft import Discount, LineDraft, OrderDraft, ShippingDraft

__all__ = [
    "CityOS",
    "CityOSError",
    "Conflict",
    "Dependencies",
    "Discount",
    "FieldError",
    "Forbidden",
    "Invalid",
    "LineDraft",
    "Money",
    "NotFound",
    "OrderDraft",
    "OutcomeUnknown",
    "Percentage",
    "PlatformScope",
    "Refused",
    "ShippingDraft",
    "TenantScope",
    "Unavailable",
    "UnitPrice",
    "allocate",
    "allocate_money",
]

_LATER = {
    "CityOS": "cityos_core.app",
    "Dependencies": "cityos_core.dependencies",
    "Discount": "cityos_core.orders.draft",
    "LineDraft": "cityos_core.orders.draft",
    "OrderDraft": "cityos_core.orders.draft",
    "ShippingDraft": "cityos_core.orders.draft",
}
"""Names that are imported when they are first used, because what they stand for is larger than a value."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
