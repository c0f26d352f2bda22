"""A real Cerbos policy decision point: the one that ``CITYOS_TEST_CERBOS_URL`` names, else one from npm."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cityos_adapters.cerbos import write_policies
from servers.node import NotInstalled
from servers.processes import dying_with_us, free_port, stop, wait_for

GIVEN: Final = "CITYOS_TEST_CERBOS_URL"

_MACHINES: Final = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def program(modules: Path) -> Path:
    """Give the server's own program; started through Node's it would outlive whoever stops it."""
    name = f"cerbos-{sys.platform}-{_MACHINES.get(platform.machine(), platform.machine())}"
    found = modules / "@cerbos" / name / name
    if not found.is_file():
        raise NotInstalled(f"there is no {name} in {modules}")
    return found


@contextmanager
def started(program: Path, folder: Path, port: int | None = None) -> Iterator[str]:
    """Start a server over the shipped policies and whatever else is in ``policies`` below a folder, and give its URL."""
    http, grpc = port or free_port(), free_port()
    write_policies(folder / "policies")
    config = {
        "server": {"httpListenAddr": f"127.0.0.1:{http}", "grpcListenAddr": f"127.0.0.1:{grpc}"},
        "storage": {"driver": "disk", "disk": {"directory": str(folder / "policies")}},
        "engine": {"lenientScopeSearch": True},
        "telemetry": {"disabled": True},
    }
    (folder / "config.yaml").write_text(json.dumps(config))  # which is YAML, too
    with (folder / "log").open("wb") as log:
        start = [*dying_with_us(), str(program), "server", "--config", str(folder / "config.yaml")]
        server = subprocess.Popen(start, stdout=log, stderr=log, env={**os.environ, "CERBOS_NO_TELEMETRY": "1"})
    url = f"http://127.0.0.1:{http}"
    try:
        wait_for(server, f"{url}/_cerbos/health", folder / "log")
        yield url
    finally:
        stop(server)
