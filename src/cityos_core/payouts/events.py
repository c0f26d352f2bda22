"""What happens to payouts: one event per state, told when a payout enters it."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final

from attrs import frozen

from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import BatchId
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import Payout, PayoutStatus


@frozen(kw_only=True)
class PayoutEvent(Event):
    """Something happened to a payout; ``reason`` says why where that matters."""

    vendor: str
    amount: Money
    batch: BatchId | None
    reason: str | None
    reference: str | None


class PayoutPending(PayoutEvent):
    """A payout waits to be sent: it was just made, released from review, or is to be retried later."""

    name: ClassVar[str] = "payout.pending"


class PayoutHeld(PayoutEvent):
    """A payout was stopped for review."""

    name: ClassVar[str] = "payout.held"


class PayoutProcessing(PayoutEvent):
    """A payout is being handed to its method."""

    name: ClassVar[str] = "payout.processing"


class PayoutInTransit(PayoutEvent):
    """A payout was accepted and is on its way."""

    name: ClassVar[str] = "payout.in_transit"


class PayoutPaid(PayoutEvent):
    """A payout arrived."""

    name: ClassVar[str] = "payout.paid"


class PayoutFailed(PayoutEvent):
    """A payout cannot be made; the vendor has the money available again, and the reason to act on."""

    name: ClassVar[str] = "payout.failed"


class PayoutLost(PayoutEvent):
    """Nobody knows whether a payout was made; its method is asked before anything else happens."""

    name: ClassVar[str] = "payout.unknown"


class PayoutReturned(PayoutEvent):
    """The bank sent a payout back after it had been paid; the vendor has the money available again."""

    name: ClassVar[str] = "payout.returned"


class PayoutCanceled(PayoutEvent):
    """A payout was called off before it was sent; the vendor has the money available again."""

    name: ClassVar[str] = "payout.canceled"


EVENTS: Final[Mapping[PayoutStatus, type[PayoutEvent]]] = {
    PayoutStatus.PENDING: PayoutPending,
    PayoutStatus.HELD: PayoutHeld,
    PayoutStatus.PROCESSING: PayoutProcessing,
    PayoutStatus.IN_TRANSIT: PayoutInTransit,
    PayoutStatus.PAID: PayoutPaid,
    PayoutStatus.FAILED: PayoutFailed,
    PayoutStatus.UNKNOWN: PayoutLost,
    PayoutStatus.RETURNED: PayoutReturned,
    PayoutStatus.CANCELED: PayoutCanceled,
}


def entered(payout: Payout, at: datetime) -> PayoutEvent:
    """Tell of the state that a payout is in now."""
    return EVENTS[payout.status](
        subject=payout.id,
        occurred_at=at,
        vendor=payout.vendor,
        amount=payout.amount,
        batch=payout.batch_id,
        reason=payout.reason,
        reference=payout.reference,
    )
