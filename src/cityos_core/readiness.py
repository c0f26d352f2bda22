"""Whether the city can work now."""

from attrs import frozen

from cityos_core.kernel.scope import PlatformScope
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class Ready:
    """Ask the database something small; ``Unavailable`` if it does not answer."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self) -> None:
        """Return if it answers."""
        with self.unit_of_work(PlatformScope()) as uow:
            uow.revisions.current()
