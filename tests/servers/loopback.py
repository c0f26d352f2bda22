"""The application on a port of this machine, in a thread of the tests or in a process of its own."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Final

import uvicorn
from attrs import frozen
from litestar import Litestar

from servers.processes import START_TIMEOUT_S, dying_with_us, free_port, wait_for

PROGRAM: Final = Path(sys.executable).with_name("cityos")


@contextmanager
def in_thread(app: Litestar) -> Iterator[str]:
    """Serve an application while the block runs, and give its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=lambda: server.run(sockets=[listener]))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@frozen
class Served:
    """A process that runs `cityos serve`."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    """What it writes on standard error."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def stopped(self) -> int:
        """Ask it to stop, and give what it exits with."""
        self.process.terminate()
        return self.process.wait(START_TIMEOUT_S)


@contextmanager
def in_process(folder: Path, database: str, *options: str, **settings: str) -> Iterator[Served]:
    """Run `cityos serve` over a database while the block runs, if it does not end before."""
    port = free_port()
    log = folder / f"{port}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*dying_with_us(), str(PROGRAM), "serve", "--port", str(port), *options],
            cwd=folder,
            env=environment(database, settings),
            stdout=errors,
            stderr=errors,
        )
    served = Served(process, port, log)
    try:
        wait_for(process, f"{served.url}/livez", log)
        yield served
    finally:
        process.kill()
        process.wait(START_TIMEOUT_S)


def environment(database: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Give what a process is told: the database, and settings by their names."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("CITYOS_")}
    return {
        **told,
        "CITYOS_DATABASE_URL": database,
        **{f"CITYOS_{key.upper()}": text for key, text in settings.items()},
    }
