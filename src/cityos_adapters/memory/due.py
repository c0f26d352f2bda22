"""What falls due: rows that carry an instant, longest due first."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

V = TypeVar("V")


def longest_due(
    rows: Iterable[V], when: Callable[[V], datetime | None], key: Callable[[V], Any], now: datetime, *, limit: int
) -> list[V]:
    """List rows whose instant has come, at most so many; their keys order what fell due at the same time."""
    waiting = ((when(row), key(row), row) for row in rows)
    due = [(at, place, row) for at, place, row in waiting if at is not None and at <= now]
    due.sort(key=lambda found: found[:2])
    return [row for _, _, row in due[:limit]]
