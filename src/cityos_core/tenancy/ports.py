"""What tenancy needs from storage."""

from collections.abc import Iterable
from typing import Protocol

from cityos_core.kernel.ids import NodeId, TenantId
from cityos_core.tenancy.model import Node, SettingEntry, Store, Tenant


class Tree(Protocol):
    """The nodes a scope may see: the platform sees all, a tenant the upper tree and its own nodes.

    Lists are by path. A second node with a sibling's handle is ``Conflict("handle_taken")``; a node changed by another
    writer since it was read is ``Conflict("stale")``; both leave nothing behind.
    """

    def add(self, node: Node) -> None:
        """Store a new node."""
        ...

    def save(self, nodes: Iterable[Node]) -> None:
        """Store changed nodes, each one version up from the version it carries."""
        ...

    def get(self, node_id: NodeId) -> Node:
        """Give a node, or ``NotFound("node_not_found")``."""
        ...

    def at(self, paths: Iterable[str]) -> list[Node]:
        """List the nodes at these paths in one query; paths where there is none are left out."""
        ...

    def under(self, path: str = "") -> list[Node]:
        """List a node and everything below it; everything for the empty path."""
        ...


class Tenants(Protocol):
    """The register of tenants: the platform sees all, a tenant itself."""

    def add(self, tenant: Tenant) -> None:
        """Store a new tenant; its handle is unique on the platform, else ``Conflict("handle_taken")``."""
        ...

    def save(self, tenant: Tenant) -> None:
        """Store a changed tenant, one version up; ``Conflict("stale")`` if someone was first."""
        ...

    def get(self, tenant_id: TenantId) -> Tenant:
        """Give a tenant, or ``NotFound("tenant_not_found")``."""
        ...

    def named(self, handle: str) -> Tenant:
        """Give the tenant with a handle, or ``NotFound("tenant_not_found")``."""
        ...

    def all(self) -> list[Tenant]:
        """List the tenants this scope may see, by handle."""
        ...


class Stores(Protocol):
    """The stores of a tenant, by handle."""

    def add(self, store: Store) -> None:
        """Store a new store; ``Conflict("handle_taken")`` within the tenant."""
        ...

    def save(self, store: Store) -> None:
        """Store a changed store, one version up; ``Conflict("stale")`` if someone was first."""
        ...

    def get(self, store_id: NodeId) -> Store:
        """Give a store, or ``NotFound("store_not_found")``."""
        ...

    def named(self, handle: str) -> Store:
        """Give the store with a handle, or ``NotFound("store_not_found")``."""
        ...

    def all(self) -> list[Store]:
        """List the stores."""
        ...


class Revisions(Protocol):
    """Whether the configuration a scope sees has changed: tree, tenants, stores, settings and commission rules."""

    def current(self) -> str:
        """Give a word that changes with every committed write to any of them, by the scope or by the platform.

        One cheap query: what was compiled from configuration may be cached by (tenant, this word).
        """
        ...


class SettingEntries(Protocol):
    """Stored setting values. A tenant reads the platform's and its own, and writes its own only."""

    def put(self, entry: SettingEntry) -> None:
        """Store a value in place of what stood there for this node and key."""
        ...

    def remove(self, node_id: NodeId, key: str) -> None:
        """Forget a value; nothing happens if there is none."""
        ...

    def at(self, node_ids: Iterable[NodeId]) -> list[SettingEntry]:
        """List the values stored at these nodes, by node and key."""
        ...


class Tenancy(Protocol):
    """The part of a unit of work that configuration is read from."""

    @property
    def tree(self) -> Tree:
        """The nodes."""
        ...

    @property
    def tenants(self) -> Tenants:
        """The register of tenants."""
        ...

    @property
    def stores(self) -> Stores:
        """The stores."""
        ...

    @property
    def settings(self) -> SettingEntries:
        """The stored values."""
        ...

    @property
    def revisions(self) -> Revisions:
        """Whether any of it has changed."""
        ...
