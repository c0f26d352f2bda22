"""Over which stretches of time vendors' volumes are counted for tiers that climb with them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cityos_core.commissions.lines import VolumeWindow
from cityos_core.commissions.rulebook import RuleBook
from cityos_core.commissions.rules import VolumePeriod
from cityos_core.kernel.clock import instant


def windows(book: RuleBook, *, currency: str, at: datetime) -> tuple[VolumeWindow, ...]:
    """List the windows whose volumes a sale in a currency may need, each once; usually none."""
    wanted = (
        rule.tiers.window
        for rule in book.by_volume
        if rule.tiers is not None and rule.tiers.currency == currency and rule.rule.holds_at(at)
    )
    return tuple(dict.fromkeys(window for window in wanted if window is not None))


def interval(window: VolumeWindow, at: datetime, zone: str) -> tuple[datetime, datetime]:
    """Give the instants ``(since, before)`` between which the volume before a sale at ``at`` lies, both inclusive.

    A calendar period begins at local midnight of its first day; a rolling one at the same wall-clock time, that many
    days earlier.
    """
    local = at.astimezone(ZoneInfo(zone))
    if window.period is VolumePeriod.ROLLING:
        return instant(local - timedelta(days=window.days or 0)), instant(at)
    first_months = {
        VolumePeriod.MONTH: local.month,
        VolumePeriod.QUARTER: (local.month - 1) // 3 * 3 + 1,
        VolumePeriod.YEAR: 1,
    }
    start = datetime(local.year, first_months[window.period], 1, tzinfo=local.tzinfo)
    return instant(start), instant(at)
