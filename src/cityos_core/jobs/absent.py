"""What stands where nobody waits for work."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from cityos_core.jobs.ports import Wake


@frozen
class NoBell:
    """No queue: nobody is told, and jobs wait until someone looks."""

    def ring(self, wakes: Sequence[Wake], queues: Mapping[str, str]) -> None:
        """Tell nobody."""
