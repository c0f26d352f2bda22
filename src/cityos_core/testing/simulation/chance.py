"""Chance, trouble, and a count of what happened: what those who act in a simulated city go by."""

from collections.abc import Callable
from random import Random

from attrs import field, frozen

from cityos_core.kernel.errors import Conflict, Refused
from cityos_core.testing.simulation.trouble import Trouble


@frozen
class Chance:
    """Decides what happens, has it carried out whatever goes wrong, and counts it. All chance is of one random source."""

    random: Random
    trouble: Trouble
    happened: dict[str, int] = field(factory=dict)

    def so_many(self, average: int) -> int:
        """Draw how many of something there are today."""
        return self.random.randint(average // 2, average + average // 2 + average % 2)

    def is_one_of(self, thousand: int) -> bool:
        """Decide what happens to so many of a thousand."""
        return self.random.randrange(1000) < thousand

    def count(self, what: str, times: int = 1) -> None:
        """Count that something happened, if it did."""
        if times:
            self.happened[what] = self.happened.get(what, 0) + times

    def allowed(self, what: str, operation: Callable[[], object]) -> bool:
        """Carry out what the rules may refuse, and count it; tell whether it was done."""
        try:
            self.trouble(operation)
        except (Refused, Conflict):
            self.count(f"{what} refused")
            return False
        self.count(what)
        return True
