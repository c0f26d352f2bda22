"""Vendors: who sells, what was asked of them, who is on their team, where their money goes."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from cityos_core.kernel.ids import TenantId, VendorId
from cityos_core.kernel.states import Machine
from cityos_core.tenancy.model import handle as check_handle


class VendorStatus(StrEnum):
    """The life of a vendor."""

    PENDING = "pending"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


VENDOR_LIFE: Final = Machine(
    "vendor",
    {
        (VendorStatus.PENDING, "submit"): VendorStatus.IN_REVIEW,
        (VendorStatus.IN_REVIEW, "approve"): VendorStatus.APPROVED,
        (VendorStatus.IN_REVIEW, "reject"): VendorStatus.REJECTED,
        (VendorStatus.REJECTED, "submit"): VendorStatus.IN_REVIEW,
        (VendorStatus.APPROVED, "suspend"): VendorStatus.SUSPENDED,
        (VendorStatus.SUSPENDED, "reinstate"): VendorStatus.APPROVED,
        (VendorStatus.PENDING, "terminate"): VendorStatus.TERMINATED,
        (VendorStatus.REJECTED, "terminate"): VendorStatus.TERMINATED,
        (VendorStatus.APPROVED, "terminate"): VendorStatus.TERMINATED,
        (VendorStatus.SUSPENDED, "terminate"): VendorStatus.TERMINATED,
    },
)


class RequirementStatus(StrEnum):
    """Where one required item stands."""

    MISSING = "missing"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WAIVED = "waived"
    EXPIRED = "expired"


REQUIREMENT_LIFE: Final = Machine(
    "requirement",
    {
        (RequirementStatus.MISSING, "submit"): RequirementStatus.SUBMITTED,
        (RequirementStatus.MISSING, "waive"): RequirementStatus.WAIVED,
        (RequirementStatus.SUBMITTED, "submit"): RequirementStatus.SUBMITTED,
        (RequirementStatus.SUBMITTED, "accept"): RequirementStatus.ACCEPTED,
        (RequirementStatus.SUBMITTED, "reject"): RequirementStatus.REJECTED,
        (RequirementStatus.SUBMITTED, "waive"): RequirementStatus.WAIVED,
        (RequirementStatus.REJECTED, "submit"): RequirementStatus.SUBMITTED,
        (RequirementStatus.REJECTED, "waive"): RequirementStatus.WAIVED,
        (RequirementStatus.ACCEPTED, "expire"): RequirementStatus.EXPIRED,
        (RequirementStatus.EXPIRED, "submit"): RequirementStatus.SUBMITTED,
        (RequirementStatus.EXPIRED, "waive"): RequirementStatus.WAIVED,
    },
)


@frozen(kw_only=True)
class Requirement:
    """One item asked of a vendor: a document, an identity check, a bank account, terms to accept."""

    key: str
    status: RequirementStatus = RequirementStatus.MISSING
    reference: str | None = None
    reason: str | None = None
    expires_at: datetime | None = None

    @property
    def is_settled(self) -> bool:
        """True if nothing more is needed for this item."""
        return self.status in (RequirementStatus.ACCEPTED, RequirementStatus.WAIVED)


class TeamRole(StrEnum):
    """What a member of a vendor's team is."""

    OWNER = "owner"
    MANAGER = "manager"
    STAFF = "staff"


TEAM_PERMISSIONS: Final[Mapping[TeamRole, frozenset[str]]] = {
    TeamRole.OWNER: frozenset({"products", "orders", "refunds", "payouts", "payout_account", "team", "profile"}),
    TeamRole.MANAGER: frozenset({"products", "orders", "refunds", "payouts", "profile"}),
    TeamRole.STAFF: frozenset({"products", "orders"}),
}
"""What each role may do for its vendor."""


@frozen(kw_only=True)
class Member:
    """Someone on a vendor's team; an invitation is a member who has not joined."""

    email: str
    role: TeamRole
    invited_at: datetime
    joined_at: datetime | None = None


@frozen(kw_only=True)
class PayoutAccount:
    """Where a vendor's payouts go. ``method`` names an adapter; ``reference`` is its word for the account (an IBAN)."""

    method: str
    reference: str
    holder: str
    verified: bool = False

    @property
    def fingerprint(self) -> str:
        """What must stay the same between the creation of a payout and its payment."""
        return f"{self.method}|{self.reference}"


@frozen(kw_only=True)
class Profile:
    """What is known of the business."""

    name: str
    legal_name: str | None = None
    kind: str = "company"
    email: str | None = None
    phone: str | None = None
    website: str | None = None
    country: str | None = None
    address: str | None = None
    tax_id: str | None = None


@frozen(kw_only=True)
class Vendor:
    """A seller in a tenant."""

    id: VendorId
    tenant_id: TenantId
    handle: str = field(validator=lambda _i, _a, value: check_handle(value))
    profile: Profile
    status: VendorStatus = VendorStatus.PENDING
    reason: str | None = None
    requirements: tuple[Requirement, ...] = ()
    team: tuple[Member, ...] = ()
    stores: tuple[str, ...] = ()
    payout_account: PayoutAccount | None = None
    payout_schedule: str | None = None
    created_at: datetime
    version: int = 1

    def step(self, action: str, *, reason: str | None = None) -> "Vendor":
        """Take a step of the vendor's life."""
        return evolve(self, status=VENDOR_LIFE.next(self.status, action), reason=reason)

    @property
    def may_sell(self) -> bool:
        """True if orders may be placed with this vendor."""
        return self.status is VendorStatus.APPROVED

    @property
    def open_requirements(self) -> tuple[Requirement, ...]:
        """The items still needed."""
        return tuple(item for item in self.requirements if not item.is_settled)
