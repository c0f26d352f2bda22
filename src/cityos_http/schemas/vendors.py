"""Vendors as the API shows and takes them."""

from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.ids import VendorId
from cityos_core.tenancy.model import LONGEST_HANDLE
from cityos_core.vendors.model import (
    VENDOR_LIFE,
    Profile,
    Requirement,
    RequirementStatus,
    Vendor,
    VendorStatus,
)
from cityos_http.asking import Paged
from cityos_http.schema import about

HANDLE = about("Its name in addresses.", example="acme", pattern="^[a-z0-9]+(-[a-z0-9]+)*$", most=LONGEST_HANDLE)


@frozen(kw_only=True)
class ProfileView:
    """What is known of a business."""

    name: str = field(metadata=about("What it trades as.", example="Acme Goods"))
    legal_name: str | None = None
    kind: str = "company"
    email: str | None = field(default=None, metadata=about("Where to write.", example="sales@acme.example"))
    phone: str | None = None
    website: str | None = None
    country: str | None = field(default=None, metadata=about("ISO 3166, two letters.", example="DE"))
    address: str | None = None
    tax_id: str | None = None

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Show a profile."""
        return cls(
            name=profile.name,
            legal_name=profile.legal_name,
            kind=profile.kind,
            email=profile.email,
            phone=profile.phone,
            website=profile.website,
            country=profile.country,
            address=profile.address,
            tax_id=profile.tax_id,
        )

    def profile(self) -> Profile:
        """Give what the core knows."""
        return Profile(
            name=self.name,
            legal_name=self.legal_name,
            kind=self.kind,
            email=self.email,
            phone=self.phone,
            website=self.website,
            country=self.country,
            address=self.address,
            tax_id=self.tax_id,
        )


@frozen(kw_only=True)
class RequirementView:
    """One item that is asked of a vendor."""

    key: str
    status: RequirementStatus
    reference: str | None
    reason: str | None
    expires_at: datetime | None

    @classmethod
    def of(cls, requirement: Requirement) -> Self:
        """Show a requirement."""
        return cls(
            key=requirement.key,
            status=requirement.status,
            reference=requirement.reference,
            reason=requirement.reason,
            expires_at=requirement.expires_at,
        )


@frozen(kw_only=True)
class VendorView:
    """A seller in a tenant."""

    id: VendorId
    handle: str = field(metadata=HANDLE)
    profile: ProfileView
    status: VendorStatus
    reason: str | None
    requirements: tuple[RequirementView, ...]
    stores: tuple[str, ...] = field(metadata=about("The stores it sells in, by handle; none means all of them."))
    payout_schedule: str | None = field(
        metadata=about("When it is paid; null follows the settings.", example="weekly:5")
    )
    allowed_actions: tuple[str, ...] = field(metadata=about("What can be done with it as it is."))
    created_at: datetime
    version: int

    @classmethod
    def of(cls, vendor: Vendor) -> Self:
        """Show a vendor."""
        return cls(
            id=vendor.id,
            handle=vendor.handle,
            profile=ProfileView.of(vendor.profile),
            status=vendor.status,
            reason=vendor.reason,
            requirements=tuple(map(RequirementView.of, vendor.requirements)),
            stores=vendor.stores,
            payout_schedule=vendor.payout_schedule,
            allowed_actions=VENDOR_LIFE.allowed(vendor.status),
            created_at=vendor.created_at,
            version=vendor.version,
        )


@frozen(kw_only=True)
class VendorRequest:
    """A business that wants to sell."""

    handle: str = field(metadata=HANDLE)
    profile: ProfileView
    stores: tuple[str, ...] = ()


@frozen(kw_only=True)
class VendorChange:
    """What changes about a vendor; what is absent stays."""

    profile: ProfileView | None = field(default=None, metadata=about("All of it."))
    stores: tuple[str, ...] | None = field(default=None, metadata=about("The stores it sells in; none means all."))
    payout_schedule: str | None = field(
        default=None, metadata=about("When it is paid; `inherited` follows the settings.", example="weekly:5")
    )


@frozen(kw_only=True)
class AcceptanceRequest:
    """That an item is accepted, and until when."""

    expires_at: datetime | None = field(default=None, metadata=about("It is asked again from then on."))


@frozen(kw_only=True)
class AccountProofRequest:
    """That an account was found to be the vendor's own."""

    reference: str | None = field(
        default=None,
        metadata=about("The account that was looked at: it is a conflict if another was set meanwhile."),
    )


@frozen(kw_only=True)
class ReasonRequest:
    """Why."""

    reason: str = field(metadata=about("What those concerned will read.", example="papers are missing", least=1))


@frozen(kw_only=True)
class VendorQuery(Paged):
    """Which vendors."""

    status: VendorStatus | None = None
