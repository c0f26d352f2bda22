"""Where a vendor's payouts go."""

from attrs import evolve, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Invalid, NotFound
from cityos_core.kernel.scope import TenantScope
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.vendors.events import PayoutAccountChanged
from cityos_core.vendors.model import PayoutAccount, Vendor
from cityos_core.vendors.records import VendorName, edit


@frozen
class SetPayoutAccount:
    """Say where a vendor's payouts go; nothing is paid there until the account is verified."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: TenantScope, handle: VendorName, *, method: str, reference: str, holder: str) -> Vendor:
        """Set the account: a payout method, its word for the account (an IBAN), and who holds it."""
        account = PayoutAccount(
            method=_stated(method, "method"),
            reference=_stated(reference, "reference"),
            holder=_stated(holder, "holder"),
        )

        def change(vendor: Vendor) -> Vendor:
            known = vendor.payout_account
            is_same = known is not None and evolve(known, verified=False) == account
            return vendor if is_same else evolve(vendor, payout_account=account)

        return edit(self.unit_of_work, scope, handle, change, lambda vendor: _changed(vendor, self.clock))


@frozen
class VerifyPayoutAccount:
    """Record that a vendor's payout account was found to be its own."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: TenantScope, handle: VendorName, *, reference: str | None = None) -> Vendor:
        """Verify the account; if its ``reference`` is given and another was set meanwhile, that is a conflict."""

        def change(vendor: Vendor) -> Vendor:
            account = vendor.payout_account
            if account is None:
                raise NotFound("no_payout_account", f"vendor {vendor.handle} has no payout account; set one first")
            if reference is not None and reference != account.reference:
                raise Conflict(
                    "account_changed", f"vendor {vendor.handle} has another payout account now; look at it first"
                )
            return evolve(vendor, payout_account=evolve(account, verified=True))

        return edit(self.unit_of_work, scope, handle, change, lambda vendor: _changed(vendor, self.clock))


def _stated(value: str, what: str) -> str:
    if not value.strip():
        raise Invalid("incomplete_account", f"a payout account has a {what}")
    return value.strip()


def _changed(vendor: Vendor, clock: Clock) -> PayoutAccountChanged:
    return PayoutAccountChanged(
        subject=vendor.id,
        occurred_at=clock.now(),
        vendor=vendor.handle,
        verified=vendor.payout_account is not None and vendor.payout_account.verified,
    )
