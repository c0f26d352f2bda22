"""Payout runs as the API shows and takes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Self

from attrs import define, field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import BatchId
from cityos_core.kernel.money import Money
from cityos_core.payouts.model import Decision, PayoutBatch, PayoutStatus, Planned, Skipped, SkipReason
from cityos_core.payouts.running import PayoutRun
from cityos_core.payouts.sending import Processed
from cityos_http.schema import about

MOST_SHOWN: Final = 100
"""How many payouts, and how many vendors left out, the answer to a run names; it counts all."""


@frozen(kw_only=True)
class PlannedView:
    """A payout as a run makes it."""

    vendor: str
    amount: Money
    netted: Money = field(metadata=about("What pays off debt."))
    carried: Money = field(metadata=about("What is below the unit that can be paid out, and stays."))
    method: str

    @classmethod
    def of(cls, planned: Planned) -> Self:
        """Show a plan."""
        return cls(
            vendor=planned.vendor,
            amount=planned.amount,
            netted=planned.netted,
            carried=planned.carried,
            method=planned.method,
        )


@frozen(kw_only=True)
class SkippedView:
    """A vendor and currency that a run left out, and why."""

    vendor: str
    amount: Money
    reason: SkipReason
    detail: str

    @classmethod
    def of(cls, skipped: Skipped) -> Self:
        """Show what was left out."""
        return cls(vendor=skipped.vendor, amount=skipped.amount, reason=skipped.reason, detail=skipped.detail)


@frozen(kw_only=True)
class PayoutBatchView:
    """The payouts of one run; list the payouts of the batch to see them."""

    id: BatchId
    created_at: datetime
    payouts: int
    skipped: tuple[SkippedView, ...] = field(metadata=about("The first hundred vendors that were left out."))
    swept_at: datetime | None = field(metadata=about("When the run had looked at every vendor."))

    @classmethod
    def of(cls, batch: PayoutBatch) -> Self:
        """Show a batch."""
        return cls(
            id=batch.id,
            created_at=batch.created_at,
            payouts=batch.payouts,
            skipped=tuple(map(SkippedView.of, batch.skipped)),
            swept_at=batch.swept_at,
        )


@frozen(kw_only=True)
class RunRequest:
    """Whom to pay."""

    vendors: tuple[str, ...] | None = field(
        default=None,
        metadata=about("Only these, by handle, when their schedules have come; everyone unless said.", least=1),
    )

    @vendors.validator
    def _check(self, _attribute: object, vendors: tuple[str, ...] | None) -> None:
        if vendors == ():
            raise Invalid.at("$.vendors", "no_vendors", "name one vendor or more, or leave this out to pay everyone")


@define
class Seen:
    """The first decisions of a run; how many vendors there are does not matter to memory."""

    planned: list[Planned] = field(factory=list)
    skipped: list[Skipped] = field(factory=list)

    def add(self, decision: Decision) -> None:
        """Keep a decision unless enough are kept."""
        if isinstance(decision, Planned):
            self.planned += [decision][: MOST_SHOWN - len(self.planned)]
        else:
            self.skipped += [decision][: MOST_SHOWN - len(self.skipped)]


@frozen(kw_only=True)
class ReleasedView:
    """How many vendor orders' money, and how many rolling reserves, became available."""

    vendor_orders: int
    reserves: int


@frozen(kw_only=True)
class ProcessedView:
    """What sending came to."""

    steps: Mapping[PayoutStatus, int] = field(
        metadata=about("How many payouts went into which state; one counts for each step that it took.")
    )

    @classmethod
    def of(cls, processed: Processed) -> Self:
        """Show what was sent."""
        return cls(steps=dict(processed.steps))


@frozen(kw_only=True)
class PayoutRunView:
    """What a run did, or what it would do."""

    dry_run: bool
    batch: BatchId | None = field(metadata=about("None of a dry run."))
    count: int = field(metadata=about("How many payouts."))
    totals: tuple[Money, ...] = field(metadata=about("What is paid out, by currency."))
    left_out: Mapping[SkipReason, int]
    payouts: tuple[PlannedView, ...] = field(metadata=about("The first hundred."))
    skipped: tuple[SkippedView, ...] = field(metadata=about("The first hundred vendors that were left out."))
    released: ReleasedView
    processed: ProcessedView | None

    @classmethod
    def of(cls, run: PayoutRun, seen: Seen) -> Self:
        """Show a run, of whose decisions the first were seen."""
        return cls(
            dry_run=run.is_dry,
            batch=run.batch_id,
            count=run.count,
            totals=run.totals,
            left_out=dict(run.left_out),
            payouts=tuple(map(PlannedView.of, seen.planned)),
            skipped=tuple(map(SkippedView.of, seen.skipped)),
            released=ReleasedView(vendor_orders=run.released.vendor_orders, reserves=run.released.reserves),
            processed=None if run.processed is None else ProcessedView.of(run.processed),
        )
