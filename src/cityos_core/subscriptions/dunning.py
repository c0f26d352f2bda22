"""What happens after a payment failed: retries on set days, notices, and the end."""

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel.clock import instant
from cityos_core.kernel.ids import InvoiceId, SubscriptionId, TenantId
from cityos_core.kernel.time import to_utc
from cityos_core.subscriptions.attempts import AttemptStatus, Origin, PaymentAttempt
from cityos_core.subscriptions.plans import DunningEnd, DunningPolicy
from cityos_core.subscriptions.stretches import local_time

RUNS: Final = (time(9), time(17))
"""When retries are made, in the tenant's time; the second run makes up for what the first could not."""


class Template(StrEnum):
    """Which notice the subscriber gets."""

    PAYMENT_FAILED = "dunning.payment_failed"
    RETRY_FAILED = "dunning.retry_failed"
    METHOD_NEEDED = "dunning.method_needed"
    RECOVERED = "dunning.recovered"
    ENDED = "dunning.ended"


class Due(StrEnum):
    """What is to be done about a case now."""

    NOTHING = "nothing"
    RETRY = "retry"
    END = "end"


@frozen(kw_only=True)
class DunningCase:
    """The dunning of one invoice, which is its natural key."""

    tenant_id: TenantId
    subscription_id: SubscriptionId
    invoice_id: InvoiceId
    time_zone: str
    """The tenant's, in which days are counted and runs take place."""
    first_failed_at: datetime
    retries: int = 0
    """Scheduled retries that failed; what the customer tries does not count."""
    next_day: int = 0
    """The place of the next retry in the policy's days."""
    next_at: datetime | None
    """When something is to be done: a retry, or the end; None once it is over."""
    needs_method: bool = False
    """Whether retries are of no use before the customer gives another payment method."""
    version: int = 1

    @property
    def is_over(self) -> bool:
        """True once it was paid, or given up."""
        return self.next_at is None

    def due(self, now: datetime) -> Due:
        """Say what is to be done now."""
        if self.next_at is None or now < self.next_at:
            return Due.NOTHING
        return Due.END if self.needs_method else Due.RETRY


@frozen
class Step:
    """A case after something happened, the steps its subscription takes, and the notice to send, if any."""

    case: DunningCase
    actions: tuple[str, ...] = ()
    template: Template | None = None


def retry_times(first_failed_at: datetime, policy: DunningPolicy, place: str) -> tuple[datetime, ...]:
    """Give the instants from which retries are due: the first run of each of the policy's days after the failure."""
    day = local_time(first_failed_at, place).date()
    return tuple(to_utc(datetime.combine(day + timedelta(days=days), RUNS[0]), place) for days in policy.days)


def next_run(now: datetime, place: str) -> datetime:
    """Give the next instant, later than now, at which retries are made in a time zone."""
    day = local_time(now, place).date()
    runs = (to_utc(datetime.combine(day + timedelta(days=ahead), run), place) for ahead in range(-1, 3) for run in RUNS)
    return next(run for run in runs if run > instant(now))


def first_failure(attempt: PaymentAttempt, policy: DunningPolicy, *, place: str, at: datetime) -> Step:
    """Open a case for an invoice whose first charge was declined; without retry days it ends at once."""
    times = retry_times(at, policy, place)
    case = DunningCase(
        tenant_id=attempt.tenant_id,
        subscription_id=attempt.subscription_id,
        invoice_id=attempt.invoice_id,
        time_zone=place,
        first_failed_at=at,
        next_at=times[0] if times else None,
    )
    if not times:
        return ended(case, policy)
    return _asked(case, times, attempt, Template.PAYMENT_FAILED, at)


def heed(case: DunningCase, policy: DunningPolicy, attempt: PaymentAttempt, *, at: datetime) -> Step:
    """Take the step that the outcome of an attempt calls for; while that is not known, none.

    Whoever paid, the subscription recovers. A failure counts only if it was a scheduled retry's. A retry stands for all
    days up to the one it was made on: what an outage kept from being made is not made up for in a rush.
    """
    if case.is_over or attempt.status in (AttemptStatus.PENDING, AttemptStatus.UNKNOWN):
        return Step(case)
    if attempt.status is AttemptStatus.SUCCEEDED:
        return Step(evolve(case, next_at=None, needs_method=False), ("recover",), Template.RECOVERED)
    if attempt.origin is not Origin.RETRY:
        return Step(case)
    times = retry_times(case.first_failed_at, policy, case.time_zone)
    passed = sum(1 for due in times if due <= attempt.started_at)
    following = max(case.next_day + 1, passed)
    counted = evolve(case, retries=case.retries + 1, next_day=following)
    if following >= len(times):
        return ended(counted, policy)
    return _asked(evolve(counted, next_at=times[following]), times, attempt, Template.RETRY_FAILED, at)


def _asked(
    case: DunningCase, times: tuple[datetime, ...], attempt: PaymentAttempt, template: Template, at: datetime
) -> Step:
    if attempt.decline is None or not attempt.decline.needs_customer:
        return Step(case, ("fail_payment",), template)
    waiting = evolve(case, needs_method=True, next_at=max(times[-1], at))
    return Step(waiting, ("fail_payment",), Template.METHOD_NEEDED)


def new_method(case: DunningCase, policy: DunningPolicy, *, at: datetime) -> DunningCase:
    """Go back to retrying, for the customer gave another payment method: on the days that are left, the last one at least."""
    if case.is_over or not case.needs_method:
        return case
    times = retry_times(case.first_failed_at, policy, case.time_zone)
    if not times:  # the plan it changed to has none: it is tried once
        return evolve(case, needs_method=False, next_at=at)
    following = min(max(case.next_day, sum(1 for due in times if due <= at)), len(times) - 1)
    return evolve(case, needs_method=False, next_day=following, next_at=times[following])


def ended(case: DunningCase, policy: DunningPolicy) -> Step:
    """Give up: the subscription becomes unpaid or canceled, as the policy says."""
    action = "give_up" if policy.end is DunningEnd.UNPAID else "cancel"
    return Step(evolve(case, next_at=None), ("fail_payment", action), Template.ENDED)
