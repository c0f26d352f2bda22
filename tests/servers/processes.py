"""Servers as children of the tests: a port for each, patience until it answers, and an end with its parent."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx2

START_TIMEOUT_S: Final = 30


def free_port() -> int:
    """Find a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def dying_with_us() -> list[str]:
    """Give what makes a child end when this process does, however it ends."""
    if sys.platform != "linux" or shutil.which("setpriv") is None:
        return []
    return ["setpriv", "--pdeathsig", "TERM"]


def wait_for(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    """Wait until a server answers at an address."""
    end = time.monotonic() + START_TIMEOUT_S
    with httpx2.Client(trust_env=False) as client:
        while not _answers(client, url):
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"nothing answers at {url}\n{log.read_text()}")
            time.sleep(0.02)


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + START_TIMEOUT_S
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError(f"still not so after {START_TIMEOUT_S} s")
        time.sleep(0.02)


def stop(server: "subprocess.Popen[bytes]") -> None:
    """End a server and wait until it has."""
    server.terminate()
    server.wait(START_TIMEOUT_S)


def _answers(client: httpx2.Client, url: str) -> bool:
    try:
        return client.get(url).is_success
    except httpx2.TransportError:
        return False
