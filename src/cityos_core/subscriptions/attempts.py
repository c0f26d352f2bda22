"""Attempts to collect an invoice: each is written down before it is made, and asked about before it is repeated."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import InvoiceId, SubscriptionId, TenantId
from cityos_core.kernel.money import Money
from cityos_core.kernel.states import Machine
from cityos_core.subscriptions.invoices import Invoice

LEASE: Final = timedelta(minutes=5)
"""How long whoever makes an attempt is believed to be alive; afterwards its outcome is asked for."""

INQUIRED: Final = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))
"""How long after each inquiry that gave no answer the next one follows."""


class AttemptStatus(StrEnum):
    """The life of an attempt."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"


_A = AttemptStatus

ATTEMPT_LIFE: Final = Machine(
    "payment attempt",
    {
        (_A.PENDING, "succeed"): _A.SUCCEEDED,
        (_A.PENDING, "decline"): _A.DECLINED,
        (_A.PENDING, "lose_track"): _A.UNKNOWN,
        (_A.UNKNOWN, "succeed"): _A.SUCCEEDED,
        (_A.UNKNOWN, "decline"): _A.DECLINED,
        (_A.UNKNOWN, "resend"): _A.PENDING,
    },
)
"""An attempt whose outcome got lost is sent again, under the same key, only once the gateway says it never saw it."""

UNSETTLED: Final = frozenset({_A.PENDING, _A.UNKNOWN})
"""While an attempt is in one of these states no other may be made: the money may be on its way."""


class Origin(StrEnum):
    """Who made an attempt: the billing run, a scheduled retry, or the customer."""

    BILLING = "billing"
    RETRY = "retry"
    CUSTOMER = "customer"


class DeclineClass(StrEnum):
    """What a decline means for later tries.

    Soft may heal by itself. Hard (stolen, closed, do not honour) does not, and authentication needs the customer.
    """

    SOFT = "soft"
    HARD = "hard"
    AUTHENTICATION = "authentication"

    @property
    def needs_customer(self) -> bool:
        """True if trying again without the customer is of no use."""
        return self is not DeclineClass.SOFT


@frozen(kw_only=True)
class PaymentAttempt:
    """One try at collecting an invoice; (subscription, cycle, change, number) is unique, and so is its key."""

    tenant_id: TenantId
    subscription_id: SubscriptionId
    invoice_id: InvoiceId
    cycle: int
    change: int
    number: int
    origin: Origin
    gateway: str
    amount: Money
    status: AttemptStatus = AttemptStatus.PENDING
    reference: str | None = None
    decline: DeclineClass | None = None
    reason: str | None = None
    started_at: datetime
    next_at: datetime | None = None
    """When whoever made it is no longer believed to be alive, or the gateway is asked again; None once it is settled."""
    inquiries: int = 0
    """How often the gateway was asked about it and did not know."""
    finished_at: datetime | None = None
    version: int = 1

    @property
    def key(self) -> str:
        """What the gateway knows it by, for ever: the same key is never two payments."""
        part = f"{self.cycle}.{self.change}" if self.change else str(self.cycle)
        return f"{self.subscription_id}:{part}:{self.number}"

    def succeed(self, *, reference: str, at: datetime) -> "PaymentAttempt":
        """Note that the money was collected."""
        status = ATTEMPT_LIFE.next(self.status, "succeed")
        return evolve(self, status=status, reference=reference, reason=None, next_at=None, finished_at=at)

    def declined(self, kind: DeclineClass, *, reason: str, at: datetime) -> "PaymentAttempt":
        """Note that it was refused, and what that means for later tries."""
        status = ATTEMPT_LIFE.next(self.status, "decline")
        return evolve(self, status=status, decline=kind, reason=reason, next_at=None, finished_at=at)

    def lost(self, *, reason: str, at: datetime) -> "PaymentAttempt":
        """Note that nobody knows the outcome; the gateway is asked before anything else happens, now and then again."""
        status = self.status
        if status is AttemptStatus.PENDING:
            status = ATTEMPT_LIFE.next(status, "lose_track")
        wait = INQUIRED[min(self.inquiries, len(INQUIRED) - 1)]
        return evolve(self, status=status, reason=reason, next_at=at + wait, inquiries=self.inquiries + 1)

    def resent(self, *, at: datetime) -> "PaymentAttempt":
        """Send it again under the same key, for the gateway never saw it."""
        return evolve(self, status=ATTEMPT_LIFE.next(self.status, "resend"), reason=None, next_at=at + LEASE)


def attempt(
    invoice: Invoice, earlier: Sequence[PaymentAttempt], *, origin: Origin, gateway: str, at: datetime
) -> PaymentAttempt:
    """Lay out the next attempt at an invoice, given all earlier ones.

    ``Conflict("attempt_unsettled")`` while the outcome of one is open, ``Conflict("nothing_due")`` if none is needed.
    """
    if any(one.status in UNSETTLED for one in earlier):
        detail = "the outcome of a payment attempt is not known yet; it is asked about before another is made"
        raise Conflict("attempt_unsettled", detail)
    if not invoice.due:
        raise Conflict("nothing_due", "nothing is left to pay on this invoice", current_state=invoice.status.value)
    return PaymentAttempt(
        tenant_id=invoice.tenant_id,
        subscription_id=invoice.subscription_id,
        invoice_id=invoice.id,
        cycle=invoice.cycle,
        change=invoice.change,
        number=1 + max((one.number for one in earlier), default=0),
        origin=origin,
        gateway=gateway,
        amount=invoice.due,
        started_at=at,
        next_at=at + LEASE,
    )
