"""A server process: the application on a port, until it is told to stop."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
import uvicorn

from cityos_core.app import CityOS
from cityos_http.app import create_app
from cityos_http.background import Background
from cityos_http.options import HttpOptions

GRACE_S: Final = 30
"""How long requests that are under way may take when the server stops."""

STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


def listening(host: str, port: int) -> socket.socket:
    """Listen at an address; ``OSError`` if someone else does, or it is none of this machine."""
    family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server((str(place[0]), port), family=family)


def serve_city(
    city: CityOS, options: HttpOptions, listener: socket.socket, background: Background | None = None
) -> None:
    """Answer requests until SIGTERM or SIGINT; then finish what is under way, and return."""
    config = uvicorn.Config(
        create_app(city, options, background),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_S,
    )
    host, port, *_ = listener.getsockname()
    log = structlog.get_logger("cityos.server")
    log.info("listening", host=host, port=port)
    with _stopped_in_order():
        uvicorn.Server(config).run(sockets=[listener])
    log.info("stopped")


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """Take the signal that uvicorn sends once more when it has stopped: whoever asked for the end has had it."""
    before = {number: signal.signal(number, lambda *_: None) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
