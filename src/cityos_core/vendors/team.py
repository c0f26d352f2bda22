"""Who works for a vendor: invitations, roles, and the owner who is always there."""

from datetime import datetime

from attrs import evolve

from cityos_core.kernel.errors import Conflict, NotFound, Refused
from cityos_core.vendors.draft import email_or_none
from cityos_core.vendors.model import TEAM_PERMISSIONS, Member, TeamRole, Vendor


def may(member: Member, permission: str) -> bool:
    """Say whether a member may do something for its vendor; one who has not joined may do nothing."""
    return member.joined_at is not None and permission in TEAM_PERMISSIONS[member.role]


def member_of(vendor: Vendor, email: str) -> Member:
    """Give the member with an address, or ``NotFound("member_not_found")``."""
    for member in vendor.team:
        if member.email == email.lower():
            return member
    raise NotFound("member_not_found", f"{email} is not on the team of {vendor.handle}; invite them first")


def invited(vendor: Vendor, email: str, role: TeamRole, at: datetime) -> Vendor:
    """Invite someone who is not on the team."""
    address = (email_or_none(email) or "").lower()
    if any(member.email == address for member in vendor.team):
        raise Conflict("already_member", f"{email} is on the team of {vendor.handle} already; change the role instead")
    return evolve(vendor, team=(*vendor.team, Member(email=address, role=role, invited_at=at)))


def joined(vendor: Vendor, email: str, at: datetime) -> Vendor:
    """Let someone who was invited in."""
    member = member_of(vendor, email)
    if member.joined_at is not None:
        raise Conflict("already_joined", f"{email} has joined the team of {vendor.handle} before")
    return _replaced(vendor, member, evolve(member, joined_at=at))


def with_role(vendor: Vendor, email: str, role: TeamRole) -> Vendor:
    """Give a member another role; the last owner stays one."""
    member = member_of(vendor, email)
    return _replaced(vendor, member, evolve(member, role=role))


def removed(vendor: Vendor, email: str) -> Vendor:
    """Take a member off the team, or an invitation back; the last owner cannot leave."""
    return _replaced(vendor, member_of(vendor, email), None)


def _replaced(vendor: Vendor, member: Member, by: Member | None) -> Vendor:
    team = tuple(by if each is member else each for each in vendor.team)
    after = evolve(vendor, team=tuple(each for each in team if each is not None))
    for must_have_joined in (True, False):
        if _has_owner(vendor, must_have_joined) and not _has_owner(after, must_have_joined):
            raise Refused(
                "last_owner", f"{member.email} is the last owner of {vendor.handle}; make someone else an owner first"
            )
    return after


def _has_owner(vendor: Vendor, must_have_joined: bool) -> bool:
    owners = (member for member in vendor.team if member.role is TeamRole.OWNER)
    return any(member.joined_at is not None or not must_have_joined for member in owners)
