"""Everything in memory: for tests, demonstrations and first minutes; the same contract as the databases."""

from cityos_adapters.memory.unit_of_work import MemoryDatabase

__all__ = ["MemoryDatabase"]
