"""From the wish to sell to the first sale, and out again."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Invalid, Refused
from cityos_core.kernel.ids import Identifiers, VendorId
from cityos_core.kernel.scope import TenantScope
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from cityos_core.vendors.events import RequirementStepped, VendorRegistered, VendorStepped
from cityos_core.vendors.model import VENDOR_LIFE, Profile, Vendor
from cityos_core.vendors.policy import approved, asked, changeable, checked, with_account, with_owner, with_requirement
from cityos_core.vendors.records import VendorName, stores_named, vendor_named
from cityos_core.vendors.schedules import PayoutSchedule
from cityos_core.vendors.settings import VENDOR_REQUIREMENTS
from cityos_core.vendors.workflow import Step, run

INHERITED: Final = "inherited"
"""In place of a payout schedule: the one that the settings give."""

NEEDS_REASON: Final = frozenset({"reject", "suspend"})
"""Steps of a vendor's life that are taken for a stated reason."""


@frozen(kw_only=True)
class RegisterVendor:
    """Take in a business that wants to sell; what is asked of it comes from the settings."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader

    def __call__(
        self,
        scope: TenantScope,
        handle: str,
        profile: Profile,
        *,
        stores: Iterable[str] = (),
        payout_schedule: str = INHERITED,
    ) -> Vendor:
        """Register a vendor; no stores means all of them, a schedule is text such as ``weekly:5``."""
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            registry = self.configuration(uow, scope.tenant_id).value(VENDOR_REQUIREMENTS)
            vendor = Vendor(
                id=VendorId(self.identifiers.new()),
                tenant_id=scope.tenant_id,
                handle=handle,
                profile=checked(profile),
                stores=stores_named(uow, stores),
                payout_schedule=_schedule(payout_schedule),
                created_at=now,
            )
            vendor = asked(vendor, registry, now)
            uow.vendors.add(vendor)
            uow.commit([VendorRegistered(subject=vendor.id, occurred_at=now, vendor=handle)])
        return vendor


@frozen
class ChangeVendor:
    """Change a vendor's profile, the stores it sells in or its payout schedule; its handle stays."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self,
        scope: TenantScope,
        handle: VendorName,
        *,
        profile: Profile | None = None,
        stores: Iterable[str] | None = None,
        payout_schedule: str | None = None,
    ) -> Vendor:
        """Change what is given; what is ``None`` stays, and the schedule ``inherited`` follows the settings again."""
        with self.unit_of_work(scope) as uow:
            vendor = changeable(vendor_named(uow, handle))
            changed = evolve(
                vendor,
                profile=vendor.profile if profile is None else checked(profile),
                stores=vendor.stores if stores is None else stores_named(uow, stores),
                payout_schedule=vendor.payout_schedule if payout_schedule is None else _schedule(payout_schedule),
            )
            uow.vendors.save(changed)
            uow.commit()
        return changed


@frozen
class StepVendor:
    """Take one step of a vendor's life, named by ``action``."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    action: str

    def __call__(self, scope: TenantScope, handle: VendorName, *, reason: str | None = None) -> Vendor:
        """Take the step; rejecting and suspending need a reason, which the vendor reads."""
        if self.action in NEEDS_REASON and not reason:
            raise Invalid("missing_reason", f"say why: to {self.action} a vendor needs a reason")
        with self.unit_of_work(scope) as uow:
            vendor = vendor_named(uow, handle).step(self.action, reason=reason)
            uow.vendors.save(vendor)
            uow.commit([stepped(vendor, self.action, self.clock.now())])
        return vendor


@frozen
class TerminateVendor:
    """End a vendor's life in the tenant for good; nothing may be owed or open on either side."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    open_business: Callable[[UnitOfWork, Vendor], Iterable[str]]

    def __call__(self, scope: TenantScope, handle: VendorName, *, reason: str | None = None) -> Vendor:
        """Terminate a vendor, or raise ``Refused("business_open")`` naming what is to be settled first."""
        with self.unit_of_work(scope) as uow:
            vendor = vendor_named(uow, handle)
            after = vendor.step("terminate", reason=reason)
            refuse_open(self.open_business(uow, vendor), vendor.handle)
            uow.vendors.save(after)
            uow.commit([stepped(after, "terminate", self.clock.now())])
        return after


def refuse_open(business: Iterable[str], handle: str) -> None:
    """Raise ``Refused("business_open")`` if anything is owed or open."""
    found = list(business)
    if found:
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise Refused("business_open", f"settle with {handle} first: {', '.join(found[:5])}{more}")


@frozen(kw_only=True)
class StepRequirement:
    """Take a step in the life of one item that is asked of a vendor."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    configuration: ConfigurationReader

    def __call__(
        self,
        scope: TenantScope,
        handle: VendorName,
        key: str,
        action: str,
        *,
        reference: str | None = None,
        reason: str | None = None,
        expires_at: datetime | None = None,
    ) -> Vendor:
        """Take ``submit``, ``accept``, ``reject``, ``waive`` or ``expire``; rejecting and waiving need a reason."""
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            registry = self.configuration(uow, scope.tenant_id).value(VENDOR_REQUIREMENTS)
            vendor = with_requirement(
                asked(changeable(vendor_named(uow, handle)), registry, now),
                key,
                action,
                at=now,
                reference=reference,
                reason=reason,
                expires_at=expires_at,
            )
            uow.vendors.save(vendor)
            status = next(item.status for item in vendor.requirements if item.key == key)
            event = RequirementStepped(
                subject=vendor.id, occurred_at=now, vendor=vendor.handle, key=key, action=action, status=status.value
            )
            uow.commit([event])
        return vendor


def approval_steps(at: datetime) -> Sequence[Step[Vendor]]:
    """List what approval does before it is recorded; adapters of payment and identity providers put theirs here."""
    return (
        Step("create_payout_account", with_account),
        Step("grant_access", partial(with_owner, at=at)),
    )


@frozen(kw_only=True)
class ApproveVendor:
    """Let a vendor in review sell: create its payout account, grant its owner access, record it and tell everyone.

    It is a workflow: if a step fails, the earlier ones are undone and the error says so. Whoever changed the vendor
    meanwhile was first.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    configuration: ConfigurationReader
    steps: Callable[[datetime], Sequence[Step[Vendor]]] = approval_steps

    def __call__(self, scope: TenantScope, handle: VendorName) -> Vendor:
        """Approve a vendor, or raise ``Refused("requirements_open")`` naming what is still needed."""
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            registry = self.configuration(uow, scope.tenant_id).value(VENDOR_REQUIREMENTS)
            vendor = vendor_named(uow, handle)
            VENDOR_LIFE.next(vendor.status, "approve")
            vendor = approved(asked(vendor, registry, now))
        record: Step[Vendor] = Step("record", lambda approved_one: self._record(scope, approved_one, now))
        return run([*self.steps(now), record], vendor)

    def _record(self, scope: TenantScope, vendor: Vendor, at: datetime) -> Vendor:
        faults.point("approve_vendor.before_record")
        with self.unit_of_work(scope) as uow:
            uow.vendors.save(vendor)
            uow.commit([stepped(vendor, "approve", at)])
        faults.point("approve_vendor.after_record")
        return vendor


def stepped(vendor: Vendor, action: str, at: datetime) -> VendorStepped:
    """Tell of a step that a vendor took."""
    return VendorStepped(
        subject=vendor.id,
        occurred_at=at,
        vendor=vendor.handle,
        action=action,
        status=vendor.status.value,
        reason=vendor.reason,
    )


def _schedule(text: str) -> str | None:
    return None if text == INHERITED else PayoutSchedule.of(text).text
