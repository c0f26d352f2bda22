"""Whose data a unit of work may touch."""

from attrs import frozen

from cityos_core.kernel.ids import PLATFORM, TenantId


@frozen
class TenantScope:
    """Work inside one tenant: every repository sees its rows only, and what the platform shares with all."""

    tenant_id: TenantId


@frozen
class PlatformScope:
    """Work on what the platform owns: the tree, its settings, platform-wide rules, the register of tenants."""

    @property
    def tenant_id(self) -> TenantId:
        """The owner written on platform rows."""
        return PLATFORM


Scope = TenantScope | PlatformScope


def scope_of(owner: TenantId) -> Scope:
    """Give the scope of whoever owns something: a tenant, or the platform."""
    return PlatformScope() if owner == PLATFORM else TenantScope(owner)
