"""How much memory a process of its own needs for something."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Final

from attrs import frozen

_STATUS: Final = Path("/proc/self/status")


@frozen
class Cost:
    """What a child process took: seconds of the work itself, and MiB at its peak."""

    seconds: float
    peak: float


def report(work: Callable[[], object]) -> None:
    """Do some work in a child, and tell the parent what it took on the last line of output."""
    start = perf_counter()
    work()
    print(json.dumps([perf_counter() - start, peak()]))


def measured(module: str, *arguments: object) -> Cost:
    """Run a module in a child that ends with :func:`report`."""
    child = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True
    )
    return Cost(*json.loads(child.stdout.splitlines()[-1]))


def peak() -> float:
    """Give this process's peak in MiB.

    Read from the kernel where it tells: what ``getrusage`` says of a child can be what its parent had before.
    """
    if _STATUS.exists():
        words = next(line.split() for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(words[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
