"""The team of a vendor: inviting, joining, changing roles, leaving."""

from attrs import frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.scope import TenantScope
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.vendors.events import TeamChanged
from cityos_core.vendors.model import TeamRole, Vendor
from cityos_core.vendors.records import VendorName, edit
from cityos_core.vendors.team import invited, joined, member_of, removed, with_role


@frozen
class InviteMember:
    """Invite someone to a vendor's team; they may do nothing until they join."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: TenantScope, handle: VendorName, email: str, role: TeamRole) -> Vendor:
        """Invite someone, or raise ``Conflict("already_member")``."""
        return edit(
            self.unit_of_work,
            scope,
            handle,
            lambda vendor: invited(vendor, email, role, self.clock.now()),
            lambda vendor: _changed(vendor, email, "invite", self.clock, role),
        )


@frozen
class JoinTeam:
    """Let someone who was invited in."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: TenantScope, handle: VendorName, email: str) -> Vendor:
        """Join a team, once."""
        return edit(
            self.unit_of_work,
            scope,
            handle,
            lambda vendor: joined(vendor, email, self.clock.now()),
            lambda vendor: _changed(vendor, email, "join", self.clock, member_of(vendor, email).role),
        )


@frozen
class ChangeRole:
    """Give a member another role; the last owner cannot be demoted."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: TenantScope, handle: VendorName, email: str, role: TeamRole) -> Vendor:
        """Change a role, or raise ``Refused("last_owner")``."""
        return edit(
            self.unit_of_work,
            scope,
            handle,
            lambda vendor: with_role(vendor, email, role),
            lambda vendor: _changed(vendor, email, "change_role", self.clock, role),
        )


@frozen
class RemoveMember:
    """Take someone off a team, or take an invitation back; the last owner cannot leave."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: TenantScope, handle: VendorName, email: str) -> Vendor:
        """Remove a member, or raise ``Refused("last_owner")``."""
        return edit(
            self.unit_of_work,
            scope,
            handle,
            lambda vendor: removed(vendor, email),
            lambda vendor: _changed(vendor, email, "remove", self.clock),
        )


def _changed(vendor: Vendor, email: str, action: str, clock: Clock, role: TeamRole | None = None) -> TeamChanged:
    return TeamChanged(
        subject=vendor.id,
        occurred_at=clock.now(),
        vendor=vendor.handle,
        email=email.lower(),
        action=action,
        role=role.value if role else None,
    )
