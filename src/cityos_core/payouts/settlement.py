"""What people, or messages from the bank, say of payouts that were sent: arrived, failed, came back."""

from datetime import datetime

from attrs import evolve, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import PayoutId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.model import Payout, PayoutStatus
from cityos_core.payouts.review import Desk, stated


@frozen
class Confirm:
    """Record that a payout in transit, or of unknown outcome, arrived; the same reference again changes nothing."""

    desk: Desk

    def __call__(self, scope: TenantScope, payout_id: PayoutId, *, reference: str) -> Payout:
        if not reference.strip():
            raise Invalid("no_reference", "give the reference of the payment, as the bank statement has it")

        def confirm(_uow: object, payout: Payout, now: datetime) -> Payout:
            if payout.status is PayoutStatus.PAID and payout.reference == reference:
                return payout
            paid = payout.step("confirm", at=None)
            *earlier, last = paid.attempts
            last = evolve(last, outcome=PayoutStatus.PAID.value, reference=reference, reason=None, finished_at=now)
            return evolve(paid, attempts=(*earlier, last), settled_at=now)

        return self.desk.decide(scope, payout_id, "payouts.confirm", confirm)


@frozen
class Fail:
    """Record that a payout in transit, or of unknown outcome, will not arrive; the vendor has the money again."""

    desk: Desk

    def __call__(self, scope: TenantScope, payout_id: PayoutId, *, reason: str) -> Payout:
        def fail(_uow: object, payout: Payout, now: datetime) -> Payout:
            if payout.status is PayoutStatus.FAILED:
                return payout
            return evolve(payout.step("fail", at=None, reason=stated(reason)), settled_at=now)

        return self.desk.decide(scope, payout_id, "payouts.fail", fail)


@frozen
class Returned:
    """Record that the bank sent a paid payout back; the vendor has the money available again. Repeating changes nothing."""

    desk: Desk

    def __call__(self, scope: TenantScope, payout_id: PayoutId, *, reason: str) -> Payout:
        def bring_back(_uow: object, payout: Payout, now: datetime) -> Payout:
            if payout.status is PayoutStatus.RETURNED:
                return payout
            return evolve(payout.step("return", at=None, reason=stated(reason)), settled_at=now)

        return self.desk.decide(scope, payout_id, "payouts.returned", bring_back)
