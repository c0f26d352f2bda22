"""What happens to vendors."""

from typing import ClassVar

from attrs import frozen

from cityos_core.kernel.events import Event


@frozen(kw_only=True)
class VendorRegistered(Event):
    """Someone asked to sell."""

    name: ClassVar[str] = "vendor.registered"
    vendor: str


@frozen(kw_only=True)
class VendorStepped(Event):
    """A vendor took a step of its life."""

    name: ClassVar[str] = "vendor.stepped"
    vendor: str
    action: str
    status: str
    reason: str | None = None


@frozen(kw_only=True)
class RequirementStepped(Event):
    """An item that was asked of a vendor took a step."""

    name: ClassVar[str] = "vendor.requirement_stepped"
    vendor: str
    key: str
    action: str
    status: str


@frozen(kw_only=True)
class TeamChanged(Event):
    """Someone was invited to a vendor's team, joined it, got another role or left."""

    name: ClassVar[str] = "vendor.team_changed"
    vendor: str
    email: str
    action: str
    role: str | None = None


@frozen(kw_only=True)
class PayoutAccountChanged(Event):
    """A vendor's payouts go elsewhere from now on, or its account was found to be its own."""

    name: ClassVar[str] = "vendor.payout_account_changed"
    vendor: str
    verified: bool
