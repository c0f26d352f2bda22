"""Creating tenants, changing them, and leading them through their life; all of it is the platform's work."""

from collections.abc import Mapping
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Invalid, NotFound, Refused
from cityos_core.kernel.ids import Identifiers, NodeId, TenantId
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.configuration import places
from cityos_core.tenancy.declared import DEFAULT_CURRENCY, DEFAULT_LOCALE, DEFAULT_TIME_ZONE
from cityos_core.tenancy.events import TenantCreated, TenantStepped
from cityos_core.tenancy.model import Level, Node, NodeStatus, Tenant, TenantStatus
from cityos_core.tenancy.placing import EXAMPLE, lineage, refuse_archived
from cityos_core.tenancy.records import TenantName, tenant_named
from cityos_core.tenancy.settings import Setting, T, effective, held
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

NEEDS_REASON: Final = frozenset({"suspend", "offboard"})
"""Steps of a tenant's life that are taken for a stated reason."""


@frozen(kw_only=True)
class CreateTenant:
    """Create a tenant under a subcategory. Currency, time zone and locale default to the settings that hold there."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(
        self,
        handle: str,
        *,
        parent: str,
        name: str,
        currency: str | None = None,
        time_zone: str | None = None,
        locale: str | None = None,
        kind: str = "marketplace",
        tier: str = "standard",
        parent_tenant: TenantName | None = None,
        active: bool = True,
    ) -> Tenant:
        """Create a tenant; one that is not yet ``active`` is being provisioned."""
        with self.unit_of_work(PlatformScope()) as uow:
            nodes = _subcategory(uow, parent)
            defaults = _Defaults(uow, nodes)
            node_id = NodeId(self.identifiers.new())
            tenant = Tenant(
                id=TenantId(node_id),
                handle=handle,
                name=_named(name),
                path=f"{parent}/{handle}",
                kind=kind,
                status=TenantStatus.ACTIVE if active else TenantStatus.PROVISIONING,
                tier=tier,
                currency=currency or defaults.currency(),
                time_zone=time_zone or defaults.value(DEFAULT_TIME_ZONE),
                locale=locale or defaults.value(DEFAULT_LOCALE),
                parent_tenant_id=tenant_named(uow, parent_tenant).id if parent_tenant else None,
            )
            uow.tree.add(
                Node(
                    id=node_id,
                    tenant_id=tenant.id,
                    parent_id=nodes[-1].id,
                    level=Level.TENANT,
                    handle=handle,
                    name=tenant.name,
                    path=tenant.path,
                )
            )
            uow.tenants.add(tenant)
            uow.commit(
                [TenantCreated(subject=tenant.id, occurred_at=self.clock.now(), handle=handle, path=tenant.path)]
            )
        return tenant


@frozen
class _Defaults:
    uow: UnitOfWork
    nodes: list[Node]

    def value(self, setting: Setting[T]) -> T:
        way = places(self.nodes)
        found = held(self.uow.settings.at([place.node_id for place in way]), way)
        return setting.parse(effective(setting, found.get(setting.key, ()), path=way[-1].path).value)

    def currency(self) -> str:
        currency = self.value(DEFAULT_CURRENCY)
        if currency is None:
            raise Invalid(
                "missing_currency", f"a tenant has a currency such as EUR; give one, or set {DEFAULT_CURRENCY.key}"
            )
        return currency


def _named(name: str) -> str:
    if not name.strip():
        raise Invalid("missing_name", "a tenant has a name")
    return name


def _subcategory(uow: UnitOfWork, path: str) -> list[Node]:
    nodes = uow.tree.at(lineage(path))
    if not nodes or nodes[-1].path != path:
        raise NotFound("node_not_found", f"there is nothing at {path!r}; add it to the tree first, such as {EXAMPLE}")
    parent = nodes[-1]
    if parent.level is not Level.SUBCATEGORY:
        raise Refused(
            "wrong_level",
            f"a tenant hangs under a subcategory and {path} is a {parent.level.value}; add a path with four parts to the tree, such as {EXAMPLE}, and use that",
        )
    refuse_archived(parent)
    return nodes


@frozen
class GetTenant:
    """Give the tenant with a handle or an id, or ``NotFound("tenant_not_found")``."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, handle: TenantName) -> Tenant:
        """Give a tenant."""
        with self.unit_of_work(PlatformScope()) as uow:
            return tenant_named(uow, handle)


@frozen
class ListTenants:
    """List all tenants, by handle."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self) -> list[Tenant]:
        """List them."""
        with self.unit_of_work(PlatformScope()) as uow:
            return uow.tenants.all()


@frozen
class ChangeTenant:
    """Change what a tenant is called and its defaults; orders that were placed keep what they were placed with."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self,
        handle: TenantName,
        *,
        name: str | None = None,
        kind: str | None = None,
        tier: str | None = None,
        currency: str | None = None,
        time_zone: str | None = None,
        locale: str | None = None,
    ) -> Tenant:
        """Change what is given; what is ``None`` stays."""
        with self.unit_of_work(PlatformScope()) as uow:
            tenant = tenant_named(uow, handle)
            changed = evolve(
                tenant,
                name=tenant.name if name is None else _named(name),
                kind=kind or tenant.kind,
                tier=tier or tenant.tier,
                currency=currency or tenant.currency,
                time_zone=time_zone or tenant.time_zone,
                locale=locale or tenant.locale,
            )
            uow.tenants.save(changed)
            if changed.name != tenant.name:
                uow.tree.save([evolve(uow.tree.get(NodeId(tenant.id)), name=changed.name)])
            uow.commit()
        return changed


@frozen
class SetParentTenant:
    """Put a tenant under another one, or under none; a tenant is never its own ancestor."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, handle: TenantName, parent_tenant: TenantName | None) -> Tenant:
        """Set the parent tenant."""
        with self.unit_of_work(PlatformScope()) as uow:
            tenant = tenant_named(uow, handle)
            parent = tenant_named(uow, parent_tenant) if parent_tenant else None
            above = parent
            while above is not None:
                if above.id == tenant.id:
                    raise Refused(
                        "cycle", f"{tenant.handle} is above {parent_tenant} already; it cannot also be below it"
                    )
                above = uow.tenants.get(above.parent_tenant_id) if above.parent_tenant_id else None
            changed = evolve(tenant, parent_tenant_id=parent.id if parent else None)
            uow.tenants.save(changed)
            uow.commit()
        return changed


@frozen
class StepTenant:
    """Take one step of a tenant's life, named by ``action``."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    action: str

    def __call__(self, handle: TenantName, *, reason: str | None = None) -> Tenant:
        """Take the step; suspending and offboarding need a reason."""
        if self.action in NEEDS_REASON and not reason:
            raise Invalid("missing_reason", f"say why: to {self.action} a tenant needs a reason")
        with self.unit_of_work(PlatformScope()) as uow:
            tenant = tenant_named(uow, handle).step(self.action, reason=reason)
            uow.tenants.save(tenant)
            uow.commit([_stepped(tenant, self.action, self.clock)])
        return tenant


SETTLED_FIRST: Final[Mapping[str, str]] = {"vendor:": "vendor", "customer:": "customer", "company:": "company"}
"""Whose accounts are empty before a tenant goes, by how their paths begin."""


@frozen
class ArchiveTenant:
    """Put a tenant and its stores out of use for good, once no vendor or subscriber of it is owed, or owes, anything."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, handle: TenantName, *, reason: str | None = None) -> Tenant:
        """Archive a tenant that is offboarding, or that was never activated."""
        with self.unit_of_work(PlatformScope()) as uow:
            archived = tenant_named(uow, handle).step("archive", reason=reason)
        self._refuse_open(archived)
        with self.unit_of_work(PlatformScope()) as uow:
            uow.tenants.save(archived)
            nodes = uow.tree.under(archived.path)
            uow.tree.save([evolve(node, status=NodeStatus.ARCHIVED) for node in nodes])
            uow.commit([_stepped(archived, "archive", self.clock)])
        return archived

    def _refuse_open(self, tenant: Tenant) -> None:
        with self.unit_of_work(tenant.scope) as uow:
            for prefix, party in SETTLED_FIRST.items():
                for balance in uow.books.balances(prefix):
                    if balance.money:
                        detail = f"{balance.account.path} still holds {balance.money}; settle with every {party} first"
                        raise Refused("money_open", detail)


def _stepped(tenant: Tenant, action: str, clock: Clock) -> TenantStepped:
    return TenantStepped(
        subject=tenant.id,
        occurred_at=clock.now(),
        handle=tenant.handle,
        action=action,
        status=tenant.status.value,
        reason=tenant.reason,
    )
