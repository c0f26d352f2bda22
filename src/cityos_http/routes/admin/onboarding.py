"""What is asked of vendors, where they are paid and who is on their teams, for administrators."""

from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import VendorId
from cityos_core.vendors.team import member_of
from cityos_http.asking import NOWHERE, Asked
from cityos_http.endpoint import Routes
from cityos_http.routes.admin.vendors import about_vendor
from cityos_http.schemas.team import (
    InvitationRequest,
    MemberView,
    OnboardingView,
    PayoutAccountRequest,
    PayoutAccountView,
    SubmissionRequest,
)
from cityos_http.schemas.vendors import AcceptanceRequest, AccountProofRequest, ReasonRequest

routes = Routes("/admin/vendors/{vendor}", tag="Vendors")


def _shown(asked: Asked, vendor: VendorId) -> OnboardingView:
    return OnboardingView.of(asked.city.vendors.get(asked.scope, vendor))


def _account(asked: Asked, vendor: VendorId) -> PayoutAccountView:
    account = asked.city.vendors.get(asked.scope, vendor).payout_account
    if account is None:
        raise NotFound("no_payout_account", NOWHERE)
    return PayoutAccountView.of(account)


@routes.post("/requirements/{key}/submit", action="onboarding:submit", status=200, about=about_vendor)
def submit_vendor_requirement(asked: Asked, vendor: VendorId, key: str, body: SubmissionRequest) -> OnboardingView:
    """Hand in an item for a vendor."""
    asked.city.vendors.requirement(asked.scope, vendor, key, "submit", reference=body.reference)
    return _shown(asked, vendor)


@routes.post("/requirements/{key}/accept", action="onboarding:accept", status=200, about=about_vendor)
def accept_vendor_requirement(asked: Asked, vendor: VendorId, key: str, body: AcceptanceRequest) -> OnboardingView:
    """Find an item to be in order."""
    asked.city.vendors.requirement(asked.scope, vendor, key, "accept", expires_at=body.expires_at)
    return _shown(asked, vendor)


@routes.post("/requirements/{key}/reject", action="onboarding:reject", status=200, about=about_vendor)
def reject_vendor_requirement(asked: Asked, vendor: VendorId, key: str, body: ReasonRequest) -> OnboardingView:
    """Ask for an item again."""
    asked.city.vendors.requirement(asked.scope, vendor, key, "reject", reason=body.reason)
    return _shown(asked, vendor)


@routes.post("/requirements/{key}/waive", action="onboarding:waive", status=200, about=about_vendor)
def waive_vendor_requirement(asked: Asked, vendor: VendorId, key: str, body: ReasonRequest) -> OnboardingView:
    """Do without an item."""
    asked.city.vendors.requirement(asked.scope, vendor, key, "waive", reason=body.reason)
    return _shown(asked, vendor)


@routes.get("/payout-account", action="payout-account:read", about=about_vendor)
def get_payout_account(asked: Asked, vendor: VendorId) -> PayoutAccountView:
    """Read where a vendor's payouts go."""
    return _account(asked, vendor)


@routes.put("/payout-account", action="payout-account:change", about=about_vendor)
def set_payout_account(asked: Asked, vendor: VendorId, body: PayoutAccountRequest) -> PayoutAccountView:
    """Say where a vendor's payouts go; nothing is paid there until it is verified."""
    asked.city.vendors.set_payout_account(
        asked.scope, vendor, method=body.method, reference=body.reference, holder=body.holder
    )
    return _account(asked, vendor)


@routes.post("/payout-account/verify", action="payout-account:verify", status=200, about=about_vendor)
def verify_payout_account(asked: Asked, vendor: VendorId, body: AccountProofRequest) -> PayoutAccountView:
    """Record that a vendor's payout account was found to be its own."""
    asked.city.vendors.verify_payout_account(asked.scope, vendor, reference=body.reference)
    return _account(asked, vendor)


@routes.post("/team", action="team:add", about=about_vendor)
def invite_vendor_member(asked: Asked, vendor: VendorId, body: InvitationRequest) -> MemberView:
    """Invite someone to a vendor's team; they may do nothing until they join."""
    asked.require_may_invite(asked.city.vendors.get(asked.scope, vendor).handle, body.role)
    asked.city.vendors.invite(asked.scope, vendor, body.email, body.role)
    return MemberView.of(member_of(asked.city.vendors.get(asked.scope, vendor), body.email))
