"""The vendors of one tenant, and who is on their teams."""

from collections.abc import Iterable

from attrs import frozen

from cityos_adapters.memory.paging import page
from cityos_adapters.memory.rows import require_own, save
from cityos_adapters.memory.tables import View
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import TenantId, VendorId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.vendors.model import Member, Vendor, VendorStatus


@frozen
class MemoryVendors:
    """Vendors by id and handle."""

    tenant: TenantId
    vendors: View[VendorId, Vendor]

    def add(self, vendor: Vendor) -> None:
        require_own(self.tenant, vendor.tenant_id)
        self.vendors.put(vendor.id, vendor)

    def save(self, vendor: Vendor) -> None:
        require_own(self.tenant, vendor.tenant_id)
        save(self.vendors, vendor.id, vendor)

    def get(self, vendor_id: VendorId) -> Vendor:
        vendor = self.vendors.get(vendor_id)
        if vendor is None:
            raise NotFound("vendor_not_found", f"there is no vendor {vendor_id}")
        return vendor

    def known(self, vendor_ids: Iterable[VendorId]) -> dict[VendorId, Vendor]:
        found = ((vendor_id, self.vendors.get(vendor_id)) for vendor_id in set(vendor_ids))
        return {vendor_id: vendor for vendor_id, vendor in found if vendor is not None}

    def named(self, handles: Iterable[str]) -> dict[str, Vendor]:
        return {vendor.handle: vendor for handle in set(handles) for vendor in self.vendors.find("handle", handle)}

    def page(self, request: PageRequest, *, status: VendorStatus | None = None) -> Page[Vendor]:
        rows = (vendor for vendor in self.vendors.all() if status in (None, vendor.status))
        return page(rows, lambda vendor: (vendor.handle,), request)


@frozen
class MemoryTeamMembers:
    """Members by e-mail address, as the vendors have them."""

    vendors: View[VendorId, Vendor]

    def of(self, email: str) -> list[tuple[str, Member]]:
        wanted = email.lower()
        found = sorted(self.vendors.find("member", wanted), key=lambda vendor: vendor.handle)
        return [(vendor.handle, member) for vendor in found for member in vendor.team if member.email.lower() == wanted]
