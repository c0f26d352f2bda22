"""What can be done to what, as ``resource:verb``, and the patterns that roles and keys are written in."""

from functools import lru_cache
from typing import Final

ANY: Final = "*"
"""Stands for every resource, or for every verb, in a pattern."""

RESOURCES: Final = (
    "products", "stock", "categories", "stores", "portals", "tenants", "tree", "domains", "settings",
    "vendors", "team", "onboarding", "payout-account",
    "commission-rules", "commissions", "orders", "refunds", "disputes",
    "payouts", "payout-batches", "ledger", "statements",
    "plans", "subscriptions", "usage", "invoices", "billing-runs", "billing-cycles", "mrr",
    "api-keys", "users", "impersonations", "audit-log", "exports", "dashboard", "cron", "jobs",
)  # fmt: skip
"""Everything that actions are on."""

READING: Final = ("read", "list")
"""The verbs that change nothing and reckon nothing."""

VERBS: Final = (
    *READING,
    "create", "change", "add", "remove", "import", "export", "publish", "withdraw", "archive", "restore", "move",
    "activate", "offboard", "suspend", "reinstate", "terminate", "submit", "approve", "reject", "accept", "waive", "expire",
    "quote", "place", "fulfil", "deliver", "cancel", "refund", "open", "close",
    "run", "process", "request", "hold", "release", "retry", "confirm", "fail", "return", "post", "reverse",
    "preview", "pause", "resume", "undo", "pay", "credit", "void", "write-off", "skip",
    "explain", "lint", "replay", "retire", "verify", "rotate", "revoke", "start", "end",
)  # fmt: skip
"""Everything that is done."""

ACTIONS: Final = frozenset(f"{resource}:{verb}" for resource in RESOURCES for verb in VERBS)
"""Every action there can be; what is not among them is nobody's to do."""


def reading(*resources: str) -> tuple[str, ...]:
    """Give the patterns for reading resources."""
    return tuple(f"{resource}:{verb}" for resource in resources for verb in READING)


def is_pattern(text: str) -> bool:
    """Tell whether a text is a pattern: a known resource or ``*``, a colon, a known verb or ``*``."""
    resource, colon, verb = text.partition(":")
    return bool(colon) and resource in {ANY, *RESOURCES} and verb in {ANY, *VERBS}


@lru_cache(maxsize=1024)
def covered(patterns: tuple[str, ...] | frozenset[str]) -> frozenset[str]:
    """List the actions that any of these patterns stands for."""
    found: set[str] = set()
    for pattern in patterns:
        resource, _, verb = pattern.partition(":")
        resources = RESOURCES if resource == ANY else (resource,)
        verbs = VERBS if verb == ANY else (verb,)
        found.update(f"{one}:{other}" for one in resources for other in verbs)
    return ACTIONS & found
