"""Reading one tenant or one store, by handle or by id."""

from uuid import UUID

from cityos_core.kernel.ids import NodeId, TenantId
from cityos_core.tenancy.model import Store, Tenant
from cityos_core.tenancy.ports import Tenancy

TenantName = str | TenantId
"""What tells a tenant from others: its handle or its id."""

StoreName = str | NodeId
"""What tells a tenant's store from its others: its handle or its id."""


def tenant_named(uow: Tenancy, name: TenantName) -> Tenant:
    """Give the tenant with a handle or an id, or ``NotFound("tenant_not_found")``."""
    return uow.tenants.get(name) if isinstance(name, UUID) else uow.tenants.named(name)


def store_named(uow: Tenancy, name: StoreName) -> Store:
    """Give the store with a handle or an id, or ``NotFound("store_not_found")``."""
    return uow.stores.get(name) if isinstance(name, UUID) else uow.stores.named(name)
