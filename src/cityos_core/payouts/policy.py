"""What is paid to whom and when: units that can be paid out, schedules, netting, minimums, and what stands in the way."""

from calendar import monthrange
from collections.abc import Container
from datetime import date, timedelta
from typing import Final

from attrs import frozen

from cityos_core.kernel.money import Money, exponent
from cityos_core.payouts.model import Decision, Payout, Planned, Skipped, SkipReason
from cityos_core.vendors.model import PayoutAccount, Vendor, VendorStatus
from cityos_core.vendors.schedules import Cadence, PayoutSchedule

WHOLE_UNITS: Final = frozenset({"HUF", "ISK", "MGA", "TWD", "UGX"})
"""Currencies that providers pay out in whole units, whatever their minor unit."""


def payable_unit(currency: str) -> int:
    """Give the smallest amount that can be paid out, in minor units; of three decimals the last is zero."""
    digits = exponent(currency)
    unpaid = digits if currency in WHOLE_UNITS else max(digits - 2, 0)
    return int("1".ljust(unpaid + 1, "0"))


def payable(net: Money) -> Money:
    """Give the part of an amount that can be paid out: the floor in payable units, nothing of a negative one."""
    unit = payable_unit(net.currency)
    return Money(max(net.minor, 0) // unit * unit, net.currency)


def schedule_of(vendor: Vendor, inherited: PayoutSchedule) -> PayoutSchedule:
    """Give the schedule by which a vendor is paid: its own, or the one that the settings give."""
    return inherited if vendor.payout_schedule is None else PayoutSchedule.of(vendor.payout_schedule)


def last_due(schedule: PayoutSchedule, today: date) -> date | None:
    """Give the latest day, today included, on which the schedule pays; none for ``manual``."""
    match schedule.cadence:
        case Cadence.DAILY:
            return today
        case Cadence.WEEKLY:
            return today - timedelta(days=(today.isoweekday() - schedule.weekday) % 7)
        case Cadence.MONTHLY:
            this_month = _clamped(today, schedule.day)
            return (
                this_month if this_month <= today else _clamped(today.replace(day=1) - timedelta(days=1), schedule.day)
            )
        case Cadence.MANUAL:
            return None


def is_due(schedule: PayoutSchedule, today: date, *, served: date) -> bool:
    """Tell whether a run today pays: a pay day came after ``served``, the day up to which earlier runs paid.

    A pay day on which no run took place is made up for by the next run. ``daily`` is due at every run.
    """
    day = last_due(schedule, today)
    return day is not None and (schedule.cadence is Cadence.DAILY or day > served)


def next_due(schedule: PayoutSchedule, today: date, *, served: date) -> date | None:
    """Give the next day on which the schedule pays: today if its pay day is not served yet; none for ``manual``."""
    day = last_due(schedule, today)
    if day is None or day > served:
        return None if day is None else today
    match schedule.cadence:
        case Cadence.MONTHLY:
            return _clamped(day.replace(day=1) + timedelta(days=31), schedule.day)
        case Cadence.WEEKLY:
            return day + timedelta(days=7)
        case _:
            return day + timedelta(days=1)


def served_until(last_sweep: date | None, joined: date) -> date:
    """Give the day up to which a vendor's pay days are settled: those before it joined count as such."""
    before = joined - timedelta(days=1)
    return before if last_sweep is None else max(last_sweep, before)


@frozen
class Funds:
    """What a vendor has available and what it owes, in one currency."""

    available: Money
    debt: Money

    @property
    def net(self) -> Money:
        """What is left once the debt is paid off; negative if it cannot be."""
        return self.available - self.debt


def barrier(vendor: Vendor, methods: Container[str]) -> tuple[SkipReason, str] | None:
    """Say what keeps a vendor from being paid at all, and what to do about it."""
    account = vendor.payout_account
    if vendor.status is not VendorStatus.APPROVED:
        return SkipReason.NOT_APPROVED, f"{vendor.handle} is {vendor.status.value}; only approved vendors are paid"
    if account is None:
        return SkipReason.ACCOUNT_NOT_VERIFIED, f"{vendor.handle} has no payout account; it must name one"
    if not account.verified:
        return SkipReason.ACCOUNT_NOT_VERIFIED, f"the payout account of {vendor.handle} waits to be verified"
    if account.method not in methods:
        return SkipReason.METHOD_NOT_CONFIGURED, f"payout method {account.method!r} is not configured here"
    return None


def decide(
    vendor: Vendor, funds: Funds, *, minimum: Money, schedule: PayoutSchedule, due: bool, methods: Container[str]
) -> Decision:
    """Decide what a run does with one vendor and currency."""

    def skip(reason: SkipReason, detail: str) -> Skipped:
        return Skipped(vendor=vendor.handle, amount=funds.net, reason=reason, detail=detail)

    if funds.net.minor < 0:
        return skip(SkipReason.OWES, f"owes {funds.debt}, {funds.available} is available; later sales pay it off")
    if not funds.net:
        return skip(SkipReason.NOTHING_AVAILABLE, "nothing is available")
    if found := barrier(vendor, methods):
        return skip(*found)
    if not due:
        return skip(SkipReason.NOT_DUE, f"is paid {schedule.text}; it stays available until then")
    amount = payable(funds.net)
    if not amount or amount < minimum:
        least = max(minimum.minor, payable_unit(minimum.currency))
        return skip(SkipReason.BELOW_MINIMUM, f"is below {Money(least, minimum.currency)}; it stays available")
    return plan(vendor, funds, amount)


def plan(vendor: Vendor, funds: Funds, amount: Money) -> Planned:
    """Lay out a payout to the vendor's present account, its debt paid off first."""
    account = vendor.payout_account or PayoutAccount(method="", reference="", holder="")
    return Planned(
        vendor_id=vendor.id,
        vendor=vendor.handle,
        amount=amount,
        netted=funds.debt,
        carried=funds.net - amount,
        method=account.method,
        account=account.reference,
        holder=account.holder,
    )


def doubt(payout: Payout, vendor: Vendor) -> str | None:
    """Say why a payout must be looked at by a person before it is sent: what it relied on at its creation has changed."""
    account = vendor.payout_account
    if vendor.status is not VendorStatus.APPROVED:
        return f"{vendor.handle} is {vendor.status.value}; release the payout once it is approved, or cancel it"
    if account is None or account.fingerprint != payout.fingerprint:
        return "the payout account changed after the payout was made; approve the new account, or cancel the payout"
    if not account.verified:
        return "the payout account is no longer verified; release the payout once it is, or cancel it"
    return None


def _clamped(month: date, day: int) -> date:
    return month.replace(day=min(day, monthrange(month.year, month.month)[1]))
