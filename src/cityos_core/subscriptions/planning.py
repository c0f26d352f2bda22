"""Putting plans on sale, and taking them off it; what a plan costs never changes."""

from collections.abc import Iterable
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import Identifiers, PlanId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.proration import Resolution
from cityos_core.kernel.scope import TenantScope
from cityos_core.kernel.time import Interval
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.events import PlanChanged
from cityos_core.subscriptions.plans import CatchUp, DunningPolicy, LateUsage, Plan, PlanItem
from cityos_core.subscriptions.records import PlanName, plan_named
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.unit_of_work import UnitOfWorkFactory

LONGEST_NAME: Final = 200


@frozen(kw_only=True)
class CreatePlan:
    """Put a plan on sale; a new price is a new plan, and subscriptions change over to it."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader

    def __call__(
        self,
        scope: TenantScope,
        handle: str,
        *,
        name: str,
        items: Iterable[PlanItem],
        currency: str | None = None,
        interval: Interval = Interval.MONTH,
        count: int = 1,
        trial_days: int = 0,
        catch_up: CatchUp = CatchUp.BILL_EACH,
        late_usage: LateUsage = LateUsage.REPRICE,
        dunning: DunningPolicy | None = None,
        proration: Resolution = Resolution.DAY,
    ) -> Plan:
        """Create a plan, in the tenant's currency unless another is given; ``Conflict("handle_taken")`` for a handle in use."""
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            tenant = self.configuration(uow, scope.tenant_id).tenant
            plan = Plan(
                id=PlanId(self.identifiers.new()),
                tenant_id=scope.tenant_id,
                handle=handle,
                name=_stated(name),
                currency=tenant.currency if currency is None else currency,
                interval=interval,
                count=count,
                items=tuple(items),
                trial_days=trial_days,
                catch_up=catch_up,
                late_usage=late_usage,
                dunning=dunning or DunningPolicy(),
                proration=proration,
                created_at=now,
            )
            uow.plans.add(plan)
            event = PlanChanged(subject=plan.id, occurred_at=now, handle=plan.handle, action="create")
            commit(uow, [event], "plans.create")
        return plan


@frozen
class RetirePlan:
    """Take a plan off sale: nobody can subscribe or change to it any more, those who have it keep it."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: TenantScope, plan: PlanName) -> Plan:
        """Retire a plan; one that is retired stays as it is."""
        now = self.clock.now()
        with self.unit_of_work(scope) as uow:
            before = plan_named(uow, plan)
            if before.retired_at is not None:
                return before
            after = evolve(before, retired_at=now)
            uow.plans.save(after)
            event = PlanChanged(subject=after.id, occurred_at=now, handle=after.handle, action="retire")
            commit(uow, [event], "plans.retire")
        return evolve(after, version=after.version + 1)


@frozen
class GetPlan:
    """Give a plan by its handle or its id."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, plan: PlanName) -> Plan:
        with self.unit_of_work(scope) as uow:
            return plan_named(uow, plan)


@frozen
class ListPlans:
    """List plans page by page, by handle, those that are retired included."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, request: PageRequest | None = None) -> Page[Plan]:
        with self.unit_of_work(scope) as uow:
            return uow.plans.page(request or PageRequest())


def _stated(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME:
        raise Invalid.at("$.name", "name", f"a plan's name has one to {LONGEST_NAME} characters, and not only spaces")
    return name
