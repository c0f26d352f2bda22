"""What people do about cycles that billing could not deal with: have them billed after all, or left out."""

from attrs import evolve, frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.errors import Conflict, NotFound
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.billing import arrived, passed_over
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus, SkipReason, realigned, upcoming
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.holding import open_docket
from cityos_core.subscriptions.model import BILLED, Subscription
from cityos_core.subscriptions.reading import plans_of
from cityos_core.unit_of_work import UnitOfWork


@frozen
class RetryCycle:
    """Let a cycle that failed before it was invoiced be billed after all, by the next billing run.

    Where a person was to look, all that fell due until now is billed then, each cycle on its own.
    """

    dependencies: Dependencies

    def __call__(self, scope: TenantScope, subscription_id: SubscriptionId, index: int) -> BillingCycle:
        with self.dependencies.unit_of_work(scope) as uow:
            subscription = uow.subscriptions.get(subscription_id, lock=True)
            row = _failed(uow, subscription, index).retried(at=self.dependencies.clock.now())
            if subscription.status not in BILLED:
                row = realigned(row, subscription)
            uow.cycles.save([row])
            commit(uow, (), "billing.retry_cycle")
        return evolve(row, version=row.version + 1)


@frozen
class SkipCycle:
    """Leave a cycle unbilled that failed before it was invoiced; the next one falls due as it would have.

    What was to happen at its beginning happens: a change arrives, a subscription that was canceled ends.
    """

    dependencies: Dependencies

    def __call__(self, scope: TenantScope, subscription_id: SubscriptionId, index: int) -> BillingCycle:
        with self.dependencies.unit_of_work(scope) as uow:
            docket = open_docket(self.dependencies, uow, scope)
            before = uow.subscriptions.get(subscription_id, lock=True)
            docket.plans |= plans_of(uow, [before])
            row = _skip(docket, before, _failed(uow, before, index))
            commit(uow, docket.write(), "billing.skip_cycle")
        return evolve(row, version=row.version + 1)


def _failed(uow: UnitOfWork, subscription: Subscription, index: int) -> BillingCycle:
    row = next((one for one in uow.cycles.of([subscription.id]) if one.index == index), None)
    if row is None:
        raise NotFound("cycle_not_found", f"the subscription has no cycle {index}; list its cycles to see them")
    if row.status is not CycleStatus.FAILED:
        detail = f"cycle {index} is {row.status.value}; only one that failed is retried or skipped"
        raise Conflict("invalid_state", detail, current_state=row.status.value)
    return row


def _skip(docket: Docket, before: Subscription, row: BillingCycle) -> BillingCycle:
    row = row.skipped(SkipReason.BY_HAND)
    if before.cancellation is not None:
        after = evolve(before.step("cancel"), ended_at=before.ends_at)
    else:
        moved = arrived(before, docket.plans[before.scheduled.plan_id]) if before.scheduled else before
        row = evolve(row, ends_at=moved.period(row.index).end_utc)
        after = passed_over(moved, row.index + 1)
        docket.lay(upcoming(after))
    docket.move(row)
    docket.save(before, after)
    return row
