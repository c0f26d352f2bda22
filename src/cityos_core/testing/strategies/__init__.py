"""Hypothesis strategies for the values of the core; nothing else in the library needs Hypothesis.

``st.builds`` knows nothing of validators: these draw only what the core accepts.
"""

from cityos_core.testing.strategies.orders import funding, line_drafts, order_drafts
from cityos_core.testing.strategies.rules import rule_scopes, rules
from cityos_core.testing.strategies.values import (
    MOST,
    ZONES,
    Unwound,
    anchors,
    bounds,
    currencies,
    fractions,
    handles,
    instants,
    legs,
    legs_with_refunds,
    money,
    percentages,
    pricings,
    unit_prices,
    weights,
)

__all__ = [
    "MOST",
    "ZONES",
    "Unwound",
    "anchors",
    "bounds",
    "currencies",
    "fractions",
    "funding",
    "handles",
    "instants",
    "legs",
    "legs_with_refunds",
    "line_drafts",
    "money",
    "order_drafts",
    "percentages",
    "pricings",
    "rule_scopes",
    "rules",
    "unit_prices",
    "weights",
]
