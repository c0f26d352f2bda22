"""A vendor's team and its onboarding as the API shows and takes them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Self

from attrs import field, frozen

from cityos_core.catalog.model import ProductStatus
from cityos_core.payouts.dashboard import Dashboard
from cityos_core.vendors.model import Member, PayoutAccount, TeamRole, Vendor, VendorStatus
from cityos_http.schema import about
from cityos_http.schemas.money import PositionView
from cityos_http.schemas.vendors import ProfileView, RequirementView

EMAIL = about("An e-mail address.", example="kim@acme.example", least=3, most=254)


@frozen(kw_only=True)
class MemberView:
    """Someone on a vendor's team; an invitation is a member who has not joined."""

    email: str
    role: TeamRole
    invited_at: datetime
    joined_at: datetime | None

    @classmethod
    def of(cls, member: Member) -> Self:
        """Show a member."""
        return cls(email=member.email, role=member.role, invited_at=member.invited_at, joined_at=member.joined_at)


@frozen(kw_only=True)
class InvitationRequest:
    """Someone to invite, and as what."""

    email: str = field(metadata=EMAIL)
    role: TeamRole


@frozen(kw_only=True)
class RoleRequest:
    """What a member shall be."""

    role: TeamRole


@frozen(kw_only=True)
class JoiningRequest:
    """The vendor whose invitation is accepted."""

    vendor: str = field(metadata=about("The vendor's handle.", example="acme"))


@frozen(kw_only=True)
class PayoutAccountView:
    """Where payouts go; only the end of the account's number is shown."""

    method: str
    ends_with: str
    holder: str
    verified: bool

    @classmethod
    def of(cls, account: PayoutAccount) -> Self:
        """Show an account."""
        return cls(
            method=account.method, ends_with=account.reference[-4:], holder=account.holder, verified=account.verified
        )


@frozen(kw_only=True)
class PayoutAccountRequest:
    """Where payouts shall go."""

    method: str = field(metadata=about("A way of paying that is set up here.", example="bank", least=1))
    reference: str = field(
        metadata=about("What the method calls the account: an IBAN.", example="DE89370400440532013000", least=1)
    )
    holder: str = field(metadata=about("Whose account it is.", example="Acme Goods GmbH", least=1))


@frozen(kw_only=True)
class SubmissionRequest:
    """An item that was asked for."""

    reference: str | None = field(default=None, metadata=about("Where the document is, or its number."))


@frozen(kw_only=True)
class OnboardingView:
    """How far a vendor has come, and what is still needed."""

    vendor: str
    status: VendorStatus
    reason: str | None = field(metadata=about("Why it was rejected or suspended."))
    profile: ProfileView
    requirements: tuple[RequirementView, ...]
    payout_account: PayoutAccountView | None
    version: int

    @classmethod
    def of(cls, vendor: Vendor) -> Self:
        """Show a vendor's onboarding."""
        return cls(
            vendor=vendor.handle,
            status=vendor.status,
            reason=vendor.reason,
            profile=ProfileView.of(vendor.profile),
            requirements=tuple(map(RequirementView.of, vendor.requirements)),
            payout_account=None if vendor.payout_account is None else PayoutAccountView.of(vendor.payout_account),
            version=vendor.version,
        )


@frozen(kw_only=True)
class DashboardView:
    """A vendor's money, its work and what is still asked of it."""

    vendor: str
    status: VendorStatus
    balances: Mapping[str, PositionView] = field(metadata=about("By currency."))
    orders_to_send: int
    payout_schedule: str
    next_payout: date | None = field(metadata=about("The next day on which it is paid by its schedule."))
    requirements: tuple[RequirementView, ...]
    products: Mapping[str, int] = field(metadata=about("How many, by status."))

    @classmethod
    def of(cls, dashboard: Dashboard) -> Self:
        """Show a dashboard."""
        counts: Mapping[ProductStatus, int] = dashboard.products
        return cls(
            vendor=dashboard.vendor,
            status=dashboard.status,
            balances={
                currency: PositionView.of(position, currency) for currency, position in dashboard.balances.items()
            },
            orders_to_send=dashboard.to_send,
            payout_schedule=dashboard.payout_schedule,
            next_payout=dashboard.next_payout,
            requirements=tuple(map(RequirementView.of, dashboard.requirements)),
            products={status.value: count for status, count in counts.items()},
        )
