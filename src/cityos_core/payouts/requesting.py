"""Payouts that somebody asks for: a vendor out of turn, or another try after a failure."""

from datetime import datetime
from uuid import uuid5

from attrs import evolve, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Invalid, NotFound, Refused
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import PayoutId
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import Register, commit, lock_funds
from cityos_core.payouts.model import Payout, PayoutStatus, Planned
from cityos_core.payouts.policy import Funds, barrier, payable, payable_unit, plan
from cityos_core.payouts.settings import PAYOUT_MINIMUMS
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from cityos_core.vendors.model import Vendor
from cityos_core.vendors.records import VendorName, vendor_named


@frozen
class Request:
    """Make a payout of any amount up to what is available after debt, at or above the minimum, whatever the schedule.

    Only payable units are paid, the rest stays. The same ``key`` again gives the payout that stands. ``Refused`` with
    the reason a run would skip for, or ``not_available``.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    configuration: ConfigurationReader
    register: Register

    def __call__(self, scope: TenantScope, vendor: VendorName, amount: Money, *, key: str | None = None) -> Payout:
        if amount.minor <= 0:
            raise Invalid("amount_not_positive", f"{amount} cannot be paid out; ask for more than nothing")
        with self.unit_of_work(scope) as uow:
            minimums = self.configuration(uow, scope.tenant_id).value(PAYOUT_MINIMUMS)
            seller = vendor_named(uow, vendor)
            payout_id = self.register.identifiers.new() if key is None else uuid5(seller.id, f"payout request {key}")
            funds = lock_funds(uow, scope, [(seller.id, amount.currency)])[seller.id, amount.currency]
            standing = _standing(uow, PayoutId(payout_id))
            if standing is not None:
                return _same(standing, payable(amount))
            least = minimums.get(amount.currency, Money(payable_unit(amount.currency), amount.currency))
            if amount < least or not payable(amount):
                raise Refused("below_minimum", f"{amount} is below the {least} that is paid out at least")
            plans = {PayoutId(payout_id): affordable(seller, funds, payable(amount), self.register)}
            made, events = self.register.create(uow, scope, plans, at=self.clock.now())
            commit(uow, events, "payouts.request")
        return made[0]


@frozen
class Retry:
    """Try again: at once if a payout waits for its next attempt, as a new payout if it failed.

    The new one goes to the vendor's present account and refers to the old; there is at most one, repeating gives it.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    register: Register

    def __call__(self, scope: TenantScope, payout_id: PayoutId) -> Payout:
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            payout = uow.payouts.get(payout_id)
            if payout.status is PayoutStatus.PENDING:
                stored, events = self.register.save(uow, payout, evolve(payout, next_attempt_at=now), now)
            elif payout.status is PayoutStatus.FAILED:
                stored, events = self._another(uow, scope, payout, now)
            else:
                raise Conflict(
                    "invalid_state",
                    f"a payout that is {payout.status.value} cannot be tried again; one that is failed or pending can",
                    current_state=payout.status.value,
                )
            commit(uow, events, "payouts.retry")
        return stored

    def _another(
        self, uow: UnitOfWork, scope: TenantScope, failed: Payout, now: datetime
    ) -> tuple[Payout, list[Event]]:
        pair = failed.vendor_id, failed.amount.currency
        funds = lock_funds(uow, scope, [pair])[pair]
        again = PayoutId(uuid5(failed.id, "retry"))
        standing = _standing(uow, again)
        if standing is not None:
            return standing, []
        plans = {again: affordable(uow.vendors.get(failed.vendor_id), funds, failed.amount, self.register)}
        made, events = self.register.create(uow, scope, plans, at=now, retries=failed.id)
        return made[0], events


def affordable(vendor: Vendor, funds: Funds, amount: Money, register: Register) -> Planned:
    """Plan a payout, or say why it cannot be: something bars the vendor, or the money is not there."""
    if found := barrier(vendor, register.methods):
        raise Refused(found[0].value, found[1])
    if amount > funds.net:
        owing = f" after {funds.debt} of debt" if funds.debt else ""
        raise Refused("not_available", f"{amount} is more than the {payable(funds.net)} that can be paid out{owing}")
    return plan(vendor, funds, amount)


def _standing(uow: UnitOfWork, payout_id: PayoutId) -> Payout | None:
    try:
        return uow.payouts.get(payout_id)
    except NotFound:
        return None


def _same(payout: Payout, amount: Money) -> Payout:
    if payout.amount != amount:
        raise Conflict("key_reused", f"this key was used for a payout of {payout.amount}; use another key")
    return payout
