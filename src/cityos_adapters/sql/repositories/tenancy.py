"""The tree, the register of tenants, and their stores."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from attrs import frozen
from sqlalchemy import Select, bindparam, or_, select

from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import begins_with
from cityos_adapters.sql.session import ID, OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.tenancy import nodes, stores, tenants
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import PLATFORM, NodeId, TenantId
from cityos_core.tenancy.model import Level, Node, Store, Tenant

_NEW_NODE: Final = growth(nodes)


@frozen
class SqlTree:
    """The nodes; the platform has all, a tenant reads the platform's and has its own."""

    session: Session

    def add(self, node: Node) -> None:
        self.session.require_own(node.tenant_id, platform_may=True)
        with self.session.whole():
            self.session.grow((_NEW_NODE, [_node_row(node)]))
        self.session.wrote_configuration = True

    def save(self, nodes_: Iterable[Node]) -> None:
        changed = list(nodes_)
        for node in changed:
            self.session.require_own(node.tenant_id, platform_may=True)
        with self.session.whole():
            self.session.save(nodes, [_node_row(node) for node in changed])
        self.session.wrote_configuration = True

    def get(self, node_id: NodeId) -> Node:
        row = self.session.first(select(nodes).where(self.session.seen(nodes), nodes.c.id == ID), id_=node_id)
        if row is None:
            raise NotFound("node_not_found", f"there is no node {node_id}")
        return _node(row)

    def at(self, paths: Iterable[str]) -> list[Node]:
        where = among(nodes.c.path, "paths")
        found = self.session.all(
            select(nodes).where(self.session.seen(nodes), where).order_by(nodes.c.path), paths=list(paths)
        )
        return [_node(row) for row in found]

    def under(self, path: str = "") -> list[Node]:
        statement = select(nodes).where(self.session.seen(nodes)).order_by(nodes.c.path)
        if path:
            statement = statement.where(or_(nodes.c.path == path, begins_with(nodes.c.path, f"{path}/")))
        return [_node(row) for row in self.session.all(statement)]


def _node_row(node: Node) -> Values:
    return {
        "tenant_id": node.tenant_id,
        "id": node.id,
        "version": node.version,
        "parent_tenant_id": node.tenant_id if node.level is Level.STORE else PLATFORM,
        "parent_id": node.parent_id,
        "level": node.level,
        "handle": node.handle,
        "name": node.name,
        "path": node.path,
        "status": node.status,
        "properties": dict(node.metadata),
    }


def _node(row: AnyRow) -> Node:
    return Node(
        id=row.id,
        tenant_id=row.tenant_id,
        parent_id=row.parent_id,
        level=row.level,
        handle=row.handle,
        name=row.name,
        path=row.path,
        status=row.status,
        metadata=row.properties,
        version=row.version,
    )


_NEW_TENANT: Final = growth(tenants)


@cache
def _register(by: str | None, *, is_platform: bool) -> Select[Any]:
    """List tenants that a scope sees, all of them or by what is asked; every request asks for one by its handle."""
    asked = {"id": tenants.c.id == ID, "handle": tenants.c.handle == bindparam("handle")}
    where = () if by is None else (asked[by],)
    own = () if is_platform else (tenants.c.id == OWNER,)
    return select(tenants).where(tenants.c.tenant_id == PLATFORM, *own, *where).order_by(tenants.c.handle)


@frozen
class SqlTenants:
    """The register; the platform has all, a tenant has itself."""

    session: Session

    def add(self, tenant: Tenant) -> None:
        self.session.require_own(tenant.id, platform_may=True)
        with self.session.whole():
            self.session.grow((_NEW_TENANT, [_tenant_row(tenant)]))
        self.session.wrote_configuration = True

    def save(self, tenant: Tenant) -> None:
        self.session.require_own(tenant.id, platform_may=True)
        with self.session.whole():
            self.session.save(tenants, [_tenant_row(tenant)])
        self.session.wrote_configuration = True

    def get(self, tenant_id: TenantId) -> Tenant:
        return self._seen(str(tenant_id), self._all("id", id_=tenant_id))

    def named(self, handle: str) -> Tenant:
        return self._seen(handle, self._all("handle", handle=handle))

    def all(self) -> list[Tenant]:
        return self._all()

    def _all(self, by: str | None = None, **values: Any) -> list[Tenant]:
        statement = _register(by, is_platform=self.session.is_platform)
        return [_tenant(row) for row in self.session.all(statement, **values)]

    def _seen(self, wanted: str, found: list[Tenant]) -> Tenant:
        for tenant in found:
            return tenant
        raise NotFound("tenant_not_found", f"there is no tenant {wanted}; `tenants list` names those there are")


def _tenant_row(tenant: Tenant) -> Values:
    return {
        "tenant_id": PLATFORM,
        "id": tenant.id,
        "version": tenant.version,
        "handle": tenant.handle,
        "name": tenant.name,
        "path": tenant.path,
        "kind": tenant.kind,
        "status": tenant.status,
        "reason": tenant.reason,
        "tier": tenant.tier,
        "currency": tenant.currency,
        "time_zone": tenant.time_zone,
        "locale": tenant.locale,
        "parent_tenant_id": tenant.parent_tenant_id,
    }


def _tenant(row: AnyRow) -> Tenant:
    return Tenant(
        id=row.id,
        handle=row.handle,
        name=row.name,
        path=row.path,
        kind=row.kind,
        status=row.status,
        reason=row.reason,
        tier=row.tier,
        currency=row.currency,
        time_zone=row.time_zone,
        locale=row.locale,
        parent_tenant_id=row.parent_tenant_id,
        version=row.version,
    )


_NEW_STORE: Final = growth(stores)


@frozen
class SqlStores:
    """The stores of one tenant."""

    session: Session

    def add(self, store: Store) -> None:
        self.session.require_own(store.tenant_id)
        with self.session.whole():
            self.session.grow((_NEW_STORE, [_store_row(store)]))
        self.session.wrote_configuration = True

    def save(self, store: Store) -> None:
        self.session.require_own(store.tenant_id)
        with self.session.whole():
            self.session.save(stores, [_store_row(store)])
        self.session.wrote_configuration = True

    def get(self, store_id: NodeId) -> Store:
        return _found(store_id, self.session.first(_STORES.where(stores.c.id == ID), id_=store_id))

    def named(self, handle: str) -> Store:
        return _found(handle, self.session.first(_STORES.where(stores.c.handle == bindparam("handle")), handle=handle))

    def all(self) -> list[Store]:
        return [_store(row) for row in self.session.all(_STORES)]


_STORES: Final = select(stores).where(stores.c.tenant_id == OWNER).order_by(stores.c.handle)


def _found(wanted: str | NodeId, row: AnyRow | None) -> Store:
    if row is None:
        raise NotFound("store_not_found", f"there is no store {wanted}")
    return _store(row)


def _store_row(store: Store) -> Values:
    return {
        "tenant_id": store.tenant_id,
        "id": store.id,
        "version": store.version,
        "handle": store.handle,
        "name": store.name,
        "kind": store.kind,
        "channel": store.channel,
        "countries": store.countries,
        "currencies": store.currencies,
        "portals": store.portals,
    }


def _store(row: AnyRow) -> Store:
    return Store(
        id=row.id,
        tenant_id=row.tenant_id,
        handle=row.handle,
        name=row.name,
        kind=row.kind,
        channel=row.channel,
        countries=row.countries,
        currencies=row.currencies,
        portals=row.portals,
        version=row.version,
    )
