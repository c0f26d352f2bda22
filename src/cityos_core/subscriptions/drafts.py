"""Plans and usage as they arrive in files; the fields are those of the exchange format."""

from datetime import datetime
from fractions import Fraction

from attrs import frozen

from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.proration import Resolution
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.plans import CatchUp, DunningPolicy, LateUsage, Plan, PlanItem


@frozen(kw_only=True)
class PlanDraft:
    """A plan to import, in the tenant's currency unless it names another."""

    handle: str
    name: str
    currency: str | None = None
    interval: Interval = Interval.MONTH
    count: int = 1
    items: tuple[PlanItem, ...]
    trial_days: int = 0
    catch_up: CatchUp = CatchUp.BILL_EACH
    late_usage: LateUsage = LateUsage.REPRICE
    dunning: DunningPolicy = DunningPolicy()
    proration: Resolution = Resolution.DAY

    @classmethod
    def of(cls, plan: Plan) -> "PlanDraft":
        """Give what a file that makes a plan says."""
        return cls(
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
        )


@frozen(kw_only=True)
class UsageDraft:
    """So much was used by a subscription at an instant; reported again under its key it counts once."""

    subscription: SubscriptionId
    key: str
    item: str
    quantity: Fraction
    used_at: datetime
