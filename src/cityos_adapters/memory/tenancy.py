"""The tree, the register of tenants, stores, settings and revisions."""

from collections.abc import Iterable
from copy import deepcopy

from attrs import evolve, frozen

from cityos_adapters.memory.rows import require_own, save
from cityos_adapters.memory.tables import Transaction, View
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import PLATFORM, NodeId, TenantId
from cityos_core.tenancy.model import Node, SettingEntry, Store, Tenant


@frozen
class MemoryRevisions:
    """Counts what each owner wrote; a scope sees its own count and the platform's."""

    tenant: TenantId
    counts: dict[TenantId, int]
    transaction: Transaction

    def bump(self) -> None:
        """Count a write."""
        self.counts[self.tenant] = self.counts.get(self.tenant, 0) + 1

    def current(self) -> str:
        """Give the word for what this scope sees."""
        self.transaction.require_open()
        return f"{self.counts.get(PLATFORM, 0)}.{self.counts.get(self.tenant, 0)}"


@frozen
class MemoryTree:
    """The nodes; the platform has all, a tenant reads the platform's and has its own."""

    tenant: TenantId
    nodes: View[NodeId, Node]
    revisions: MemoryRevisions

    def add(self, node: Node) -> None:
        self._require_own(node)
        self.nodes.put(node.id, node)
        self.revisions.bump()

    def save(self, nodes: Iterable[Node]) -> None:
        with self.nodes.transaction.whole():
            for node in nodes:
                self._require_own(node)
                self._require_own(self.nodes.get(node.id) or node)
                save(self.nodes, node.id, node)
        self.revisions.bump()

    def get(self, node_id: NodeId) -> Node:
        node = self.nodes.get(node_id)
        if node is None or not self._sees(node):
            raise NotFound("node_not_found", f"there is no node {node_id}")
        return node

    def at(self, paths: Iterable[str]) -> list[Node]:
        return self._listed(node for path in set(paths) for node in self.nodes.find("path", path))

    def under(self, path: str = "") -> list[Node]:
        below = f"{path}/"
        return self._listed(
            node for node in self.nodes.all() if not path or node.path == path or node.path.startswith(below)
        )

    def _listed(self, nodes: Iterable[Node]) -> list[Node]:
        return sorted((node for node in nodes if self._sees(node)), key=lambda node: node.path)

    def _sees(self, node: Node) -> bool:
        return self.tenant in (PLATFORM, node.tenant_id) or node.tenant_id == PLATFORM

    def _require_own(self, node: Node) -> None:
        if self.tenant != PLATFORM:
            require_own(self.tenant, node.tenant_id)


@frozen
class MemoryTenants:
    """The register; the platform has all, a tenant has itself."""

    tenant: TenantId
    tenants: View[TenantId, Tenant]
    revisions: MemoryRevisions

    def add(self, tenant: Tenant) -> None:
        self._require_own(tenant)
        self.tenants.put(tenant.id, tenant)
        self.revisions.bump()

    def save(self, tenant: Tenant) -> None:
        self._require_own(tenant)
        save(self.tenants, tenant.id, tenant)
        self.revisions.bump()

    def get(self, tenant_id: TenantId) -> Tenant:
        tenant = self.tenants.get(tenant_id)
        return self._seen(str(tenant_id), [] if tenant is None else [tenant])

    def named(self, handle: str) -> Tenant:
        return self._seen(handle, self.tenants.find("handle", handle))

    def all(self) -> list[Tenant]:
        return sorted(filter(self._sees, self.tenants.all()), key=lambda tenant: tenant.handle)

    def _seen(self, wanted: str, found: Iterable[Tenant]) -> Tenant:
        for tenant in filter(self._sees, found):
            return tenant
        raise NotFound("tenant_not_found", f"there is no tenant {wanted}; `tenants list` names those there are")

    def _sees(self, tenant: Tenant) -> bool:
        return self.tenant in (PLATFORM, tenant.id)

    def _require_own(self, tenant: Tenant) -> None:
        if self.tenant != PLATFORM:
            require_own(self.tenant, tenant.id)


@frozen
class MemoryStores:
    """The stores of one tenant."""

    tenant: TenantId
    stores: View[NodeId, Store]
    revisions: MemoryRevisions

    def add(self, store: Store) -> None:
        require_own(self.tenant, store.tenant_id)
        self.stores.put(store.id, store)
        self.revisions.bump()

    def save(self, store: Store) -> None:
        require_own(self.tenant, store.tenant_id)
        save(self.stores, store.id, store)
        self.revisions.bump()

    def get(self, store_id: NodeId) -> Store:
        store = self.stores.get(store_id)
        if store is None:
            raise NotFound("store_not_found", f"there is no store {store_id}")
        return store

    def named(self, handle: str) -> Store:
        for store in self.stores.find("handle", handle):
            return store
        raise NotFound("store_not_found", f"there is no store {handle}")

    def all(self) -> list[Store]:
        return sorted(self.stores.all(), key=lambda store: store.handle)


@frozen
class MemorySettings:
    """Setting values; copied in and out, so that nobody changes a stored one by holding it."""

    tenant: TenantId
    entries: View[tuple[TenantId, NodeId, str], SettingEntry]
    revisions: MemoryRevisions

    def put(self, entry: SettingEntry) -> None:
        if self.tenant != PLATFORM:
            require_own(self.tenant, entry.tenant_id)
        self.entries.put((entry.tenant_id, entry.node_id, entry.key), _copied(entry))
        self.revisions.bump()

    def remove(self, node_id: NodeId, key: str) -> None:
        for entry in self.entries.find("node", node_id):
            if entry.key == key and self.tenant in (PLATFORM, entry.tenant_id):
                self.entries.drop((entry.tenant_id, node_id, key))
                self.revisions.bump()

    def at(self, node_ids: Iterable[NodeId]) -> list[SettingEntry]:
        found = [entry for node_id in set(node_ids) for entry in self.entries.find("node", node_id)]
        seen = [entry for entry in found if self.tenant in (PLATFORM, entry.tenant_id) or entry.tenant_id == PLATFORM]
        return [_copied(entry) for entry in sorted(seen, key=lambda entry: (entry.node_id, entry.key))]


def _copied(entry: SettingEntry) -> SettingEntry:
    return evolve(entry, value=deepcopy(entry.value))
