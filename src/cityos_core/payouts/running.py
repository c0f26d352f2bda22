"""A payout run: release what is due, pay every vendor whose turn it is, send it; or only show what that would do."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping

from attrs import define, evolve, field, frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.ids import BatchId
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.release import Released, ReleaseDue
from cityos_core.payouts.model import Decision, Planned, Skipped, SkipReason
from cityos_core.payouts.rehearsal import rehearsal
from cityos_core.payouts.sending import Process, Processed
from cityos_core.payouts.sweeping import Sweep


@frozen(kw_only=True)
class PayoutRun:
    """What a run did, or what it would do; ``batch_id`` is none of a dry run.

    ``totals`` is what is paid out by currency. A caller that took the decisions one by one finds no lists here.
    """

    batch_id: BatchId | None = None
    count: int
    totals: tuple[Money, ...]
    left_out: Mapping[SkipReason, int]
    payouts: tuple[Planned, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    released: Released = Released()
    processed: Processed | None = None

    @property
    def is_dry(self) -> bool:
        """True if nothing was done."""
        return self.batch_id is None


@define
class _Tally:
    """Adds decisions up; keeps them only if nobody else takes them."""

    each: Callable[[Decision], object] | None
    totals: Counter[str] = field(factory=Counter)
    left_out: Counter[SkipReason] = field(factory=Counter)
    payouts: list[Planned] = field(factory=list)
    skipped: list[Skipped] = field(factory=list)
    count: int = 0

    def add(self, decision: Decision) -> None:
        if isinstance(decision, Planned):
            self.count += 1
            self.totals[decision.amount.currency] += decision.amount.minor
        else:
            self.left_out[decision.reason] += 1
        if self.each is not None:
            self.each(decision)
        elif isinstance(decision, Planned):
            self.payouts.append(decision)
        else:
            self.skipped.append(decision)

    def result(self) -> PayoutRun:
        return PayoutRun(
            count=self.count,
            totals=tuple(Money(minor, currency) for currency, minor in sorted(self.totals.items())),
            left_out=dict(self.left_out),
            payouts=tuple(self.payouts),
            skipped=tuple(self.skipped),
        )


@frozen
class Run:
    """Release what is due, pay every vendor whose turn it is in one batch, and send it.

    ``vendors`` limits it to some, by handle; their schedules count all the same. A dry run does the first two steps in
    one transaction and undoes it, so that it shows exactly what would be paid and why anything is not. ``each`` takes
    the decisions one by one, which keeps memory bounded however many vendors there are.
    """

    dependencies: Dependencies
    process: Process

    def __call__(
        self,
        scope: TenantScope,
        *,
        dry_run: bool = False,
        vendors: Collection[str] | None = None,
        each: Callable[[Decision], object] | None = None,
    ) -> PayoutRun:
        if dry_run:
            with rehearsal(self.dependencies.database, scope) as unit_of_work:
                rehearsed = evolve(self.dependencies, unit_of_work=unit_of_work)
                return evolve(_prepare(rehearsed, scope, vendors, each), batch_id=None)
        done = _prepare(self.dependencies, scope, vendors, each)
        return evolve(done, processed=self.process(scope))


def _prepare(
    dependencies: Dependencies,
    scope: TenantScope,
    vendors: Collection[str] | None,
    each: Callable[[Decision], object] | None,
) -> PayoutRun:
    release_due = ReleaseDue(
        unit_of_work=dependencies.unit_of_work,
        clock=dependencies.clock,
        identifiers=dependencies.identifiers,
        configuration=dependencies.configuration,
    )
    released = release_due(scope)
    tally, batch_id = _Tally(each), None
    for page in Sweep.of(dependencies)(scope, vendors):
        batch_id = page.batch.id
        for decision in page.decisions:
            tally.add(decision)
    return evolve(tally.result(), batch_id=batch_id, released=released)
