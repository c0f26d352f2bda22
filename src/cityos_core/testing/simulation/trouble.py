"""What can go wrong while a city runs: the process dies, calls are repeated, a second runner gets in between."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final, Protocol, TypeVar

from attrs import define, field

from cityos_core.kernel import faults
from cityos_core.kernel.faults import Crash

T = TypeVar("T")

FOREIGN_CALLS: Final = frozenset(
    f"{call}.{moment}"
    for call in ("payouts.send", "payouts.inquire", "billing.charge", "billing.inquire")
    for moment in ("before", "after")
)
"""Where no unit of work is open, so that another runner can do all it wants before this one goes on."""

MOST_CRASHES: Final = 40


class Trouble(Protocol):
    """Carries out one operation, however often that takes."""

    def __call__(self, operation: Callable[[], T], *, rival: Callable[[], object] | None = None) -> T:
        """Do it, and do it again after every crash; ``rival`` is what a second runner would do meanwhile."""
        ...


@define
class NoTrouble:
    """Nothing goes wrong."""

    def __call__(self, operation: Callable[[], T], *, rival: Callable[[], object] | None = None) -> T:
        """Do it once."""
        del rival
        return operation()


@define
class Chaos:
    """Kills the process at random fault points, repeats calls that were answered, lets rivals in between.

    Everything follows from the random source, so that the same seed makes the same trouble.
    """

    random: Random
    crash_one_in: int = 35
    repeat_one_in: int = 10
    rival_one_in: int = 6
    crashes: Counter[str] = field(factory=Counter)
    passed: set[str] = field(factory=set)
    repeats: int = 0
    rivals: int = 0

    def __call__(self, operation: Callable[[], T], *, rival: Callable[[], object] | None = None) -> T:
        """Do it until it is not killed any more, and perhaps once more."""
        result = self._survive(operation, rival)
        if self._happens(self.repeat_one_in):
            self.repeats += 1
            result = self._survive(operation, rival)
        return result

    def _survive(self, operation: Callable[[], T], rival: Callable[[], object] | None) -> T:
        for _ in range(MOST_CRASHES):
            try:
                with faults.hooked(lambda name: self._pass(name, rival)):
                    return operation()
            except Crash:
                continue
        return operation()

    def _pass(self, name: str, rival: Callable[[], object] | None) -> None:
        self.passed.add(name)
        if self._happens(self.crash_one_in):
            self.crashes[name] += 1
            raise Crash(name)
        if rival is not None and name in FOREIGN_CALLS and self._happens(self.rival_one_in):
            self.rivals += 1
            with faults.hooked(self.passed.add):
                rival()

    def _happens(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0
