"""The register of tenants, for the platform."""

from cityos_core.access.model import Resource
from cityos_core.kernel.ids import TenantId
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Needs, Routes, Steps
from cityos_http.schemas.tenancy import StepRequest, TenantChange, TenantRequest, TenantView

routes = Routes("/admin/tenants", tag="Platform")


def _shown(asked: Asked, tenant: TenantId) -> TenantView:
    return TenantView.of(asked.city.tenants.get(tenant))


def _about(asked: Asked, tenant: TenantId) -> Resource:
    """Say where a tenant is, for administrators of a subtree and of the tenant itself."""
    found = asked.city.tenants.get(tenant)
    return Resource(kind="tenants", id=str(tenant), tenant_id=tenant, path=found.path)


@routes.get("", action="tenants:list", needs=Needs.PLATFORM, filters=True)
def list_tenants(asked: Asked, query: Paged) -> Listed[TenantView]:
    """List the tenants that the caller looks after, by handle."""
    seen = asked.seen(
        asked.city.tenants.list(),
        lambda tenant: Resource(kind="tenants", id=str(tenant.id), tenant_id=tenant.id, path=tenant.path),
    )
    return asked.part(query, seen, lambda tenant: tenant.handle, TenantView.of)


@routes.post("", action="tenants:create", needs=Needs.PLATFORM)
def create_tenant(asked: Asked, body: TenantRequest) -> TenantView:
    """Create a tenant under a subcategory of the tree."""
    made = asked.city.tenants.create(
        body.handle,
        parent=body.parent,
        name=body.name,
        currency=body.currency,
        time_zone=body.time_zone,
        locale=body.locale,
        kind=body.kind,
        tier=body.tier,
        parent_tenant=body.parent_tenant,
        active=body.active,
    )
    return _shown(asked, made.id)


@routes.get("/{tenant}", action="tenants:read", needs=Needs.PLATFORM, about=_about)
def get_tenant(asked: Asked, tenant: TenantId) -> TenantView:
    """Read a tenant."""
    return _shown(asked, tenant)


@routes.patch("/{tenant}", action="tenants:change", needs=Needs.PLATFORM, about=_about, versioned="tenant")
def change_tenant(asked: Asked, tenant: TenantId, body: TenantChange) -> TenantView:
    """Change what a tenant is called, and its defaults."""
    asked.city.tenants.change(
        tenant,
        name=body.name,
        kind=body.kind,
        tier=body.tier,
        currency=body.currency,
        time_zone=body.time_zone,
        locale=body.locale,
    )
    return _shown(asked, tenant)


@routes.post("/{tenant}/activate", action="tenants:activate", status=200, needs=Needs.PLATFORM, about=_about)
def activate_tenant(asked: Asked, tenant: TenantId) -> TenantView:
    """Open a tenant, or open it again."""
    asked.city.tenants.activate(tenant)
    return _shown(asked, tenant)


@routes.post("/{tenant}/suspend", action="tenants:suspend", status=200, needs=Needs.PLATFORM, about=_about)
def suspend_tenant(asked: Asked, tenant: TenantId, body: StepRequest) -> TenantView:
    """Close a tenant to everyone but its administration."""
    asked.city.tenants.suspend(tenant, reason=body.reason)
    return _shown(asked, tenant)


@routes.post("/{tenant}/offboard", action="tenants:offboard", status=200, needs=Needs.PLATFORM, about=_about)
def offboard_tenant(asked: Asked, tenant: TenantId, body: StepRequest) -> TenantView:
    """Let a tenant settle what is open before it leaves."""
    asked.city.tenants.offboard(tenant, reason=body.reason)
    return _shown(asked, tenant)


@routes.post(
    "/{tenant}/archive",
    action="tenants:archive",
    status=200,
    needs=Needs.PLATFORM,
    about=_about,
    steps=Steps.SEVERAL,
)
def archive_tenant(asked: Asked, tenant: TenantId, body: StepRequest) -> TenantView:
    """Put a tenant out of use for good, once nothing is owed."""
    asked.city.tenants.archive(tenant, reason=body.reason)
    return _shown(asked, tenant)
