"""Who is acting: set once at the door, read by whatever writes down what was done."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from attrs import frozen


@frozen(kw_only=True)
class Caller:
    """Who does something, for whom, and how it came in.

    ``principal`` is a kind and an id, such as ``user:4711``, ``api_key:<id>`` or ``system:cli``. ``action`` is what was
    asked for, such as ``orders:refund``; empty where a program uses the library without saying.
    """

    principal: str
    name: str = ""
    on_behalf_of: str | None = None
    action: str = ""
    reason: str | None = None
    request_id: str | None = None
    address: str | None = None


PROGRAM: Final = Caller(principal="system:library")
"""Whoever uses the library and does not say who they are."""

_CALLER: Final = ContextVar("caller", default=PROGRAM)


def caller() -> Caller:
    """Give who is acting in this thread or task."""
    return _CALLER.get()


@contextmanager
def acting(who: Caller) -> Iterator[None]:
    """Let the block be done by someone."""
    token = _CALLER.set(who)
    try:
        yield
    finally:
        _CALLER.reset(token)
