"""The lower half of the application over memory: everything that orders stand on."""

from collections.abc import Callable
from typing import Self

from attrs import frozen

from cityos_adapters.memory import MemoryDatabase
from cityos_core.catalog.service import ProductUseCases
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.errors import CityOSError
from cityos_core.kernel.events import Event
from cityos_core.kernel.scope import TenantScope
from cityos_core.tenancy.model import Tenant
from cityos_core.tenancy.service import SettingUseCases, StoreUseCases, TenantUseCases, TreeUseCases
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.vendors.service import VendorUseCases

WHOLESALE = "de/green-city/food/wholesale"


@frozen(kw_only=True)
class Town:
    """A platform without orders."""

    database: MemoryDatabase
    clock: SimulatedClock
    dependencies: Dependencies
    tree: TreeUseCases
    tenants: TenantUseCases
    stores: StoreUseCases
    settings: SettingUseCases
    vendors: VendorUseCases
    products: ProductUseCases

    @classmethod
    def empty(cls) -> Self:
        """Build one with nothing in it."""
        database, clock = MemoryDatabase(), SimulatedClock()
        ports = Dependencies(unit_of_work=database, clock=clock, identifiers=SequentialIdentifiers())
        return cls(
            database=database,
            clock=clock,
            dependencies=ports,
            tree=TreeUseCases.of(ports),
            tenants=TenantUseCases.of(ports),
            stores=StoreUseCases.of(ports),
            settings=SettingUseCases.of(ports),
            vendors=VendorUseCases.of(ports),
            products=ProductUseCases.of(ports),
        )

    def tenant(self, handle: str = "north", *, parent: str = WHOLESALE) -> Tenant:
        """Create a tenant, and the tree above it."""
        self.tree.add(parent)
        return self.tenants.create(handle, parent=parent, name=handle.title(), currency="EUR")

    def scope(self, handle: str = "north") -> TenantScope:
        """Create a tenant and give its scope."""
        return self.tenant(handle).scope

    def happened(self, kind: type[Event]) -> list[Event]:
        """List the events of one kind that were told so far."""
        return [event for event in self.database.outbox if isinstance(event, kind)]


def code(call: Callable[[], object]) -> str:
    """Give the code of the error that a call raises, or ``ok``."""
    try:
        call()
    except CityOSError as error:
        return error.code
    return "ok"


def detail(call: Callable[[], object]) -> str:
    """Give the words of the error that a call raises."""
    try:
        call()
    except CityOSError as error:
        return str(error)
    return ""
