"""Lists in pages: keyset cursors, bounded sizes."""

from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from attrs import evolve, field, frozen

from cityos_core.kernel.errors import Invalid

T = TypeVar("T")

LARGEST_PAGE: Final = 100


@frozen
class PageRequest:
    """Which page: at most ``limit`` items after the one that ``after`` names (an opaque key from the page before)."""

    limit: int = field(default=25)
    after: str | None = None

    @limit.validator
    def _check(self, _attribute: object, value: int) -> None:
        if type(value) is not int or not 1 <= value <= LARGEST_PAGE:
            raise Invalid("page_size", f"a page holds 1 to {LARGEST_PAGE} items")


@frozen
class Page(Generic[T]):
    """Some items in their stated order, and the key that continues after them, ``None`` at the end."""

    items: tuple[T, ...]
    after: str | None = None

    @property
    def has_more(self) -> bool:
        """True if another page follows."""
        return self.after is not None


def every(fetch: Callable[[PageRequest], Page[T]]) -> Iterator[T]:
    """Go through a list to its end, page by page; ``fetch`` gives one page."""
    request = PageRequest(limit=LARGEST_PAGE)
    while True:
        page = fetch(request)
        yield from page.items
        if page.after is None:
            return
        request = evolve(request, after=page.after)
