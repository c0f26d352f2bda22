"""Plans as the API shows and takes them; items and prices are written as in the core."""

from datetime import datetime
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.ids import PlanId
from cityos_core.kernel.proration import Resolution
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.planning import LONGEST_NAME
from cityos_core.subscriptions.plans import (
    LONGEST_TRIAL,
    MOST_INTERVALS,
    MOST_ITEMS,
    CatchUp,
    DunningPolicy,
    LateUsage,
    Plan,
    PlanItem,
)
from cityos_core.tenancy.model import LONGEST_HANDLE
from cityos_http.schema import about

PLAN_HANDLE = about(
    "The plan's handle.", example="team", pattern="^[a-z0-9]+(-[a-z0-9]+)*$", least=1, most=LONGEST_HANDLE
)
COUNT = about("How many intervals a period lasts.", example=1, least=1, most=MOST_INTERVALS)
TRIAL = about("Days before the first period that cost nothing.", example=14, least=0, most=LONGEST_TRIAL)
ITEMS = about("What it charges for; recurring items in advance, metered ones in arrears.", least=1, most=MOST_ITEMS)


@frozen(kw_only=True)
class PlanOfferView:
    """A plan as visitors and customers see it."""

    id: PlanId
    handle: str
    name: str
    currency: str
    interval: Interval
    count: int = field(metadata=COUNT)
    items: tuple[PlanItem, ...] = field(metadata=ITEMS)
    trial_days: int = field(metadata=TRIAL)
    is_on_sale: bool = field(metadata=about("Whether it can be subscribed to."))
    version: int

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Show an offer."""
        return cls(
            id=plan.id,
            handle=plan.handle,
            name=plan.name,
            currency=plan.currency,
            interval=plan.interval,
            count=plan.count,
            items=plan.items,
            trial_days=plan.trial_days,
            is_on_sale=plan.retired_at is None,
            version=plan.version,
        )


@frozen(kw_only=True)
class PlanView:
    """What is sold by the period, and the rules it is billed by."""

    id: PlanId
    handle: str
    name: str
    currency: str
    interval: Interval
    count: int = field(metadata=COUNT)
    items: tuple[PlanItem, ...] = field(metadata=ITEMS)
    trial_days: int = field(metadata=TRIAL)
    catch_up: CatchUp
    late_usage: LateUsage
    dunning: DunningPolicy
    proration: Resolution
    created_at: datetime
    retired_at: datetime | None = field(metadata=about("Since when nobody can subscribe to it any more."))
    version: int

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Show a plan."""
        return cls(
            id=plan.id,
            handle=plan.handle,
            name=plan.name,
            currency=plan.currency,
            interval=plan.interval,
            count=plan.count,
            items=plan.items,
            trial_days=plan.trial_days,
            catch_up=plan.catch_up,
            late_usage=plan.late_usage,
            dunning=plan.dunning,
            proration=plan.proration,
            created_at=plan.created_at,
            retired_at=plan.retired_at,
            version=plan.version,
        )


@frozen(kw_only=True)
class PlanRequest:
    """A plan to sell. What it costs never changes: a new price is a new plan."""

    handle: str = field(metadata=PLAN_HANDLE)
    name: str = field(metadata=about("What it is called.", example="Team", least=1, most=LONGEST_NAME))
    currency: str | None = field(
        default=None, metadata=about("ISO 4217; the tenant's unless said.", example="EUR", pattern="^[A-Z]{3}$")
    )
    interval: Interval = Interval.MONTH
    count: int = field(default=1, metadata=COUNT)
    items: tuple[PlanItem, ...] = field(metadata=ITEMS)
    trial_days: int = field(default=0, metadata=TRIAL)
    catch_up: CatchUp = CatchUp.BILL_EACH
    late_usage: LateUsage = LateUsage.REPRICE
    dunning: DunningPolicy = field(factory=DunningPolicy)
    proration: Resolution = Resolution.DAY
