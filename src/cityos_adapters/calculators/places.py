"""Saying where in the input a mistake or a refusal is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from attrs import Attribute

from cityos_core.kernel.errors import FieldError, Invalid, Refused

A = TypeVar("A")
B = TypeVar("B")


@contextmanager
def at(path: str) -> Iterator[None]:
    """Put a JSON path in front of what the core says about a part of the input."""
    try:
        yield
    except Invalid as error:
        mistakes = error.errors or [FieldError("$", error.code, error.detail)]
        raise Invalid(
            error.code,
            error.detail,
            [FieldError(path + mistake.path.removeprefix("$"), mistake.code, mistake.detail) for mistake in mistakes],
        ) from error
    except Refused as error:
        raise Refused(error.code, f"{path}: {error.detail}") from error


def both(one: Callable[[], A], other: Callable[[], B]) -> tuple[A, B]:
    """Read two parts of an input; what is wrong with either is said together."""
    try:
        first = one()
    except Invalid as error:
        try:
            other()
        except Invalid as further:
            raise Invalid(error.code, error.detail, (*error.errors, *further.errors)) from None
        raise
    return first, other()


def between(least: int, most: int | None = None) -> Callable[[object, "Attribute[Any]", int | None], None]:
    """Make a validator of whole numbers that may be absent."""

    def check(_instance: object, attribute: "Attribute[Any]", value: int | None) -> None:
        if value is not None and (value < least or (most is not None and value > most)):
            limits = f"{least} or more" if most is None else f"from {least} to {most}"
            raise Invalid.at(f"$.{attribute.name}", "out_of_range", f"`{attribute.name}` is {limits}")

    return check
