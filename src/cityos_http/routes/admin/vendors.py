"""Vendors, for administrators."""

from cityos_core.access.model import Resource
from cityos_core.kernel.ids import VendorId
from cityos_http.asking import Asked, Listed
from cityos_http.endpoint import Routes
from cityos_http.schemas.tenancy import StepRequest
from cityos_http.schemas.vendors import ReasonRequest, VendorChange, VendorQuery, VendorRequest, VendorView

routes = Routes("/admin/vendors", tag="Vendors")


def about_vendor(asked: Asked, vendor: VendorId, **_: object) -> Resource:
    """Say whose something of a vendor is, for grants that reach one vendor only."""
    found = asked.city.vendors.get(asked.scope, vendor)
    return Resource(
        kind=asked.endpoint.resource,
        id=str(found.id),
        tenant_id=asked.tenant.id,
        path=asked.tenant.path,
        vendor=found.handle,
    )


def _shown(asked: Asked, vendor: VendorId) -> VendorView:
    return VendorView.of(asked.city.vendors.get(asked.scope, vendor))


@routes.get("", action="vendors:list")
def list_vendors(asked: Asked, query: VendorQuery) -> Listed[VendorView]:
    """List vendors by handle."""
    page = asked.city.vendors.list(asked.scope, asked.page(query), status=query.status)
    return asked.listed(query, page, VendorView.of)


@routes.post("", action="vendors:create")
def create_vendor(asked: Asked, body: VendorRequest) -> VendorView:
    """Register a vendor."""
    vendor = asked.city.vendors.register(asked.scope, body.handle, body.profile.profile(), stores=body.stores)
    return _shown(asked, vendor.id)


@routes.get("/{vendor}", action="vendors:read", about=about_vendor)
def get_vendor(asked: Asked, vendor: VendorId) -> VendorView:
    """Read a vendor."""
    return _shown(asked, vendor)


@routes.patch("/{vendor}", action="vendors:change", about=about_vendor, versioned="vendor")
def change_vendor(asked: Asked, vendor: VendorId, body: VendorChange) -> VendorView:
    """Change a vendor's profile, the stores it sells in or when it is paid; its handle stays."""
    asked.city.vendors.change(
        asked.scope,
        vendor,
        profile=None if body.profile is None else body.profile.profile(),
        stores=body.stores,
        payout_schedule=body.payout_schedule,
    )
    return _shown(asked, vendor)


@routes.post("/{vendor}/submit", action="vendors:submit", status=200, about=about_vendor)
def submit_vendor(asked: Asked, vendor: VendorId) -> VendorView:
    """Put a vendor up for the decision."""
    asked.city.vendors.submit(asked.scope, vendor)
    return _shown(asked, vendor)


@routes.post("/{vendor}/approve", action="vendors:approve", status=200, about=about_vendor)
def approve_vendor(asked: Asked, vendor: VendorId) -> VendorView:
    """Let a vendor sell; nothing may be asked of it any more."""
    asked.city.vendors.approve(asked.scope, vendor)
    return _shown(asked, vendor)


@routes.post("/{vendor}/reject", action="vendors:reject", status=200, about=about_vendor)
def reject_vendor(asked: Asked, vendor: VendorId, body: ReasonRequest) -> VendorView:
    """Turn a vendor down."""
    asked.city.vendors.reject(asked.scope, vendor, reason=body.reason)
    return _shown(asked, vendor)


@routes.post("/{vendor}/suspend", action="vendors:suspend", status=200, about=about_vendor)
def suspend_vendor(asked: Asked, vendor: VendorId, body: ReasonRequest) -> VendorView:
    """Suspend a vendor: it sells nothing more until it is reinstated."""
    asked.city.vendors.suspend(asked.scope, vendor, reason=body.reason)
    return _shown(asked, vendor)


@routes.post("/{vendor}/reinstate", action="vendors:reinstate", status=200, about=about_vendor)
def reinstate_vendor(asked: Asked, vendor: VendorId) -> VendorView:
    """Let a suspended vendor sell again."""
    asked.city.vendors.reinstate(asked.scope, vendor)
    return _shown(asked, vendor)


@routes.post("/{vendor}/terminate", action="vendors:terminate", status=200, about=about_vendor)
def terminate_vendor(asked: Asked, vendor: VendorId, body: StepRequest) -> VendorView:
    """End a vendor's life in the tenant for good; nothing may be owed or open on either side."""
    asked.city.vendors.terminate(asked.scope, vendor, reason=body.reason)
    return _shown(asked, vendor)
