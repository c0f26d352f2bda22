"""When what was invoiced becomes revenue: as the time it charges for passes."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time

from attrs import evolve, frozen

from cityos_core.kernel.rounding import half_up
from cityos_core.kernel.time import to_utc
from cityos_core.subscriptions.invoices import BOOKED, IN_ADVANCE, CreditNote, Invoice, Standing, standing
from cityos_core.subscriptions.stretches import after, local_time


def deferred(invoice: Invoice) -> bool:
    """Tell whether an invoice charges for time, so that some of it becomes revenue later."""
    return any(line.kind in IN_ADVANCE and line.net for line in invoice.lines)


def reread(invoice: Invoice, at: datetime) -> Invoice:
    """Have it looked at how much of an invoice is revenue, as of an instant; what was to be looked at earlier still is."""
    return evolve(invoice, recognise_at=min(at, invoice.recognise_at or at))


def charged_for_time(invoices: Sequence[Invoice], notes: Sequence[CreditNote]) -> tuple[Standing, ...]:
    """List what is left of all that was charged in advance, whether or not it will ever be paid."""
    return tuple(one for one in standing(invoices, notes, among=BOOKED) if one.line.kind in IN_ADVANCE)


def earned(charged: Iterable[Standing], at: datetime, *, place: str) -> int:
    """Give what of charged lines is earned by an instant, without tax, in minor units; the rest is deferred.

    Usage is earned when it is invoiced, time as it passes, and of a line that was credited only what is left of it.
    Asked again later, the difference is what was earned meanwhile.
    """
    return sum(_earned(one, at, place) for one in charged)


def _earned(one: Standing, at: datetime, place: str) -> int:
    line = one.line
    if line.kind not in IN_ADVANCE or line.covers is None or one.until is None:
        return one.net
    if not after(line.covers, at, until=one.until, place=place).covers.length:
        return one.net
    left = after(line.covers, at, until=line.covers.end, place=place)
    return min(one.net, line.net - half_up(line.net * left.share))


@frozen(kw_only=True)
class Step:
    """What became revenue at an instant, in minor units; negative where it is taken back."""

    amount: int
    at: datetime


@frozen(kw_only=True)
class Recognition:
    """What became revenue of an invoice, step by step, and when it is looked at again; None if all of it has."""

    steps: tuple[Step, ...]
    recognise_at: datetime | None


def recognition(
    invoice: Invoice, charged: Iterable[Standing], *, place: str, months: str, now: datetime
) -> Recognition:
    """Say what of an invoice is to be booked by now: at each month's end, and when its time is over.

    ``charged`` is what is left of its lines; days are those of the zone ``place``, months those of the zone ``months``.
    However late it is asked for, each month gets what it earned, but for what was earned before the invoice was issued.
    """
    lines = tuple(charged)
    total = sum(one.net for one in lines)
    end = max((_instant(one.until, place) for one in lines if one.until is not None), default=None)
    steps, known, due = [], invoice.recognised, invoice.recognise_at
    while due is not None and due <= now:
        found = earned(lines, due, place=place)
        if found != known:
            steps.append(Step(amount=found - known, at=_counts_at(due, invoice, months)))
        known, due = found, _next(due, end, months) if found != total else None
    return Recognition(steps=tuple(steps), recognise_at=due)


def _instant(until: date | datetime, place: str) -> datetime:
    return until if isinstance(until, datetime) else to_utc(datetime.combine(until, time()), place)


def _next(due: datetime, end: datetime | None, months: str) -> datetime:
    turn = next(turn for ahead in (1, 2) if (turn := _month(due, months, ahead)) > due)
    return turn if end is None or end <= due else min(turn, end)


def _counts_at(due: datetime, invoice: Invoice, months: str) -> datetime:
    """What is earned when a month ends belongs to that month, not to the one that begins."""
    if due != _month(due, months) or invoice.issued_at is None:
        return due
    return max(due - datetime.resolution, invoice.issued_at)


def _month(at: datetime, months: str, ahead: int = 0) -> datetime:
    """Give the first instant of a month: the one an instant lies in, or so many later."""
    local = local_time(at, months)
    number = 12 * local.year + local.month - 1 + ahead
    return to_utc(datetime(number // 12, number % 12 + 1, 1), months)  # noqa: DTZ001  a wall-clock time
