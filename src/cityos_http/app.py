"""The application: every endpoint behind the same desk, and an outermost layer that nothing gets past unmarked."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

from attrs import field, frozen
from litestar import Litestar, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from cityos_core.app import CityOS
from cityos_core.idempotency.model import Reply
from cityos_core.kernel.errors import CityOSError, Invalid
from cityos_http import document, routes
from cityos_http.addresses import Proxies
from cityos_http.background import Background, NoBackground
from cityos_http.endpoint import Endpoint
from cityos_http.incoming import Incoming
from cityos_http.measures import Measures
from cityos_http.middleware import Outermost, request_id_of
from cityos_http.options import HttpOptions
from cityos_http.problems import problem_of
from cityos_http.serving import Answer, Desk

Asgi = Request[Any, Any, Any]
P = ParamSpec("P")
T = TypeVar("T")


def create_app(city: CityOS, options: HttpOptions | None = None, background: Background | None = None) -> Litestar:
    """Make the ASGI application that opens a city over HTTP; what is given as ``background`` lives as long as it does."""
    house = House(city=city, options=options or HttpOptions(), background=background or NoBackground())
    app = Litestar(
        route_handlers=[
            *(house.handler(endpoint) for endpoint in routes.ENDPOINTS),
            *document.handlers(routes.ENDPOINTS),
            house.measures_handler(),
        ],
        lifespan=[house.open],
        openapi_config=None,
        exception_handlers={Exception: _as_problem},
        logging_config=None,
        request_max_body_size=house.options.most_body_bytes,
    )
    app.asgi_handler = Outermost(app.asgi_handler, house.measures)
    return app


@frozen(kw_only=True, eq=False)
class House:
    """What the handlers of one application share: the desk, its threads, its counters."""

    city: CityOS
    options: HttpOptions
    background: Background
    measures: Measures = field(factory=Measures)
    desk: Desk = field(init=False)
    threads: ThreadPoolExecutor = field(init=False)

    @desk.default
    def _desk(self) -> Desk:
        return Desk(city=self.city, options=self.options)

    @threads.default
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.options.threads, thread_name_prefix="cityos-http")

    @asynccontextmanager
    async def open(self, _app: Litestar) -> AsyncIterator[None]:
        """Keep the house open: what falls due is done, and at the end everything under way is finished."""
        self.background.start()
        try:
            yield
        finally:
            self.background.stop()
            self.threads.shutdown()

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something that blocks in one of the house's threads."""
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self.threads, lambda: context.run(work, *args, **kwargs)
        )

    def handler(self, endpoint: Endpoint) -> HTTPRouteHandler:
        """Make the handler of an endpoint."""
        return HTTPRouteHandler(
            endpoint.path.replace("}", ":str}"),
            http_method=endpoint.method,  # type: ignore[arg-type]
            name=endpoint.operation,
            status_code=200,  # every answer says its own
            opt={"endpoint": endpoint},
        )(self._handling(endpoint))

    def measures_handler(self) -> HTTPRouteHandler:
        """Make the handler that Prometheus asks."""

        @get("/metrics", sync_to_thread=False)
        def get_metrics() -> Response[bytes]:
            return Response(self.measures.text(), media_type="text/plain; version=0.0.4")

        return get_metrics

    def _handling(self, endpoint: Endpoint) -> Callable[[Asgi], Awaitable[Response[Any]]]:
        proxies = Proxies.of(self.options.trusted_proxies)

        async def handle(request: Request[Any, Any, Any]) -> Response[Any]:
            heads: list[tuple[str, str]] = []
            try:
                incoming = await _incoming(request, self.options, proxies)
                answer = await self.in_thread(self.desk.serve, endpoint, incoming, heads)
            except CityOSError as error:
                return _as_problem(request, error, heads)
            if answer.reply.status == 202:
                self.background.wake()
            return self._streamed(answer, heads) if answer.pieces is not None else _response(answer.reply, heads)

        return handle

    def _streamed(self, answer: Answer, heads: list[tuple[str, str]]) -> Response[Any]:
        named = dict([*answer.reply.headers, *heads])
        kind = named.pop("content-type")
        pieces = self._pieces(iter(answer.pieces or ()))
        return Stream(pieces, status_code=answer.reply.status, headers=named, media_type=kind)

    async def _pieces(self, pieces: Iterator[str]) -> AsyncIterator[bytes]:
        end = object()
        while (piece := await self.in_thread(next, pieces, end)) is not end:
            yield str(piece).encode()


async def _incoming(request: Asgi, options: HttpOptions, proxies: Proxies) -> Incoming:
    if len(request.scope["query_string"]) > options.most_query_bytes:
        raise Invalid("query_too_long", f"a query has {options.most_query_bytes} bytes at most")
    given = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.scope["headers"]]
    headers = dict(given)
    way = ", ".join(value for name, value in given if name == "x-forwarded-for")
    return Incoming(
        path_values=dict(request.path_params),
        query=[(name, value) for name, value in request.query_params.multi_items()],
        headers=headers,
        repeated=frozenset(name for name, count in Counter(name for name, _ in given).items() if count > 1),
        body=await request.body(),
        address=proxies.client(request.client.host if request.client else None, way),
        host=headers.get("host", ""),
        request_id=request_id_of(request.scope),
        told=request.scope["state"]["told"],
    )


def _response(reply: Reply, heads: Sequence[tuple[str, str]]) -> Response[Any]:
    named = dict([*reply.headers, *heads])
    kind = named.pop("content-type", "application/json")
    return Response(content=reply.body.encode(), status_code=reply.status, headers=named, media_type=kind)


def _as_problem(request: Asgi, error: Exception, heads: Sequence[tuple[str, str]] = ()) -> Response[Any]:
    request.scope["state"]["failure"] = error  # the outermost layer logs it where it is not the client's
    return _response(problem_of(error).reply(request_id_of(request.scope)), heads)
