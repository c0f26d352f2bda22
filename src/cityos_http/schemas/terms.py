"""What is agreed with a subscriber, as the API shows and takes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_adapters.serialization.scalars import LocalTime
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import PlanId
from cityos_core.kernel.money import Money, Percentage
from cityos_core.kernel.time import Anchor, Interval
from cityos_core.subscriptions.discounting import LONGEST_CODE
from cityos_core.subscriptions.model import MOST_UNITS, Cancellation, Scheduled
from cityos_core.subscriptions.terms import LONGEST_REFERENCE, Discount
from cityos_http.schema import about

QUANTITIES = about("How many of each per-seat item, by its key; one of any that is not named.", example={})
METHOD = about(
    "The gateway's own reference of what is charged; its default for the subscriber unless said.",
    example="pm_1",
    least=1,
    most=LONGEST_REFERENCE,
)


def check_quantities(_instance: object, _attribute: object, value: Mapping[str, int] | None) -> None:
    """Refuse fewer than none of something, and more than there can be."""
    for key, quantity in (value or {}).items():
        if not 0 <= quantity <= MOST_UNITS:
            raise Invalid.at(f"$.quantities.{key}", "quantity", f"a quantity is a whole number from 0 to {MOST_UNITS}")


@frozen(kw_only=True)
class AnchorView:
    """Where periods begin, on the subscriber's calendar; all of them are reckoned from it."""

    local: LocalTime = field(metadata=about("A wall-clock time in the zone."))
    zone: str = field(metadata=about("An IANA time zone.", example="Europe/Berlin"))
    interval: Interval
    count: int

    @classmethod
    def of(cls, anchor: Anchor) -> Self:
        """Show an anchor."""
        return cls(local=LocalTime(anchor.local), zone=anchor.zone, interval=anchor.interval, count=anchor.count)


@frozen(kw_only=True)
class SubscriptionDiscountView:
    """What is taken off recurring items: a percentage, or an amount per period."""

    code: str
    percentage: Percentage | None
    amount: Money | None
    cycles: int | None = field(metadata=about("For how many billed periods; null for ever."))
    used: int = field(metadata=about("In how many it was given."))

    @classmethod
    def of(cls, discount: Discount) -> Self:
        """Show a discount."""
        return cls(
            code=discount.code,
            percentage=discount.percentage,
            amount=discount.amount,
            cycles=discount.cycles,
            used=discount.used,
        )


@frozen(kw_only=True)
class DiscountRequest:
    """A discount to give, from the next period that is billed: either a percentage or an amount per period."""

    code: str = field(metadata=about("What it is known by.", example="spring", least=1, most=LONGEST_CODE))
    percentage: Percentage | None = None
    amount: Money | None = None
    cycles: int | None = field(
        default=None, metadata=about("For how many billed periods: 1 is once, null for ever.", example=3, least=1)
    )

    @code.validator
    def _check_code(self, _attribute: object, value: str) -> None:
        if not value.strip() or len(value) > LONGEST_CODE:
            detail = f"a discount's code has one to {LONGEST_CODE} characters, and not only spaces"
            raise Invalid.at("$.code", "discount_code", detail)

    @cycles.validator
    def _check_cycles(self, _attribute: object, value: int | None) -> None:
        if value is not None and value < 1:
            raise Invalid.at("$.cycles", "cycles", "a discount lasts one cycle or more")

    def discount(self) -> Discount:
        """Give what the core knows."""
        return Discount(code=self.code, percentage=self.percentage, amount=self.amount, cycles=self.cycles)


@frozen(kw_only=True)
class CancellationView:
    """Why and when it was canceled."""

    reason: str
    requested_at: datetime
    at_period_end: bool = field(metadata=about("Whether it runs until the period that is paid for ends."))

    @classmethod
    def of(cls, cancellation: Cancellation) -> Self:
        """Show a cancellation."""
        return cls(
            reason=cancellation.reason,
            requested_at=cancellation.requested_at,
            at_period_end=cancellation.at_period_end,
        )


@frozen(kw_only=True)
class ScheduledChangeView:
    """A change that takes place when the current period ends."""

    plan: PlanId
    quantities: Mapping[str, int]
    requested_at: datetime

    @classmethod
    def of(cls, scheduled: Scheduled) -> Self:
        """Show a scheduled change."""
        return cls(plan=scheduled.plan_id, quantities=dict(scheduled.quantities), requested_at=scheduled.requested_at)
