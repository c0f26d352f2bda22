"""Identifiers that are the same in every run."""

from itertools import count
from typing import Final
from uuid import UUID

from cityos_core.kernel.errors import Invalid

_SHAPE: Final = 0x7 << 76 | 0x2 << 62
"""The bits that make a number a UUID of version 7, so that databases treat it like a real one."""

_SEEDS: Final = 2**48


class SequentialIdentifiers:
    """Counts up: the same seed gives the same identifiers, different seeds never share one. Safe among threads."""

    def __init__(self, seed: int = 1) -> None:
        if not 0 <= seed < _SEEDS:
            raise Invalid("seed_out_of_range", "a seed is a whole number from 0 to 2^48 - 1")
        self._first = seed << 80 | _SHAPE
        self._numbers = count(1)

    def new(self) -> UUID:
        """Give the next identifier, above all given before."""
        return UUID(int=self._first | next(self._numbers))
