"""Randomness that is the same in every run."""

from collections.abc import Sequence
from itertools import count


class SequentialRandomness:
    """Counts up, in the digits of whatever alphabet is asked for; anyone can guess it. Safe among threads."""

    def __init__(self, seed: int = 1) -> None:
        self._numbers = count(seed)

    def pick(self, alphabet: Sequence[str], count: int) -> str:
        """Write the next number with so many digits."""
        number, digits = next(self._numbers), []
        for _ in range(count):
            number, place = divmod(number, len(alphabet))
            digits.append(alphabet[place])
        return "".join(reversed(digits))
