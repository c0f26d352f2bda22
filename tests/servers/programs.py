"""The `cityos` program as processes of its own that work until they are told to stop."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import frozen

from servers.loopback import PROGRAM, environment
from servers.processes import START_TIMEOUT_S, dying_with_us, wait_until

MORTAL: Final = Path(__file__).with_name("mortal.py")


@frozen
class Program:
    """A process that works."""

    process: "subprocess.Popen[bytes]"
    log: Path
    """What it writes."""

    def said(self, words: str) -> bool:
        """Tell whether it wrote something."""
        return words in self.log.read_text()

    def stopped(self) -> int:
        """Ask it to stop, and give what it exits with."""
        self.process.terminate()
        return self.ended()

    def ended(self) -> int:
        """Wait until it has ended, and give what it exits with."""
        return self.process.wait(START_TIMEOUT_S)


@contextmanager
def running(folder: Path, database: str, *words: str, **settings: str) -> Iterator[Program]:
    """Run a command that works while the block runs, if it does not end before."""
    with _started(folder, database, [str(PROGRAM), *words], settings) as program:
        wait_until(lambda: program.said("working") or program.process.poll() is not None)
        yield program


@contextmanager
def mortal(folder: Path, database: str, point: str, *words: str, **settings: str) -> Iterator[Program]:
    """Run a command that is killed with SIGKILL as it passes a fault point."""
    with _started(folder, database, [sys.executable, str(MORTAL), point, *words], settings) as program:
        yield program


@contextmanager
def _started(folder: Path, database: str, command: Sequence[str], settings: dict[str, str]) -> Iterator[Program]:
    log = folder / f"{command[-1]}-{len(list(folder.glob('*.log')))}.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*dying_with_us(), *command],
            cwd=folder,
            env=environment(database, settings),
            stdout=written,
            stderr=written,
        )
    try:
        yield Program(process, log)
    finally:
        process.kill()
        process.wait(START_TIMEOUT_S)
