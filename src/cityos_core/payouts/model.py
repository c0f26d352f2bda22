"""Payouts: money leaving for one vendor in one currency, every attempt at it, and the batches they are made in."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from cityos_core.kernel.ids import BatchId, PayoutId, TenantId, VendorId
from cityos_core.kernel.money import Money
from cityos_core.kernel.states import Machine


class PayoutStatus(StrEnum):
    """The life of a payout."""

    PENDING = "pending"
    HELD = "held"
    PROCESSING = "processing"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    UNKNOWN = "unknown"
    RETURNED = "returned"
    CANCELED = "canceled"


_P = PayoutStatus

PAYOUT_LIFE: Final = Machine(
    "payout",
    {
        (_P.PENDING, "submit"): _P.PROCESSING,
        (_P.PENDING, "hold"): _P.HELD,
        (_P.PENDING, "cancel"): _P.CANCELED,
        (_P.HELD, "release"): _P.PENDING,
        (_P.HELD, "cancel"): _P.CANCELED,
        (_P.PROCESSING, "accept"): _P.IN_TRANSIT,
        (_P.PROCESSING, "pay"): _P.PAID,
        (_P.PROCESSING, "retry_later"): _P.PENDING,
        (_P.PROCESSING, "decline"): _P.FAILED,
        (_P.PROCESSING, "lose_track"): _P.UNKNOWN,
        (_P.UNKNOWN, "resend"): _P.PROCESSING,
        (_P.UNKNOWN, "accept"): _P.IN_TRANSIT,
        (_P.UNKNOWN, "pay"): _P.PAID,
        (_P.UNKNOWN, "retry_later"): _P.PENDING,
        (_P.UNKNOWN, "decline"): _P.FAILED,
        (_P.UNKNOWN, "confirm"): _P.PAID,
        (_P.UNKNOWN, "fail"): _P.FAILED,
        (_P.IN_TRANSIT, "pay"): _P.PAID,
        (_P.IN_TRANSIT, "retry_later"): _P.PENDING,
        (_P.IN_TRANSIT, "decline"): _P.FAILED,
        (_P.IN_TRANSIT, "confirm"): _P.PAID,
        (_P.IN_TRANSIT, "fail"): _P.FAILED,
        (_P.PAID, "return"): _P.RETURNED,
    },
)
"""People hold, release, cancel, confirm, fail and return; every other step is a payout method's answer."""

UNRESOLVED: Final = frozenset(
    {_P.PENDING, _P.HELD, _P.PROCESSING, _P.IN_TRANSIT, _P.UNKNOWN},
)
"""While a payout is in one of these states its amount is in the vendor's ``in_payout`` account."""

LEASE: Final = timedelta(minutes=15)
"""How long a worker that took a payout is trusted to be alive; afterwards another asks what became of it."""

ASK_AFTER: Final = timedelta(minutes=1)
"""How long to wait before asking about a transfer whose outcome got lost: it may still be under way."""

ASK_AGAIN: Final = timedelta(minutes=15)
"""How long to wait after a question that was not answered."""

BACK_OFF: Final = tuple(timedelta(hours=hours) for hours in (1, 2, 4, 8, 16))
"""How long to wait before each of the five retries of an attempt that failed and can heal."""


@frozen(kw_only=True)
class Attempt:
    """One try at sending a payout. Its key is what the provider knows it by, for ever."""

    number: int
    key: str
    started_at: datetime
    outcome: str | None = None
    reference: str | None = None
    reason: str | None = None
    finished_at: datetime | None = None


@frozen(kw_only=True)
class Payout:
    """Money leaving for one vendor. ``account`` is the payout account as it was when the payout was created."""

    id: PayoutId
    tenant_id: TenantId
    batch_id: BatchId | None
    vendor_id: VendorId
    vendor: str
    amount: Money
    method: str
    account: str
    holder: str
    status: PayoutStatus = PayoutStatus.PENDING
    reason: str | None = None
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at: datetime | None
    """When a worker acts on it next: sends it, asks what became of it, or takes it over from a worker that died in the
    middle. None while only a person can act, and when it is over."""
    approved_account: str | None = None
    """A changed account that someone approved for this payout."""
    retries: PayoutId | None = None
    created_at: datetime
    settled_at: datetime | None = None
    version: int = 1

    def step(self, action: str, *, at: datetime | None, reason: str | None = None) -> "Payout":
        """Take a step of the payout's life; a worker acts on it next ``at`` that instant, if there is one."""
        return evolve(self, status=PAYOUT_LIFE.next(self.status, action), reason=reason, next_attempt_at=at)

    @property
    def fingerprint(self) -> str:
        """Where the money is to go, as :attr:`PayoutAccount.fingerprint` writes it."""
        return f"{self.method}|{self.account}"

    @property
    def reference(self) -> str | None:
        """What the provider, or whoever paid, calls the payment."""
        return self.attempts[-1].reference if self.attempts else None


class SkipReason(StrEnum):
    """Why a run does not pay a vendor now; the money stays where it is."""

    BELOW_MINIMUM = "below_minimum"
    NOTHING_AVAILABLE = "nothing_available"
    OWES = "owes"
    NOT_DUE = "not_due"
    NOT_APPROVED = "not_approved"
    ACCOUNT_NOT_VERIFIED = "account_not_verified"
    METHOD_NOT_CONFIGURED = "method_not_configured"


@frozen(kw_only=True)
class Skipped:
    """A vendor and currency that a run left out, and why."""

    vendor: str
    amount: Money
    reason: SkipReason
    detail: str


@frozen(kw_only=True)
class Planned:
    """A payout as it would be made: ``netted`` pays off debt, ``carried`` is below what can be paid out and stays."""

    vendor_id: VendorId
    vendor: str
    amount: Money
    netted: Money
    carried: Money
    method: str
    account: str
    holder: str


Decision = Planned | Skipped
"""What a run does with one vendor and currency."""


@frozen(kw_only=True)
class PayoutBatch:
    """The payouts made by one run; totals are derived from them. ``skipped`` keeps the first hundred left out."""

    id: BatchId
    tenant_id: TenantId
    created_at: datetime
    payouts: int = 0
    skipped: tuple[Skipped, ...] = ()
    swept_at: datetime | None = None
    """When the run had looked at every vendor; a run over named vendors, or one that died, never has."""


class TransferState(StrEnum):
    """What a payout method says of a transfer."""

    PAID = "paid"
    ACCEPTED = "accepted"
    FAILED = "failed"
    DECLINED = "declined"
    ABSENT = "absent"


@frozen(kw_only=True)
class TransferResult:
    """A method's answer. ``FAILED`` can heal and is retried, ``DECLINED`` cannot, ``ABSENT``: it never saw the key."""

    state: TransferState
    reference: str | None = None
    reason: str | None = None


@frozen(kw_only=True)
class Transfer:
    """What a method is asked to do. The same key is never two payments."""

    key: str
    payout_id: PayoutId
    batch_id: UUID | None
    amount: Money
    account: str
    holder: str
    description: str
