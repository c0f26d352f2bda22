"""Billing the subscriptions whose cycles were claimed: a chunk of them in one transaction, in sets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Final

from attrs import frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.proration import Span
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.applying import aligned, billed, collect
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus, SkipReason
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.due_work import Leg, Work
from cityos_core.subscriptions.holding import open_docket
from cityos_core.subscriptions.in_sets import Trouble, in_sets
from cityos_core.subscriptions.invoices import Invoice, Line
from cityos_core.subscriptions.journals import booked
from cityos_core.subscriptions.metering import Measured, Metered, measure
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.reading import by_subscription, plans_of
from cityos_core.subscriptions.tallying import Billed, Came, Chunk, totals

ENDED: Final = "the subscription ended"

Cycles = Mapping[SubscriptionId, list[BillingCycle]]


@frozen(kw_only=True)
class BillChunk:
    """Bill what one worker claimed. What is wrong with one subscription fails its cycle, and never stops the others."""

    dependencies: Dependencies
    scope: TenantScope
    worker: str

    def __call__(self, claimed: Sequence[BillingCycle]) -> Iterator[Chunk]:
        """Give what each transaction did; there is one, unless something goes wrong in the middle of it."""
        for rows, came in in_sets(claimed, self._bill):
            if isinstance(came, Chunk):
                yield came
            else:
                yield self._give_up(rows[0], came)

    def _bill(self, claimed: Sequence[BillingCycle]) -> Chunk:
        with self.dependencies.unit_of_work(self.scope) as uow:
            docket = open_docket(self.dependencies, uow, self.scope)
            held = uow.subscriptions.many([row.subscription_id for row in claimed], lock=True)
            docket.plans |= plans_of(uow, held.values())
            cycles = by_subscription(uow.cycles.of(held, last=2))
            mine = [row for one in claimed for row in cycles[one.subscription_id] if self._has(row)]
            works = _worked_out(docket, mine, held, cycles)
            done = _put(docket, works)
            commit(uow, docket.write(), "billing.invoice")
        return Chunk(
            due=sum(work.begun for work in works) + len(claimed) - len(mine),
            cycles=(*done.cycles, *_taken(claimed, mine)),
            invoices=len(done.invoices),
            invoiced=totals(one.total for one in done.invoices),
            booked=booked(docket.journals),
            attempts=tuple(docket.attempts),
        )

    def _has(self, row: BillingCycle) -> bool:
        """Tell whether a cycle still is this worker's."""
        return row.status is CycleStatus.PROCESSING and row.claim is not None and row.claim.worker == self.worker

    def _give_up(self, claimed: BillingCycle, trouble: Trouble) -> Chunk:
        """Note on a cycle why it cannot be billed; one that others got in the way of is claimed again when the lease ends."""
        if trouble.code != "stale":
            for _, came in in_sets([claimed], partial(self._fail, trouble)):
                if isinstance(came, Chunk):
                    return came
        return Chunk(due=1, cycles=(_failed(claimed, trouble.code, str(trouble)),))

    def _fail(self, trouble: Trouble, claimed: Sequence[BillingCycle]) -> Chunk:
        with self.dependencies.unit_of_work(self.scope) as uow:
            uow.subscriptions.many([claimed[0].subscription_id], lock=True)
            found = uow.cycles.of([claimed[0].subscription_id], last=2)
            rows = [row for row in found if self._has(row)]
            if rows:
                uow.cycles.save([row.failed(str(trouble)) for row in rows])
                commit(uow, (), "billing.fail")
        failed = (_failed(row, trouble.code, str(trouble)) for row in rows)
        return Chunk(due=1, cycles=(*failed, *_taken(claimed, rows)))


@frozen
class _Done:
    cycles: list[Billed]
    invoices: list[Invoice]


def _worked_out(
    docket: Docket, mine: Sequence[BillingCycle], held: Mapping[SubscriptionId, Subscription], cycles: Cycles
) -> list[Work]:
    """Work out what comes of every subscription; usage is read for all of them at once, step by step."""
    works = [
        Work(
            claimed=row,
            before=held[row.subscription_id],
            plans=docket.plans,
            current=_before(row, cycles[row.subscription_id]),
            now=docket.at,
        )
        for row in mine
    ]

    def drafting(subscription: Subscription, lines: Sequence[Line], cycle: int) -> Invoice:
        return docket.draft(subscription, lines, cycle=cycle)

    while legs := {work.before.id: (work, leg) for work in works if (leg := work.next_leg()) is not None}:
        measured = measure(docket.uow, {key: _metered(leg) for key, (_, leg) in legs.items()})
        for key, (work, leg) in legs.items():
            work.take(leg, measured.get(key, Measured()), drafting)
    return works


def _before(row: BillingCycle, cycles: Iterable[BillingCycle]) -> Span[datetime] | None:
    return next((Span(one.starts_at, one.ends_at) for one in cycles if one.index == row.index - 1), None)


def _metered(leg: Leg) -> Metered:
    return Metered(plan=leg.used_under, times=leg.times)


def _put(docket: Docket, works: Sequence[Work]) -> _Done:
    """Put what was worked out on the docket, its invoices issued in one go."""
    drafts = [piece.draft for work in works for piece in work.pieces if piece.draft is not None]
    issued = {one.id: one for one in docket.issue(drafts)}
    cycles = [one for work in works for one in sorted(_settle(docket, work, issued), key=attrgetter("cycle"))]
    for invoice in issued.values():
        collect(docket, invoice)
    return _Done(cycles, list(issued.values()))


def _settle(docket: Docket, work: Work, issued: Mapping[InvoiceId, Invoice]) -> Iterator[Billed]:
    """Write down what became of one subscription and its cycles; if nothing was due after all, its cycle is let go."""
    docket.save(work.before, work.subscription)
    if not work.begun:
        docket.move(aligned(work.claimed.released(), work.subscription))
        return
    for piece in work.pieces:
        invoice = issued[piece.draft.id] if piece.draft is not None else None
        came = Came.CLOSED if piece.closes else Came.BILLED
        for row in piece.rows:
            _store(docket, work, row.voided(ENDED) if invoice is None else billed(row, invoice))
            yield _billed(row, came, invoice)
    for row in work.rows:
        _store(docket, work, row)
        if row.status is CycleStatus.SKIPPED:
            yield _skipped(row)
        else:
            yield _failed(row, work.codes[row.index], row.reason or "")
    following = work.following()
    if following is not None:
        docket.lay(following)
    if work.settles_late:
        docket.usage_settled.append(work.before.id)


def _store(docket: Docket, work: Work, row: BillingCycle) -> None:
    if row.index == work.claimed.index:
        docket.move(row)
    else:
        docket.lay(row)


def _billed(row: BillingCycle, came: Came, invoice: Invoice | None) -> Billed:
    return Billed(
        subscription_id=row.subscription_id,
        cycle=row.index,
        came=came,
        invoice=None if invoice is None else f"{invoice.entity}/{invoice.number}",
        total=None if invoice is None else invoice.total,
    )


def _skipped(row: BillingCycle) -> Billed:
    reason = row.reason or SkipReason.CATCH_UP.value
    return Billed(
        subscription_id=row.subscription_id,
        cycle=row.index,
        came=Came.SKIPPED,
        code=reason,
        reason="the plan's catch-up policy leaves it out",
    )


def _failed(row: BillingCycle, code: str, reason: str) -> Billed:
    return Billed(
        subscription_id=row.subscription_id,
        cycle=row.index,
        came=Came.FAILED,
        code=code,
        reason=reason,
    )


def _taken(claimed: Iterable[BillingCycle], mine: Sequence[BillingCycle]) -> Iterator[Billed]:
    """List the cycles that this worker claimed and another has finished, or begun, since."""
    own = {(row.subscription_id, row.index) for row in mine}
    for row in claimed:
        if (row.subscription_id, row.index) not in own:
            yield Billed(subscription_id=row.subscription_id, cycle=row.index, came=Came.TAKEN)
