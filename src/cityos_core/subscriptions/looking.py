"""Looking at subscriptions: as they are, their cycles, and what the next ones will bill."""

from collections.abc import Mapping

from attrs import frozen

from cityos_core.kernel.errors import Refused
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.subscriptions.billing import Bill
from cityos_core.subscriptions.cycles import BillingCycle
from cityos_core.subscriptions.forecast import forecast
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.ports import SubscriptionFilter
from cityos_core.subscriptions.reading import plans_of
from cityos_core.subscriptions.recording_usage import Quantity, exact
from cityos_core.unit_of_work import UnitOfWorkFactory


@frozen
class GetSubscription:
    """Give a subscription."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, scope: TenantScope, subscription_id: SubscriptionId) -> Subscription:
        with self.unit_of_work(scope) as uow:
            return uow.subscriptions.get(subscription_id)


@frozen
class ListSubscriptions:
    """List subscriptions page by page, oldest first."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self, scope: TenantScope, where: SubscriptionFilter | None = None, request: PageRequest | None = None
    ) -> Page[Subscription]:
        with self.unit_of_work(scope) as uow:
            return uow.subscriptions.page(where or SubscriptionFilter(), request or PageRequest())


@frozen
class ListCycles:
    """List a subscription's cycles in their order, the one to come included; only the ``last`` few, if given."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self, scope: TenantScope, subscription_id: SubscriptionId, *, last: int | None = None
    ) -> list[BillingCycle]:
        with self.unit_of_work(scope) as uow:
            return uow.cycles.of([uow.subscriptions.get(subscription_id).id], last=last)


@frozen
class Forecast:
    """Say what the next cycles will bill, as far as it is known today; ``usage`` is what is expected in a period."""

    unit_of_work: UnitOfWorkFactory

    def __call__(
        self,
        scope: TenantScope,
        subscription_id: SubscriptionId,
        cycles: int = 12,
        usage: Mapping[str, Quantity] | None = None,
    ) -> tuple[Bill, ...]:
        """Bill them on paper; ``Refused("not_metered")`` for usage of an item that has another price."""
        expected = {item: exact(quantity, path=f"$.usage.{item}") for item, quantity in (usage or {}).items()}
        with self.unit_of_work(scope) as uow:
            subscription = uow.subscriptions.get(subscription_id)
            plans = plans_of(uow, [subscription])
        for unknown in expected.keys() - {item.key for plan in plans.values() for item in plan.metered}:
            plans[subscription.plan_id].item(unknown)
            raise Refused("not_metered", f"{unknown!r} is not charged by usage; leave it out")
        return forecast(subscription, plans, cycles, usage=expected)
