"""Two schedulers and four workers, as whoever kills them sees them."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from attrs import define, field

from servers.processes import START_TIMEOUT_S, dying_with_us
from simulation.stage import Stage

SEATS: Final = ("scheduler-1", "scheduler-2", "worker-1", "worker-2", "worker-3", "worker-4")
TESTS: Final = Path(__file__).parents[1]
KILLED: Final = -signal.SIGKILL

DOOM: Final = 60
"""How many fault points a process passes at most that is to die of one."""


@define
class Crew:
    """Processes, each in its seat; ``deaths`` counts how they were killed: from outside, or at a fault point."""

    nursery: "subprocess.Popen[str]"
    random: Random
    deaths: Counter[str] = field(factory=Counter)

    @classmethod
    @contextmanager
    def working(cls, stage: Stage, database_url: str, redis_url: str, seed: int) -> Iterator["Crew"]:
        """Let them work while the block runs."""
        with subprocess.Popen(
            [*dying_with_us(), sys.executable, "-m", "simulation.nursery", str(stage.folder), database_url, redis_url],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as nursery:
            crew = cls(nursery, Random(seed))
            for seat in SEATS:
                crew._start(seat, doom=crew._doom())
            yield crew

    def kill(self) -> None:
        """Kill one of them wherever it is, and start it again."""
        self._kill(self.random.choice(SEATS), doom=self._doom())

    def revive(self) -> None:
        """Start those again who died at a fault point."""
        for ended in self._say("look").split():
            seat, _, status = ended.partition("=")
            self._ended(seat, int(status), "at a fault point")
            self._start(seat, doom=self._doom())

    def calm(self) -> None:
        """Replace everybody by processes that die of nothing."""
        self.revive()
        for seat in SEATS:
            self._kill(seat, doom=0)

    def stop(self) -> dict[str, int]:
        """Ask everybody to stop, and give what they exit with."""
        return {seat: int(self._say(f"stop {seat}")) for seat in SEATS}

    def _doom(self) -> int:
        """Choose at which fault point a process dies, if at any."""
        return self.random.choice((0, self.random.randint(1, DOOM)))

    def _kill(self, seat: str, *, doom: int) -> None:
        self._ended(seat, int(self._say(f"kill {seat}")), "from outside")
        self._start(seat, doom=doom)

    def _start(self, seat: str, *, doom: int) -> None:
        self._say(f"start {seat} {doom}")

    def _ended(self, seat: str, status: int, how: str) -> None:
        if status != KILLED:
            raise RuntimeError(f"{seat} ended with {status}, although nobody asked it to")
        self.deaths[how] += 1

    def _say(self, words: str) -> str:
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(f"{words}\n")
        self.nursery.stdin.flush()
        answer = self.nursery.stdout.readline()
        if not answer:
            raise RuntimeError(f"the nursery ended with {self.nursery.wait(START_TIMEOUT_S)}")
        return answer.strip()
