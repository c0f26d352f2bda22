"""When what was invoiced becomes revenue: as the time it charges for passes."""

from collections.abc import Iterable
from datetime import datetime

from cityos_core.kernel.rounding import half_up
from cityos_core.subscriptions.invoices import IN_ADVANCE, Standing
from cityos_core.subscriptions.stretches import after


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
