"""The use cases of vendors."""

from typing import Self

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.vendors.accounts import SetPayoutAccount, VerifyPayoutAccount
from cityos_core.vendors.importing import ImportVendors
from cityos_core.vendors.membership import ChangeRole, InviteMember, JoinTeam, RemoveMember
from cityos_core.vendors.model import Vendor, VendorStatus
from cityos_core.vendors.onboarding import (
    ApproveVendor,
    ChangeVendor,
    RegisterVendor,
    StepRequirement,
    StepVendor,
    TerminateVendor,
)
from cityos_core.vendors.records import VendorName, vendor_named


@frozen
class GetVendor:
    """Give the vendor with a handle or an id, or ``NotFound("vendor_not_found")``."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, handle: VendorName) -> Vendor:
        """Give a vendor."""
        with self.unit_of_work(scope) as uow:
            return vendor_named(uow, handle)


@frozen
class ListVendors:
    """List vendors by handle, a page at a time."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self, scope: TenantScope, request: PageRequest | None = None, *, status: VendorStatus | None = None
    ) -> Page[Vendor]:
        """List vendors, those of one status if asked."""
        with self.unit_of_work(scope) as uow:
            return uow.vendors.page(request or PageRequest(), status=status)


@frozen(kw_only=True)
class VendorUseCases:
    """Who sells in a tenant."""

    register: RegisterVendor
    change: ChangeVendor
    get: GetVendor
    list: ListVendors
    submit: StepVendor
    approve: ApproveVendor
    reject: StepVendor
    suspend: StepVendor
    reinstate: StepVendor
    terminate: TerminateVendor
    requirement: StepRequirement
    invite: InviteMember
    join: JoinTeam
    change_role: ChangeRole
    remove_member: RemoveMember
    set_payout_account: SetPayoutAccount
    verify_payout_account: VerifyPayoutAccount
    import_rows: ImportVendors

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build them over the ports."""
        uow, clock = dependencies.unit_of_work, dependencies.clock
        identifiers, configuration = dependencies.identifiers, dependencies.configuration
        return cls(
            register=RegisterVendor(
                unit_of_work=uow, clock=clock, identifiers=identifiers, configuration=configuration
            ),
            change=ChangeVendor(uow),
            get=GetVendor(uow),
            list=ListVendors(uow),
            submit=StepVendor(uow, clock, "submit"),
            approve=ApproveVendor(unit_of_work=uow, clock=clock, configuration=configuration),
            reject=StepVendor(uow, clock, "reject"),
            suspend=StepVendor(uow, clock, "suspend"),
            reinstate=StepVendor(uow, clock, "reinstate"),
            terminate=TerminateVendor(uow, clock, dependencies.open_business),
            requirement=StepRequirement(unit_of_work=uow, clock=clock, configuration=configuration),
            invite=InviteMember(uow, clock),
            join=JoinTeam(uow, clock),
            change_role=ChangeRole(uow, clock),
            remove_member=RemoveMember(uow, clock),
            set_payout_account=SetPayoutAccount(uow, clock),
            verify_payout_account=VerifyPayoutAccount(uow, clock),
            import_rows=ImportVendors(
                unit_of_work=uow,
                clock=clock,
                identifiers=identifiers,
                configuration=configuration,
                open_business=dependencies.open_business,
            ),
        )
