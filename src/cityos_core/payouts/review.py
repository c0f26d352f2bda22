"""What people decide about payouts before they are sent: hold, release, cancel, approve a changed account."""

from collections.abc import Callable, Collection
from datetime import datetime

from attrs import evolve, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.kernel.ids import PayoutId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import Register, commit
from cityos_core.payouts.model import Payout
from cityos_core.payouts.policy import barrier
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

Change = Callable[[UnitOfWork, Payout, datetime], Payout]


@frozen
class Desk:
    """Carries one person's decision about one payout into the books, in one unit of work."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    register: Register

    def decide(self, scope: TenantScope, payout_id: PayoutId, place: str, change: Change) -> Payout:
        """Change a payout; a change that gives the same payout back stores nothing."""
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            payout = uow.payouts.get(payout_id)
            changed = change(uow, payout, now)
            if changed == payout:
                return payout
            stored, events = self.register.save(uow, payout, changed, now)
            commit(uow, events, place)
        return stored


@frozen
class Hold:
    """Stop a payout for review; the money stays reserved for the vendor."""

    desk: Desk

    def __call__(self, scope: TenantScope, payout_id: PayoutId, *, reason: str) -> Payout:
        return self.desk.decide(
            scope,
            payout_id,
            "payouts.hold",
            lambda _uow, payout, _now: payout.step("hold", at=None, reason=stated(reason)),
        )


@frozen
class Release:
    """Let a held payout go on; one that was held because the account changed is held again unless that is approved."""

    desk: Desk

    def __call__(self, scope: TenantScope, payout_id: PayoutId) -> Payout:
        return self.desk.decide(
            scope, payout_id, "payouts.release", lambda _uow, payout, now: payout.step("release", at=now)
        )


@frozen
class Cancel:
    """Call a payout off before it is sent; the vendor has the money available again."""

    desk: Desk

    def __call__(self, scope: TenantScope, payout_id: PayoutId, *, reason: str) -> Payout:
        return self.desk.decide(
            scope,
            payout_id,
            "payouts.cancel",
            lambda _uow, payout, now: evolve(payout.step("cancel", at=None, reason=stated(reason)), settled_at=now),
        )


@frozen
class ApproveAccount:
    """Let a held payout go to the account that the vendor has now, and release it.

    ``Refused`` if the vendor could not be paid there: not approved, account not verified, method not configured.
    """

    desk: Desk
    methods: Collection[str]

    def __call__(self, scope: TenantScope, payout_id: PayoutId) -> Payout:
        return self.desk.decide(scope, payout_id, "payouts.approve_account", self._approve)

    def _approve(self, uow: UnitOfWork, payout: Payout, now: datetime) -> Payout:
        released = payout.step("release", at=now)
        vendor = uow.vendors.get(payout.vendor_id)
        if found := barrier(vendor, self.methods):
            raise Refused(found[0].value, found[1])
        account = vendor.payout_account
        if account is None or account.fingerprint == payout.fingerprint:
            raise Conflict("account_unchanged", "the account is the one the payout was made for; release the payout")
        return evolve(
            released,
            method=account.method,
            account=account.reference,
            holder=account.holder,
            approved_account=account.fingerprint,
        )


def stated(reason: str) -> str:
    """Check that a reason says something."""
    if not reason.strip():
        raise Invalid("no_reason", "say why, in words that the vendor can read")
    return reason
