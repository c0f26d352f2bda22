"""Beginning a subscription: its first cycle invoiced at once, or laid out for when the trial ends."""

from uuid import uuid5

from attrs import evolve, frozen

from cityos_core.kernel.errors import Conflict, Refused
from cityos_core.kernel.ids import NodeId, SubscriptionId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.applying import billed, collect
from cityos_core.subscriptions.billing import bill
from cityos_core.subscriptions.cycles import BillingCycle, upcoming
from cityos_core.subscriptions.desk import Desk
from cityos_core.subscriptions.discounting import agreed
from cityos_core.subscriptions.docket import Docket
from cityos_core.subscriptions.invoices import InvoiceStatus
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.paying import payment_reference
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.records import PlanName, plan_named
from cityos_core.subscriptions.terms import CollectionMethod
from cityos_core.subscriptions.trials import Agreement, begin
from cityos_core.tenancy.model import Tenant, TenantStatus
from cityos_core.tenancy.records import StoreName, store_named


@frozen(kw_only=True)
class Application:
    """What somebody subscribes with."""

    plan: PlanName
    agreement: Agreement
    store: StoreName | None
    payment_method: str | None
    key: str | None


@frozen
class BeginSubscription:
    """Subscribe somebody to a plan, and collect the first period, unless a trial comes before it.

    One that is charged is incomplete until its first payment has come. The same ``key`` again gives the subscription that
    stands, as it is then; ``Conflict("key_reused")`` if that is another subscriber's, or on other terms. ``Refused`` if
    the plan is retired, or nothing is configured that could charge.
    """

    desk: Desk

    def __call__(
        self,
        scope: TenantScope,
        plan: PlanName,
        agreement: Agreement,
        *,
        store: StoreName | None = None,
        payment_method: str | None = None,
        key: str | None = None,
    ) -> Subscription:
        """Give the subscription as it is when the first payment has been tried."""
        application = Application(
            plan=plan,
            agreement=agreement,
            store=store,
            payment_method=payment_reference(payment_method),
            key=key,
        )
        try:
            return self._begin(scope, application)
        except Conflict as lost:
            if key is None or lost.code == "key_reused":
                raise
            return self._begin(scope, application)  # another was faster under the same key, or got in the way

    def _begin(self, scope: TenantScope, wanted: Application) -> Subscription:
        subscription_id = self._id(scope, wanted.key)
        with self.desk.unit_of_work(scope) as uow:
            docket = self.desk.open(uow, scope, self.desk.clock.now())
            store = None if wanted.store is None else store_named(uow, wanted.store).id
            known = None if wanted.key is None else uow.subscriptions.many([subscription_id]).get(subscription_id)
            if known is not None:
                return _same(known, wanted.agreement, store)
            plan = plan_named(uow, wanted.plan)
            self._check(docket, wanted.agreement)
            subscription = begin(
                plan,
                evolve(wanted.agreement, discounts=agreed(wanted.agreement.discounts, plan.currency)),
                id=subscription_id,
                tenant_id=scope.tenant_id,
                place=docket.place,
                at=docket.at,
            )
            _enter(docket, plan, evolve(subscription, store_id=store, payment_method=wanted.payment_method))
            commit(uow, docket.write(), "subscriptions.begin")
        return self.desk.collected(scope, docket, subscription_id)

    def _id(self, scope: TenantScope, key: str | None) -> SubscriptionId:
        found = self.desk.identifiers.new() if key is None else uuid5(scope.tenant_id, f"subscription {key}")
        return SubscriptionId(found)

    def _check(self, docket: Docket, agreement: Agreement) -> None:
        _require_active(docket.configuration.tenant)
        if agreement.collection.method is CollectionMethod.CHARGE:
            self.desk.require_gateway(docket.configuration)


def _require_active(tenant: Tenant) -> None:
    if tenant.status is not TenantStatus.ACTIVE:
        detail = f"tenant {tenant.handle} is {tenant.status.value} and takes no subscriptions"
        raise Refused("tenant_not_active", detail)


def _enter(docket: Docket, plan: Plan, subscription: Subscription) -> None:
    """Put a new subscription on the docket: on trial with its first cycle to come, or else with that one invoiced."""
    docket.plans[plan.id] = plan
    if subscription.status is SubscriptionStatus.TRIALING:
        docket.begin(subscription)
        docket.lay(upcoming(subscription))
        return
    found = bill(subscription, plan)
    invoice = docket.issue([docket.draft(subscription, found.lines, cycle=found.cycle)])[0]
    begun = found.subscription
    if begun.status is SubscriptionStatus.INCOMPLETE and invoice.status is InvoiceStatus.PAID:
        begun = begun.step("activate")
    docket.begin(begun)
    docket.lay(billed(_first(subscription), invoice))
    docket.lay(upcoming(begun))
    collect(docket, invoice)


def _first(subscription: Subscription) -> BillingCycle:
    """Lay the first cycle out; in the second hour of a fold its local time occurred before, and it begins now."""
    laid = upcoming(subscription)
    return evolve(laid, starts_at=max(laid.starts_at, subscription.created_at))


def _same(standing: Subscription, agreement: Agreement, store: NodeId | None) -> Subscription:
    terms = standing.subscriber, standing.tax, standing.collection, standing.store_id
    if terms != (agreement.subscriber, agreement.tax, agreement.collection, store):
        raise Conflict("key_reused", "this key was used for another subscription; use another key")
    return standing
