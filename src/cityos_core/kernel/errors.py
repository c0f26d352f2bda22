"""The one error tree, ordered by what the caller can do about it.

    CityOSError
    ├── Invalid         the input is malformed: correct it            (HTTP 422, exit 8, never retried)
    ├── NotFound        no such record in this scope                  (HTTP 404, exit 6, never retried)
    ├── Conflict        another writer was first, or a state forbids  (HTTP 409, exit 7, reload first)
    │   └── PreconditionFailed  it is not the version the caller saw  (HTTP 412, exit 7, reload first)
    ├── Refused         a rule of the business says no                (HTTP 409, exit 7, never retried)
    ├── Forbidden       this principal may not                        (HTTP 403, exit 5, never retried)
    │   └── Unauthenticated  nobody proved who they are               (HTTP 401, exit 4, never retried)
    ├── Unavailable     a counterpart did not answer; nothing happened (HTTP 503, exit 9, retried)
    │   └── Throttled   too much in too little time                   (HTTP 429, exit 9, retried after a while)
    └── OutcomeUnknown  a counterpart may have acted; ask it first    (HTTP 502, exit 9, inquired)

Every error carries a stable ``code`` for programs and a ``detail`` for people that says what to do next.
"""

from collections.abc import Iterable, Sequence
from typing import Self

from attrs import frozen


@frozen
class FieldError:
    """One mistake in an input: where it is (a JSON path such as ``$.lines[0].tax``), a code, and what to do."""

    path: str
    code: str
    detail: str


class CityOSError(Exception):
    """The root of everything this library raises on purpose."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class Invalid(CityOSError):  # noqa: N818  the tree's words are the field's
    """The input cannot be understood; ``errors`` names every mistake and its place."""

    def __init__(self, code: str, detail: str, errors: Iterable[FieldError] = ()) -> None:
        super().__init__(code, detail)
        self.errors = tuple(errors)

    @classmethod
    def at(cls, path: str, code: str, detail: str) -> Self:
        """Name one mistake and its place."""
        return cls(code, detail, [FieldError(path, code, detail)])

    def __str__(self) -> str:
        if not self.errors:
            return self.detail
        return "; ".join(f"{error.path}: {error.detail}" for error in self.errors)


def require_none(mistakes: Iterable[FieldError]) -> None:
    """Raise ``Invalid``, with the first one's code, if there are mistakes."""
    found = tuple(mistakes)
    if found:
        raise Invalid(found[0].code, found[0].detail, found)


class NotFound(CityOSError):  # noqa: N818
    """Nothing by that name in this scope; another tenant's record reads the same as none at all."""


class Conflict(CityOSError):  # noqa: N818
    """The record is not in a state that allows this, or someone else changed it first."""

    def __init__(
        self, code: str, detail: str, *, current_state: str | None = None, allowed_actions: Sequence[str] = ()
    ) -> None:
        super().__init__(code, detail)
        self.current_state = current_state
        self.allowed_actions = tuple(allowed_actions)


class PreconditionFailed(Conflict):
    """The record is no longer the version that the caller said it was changing."""


class Refused(CityOSError):  # noqa: N818
    """A rule of the business says no; sending it again changes nothing."""


class Forbidden(CityOSError):  # noqa: N818
    """The principal may not do that."""


class Unauthenticated(Forbidden):
    """Nobody proved who they are: no credential, or one that is not valid (any more)."""


class Unavailable(CityOSError):  # noqa: N818
    """A counterpart could not be reached and did nothing; trying later is safe."""


class Throttled(Unavailable):
    """Too much was asked in too little time; nothing happened. ``retry_after_s`` says when to try again."""

    def __init__(self, code: str, detail: str, *, retry_after_s: int) -> None:
        super().__init__(code, detail)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(CityOSError):  # noqa: N818
    """A counterpart may or may not have acted; it must be asked before anything is sent again."""
