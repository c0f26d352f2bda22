"""What a transaction saw does not outlive it."""

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from cityos_adapters.memory import MemoryDatabase
from cityos_core.kernel.scope import PlatformScope
from cityos_core.recording import RecordedUnitOfWork, Transactions
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.contracts.examples import AT
from cityos_core.testing.contracts.world import settle


@pytest.fixture
def nothing_collected() -> Iterator[None]:
    """Let what refers to itself stay."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("nothing_collected")
def test_what_was_seen_goes_with_the_transaction() -> None:
    """Records that were read and written are let go as the transaction is: they do not wait to be collected."""
    north = settle(MemoryDatabase(), "north", seed=2)
    whole = RecordedUnitOfWork(Transactions(north.unit_of_work, SimulatedClock(AT), north.ids), PlatformScope())
    with whole as uow:
        uow.tenants.save(uow.tenants.get(north.id))
        uow.settings.remove(north.node.id, "a")
        uow.commit()
    trail = ref(whole.watch.trail)
    del uow, whole
    assert trail() is None
