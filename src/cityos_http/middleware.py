"""The outermost layer: a request id on every answer, one log line per request, and no answer without a form."""

import re
from http import HTTPStatus
from time import perf_counter_ns
from typing import Any, Final, cast
from uuid import uuid4

import structlog
from attrs import frozen
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from cityos_core.kernel.errors import Unavailable
from cityos_http.measures import Measures
from cityos_http.problems import problem_of

_TRACE: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"vary", b"Authorization, X-Publishable-Key, X-Impersonation, Host, X-Vendor"),
)
"""Headers of every answer."""


def request_id_of(scope: Scope) -> str:
    """Give the id of a request."""
    return str(scope["state"]["request_id"])


@frozen
class Outermost:
    """Wraps the whole application."""

    app: ASGIApp
    measures: Measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        heads = {name: value.decode("latin-1") for name, value in scope["headers"]}
        given = heads.get(b"x-request-id", "")
        state["request_id"] = given if _PLAIN.fullmatch(given) else uuid4().hex
        traced = _TRACE.fullmatch(heads.get(b"traceparent", ""))
        state["told"] = {"trace_id": traced[1]} if traced else {}
        started, status = perf_counter_ns(), 0
        method = scope["method"]
        is_head = method == "HEAD"
        if is_head:
            scope = cast("Scope", {**scope, "method": "GET"})

        async def marked(message: Message) -> None:
            nonlocal status
            if is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            if message["type"] == "http.response.start":
                status = message["status"]
                names = {name.lower() for name, _ in message["headers"]}
                more = [(name, value) for name, value in ALWAYS if name not in names]
                identity = (b"x-request-id", request_id_of(scope).encode())
                message["headers"] = [*message["headers"], *more, identity]
            await send(message)

        try:
            await self.app(scope, receive, marked)
        except Exception as error:
            state["failure"] = error
            if status:
                raise
            await _answer(error, scope, marked)
        finally:
            self._note(scope, method, status, perf_counter_ns() - started)

    def _note(self, scope: Any, method: str, status: int, took_ns: int) -> None:
        route = scope.get("path_template") or "(unknown)"
        self.measures.note(method, route, status, took_ns / 1e9)
        log = structlog.get_logger("cityos.http")
        about = {
            "request_id": request_id_of(scope),
            "method": method,
            "route": route,
            "status": status,
            "took_us": took_ns // 1000,
            **scope["state"]["told"],
        }
        failure = scope["state"].get("failure")
        if failure is None or problem_of(failure).status < HTTPStatus.INTERNAL_SERVER_ERROR:
            log.info("request", **about)
        elif isinstance(failure, Unavailable):  # what is away is known, and every request meets it
            why = "; ".join([failure.detail, *getattr(failure, "__notes__", ())])
            log.warning("request", **about, code=failure.code, why=why)
        else:
            log.error("request", **about, exc_info=failure)


async def _answer(error: Exception, scope: Scope, send: Send) -> None:
    reply = problem_of(error).reply(request_id_of(scope))
    heads = [(name.encode(), value.encode()) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": heads})
    await send({"type": "http.response.body", "body": reply.body.encode(), "more_body": False})
