"""A real database with simulated surroundings: a clock to turn, repeatable identifiers, providers that move no money."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from attrs import frozen

from cityos_adapters.bank.manual import ManualMethod
from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_adapters.memory.transfers import ScriptedTransfers
from cityos_adapters.sql.database import SqlDatabase
from cityos_adapters.sql.migration import migrate
from cityos_core.app import CityOS
from cityos_core.dependencies import Dependencies
from cityos_core.payouts.ports import PayoutMethod
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers


@frozen
class Rehearsal:
    """An application to try things on, and the hands that move what is around it."""

    app: CityOS
    clock: SimulatedClock
    transfers: ScriptedTransfers
    gateway: ScriptedGateway


@contextmanager
def rehearse(url: str, *, start: datetime, seed: int = 1) -> Iterator[Rehearsal]:
    """Open a new database for a rehearsal; the same seed gives the same identifiers."""
    migrate(url)
    clock, transfers, identifiers = SimulatedClock(start), ScriptedTransfers(), SequentialIdentifiers(seed)
    manual, gateway = ManualMethod(), ScriptedGateway(clock=clock)
    with SqlDatabase(url, identifiers=identifiers, durable=False) as database:
        methods: dict[str, PayoutMethod] = {transfers.name: transfers, manual.name: manual}
        app = CityOS.of(
            Dependencies(
                unit_of_work=database,
                clock=clock,
                identifiers=identifiers,
                payout_methods=methods,
                gateways={gateway.name: gateway},
            )
        )
        yield Rehearsal(app, clock, transfers, gateway)
