"""What payouts need from storage, and from the methods that move the money."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from cityos_core.kernel.ids import BatchId, PayoutId, VendorId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.ledger.model import Balance
from cityos_core.payouts.model import Payout, PayoutBatch, PayoutStatus, Transfer, TransferResult


@frozen(kw_only=True)
class PayoutFilter:
    """Which payouts: every given part must hold."""

    vendor: str | None = None
    status: PayoutStatus | None = None
    batch: BatchId | None = None


class Payouts(Protocol):
    """The payouts of one tenant with their attempts."""

    def add(self, payouts: Iterable[Payout]) -> None:
        """Store new payouts."""
        ...

    def get(self, payout_id: PayoutId) -> Payout:
        """Give a payout, or ``NotFound("payout_not_found")``."""
        ...

    def save(self, payout: Payout) -> None:
        """Store a changed payout, one version up; ``Conflict("stale")`` if another worker was first."""
        ...

    def page(self, where: PayoutFilter, request: PageRequest) -> Page[Payout]:
        """List payouts, oldest first."""
        ...

    def due(self, now: datetime, *, limit: int) -> list[PayoutId]:
        """List the payouts whose ``next_attempt_at`` has come, whatever their state; longest due first."""
        ...


class Batches(Protocol):
    """The payout batches of one tenant, oldest first."""

    def add(self, batch: PayoutBatch) -> None:
        """Store a new batch."""
        ...

    def get(self, batch_id: BatchId) -> PayoutBatch:
        """Give a batch, or ``NotFound("payout_batch_not_found")``."""
        ...

    def save(self, batch: PayoutBatch) -> None:
        """Store what a run added to its batch."""
        ...

    def page(self, request: PageRequest) -> Page[PayoutBatch]:
        """List batches."""
        ...

    def last_sweep(self) -> datetime | None:
        """Tell when the latest run that looked at every vendor began: the last ``created_at`` with a ``swept_at``."""
        ...


class Payables(Protocol):
    """Who could be paid: the vendors' balances, without reading postings."""

    def payable(self, *, after: str | None, limit: int) -> Sequence[tuple[str, str]]:
        """List (vendor id as text, currency) with money available or a debt, after a cursor ``vendor/currency``."""
        ...

    def of(self, vendor_id: VendorId) -> list[Balance]:
        """List what the accounts of a vendor hold; those that hold nothing may be absent."""
        ...


class PayoutMethod(Protocol):
    """A way to move money to vendors; fails closed.

    ``send`` answers one result per transfer, in their order, or raises ``Unavailable`` (nothing happened to any of
    them) or ``OutcomeUnknown``. The same key sent twice pays once. ``inquire`` tells what became of a transfer by its
    key and may raise ``Unavailable``. Whatever else they raise is a bug; the transfers are then asked about.
    """

    @property
    def name(self) -> str:
        """What vendors' payout accounts call it."""
        ...

    @property
    def account(self) -> str:
        """The ledger account that money leaves: ``bank``, or ``gateway:{name}:available``."""
        ...

    @property
    def at_once(self) -> int:
        """How many transfers it takes in one call."""
        ...

    @property
    def asks_after(self) -> timedelta | None:
        """How long after accepting a transfer it can say whether the money arrived; none if a person has to say."""
        ...

    def send(self, transfers: Sequence[Transfer]) -> Sequence[TransferResult]:
        """Ask for these transfers, all of one batch."""
        ...

    def inquire(self, transfer: Transfer) -> TransferResult:
        """Ask what became of a transfer, changing nothing."""
        ...
