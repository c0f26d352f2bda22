"""A whole city with nothing around it."""

from collections.abc import Mapping

from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.ids import Identifiers
from cityos_core.payouts.ports import PayoutMethod
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.unit_of_work import UnitOfWorkFactory


def city(
    *,
    unit_of_work: UnitOfWorkFactory | None = None,
    clock: Clock | None = None,
    identifiers: Identifiers | None = None,
    payout_methods: Mapping[str, PayoutMethod] | None = None,
) -> CityOS:
    """Assemble an application in memory, with simulated time and the same identifiers in every run.

    Whatever is given takes the place of what would be made: pass the clock to turn it, a database to look into it.
    Payouts are made by hand (``manual``) or by a provider that pays at once (``memory``).
    """
    return CityOS.of(
        Dependencies(
            unit_of_work=unit_of_work or _memory(),
            clock=clock or SimulatedClock(),
            identifiers=identifiers or SequentialIdentifiers(),
            payout_methods=_methods() if payout_methods is None else payout_methods,
        )
    )


def _memory() -> UnitOfWorkFactory:
    from cityos_adapters.memory.unit_of_work import MemoryDatabase  # noqa: PLC0415  the core knows no adapter until asked

    return MemoryDatabase()


def _methods() -> dict[str, PayoutMethod]:
    from cityos_adapters.bank.manual import ManualMethod  # noqa: PLC0415  as above
    from cityos_adapters.memory.transfers import ScriptedTransfers  # noqa: PLC0415

    return {"manual": ManualMethod(), "memory": ScriptedTransfers()}
