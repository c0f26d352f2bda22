"""Forks workers and schedulers of a city, and kills them; run as a module, because one that loads all of it takes seconds.

It does what it reads, line by line, and answers each line with one: ``start worker-1 40`` fills a seat with a process,
which dies by itself as it passes its 40th fault point; ``kill worker-1`` ends it with SIGKILL, ``stop worker-1`` asks it
to end, and ``look`` tells which have ended by themselves; these give exit statuses. When there is no more to read all
processes end.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Final

from attrs import define, field

from cityos_adapters.dramatiq import DramatiqBell, Workers, broker_at
from cityos_adapters.processes import Background
from cityos_adapters.scheduling import Scheduler
from cityos_adapters.sql.database import SqlDatabase
from cityos_cli.stopping import work_until_stopped
from cityos_core.kernel import faults
from cityos_http.logs import configure
from simulation.stage import Stage

THREADS: Final = 2
FATAL: Final = {"worker": "billing.", "scheduler": "jobs."}
"""Which fault points count."""


@define
class Nursery:
    """Seats, and the processes that fill them."""

    stage: Stage
    database_url: str
    redis_url: str
    alive: dict[str, int] = field(factory=dict)
    _lifeline: tuple[int, int] = field(factory=os.pipe)
    """A pipe that nobody writes into: it ends when this process does, however it ends."""

    def obey(self, words: list[str]) -> str:
        """Do what is asked, and tell how it went."""
        match words:
            case ["start", seat, doom]:
                self.alive[seat] = self._fork(seat, int(doom))
                return "started"
            case ["kill", seat]:
                os.kill(self.alive[seat], signal.SIGKILL)
                return self._buried(seat)
            case ["stop", seat]:
                os.kill(self.alive[seat], signal.SIGTERM)
                return self._buried(seat)
            case ["look"]:
                return " ".join(f"{seat}={status}" for seat, status in self._ended())
        raise ValueError(words)

    def close(self) -> None:
        """End everybody."""
        for seat in list(self.alive):
            self.obey(["kill", seat])

    def _buried(self, seat: str) -> str:
        return str(os.waitstatus_to_exitcode(os.waitpid(self.alive.pop(seat), 0)[1]))

    def _ended(self) -> list[tuple[str, int]]:
        found = []
        for seat, number in list(self.alive.items()):
            ended, status = os.waitpid(number, os.WNOHANG)
            if ended:
                del self.alive[seat]
                found.append((seat, os.waitstatus_to_exitcode(status)))
        return found

    def _fork(self, seat: str, doom: int) -> int:
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            self._live(seat, doom)
            status = 0
        except BaseException:  # noqa: BLE001  a child ends here, whatever happened to it
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(status)
        return status

    def _live(self, seat: str, doom: int) -> None:
        """Be a worker or a scheduler until told to stop, or doomed."""
        read, write = self._lifeline
        os.close(write)
        Thread(target=lambda: os._exit(1 + len(os.read(read, 1))), daemon=True).start()
        kind = seat.partition("-")[0]
        log = os.open(self.stage.folder / f"{seat}.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        for number in (0, 1, 2):
            os.dup2(log if number else os.open(os.devnull, os.O_RDONLY), number)
        configure(level="warning")
        with (
            broker_at(self.redis_url) as broker,
            SqlDatabase(self.database_url, pool_size=THREADS + 1) as database,
            faults.hooked(_striking(FATAL[kind], doom)),
        ):
            city = self.stage.city(database, DramatiqBell(broker))
            if kind == "worker":
                working = Background(workers=Workers(city, broker, threads=THREADS, idle_ms=50))
            else:
                working = Background(scheduler=Scheduler(city, sweep_every_s=0.1, tick_every_s=0.2))
            work_until_stopped(working)


def _striking(fatal: str, doom: int) -> Callable[[str], None]:
    """Give what kills the process as it passes so many fault points; never, if none."""
    passed = count(1)

    def strike(point: str) -> None:
        if doom and point.startswith(fatal) and next(passed) == doom:
            os.kill(os.getpid(), signal.SIGKILL)

    return strike


def main(folder: str, database_url: str, redis_url: str) -> None:
    """Obey until there is nothing more to read."""
    nursery = Nursery(Stage(Path(folder)), database_url, redis_url)
    with suppress(BrokenPipeError):
        for line in sys.stdin:
            sys.stdout.write(f"{nursery.obey(line.split())}\n")
            sys.stdout.flush()
    nursery.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
