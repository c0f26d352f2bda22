"""Requests to an ASGI application in this process, byte by byte: what no well-behaved client would send, too."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from threading import Event, Thread
from typing import Any, Self, TypeVar
from urllib.parse import unquote

from attrs import define, field, frozen
from litestar import Litestar

T = TypeVar("T")
Heads = Mapping[str, str] | Iterable[tuple[bytes, bytes]]

HERE = "127.0.0.1"


@frozen
class Heard:
    """An answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes

    @property
    def json(self) -> Any:
        """What the body says."""
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The code of the problem, or ``ok``."""
        return str(self.json["code"]) if self.status >= 400 else "ok"

    def header(self, name: str) -> str | None:
        """Give the only header of a name."""
        found = [value for key, value in self.headers if key == name.lower()]
        assert len(found) <= 1, f"{name} is there {len(found)} times"
        return found[0] if found else None


@define
class Wire:
    """Carries requests to an application, from any number of threads at once."""

    app: Litestar
    _loop: asyncio.AbstractEventLoop = field(factory=asyncio.new_event_loop, init=False)
    _over: asyncio.Event = field(factory=asyncio.Event, init=False)
    _is_open: Event = field(factory=Event, init=False)
    _thread: Thread = field(init=False)

    @_thread.default
    def _make_thread(self) -> Thread:
        return Thread(target=self._loop.run_until_complete, args=(self._live(),), name="wire")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_open.wait(60), "the application does not open"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

    async def _live(self) -> None:
        async with self.app.lifespan():
            self._is_open.set()
            await self._over.wait()

    def ask(self, method: str, target: str, headers: Heads = (), body: object = None) -> Heard:
        """Send a request; a body that is not bytes goes as JSON."""
        given = [] if body is None or isinstance(body, bytes) else [(b"content-type", b"application/json")]
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        raw = [(_bytes(name).lower(), _bytes(value)) for name, value in pairs]
        return self._wait(_exchange(self.app, _scope(method, target, [*given, *raw]), content))

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _scope(method: str, target: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": (HERE, 50000),
        "server": (HERE, 80),
        "state": {},
        "extensions": {},
    }


async def _exchange(app: Callable[..., Any], scope: dict[str, Any], content: bytes) -> Heard:
    waiting = [{"type": "http.request", "body": content, "more_body": False}]
    said: list[dict[str, Any]] = []
    is_over = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not waiting:
            await is_over.wait()
            return {"type": "http.disconnect"}
        return waiting.pop()

    async def send(message: dict[str, Any]) -> None:
        said.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            is_over.set()

    await app(scope, receive, send)
    head, *pieces = said
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in head["headers"])
    return Heard(head["status"], headers, b"".join(piece.get("body", b"") for piece in pieces))
