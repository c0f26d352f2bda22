"""What the exchange format says of its values that the core's classes do not: bounds, examples, amounts without a currency.

Orders, commission rules and the items of plans are read over HTTP just as from files, straight into the core's classes.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from cityos_core.commissions.rules import (
    AmountBand,
    Conditions,
    FixedPart,
    Per,
    Rule,
    RuleScope,
    TieredRate,
    UnitPriceBand,
)
from cityos_core.commissions.validation import MOST_DAYS
from cityos_core.kernel.money import LIMIT, Money, UnitPrice
from cityos_core.kernel.tiers import Pricing, Tier
from cityos_core.orders.draft import LONGEST_REFERENCE, Discount, LineDraft, OrderDraft, ShippingDraft
from cityos_core.subscriptions.plans import MOST_RETRIES, DunningPolicy, PlanItem
from cityos_core.subscriptions.terms import LONGEST_TERMS, Collection, Subscriber, TaxRate

Said = Mapping[str, Mapping[str, object]]

_REFERENCE: Final = {"least": 1, "most": LONGEST_REFERENCE}
_CURRENCY: Final = {"doc": "ISO 4217; amounts inside may leave theirs out.", "example": "EUR", "pattern": "^[A-Z]{3}$"}

SAID: Final[Mapping[type, Said]] = {
    OrderDraft: {
        "reference": {"doc": "What the outside world calls the order.", "example": "10248", **_REFERENCE},
        "placed_at": {"example": "2025-06-01T12:00:00Z"},
        "currency": _CURRENCY,
        "lines": {"least": 1},
    },
    LineDraft: {
        "reference": {"doc": "Unique in the order.", "example": "1", **_REFERENCE},
        "sku": {"example": "chair"},
        "vendor": {"doc": "The vendor's handle.", "example": "acme"},
        "quantity": {"example": 2, "least": 1, "most": LIMIT - 1},
    },
    Discount: {"funding": {"doc": "Weights by party; the vendor alone unless said.", "example": {"vendor": 1}}},
    Rule: {
        "name": {"doc": "What tells it from the owner's others.", "example": "standard", "least": 1},
        "group": {"doc": "Of each group one rule wins.", "least": 1},
        "priority": {"doc": "The higher one wins among rules of one scope."},
    },
    RuleScope: {"reference": {"doc": "Which one; absent for the platform.", "example": "acme"}},
    Conditions: {"vendors": {"doc": "By handle."}},
    TieredRate: {
        "tiers": {"least": 1},
        "currency": _CURRENCY,
        "days": {"doc": "Of a rolling period.", "least": 1, "most": MOST_DAYS},
    },
    UnitPriceBand: {"currency": _CURRENCY},
    AmountBand: {"currency": _CURRENCY},
    PlanItem: {
        "key": {"doc": "Unique in the plan.", "example": "seats", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "most": 63},
        "name": {"doc": "What invoices call it.", "example": "Seats"},
        "price": {"doc": "For a period, or for each seat; metered items have none."},
        "pricing": {"doc": "Of what was used, in bands; metered items only."},
    },
    Pricing: {
        "tiers": {"least": 1},
        "flat_at_zero": {"doc": "Whether the first band's flat is due although nothing was used."},
    },
    Tier: {
        "up_to": {"doc": "The inclusive upper bound; the last band may have none.", "example": "1000"},
        "from_": {"doc": "The inclusive lower bound, where bands state that."},
        "unit": {"doc": "What a unit costs, or a package, in the plan's currency.", "example": "0.05"},
        "package": {"doc": "How many units a package holds."},
        "free": {"doc": "How many units of a package cost nothing."},
        "flat": {"doc": "What is due once for having entered the band.", "example": "0"},
    },
    DunningPolicy: {
        "days": {"doc": "Days after the first failure, rising.", "example": [1, 3, 7], "most": MOST_RETRIES}
    },
    Subscriber: {
        "reference": {
            "doc": "A customer's or company's id.",
            "example": "4711",
            "pattern": r"^[A-Za-z0-9][A-Za-z0-9._@|+-]*$",
            **_REFERENCE,
        }
    },
    TaxRate: {
        "jurisdiction": {
            "doc": "Whose tax it is.",
            "example": "nl",
            "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
            "least": 1,
            "most": 63,
        },
        "included": {"doc": "Whether prices contain it."},
    },
    Collection: {
        "terms_days": {"doc": "How long an invoice may stay unpaid.", "example": 14, "least": 0, "most": LONGEST_TERMS}
    },
}
"""What is said of attributes, in the words of ``about``."""

INSIDE: Final = frozenset({LineDraft, ShippingDraft, Discount, UnitPriceBand, AmountBand, PlanItem})
"""Classes whose amounts may be bare text, in the currency that they, or the order around them, name."""

DECIMAL: Final = r"^-?[0-9]+(\.[0-9]+)?$"
UNSIGNED: Final = r"^[0-9]+(\.[0-9]+)?$"

BARE: Final[Mapping[Any, dict[str, object]]] = {
    Money: {"type": "string", "pattern": DECIMAL, "examples": ["19.99"]},
    UnitPrice: {"type": "string", "pattern": UNSIGNED, "examples": ["0.5292"]},
}

WEIGHT: Final = int | Fraction
"""What funding is divided by: a whole number, a decimal or a ratio, none below zero."""

WEIGHT_FORM: Final[dict[str, object]] = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": LIMIT - 1},
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+|/[0-9]+)?$"},
    ],
    "examples": [1],
}

FORMS: Final[Mapping[type, dict[str, Any]]] = {
    FixedPart: {
        "type": "object",
        "description": "A fixed amount per unit, line or order. Inside a tiered rate the currency may be left out.",
        "properties": {
            "amount": {"type": "string", "pattern": UNSIGNED, "examples": ["0.30"]},
            "currency": {"type": ["string", "null"], "pattern": "^[A-Z]{3}$", "examples": ["EUR"]},
            "per": {"type": "string", "enum": [per.value for per in Per], "default": Per.LINE.value},
        },
        "required": ["amount"],
        "additionalProperties": False,
    },
}
"""Classes that are written in another way than attribute by attribute."""
