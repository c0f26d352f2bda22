"""Reading what was used in cycles, and what of it was billed before, for several subscriptions at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from attrs import field, frozen

from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.proration import Span
from cityos_core.subscriptions.cycles import BillingCycle
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus, LineKind
from cityos_core.subscriptions.invoicing import Use
from cityos_core.subscriptions.plans import Plan
from cityos_core.unit_of_work import UnitOfWork

USED: frozenset[LineKind] = frozenset({LineKind.USAGE, LineKind.LATE_USAGE})

Times = Mapping[int, Span[datetime]]
"""The time of cycles, by their index."""


@frozen(kw_only=True)
class Measured:
    """What a subscription used: cycle by cycle, and what was reported late of cycles that were billed before."""

    by_cycle: Mapping[int, tuple[Use, ...]] = field(factory=dict)
    late: tuple[Use, ...] = ()


@frozen(kw_only=True)
class Metered:
    """Whose usage is read: the plan that prices it, and the times of the cycles in question."""

    plan: Plan
    times: Times


def measure(uow: UnitOfWork, metered: Mapping[SubscriptionId, Metered]) -> dict[SubscriptionId, Measured]:
    """Read usage of subscriptions in a fixed number of queries; what has no metered items costs none."""
    wanted = {key: one for key, one in metered.items() if one.plan.metered}
    if not wanted:
        return {}
    late = _late_times(uow, wanted)
    spans = {key: [*one.times.values(), *late.get(key, {}).values()] for key, one in wanted.items()}
    totals = {
        (used.subscription_id, used.start, used.item): used.quantity
        for used in uow.usage.sums({key: [(span.start, span.end) for span in found] for key, found in spans.items()})
    }
    charged = _charged(_invoices(uow, wanted, late))

    def uses(key: SubscriptionId, times: Times, *, is_late: bool) -> Iterator[Use]:
        for cycle, span in times.items():
            for item in wanted[key].plan.metered:
                billed, amount = charged.get((key, cycle, item.key), (Fraction(0), 0))
                yield Use(
                    item=item.key,
                    cycle=cycle,
                    covers=span,
                    quantity=max(totals.get((key, span.start, item.key), Fraction(0)), billed),
                    is_late=is_late,
                    billed=billed,
                    charged=amount,
                )

    return {
        key: Measured(
            by_cycle={
                cycle: tuple(uses(key, {cycle: span}, is_late=False)) for cycle, span in wanted[key].times.items()
            },
            late=tuple(uses(key, late.get(key, {}), is_late=True)),
        )
        for key in wanted
    }


def _late_times(uow: UnitOfWork, wanted: Mapping[SubscriptionId, Metered]) -> dict[SubscriptionId, Times]:
    instants = uow.usage.unbilled(wanted)
    rows: dict[SubscriptionId, list[BillingCycle]] = {}
    for row in uow.cycles.of(instants) if instants else ():
        rows.setdefault(row.subscription_id, []).append(row)
    return {
        key: {
            row.index: Span(row.starts_at, row.ends_at)
            for row in rows.get(key, ())
            if row.index not in wanted[key].times and any(row.starts_at <= at < row.ends_at for at in found)
        }
        for key, found in instants.items()
    }


def _invoices(
    uow: UnitOfWork, wanted: Mapping[SubscriptionId, Metered], late: Mapping[SubscriptionId, Times]
) -> list[Invoice]:
    cycles = {}
    for key, one in wanted.items():
        known = [*one.times, *late.get(key, {})]
        if known:
            cycles[key] = range(min(known), max(known) + 2)
    return uow.invoices.of(cycles) if cycles else []


def _charged(invoices: Iterable[Invoice]) -> dict[tuple[SubscriptionId, int, str], tuple[Fraction, int]]:
    sums: dict[tuple[SubscriptionId, int, str], tuple[Fraction, int]] = {}
    for invoice in invoices:
        for line in invoice.lines if invoice.status is not InvoiceStatus.VOID else ():
            if line.kind in USED:
                place = invoice.subscription_id, line.cycle, line.item
                billed, amount = sums.get(place, (Fraction(0), 0))
                # what is billed within its own cycle is billed because the price changes there: it is no part of the new one
                is_other = invoice.change > 0 and line.cycle == invoice.cycle
                sums[place] = billed + line.quantity, amount + (0 if is_other else line.gross)
    return sums


def times_of(cycles: Sequence[BillingCycle]) -> Times:
    """Give the times of cycles that were laid out."""
    return {one.index: Span(one.starts_at, one.ends_at) for one in cycles}
