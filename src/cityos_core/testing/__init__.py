"""The test kit: a city in memory, simulated time, deterministic identifiers, builders, and contracts for adapters.

The contract suites in :mod:`cityos_core.testing.contracts` need pytest, the strategies in
:mod:`cityos_core.testing.strategies` Hypothesis; nothing imported here needs either.
"""

from cityos_core.testing.assembly import city
from cityos_core.testing.builders import discount, line, order_draft, shipping
from cityos_core.testing.clock import START, SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.testing.market import WARES, market
from cityos_core.testing.randomness import SequentialRandomness

__all__ = [
    "START",
    "WARES",
    "SequentialIdentifiers",
    "SequentialRandomness",
    "SimulatedClock",
    "city",
    "discount",
    "line",
    "market",
    "order_draft",
    "shipping",
]
