"""Entries of the audit as records."""

from typing import Final

from cityos_core.audit.model import Entry
from cityos_core.kernel.rendering import Record

COLUMNS: Final = (
    "sequence",
    "occurred_at",
    "principal",
    "name",
    "on_behalf_of",
    "action",
    "reason",
    "targets",
    "request_id",
    "address",
    "hash",
)


def record(entry: Entry) -> Record:
    """Give an entry with its changes and its place in the chain."""
    return {
        "sequence": entry.sequence,
        "id": entry.id,
        "occurred_at": entry.occurred_at,
        "principal": entry.principal,
        "name": entry.name,
        "on_behalf_of": entry.on_behalf_of,
        "action": entry.action,
        "reason": entry.reason,
        "request_id": entry.request_id,
        "address": entry.address,
        "targets": [f"{change['kind']} {change['target']} {change['verb']}" for change in entry.changes],
        "changes": entry.changes,
        "previous": entry.previous,
        "hash": entry.hash,
    }
