"""Pages by keyset: rows are ordered by words, and the cursor is the words of the last row."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from heapq import nlargest, nsmallest
from typing import TypeVar

from cityos_core.kernel.clock import instant
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.paging import Page, PageRequest

V = TypeVar("V")
Words = tuple[str, ...]


def moment(value: datetime) -> str:
    """Write an instant as a word that sorts by time."""
    return instant(value).isoformat(timespec="microseconds")


def page(
    rows: Iterable[V], words: Callable[[V], Words], request: PageRequest, *, newest_first: bool = False
) -> Page[V]:
    """Cut the page that was asked for, from the least words up, or from the greatest down."""
    after = None if request.after is None else _words(request.after)
    pairs = ((words(row), row) for row in rows)
    kept = (pair for pair in pairs if after is None or (pair[0] < after if newest_first else pair[0] > after))
    first = nlargest if newest_first else nsmallest
    found = first(request.limit + 1, kept, key=lambda pair: pair[0])
    items = found[: request.limit]
    return Page(tuple(row for _, row in items), json.dumps(items[-1][0]) if len(found) > len(items) else None)


def _words(cursor: str) -> Words:
    try:
        words = json.loads(cursor)
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise Invalid("invalid_cursor", "this cursor is not from a page of this list; start again without one")
    return tuple(words)
