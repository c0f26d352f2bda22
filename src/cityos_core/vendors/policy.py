"""What is asked of vendors and what they may become: pure rules over the aggregate."""

from collections.abc import Iterable
from datetime import datetime

from attrs import evolve

from cityos_core.kernel.clock import instant_or_none
from cityos_core.kernel.errors import Conflict, Invalid, NotFound, Refused
from cityos_core.vendors.draft import country_or_none, email_or_none, stated
from cityos_core.vendors.model import (
    REQUIREMENT_LIFE,
    VENDOR_LIFE,
    Member,
    PayoutAccount,
    Profile,
    Requirement,
    RequirementStatus,
    TeamRole,
    Vendor,
    VendorStatus,
)


def checked(profile: Profile) -> Profile:
    """Check a profile and turn its country into the code."""
    return evolve(
        profile,
        name=stated(profile.name),
        email=email_or_none(profile.email),
        country=country_or_none(profile.country),
    )


def changeable(vendor: Vendor) -> Vendor:
    """Give a vendor that may still be changed; nothing more happens to one that is terminated."""
    if vendor.status is VendorStatus.TERMINATED:
        raise Conflict(
            "invalid_state",
            f"vendor {vendor.handle} is terminated; nothing more can happen to it",
            current_state=vendor.status.value,
            allowed_actions=VENDOR_LIFE.allowed(vendor.status),
        )
    return vendor


def asked(vendor: Vendor, registry: Iterable[str], at: datetime) -> Vendor:
    """Bring a vendor's items up to date with what is asked now: new ones are missing, accepted ones expire.

    An item that is no longer asked stays as a record if it was settled, and is dropped if it was open.
    """
    keys = tuple(registry)
    known = {item.key: _aged(item, at) for item in vendor.requirements}
    settled = tuple(item for item in known.values() if item.key not in keys and item.is_settled)
    return evolve(vendor, requirements=(*(known.get(key, Requirement(key=key)) for key in keys), *settled))


def _aged(item: Requirement, at: datetime) -> Requirement:
    is_over = item.status is RequirementStatus.ACCEPTED and item.expires_at is not None and item.expires_at <= at
    return evolve(item, status=REQUIREMENT_LIFE.next(item.status, "expire")) if is_over else item


def with_requirement(
    vendor: Vendor,
    key: str,
    action: str,
    *,
    at: datetime,
    reference: str | None = None,
    reason: str | None = None,
    expires_at: datetime | None = None,
) -> Vendor:
    """Take a step in the life of one item: submit, accept, reject (why), waive (why) or expire."""
    item = next((item for item in vendor.requirements if item.key == key), None)
    if item is None:
        keys = ", ".join(item.key for item in vendor.requirements) or "nothing"
        raise NotFound("requirement_not_found", f"{key!r} is not asked of vendor {vendor.handle}; {keys} is")
    if action in ("reject", "waive") and not reason:
        raise Invalid("missing_reason", f"say why: to {action} an item needs a reason")
    until = instant_or_none(expires_at) if action == "accept" else None
    if until is not None and until <= at:
        raise Invalid("already_expired", f"{until.isoformat()} is over; an item is accepted until a later time")
    stepped = evolve(
        item,
        status=REQUIREMENT_LIFE.next(item.status, action),
        reference=reference or item.reference,
        reason=reason,
        expires_at=until,
    )
    return evolve(vendor, requirements=tuple(stepped if each is item else each for each in vendor.requirements))


def waived(vendor: Vendor, reason: str, at: datetime) -> Vendor:
    """Waive every item that is still open."""
    for item in vendor.open_requirements:
        vendor = with_requirement(vendor, item.key, "waive", at=at, reason=reason)
    return vendor


def approved(vendor: Vendor) -> Vendor:
    """Approve a vendor in review of whom nothing more is asked."""
    after = vendor.step("approve")
    if vendor.open_requirements:
        items = ", ".join(f"{item.key} ({item.status.value})" for item in vendor.open_requirements)
        raise Refused(
            "requirements_open", f"vendor {vendor.handle} still needs {items}; accept or waive each, then approve"
        )
    return after


def with_account(vendor: Vendor, *, verified: bool = False) -> Vendor:
    """Give a vendor that has no payout account one that is paid by hand, under its own name."""
    if vendor.payout_account is not None:
        return vendor
    holder = vendor.profile.legal_name or vendor.profile.name
    account = PayoutAccount(method="manual", reference=vendor.handle, holder=holder, verified=verified)
    return evolve(vendor, payout_account=account)


def with_owner(vendor: Vendor, at: datetime) -> Vendor:
    """Invite the business's own address as the owner if the vendor has none."""
    if vendor.profile.email is None or any(member.role is TeamRole.OWNER for member in vendor.team):
        return vendor
    email = vendor.profile.email.lower()
    others = tuple(member for member in vendor.team if member.email != email)
    joined_at = next((member.joined_at for member in vendor.team if member.email == email), None)
    owner = Member(email=email, role=TeamRole.OWNER, invited_at=at, joined_at=joined_at)
    return evolve(vendor, team=(*others, owner))
