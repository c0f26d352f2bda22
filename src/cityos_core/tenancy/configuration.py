"""Reading a tenant's configuration from storage, once per change."""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from attrs import field, frozen

from cityos_core.kernel.ids import TenantId
from cityos_core.tenancy.model import Node, Store
from cityos_core.tenancy.placing import lineage
from cityos_core.tenancy.ports import Tenancy
from cityos_core.tenancy.settings import TOP, Configuration, Place, held


def places(nodes: Iterable[Node]) -> list[Place]:
    """List where values may come from: the platform, then these nodes, widest first."""
    return [TOP, *(Place(node.id, node.path) for node in nodes)]


def read_configuration(uow: Tenancy, tenant_id: TenantId, store: str | None = None) -> Configuration:
    """Read what is set for a tenant or one of its stores, as this unit of work sees it now.

    Raises ``NotFound`` for an unknown tenant or store.
    """
    tenant = uow.tenants.get(tenant_id)
    shop: Store | None = uow.stores.named(store) if store is not None else None
    nodes = uow.tree.at(lineage(f"{tenant.path}/{shop.handle}" if shop else tenant.path))
    way = places(nodes)
    return Configuration(
        tenant=tenant,
        store=shop,
        hierarchy={node.level.value: node.path for node in nodes},
        held=held(uow.settings.at([place.node_id for place in way]), way),
    )


@frozen
class ConfigurationReader:
    """Gives configurations, remembering the last ``limit`` ones; one per database, shared by its threads.

    Call it in a unit of work of the tenant's own scope, before that unit of work writes configuration: what is
    remembered is what was committed under ``uow.revisions.current()``.
    """

    limit: int = 1024
    _known: OrderedDict[tuple[TenantId, str | None], tuple[str, Configuration]] = field(
        factory=OrderedDict, init=False, eq=False, repr=False
    )
    _lock: Lock = field(factory=Lock, init=False, eq=False, repr=False)

    def __call__(self, uow: Tenancy, tenant_id: TenantId, store: str | None = None) -> Configuration:
        """Give the configuration of a tenant, or of one of its stores by handle."""
        key, revision = (tenant_id, store), uow.revisions.current()
        with self._lock:
            remembered = self._known.get(key)
            if remembered and remembered[0] == revision:
                self._known.move_to_end(key)
                return remembered[1]
        configuration = read_configuration(uow, tenant_id, store)
        with self._lock:
            self._known[key] = (revision, configuration)
            self._known.move_to_end(key)
            if len(self._known) > self.limit:
                self._known.popitem(last=False)
        return configuration
