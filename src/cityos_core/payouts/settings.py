"""What tenants decide about payouts."""

from typing import Final

from cityos_core.tenancy.model import Json
from cityos_core.tenancy.setting_values import amounts, choice, fields, invalid, text, whole
from cityos_core.tenancy.settings import Setting
from cityos_core.vendors.schedules import Cadence, PayoutSchedule


def _schedule(value: Json) -> PayoutSchedule:
    if isinstance(value, str):
        return PayoutSchedule.of(value)
    found = fields(value, "cadence", "weekday", "day")
    cadence = choice(Cadence)(found.get("cadence"))
    if ("weekday" in found and cadence is not Cadence.WEEKLY) or ("day" in found and cadence is not Cadence.MONTHLY):
        raise invalid("a `weekday` with weekly, a `day` with monthly only", value)
    return PayoutSchedule(
        cadence=cadence, weekday=whole(1, 7)(found.get("weekday", 1)), day=whole(1, 31)(found.get("day", 1))
    )


PAYOUT_SCHEDULE: Final = Setting(
    key="payout_schedule",
    doc='When vendors are paid: "daily", "weekly:5", "monthly:31", "manual" or {"cadence": "weekly", "weekday": 5}.',
    parse=_schedule,
    default="daily",
)

PAYOUT_MINIMUMS: Final = Setting(
    key="payout_minimums",
    doc='The least that is paid out, by currency: {"EUR": "25.00"}; what is below waits.',
    parse=amounts,
    default={},
)

PAYOUT_METHOD: Final = Setting(
    key="payout_method",
    doc="The payout method of vendors that have not chosen one.",
    parse=text,
    default="manual",
)

DECLARED: Final = (PAYOUT_SCHEDULE, PAYOUT_MINIMUMS, PAYOUT_METHOD)
