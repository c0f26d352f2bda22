"""Whatever goes wrong, as ``application/problem+json`` (RFC 9457): the table from the error tree to statuses."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from attrs import frozen
from litestar.exceptions import HTTPException

from cityos_adapters.serialization import Json, render
from cityos_core.idempotency.model import Reply
from cityos_core.kernel.errors import (
    CityOSError,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    PreconditionFailed,
    Refused,
    Throttled,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE: Final = "application/problem+json"

STATUSES: Final[Mapping[type[CityOSError], int]] = {
    PreconditionFailed: 412,
    Unauthenticated: 401,
    Throttled: 429,
    Invalid: 422,
    NotFound: 404,
    Conflict: 409,
    Refused: 409,
    Forbidden: 403,
    Unavailable: 503,
    OutcomeUnknown: 502,
}
"""By what the caller can do about it; the narrower class stands first."""

BY_CODE: Final[Mapping[str, int]] = {
    "invalid_cursor": 400,
    "invalid_host": 400,
    "invalid_header": 400,
    "missing_idempotency_key": 400,
    "body_too_large": 413,
    "query_too_long": 414,
    "unsupported_media_type": 415,
    "precondition_required": 428,
}
"""Where HTTP has a status of its own for one code."""

_PLACE: Final = re.compile(r'\.([A-Za-z0-9_-]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


@frozen(kw_only=True)
class Problem:
    """What a response says that is not what was asked for."""

    status: int
    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    current_state: str | None = None
    allowed_actions: tuple[str, ...] | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def reply(self, request_id: str) -> Reply:
        """Write it."""
        body: dict[str, Json] = {
            "type": f"urn:cityos:problem:{self.code.replace('_', '-')}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        if self.errors:
            body["errors"] = [
                {"pointer": mistake.path, "code": mistake.code, "detail": mistake.detail} for mistake in self.errors
            ]
        if self.status == HTTPStatus.CONFLICT:
            body["current_state"] = self.current_state
            body["allowed_actions"] = list(self.allowed_actions or ())
        headers = (("content-type", MEDIA_TYPE), ("cache-control", "no-store"), *self.headers)
        return Reply(status=self.status, headers=headers, body=render(body))


def problem_of(error: Exception) -> Problem:
    """Say what an error means over HTTP; whatever nobody foresaw keeps its words to itself."""
    if isinstance(error, CityOSError):
        return _of_ours(error)
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _of_litestar(error)
    return Problem(status=500, code="internal_error", detail="this is our fault; tell support the request id")


def _of_ours(error: CityOSError) -> Problem:
    status = BY_CODE.get(error.code) or next(
        (status for kind, status in STATUSES.items() if isinstance(error, kind)), 500
    )
    conflict = error if isinstance(error, Conflict) else None
    return Problem(
        status=status,
        code=error.code,
        detail=error.detail,
        errors=error.errors if isinstance(error, Invalid) else (),
        current_state=conflict.current_state if conflict else None,
        allowed_actions=conflict.allowed_actions if conflict else None,
        headers=tuple(_headers(error)),
    )


def _headers(error: CityOSError) -> Iterable[tuple[str, str]]:
    if isinstance(error, Throttled):
        yield "retry-after", str(error.retry_after_s)
    elif isinstance(error, Unauthenticated):
        yield "www-authenticate", 'Bearer realm="cityos"'
    elif isinstance(error, Unavailable):
        yield "retry-after", "5"


_WORDS: Final[Mapping[int, tuple[str, str]]] = {
    404: ("not_found", "there is nothing here; look at the host, the path and the ids in it"),
    405: ("method_not_allowed", "this cannot be done here; the Allow header says what can"),
    413: ("body_too_large", "the body is larger than is read here"),
}


def _of_litestar(error: HTTPException) -> Problem:
    status = error.status_code
    code, detail = _WORDS.get(status, ("bad_request", "the request cannot be understood"))
    allowed = {name.lower(): value for name, value in (error.headers or {}).items()}.get("allow")
    return Problem(status=status, code=code, detail=detail, headers=(("allow", allowed),) if allowed else ())


def in_body(error: Invalid) -> Invalid:
    """Point at places in a body the way JSON Pointer does: ``#/lines/0/tax``."""
    return _placed(error, lambda path: "#" + "".join(_pointer(path)))


def in_query(error: Invalid) -> Invalid:
    """Point at query parameters: ``query/limit``."""
    return _placed(error, lambda path: "query" + "".join(_pointer(path)))


@contextmanager
def inside(member: str) -> Iterator[None]:
    """Point at places in one member of a body, for a use case that was given no more than that."""
    try:
        yield
    except Invalid as error:
        raise _placed(error, lambda path: f"#/{member}" + "".join(_pointer(path))) from None


def _placed(error: Invalid, place: Callable[[str], str]) -> Invalid:
    """Give the error with its JSON paths in another form; what has that form already keeps it."""
    mistakes = [
        FieldError(place(mistake.path) if mistake.path.startswith("$") else mistake.path, mistake.code, mistake.detail)
        for mistake in error.errors
    ]
    return Invalid(error.code, error.detail, mistakes)


def _pointer(path: str) -> Iterable[str]:
    for found in _PLACE.finditer(path):
        key = next(part for part in found.groups() if part is not None)
        yield "/" + key.replace("~", "~0").replace("/", "~1")
