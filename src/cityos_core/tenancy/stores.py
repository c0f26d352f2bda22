"""The stores of a tenant: brands and storefronts, and who may enter them."""

from collections.abc import Iterable

from attrs import evolve, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.countries import country_code
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import Identifiers, NodeId
from cityos_core.kernel.money import exponent
from cityos_core.kernel.scope import TenantScope
from cityos_core.tenancy.events import StoreCreated
from cityos_core.tenancy.model import Level, Node, Portal, Store
from cityos_core.tenancy.records import StoreName, store_named
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen(kw_only=True)
class CreateStore:
    """Open a store of a tenant; its branding and other settings are stored at its node."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(
        self,
        scope: TenantScope,
        handle: str,
        *,
        name: str,
        kind: str = "storefront",
        channel: str = "web",
        countries: Iterable[str] = (),
        currencies: Iterable[str] = (),
        portals: Iterable[Portal] = (),
    ) -> Store:
        """Create a store; no countries or currencies means all of them."""
        with self.unit_of_work(scope) as uow:
            tenant = uow.tenants.get(scope.tenant_id)
            store = Store(
                id=NodeId(self.identifiers.new()),
                tenant_id=tenant.id,
                handle=handle,
                name=_named(name),
                kind=kind,
                channel=channel,
                countries=_countries(countries),
                currencies=_currencies(currencies),
                portals=_portals(portals),
            )
            uow.tree.add(
                Node(
                    id=store.id,
                    tenant_id=tenant.id,
                    parent_id=NodeId(tenant.id),
                    level=Level.STORE,
                    handle=handle,
                    name=name,
                    path=f"{tenant.path}/{handle}",
                )
            )
            uow.stores.add(store)
            uow.commit([StoreCreated(subject=store.id, occurred_at=self.clock.now(), handle=handle)])
        return store


@frozen
class ChangeStore:
    """Change a store; its handle stays."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self,
        scope: TenantScope,
        handle: StoreName,
        *,
        name: str | None = None,
        kind: str | None = None,
        channel: str | None = None,
        countries: Iterable[str] | None = None,
        currencies: Iterable[str] | None = None,
        portals: Iterable[Portal] | None = None,
    ) -> Store:
        """Change what is given; what is ``None`` stays."""
        with self.unit_of_work(scope) as uow:
            store = store_named(uow, handle)
            changed = evolve(
                store,
                name=store.name if name is None else _named(name),
                kind=kind or store.kind,
                channel=channel or store.channel,
                countries=store.countries if countries is None else _countries(countries),
                currencies=store.currencies if currencies is None else _currencies(currencies),
                portals=store.portals if portals is None else _portals(portals),
            )
            uow.stores.save(changed)
            if changed.name != store.name:
                uow.tree.save([evolve(uow.tree.get(store.id), name=changed.name)])
            uow.commit()
        return changed


@frozen
class GetStore:
    """Give the store with a handle or an id, or ``NotFound("store_not_found")``."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, handle: StoreName) -> Store:
        """Give a store."""
        with self.unit_of_work(scope) as uow:
            return store_named(uow, handle)


@frozen
class ListStores:
    """List a tenant's stores, by handle."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope) -> list[Store]:
        """List them."""
        with self.unit_of_work(scope) as uow:
            return uow.stores.all()


def _named(name: str) -> str:
    if not name.strip():
        raise Invalid("missing_name", "a store has a name")
    return name


def _countries(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({country_code(value) for value in values}))


def _currencies(values: Iterable[str]) -> tuple[str, ...]:
    found = tuple(sorted(set(values)))
    for currency in found:
        exponent(currency)
    return found


def _portals(values: Iterable[Portal]) -> tuple[Portal, ...]:
    found = tuple(values)
    if len({portal.audience for portal in found}) != len(found):
        raise Invalid("duplicate_portal", "a store has at most one portal for each audience; list its roles together")
    return found
