"""Billing cycles: the rows that workers claim, each billed once."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import InvoiceId, SubscriptionId, TenantId
from cityos_core.kernel.states import Machine
from cityos_core.subscriptions.model import Subscription

LEASE: Final = timedelta(minutes=5)
"""How long a worker that claimed a cycle is trusted to be alive; afterwards another takes it up."""


class CycleStatus(StrEnum):
    """The life of a cycle."""

    UPCOMING = "upcoming"
    PROCESSING = "processing"
    INVOICED = "invoiced"
    PAID = "paid"
    FAILED = "failed"
    SKIPPED = "skipped"
    VOIDED = "voided"


_C = CycleStatus

CYCLE_LIFE: Final = Machine(
    "billing cycle",
    {
        (_C.UPCOMING, "claim"): _C.PROCESSING,
        (_C.UPCOMING, "invoice"): _C.INVOICED,
        (_C.UPCOMING, "skip"): _C.SKIPPED,
        (_C.UPCOMING, "void"): _C.VOIDED,
        (_C.PROCESSING, "claim"): _C.PROCESSING,
        (_C.PROCESSING, "release"): _C.UPCOMING,
        (_C.PROCESSING, "invoice"): _C.INVOICED,
        (_C.PROCESSING, "skip"): _C.SKIPPED,
        (_C.PROCESSING, "fail"): _C.FAILED,
        (_C.PROCESSING, "void"): _C.VOIDED,
        (_C.INVOICED, "pay"): _C.PAID,
        (_C.INVOICED, "fail"): _C.FAILED,
        (_C.INVOICED, "void"): _C.VOIDED,
        (_C.FAILED, "pay"): _C.PAID,
        (_C.FAILED, "retry"): _C.UPCOMING,
        (_C.FAILED, "skip"): _C.SKIPPED,
        (_C.FAILED, "void"): _C.VOIDED,
    },
)
"""A failed cycle that was never invoiced (halted, or impossible to price) is retried or skipped by a person; one that
was invoiced can only be paid after all, or voided. A change that begins a cycle at once invoices it unclaimed."""


class SkipReason(StrEnum):
    """Why a cycle is not billed."""

    CATCH_UP = "catch_up"
    PAUSED = "paused"
    UNPAID = "unpaid"
    BY_HAND = "by_hand"


@frozen(kw_only=True)
class Claim:
    """Who works on a cycle, and until when that is believed."""

    worker: str
    until: datetime


@frozen(kw_only=True)
class BillingCycle:
    """One period of a subscription; (subscription, index) is unique, whoever bills it and however often they try.

    ``starts_at`` is when it falls due: the end of the period before. A change may end it early.
    """

    tenant_id: TenantId
    subscription_id: SubscriptionId
    index: int
    starts_at: datetime
    ends_at: datetime
    status: CycleStatus = CycleStatus.UPCOMING
    due_at: datetime | None
    """When it is to be billed; None while the subscription is paused or unpaid, and once it is billed."""
    claim: Claim | None = None
    invoice_id: InvoiceId | None = None
    reason: str | None = None
    """Why it was skipped, failed or voided."""
    version: int = 1

    def is_due(self, now: datetime) -> bool:
        """Tell whether a worker may claim it now: it is due, and nobody who is believed to be alive has it."""
        if self.status is CycleStatus.PROCESSING:
            return self.claim is None or self.claim.until <= now
        return self.status is CycleStatus.UPCOMING and self.due_at is not None and self.due_at <= now

    def claimed(self, worker: str, *, now: datetime, lease: timedelta = LEASE) -> "BillingCycle":
        """Claim it, or take it over from a worker whose lease expired; ``Conflict("cycle_claimed")`` while that holds."""
        status = CYCLE_LIFE.next(self.status, "claim")
        if not self.is_due(now):
            detail = f"cycle {self.index} is not due, or another worker has it"
            raise Conflict("cycle_claimed", detail, current_state=self.status.value)
        return evolve(self, status=status, claim=Claim(worker=worker, until=now + lease))

    def released(self) -> "BillingCycle":
        """Give it back untouched."""
        return evolve(self, status=CYCLE_LIFE.next(self.status, "release"), claim=None)

    def invoiced(self, invoice_id: InvoiceId) -> "BillingCycle":
        """Note the invoice that bills it; merged cycles share one."""
        status = CYCLE_LIFE.next(self.status, "invoice")
        return evolve(self, status=status, claim=None, due_at=None, invoice_id=invoice_id, reason=None)

    def skipped(self, reason: SkipReason) -> "BillingCycle":
        """Leave it unbilled, for a reason; ``Conflict`` if it was invoiced."""
        self._not_invoiced("skip")
        status = CYCLE_LIFE.next(self.status, "skip")
        return evolve(self, status=status, claim=None, due_at=None, reason=reason.value)

    def failed(self, reason: str) -> "BillingCycle":
        """Note why it could not be billed, or collected."""
        return evolve(self, status=CYCLE_LIFE.next(self.status, "fail"), claim=None, due_at=None, reason=reason)

    def retried(self, *, at: datetime) -> "BillingCycle":
        """Let it be billed after all, as of an instant; ``Conflict`` if it was invoiced."""
        self._not_invoiced("retry")
        return evolve(self, status=CYCLE_LIFE.next(self.status, "retry"), due_at=at, reason=None)

    def paid(self) -> "BillingCycle":
        """Note that its invoice was paid; ``Conflict`` if it has none."""
        status = CYCLE_LIFE.next(self.status, "pay")
        if self.invoice_id is None:
            raise Conflict("not_invoiced", f"cycle {self.index} has no invoice to pay; retry it first")
        return evolve(self, status=status, reason=None)

    def voided(self, reason: str) -> "BillingCycle":
        """Take it out of the books: its invoice was voided, or the subscription ended before it."""
        return evolve(self, status=CYCLE_LIFE.next(self.status, "void"), claim=None, due_at=None, reason=reason)

    def _not_invoiced(self, action: str) -> None:
        if self.invoice_id is not None:
            detail = f"cycle {self.index} was invoiced; it cannot {action}, its invoice can be paid or voided"
            raise Conflict("cycle_invoiced", detail, current_state=self.status.value)


def upcoming(subscription: Subscription) -> BillingCycle:
    """Lay out the cycle that a subscription is billed for next."""
    period = subscription.period(subscription.next_cycle)
    return BillingCycle(
        tenant_id=subscription.tenant_id,
        subscription_id=subscription.id,
        index=subscription.next_cycle,
        starts_at=period.start_utc,
        ends_at=period.end_utc,
        due_at=subscription.due_at,
    )


def realigned(cycle: BillingCycle, subscription: Subscription) -> BillingCycle:
    """Move an upcoming cycle to where its subscription has it now: after a pause, a trial's change, another interval."""
    laid = upcoming(subscription)
    if cycle.status is not CycleStatus.UPCOMING or cycle.index != laid.index:
        detail = f"cycle {cycle.index} is {cycle.status.value}; only the cycle that comes next can be moved"
        raise Conflict("invalid_state", detail, current_state=cycle.status.value)
    return evolve(cycle, starts_at=laid.starts_at, ends_at=laid.ends_at, due_at=laid.due_at)
