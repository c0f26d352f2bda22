"""What vendors need from storage."""

from collections.abc import Iterable
from typing import Protocol

from cityos_core.kernel.ids import VendorId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.vendors.model import Member, Vendor, VendorStatus


class Vendors(Protocol):
    """The vendors of one tenant. Lists are by handle."""

    def add(self, vendor: Vendor) -> None:
        """Store a new vendor; ``Conflict("handle_taken")`` if the tenant has one by that handle."""
        ...

    def save(self, vendor: Vendor) -> None:
        """Store a changed vendor, one version up; ``Conflict("stale")`` if someone was first."""
        ...

    def get(self, vendor_id: VendorId) -> Vendor:
        """Give a vendor, or ``NotFound("vendor_not_found")``."""
        ...

    def known(self, vendor_ids: Iterable[VendorId]) -> dict[VendorId, Vendor]:
        """Give the vendors with these ids in one query; unknown ones are absent."""
        ...

    def named(self, handles: Iterable[str]) -> dict[str, Vendor]:
        """Give the vendors with these handles in one query; unknown ones are absent."""
        ...

    def page(self, request: PageRequest, *, status: VendorStatus | None = None) -> Page[Vendor]:
        """List vendors."""
        ...


class TeamMembers(Protocol):
    """Who is on which vendor's team; it follows the vendors that are stored."""

    def of(self, email: str) -> list[tuple[str, Member]]:
        """List the vendors, by handle, that an e-mail address is a member of, as whom; invitations too."""
        ...
