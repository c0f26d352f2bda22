"""Named places where tests and simulations let the process die; in production nothing happens there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_hook: Callable[[str], None] | None = None


class Crash(BaseException):
    """Stands for the death of the process: nothing catches it, nothing after it runs."""


def point(name: str) -> None:
    """Pass a named fault point; it does nothing unless a test has put a hook there."""
    if _hook is not None:
        _hook(name)


@contextmanager
def hooked(hook: Callable[[str], None]) -> Iterator[None]:
    """Call ``hook`` with the name of every fault point passed while the block runs."""
    global _hook  # noqa: PLW0603  one process, one hook: threads of a test share it on purpose
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before
