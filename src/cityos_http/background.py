"""What a server's process does beside answering."""

from typing import Protocol

from attrs import frozen


class Background(Protocol):
    """Workers and a scheduler in the process of a server."""

    def start(self) -> None:
        """Begin."""
        ...

    def wake(self) -> None:
        """Look now whether something is due."""
        ...

    def stop(self) -> None:
        """Finish what is being done, and end."""
        ...


@frozen
class NoBackground:
    """Nothing: other processes do the work."""

    def start(self) -> None:
        """Begin nothing."""

    def wake(self) -> None:
        """Look at nothing."""

    def stop(self) -> None:
        """End nothing."""
