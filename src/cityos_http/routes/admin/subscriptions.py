"""Subscriptions, for administrators."""

from collections.abc import Callable

from cityos_core.access.model import Resource
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.subscriptions.cycles import BillingCycle
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.ports import InvoiceFilter, SubscriptionFilter
from cityos_core.subscriptions.terms import SubscriberKind
from cityos_core.subscriptions.wishes import When
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Key, Routes, Steps
from cityos_http.schemas.invoices import InvoiceView, OwnInvoicesQuery
from cityos_http.schemas.previews import ForecastCycleView, ForecastView, PreviewView
from cityos_http.schemas.subscriptions import (
    BillingCycleView,
    ForecastQuery,
    SubscriptionsQuery,
    SubscriptionView,
)
from cityos_http.schemas.terms import DiscountRequest
from cityos_http.schemas.usage import UsageRequest, UsageView
from cityos_http.schemas.wishes import (
    PaymentMethodRequest,
    PreviewRequest,
    StepTokenRequest,
    SubscriptionCancelRequest,
    SubscriptionChangeRequest,
    SubscriptionRequest,
    TrialRequest,
)

routes = Routes("/admin/subscriptions", tag="Subscriptions")


def _owned(asked: Asked) -> Callable[[Subscription], Resource]:
    """Say whose subscriptions are."""
    stores = {store.id: store.handle for store in asked.city.stores.list(asked.scope)}

    def resource(found: Subscription) -> Resource:
        return Resource(
            kind=asked.endpoint.resource,
            id=str(found.id),
            tenant_id=asked.tenant.id,
            path=asked.tenant.path,
            store=None if found.store_id is None else stores.get(found.store_id),
            customer=found.subscriber.reference if found.subscriber.kind is SubscriberKind.CUSTOMER else None,
        )

    return resource


def about_subscription(asked: Asked, subscription: SubscriptionId, **_: object) -> Resource:
    """Say whose a subscription is, for grants that reach one store or customer only."""
    return _owned(asked)(asked.city.subscriptions.get(asked.scope, subscription))


@routes.get("", action="subscriptions:list", filters=True)
def list_subscriptions(asked: Asked, query: SubscriptionsQuery) -> Listed[SubscriptionView]:
    """List the subscriptions that the caller may see, oldest first."""
    where = SubscriptionFilter(subscriber=query.subscriber, status=query.status, plan=query.plan)
    page = asked.sift(query, lambda request: asked.city.subscriptions.list(asked.scope, where, request), _owned(asked))
    return asked.listed(query, page, SubscriptionView.of)


@routes.post("", action="subscriptions:create", steps=Steps.CHARGING, moves_money=True)
def create_subscription(asked: Asked, body: SubscriptionRequest) -> SubscriptionView:
    """Subscribe somebody to a plan and collect the first period, unless a trial comes before it.

    One that is charged is incomplete until its first payment has come. The same request again charges nothing again.
    """
    begun = asked.city.subscriptions.begin(
        asked.scope,
        body.plan,
        body.agreement(),
        store=body.store,
        payment_method=body.payment_method,
        key=asked.key,
    )
    return SubscriptionView.of(begun)


@routes.get("/{subscription}", action="subscriptions:read", about=about_subscription)
def get_subscription(asked: Asked, subscription: SubscriptionId) -> SubscriptionView:
    """Read a subscription."""
    return SubscriptionView.of(asked.city.subscriptions.get(asked.scope, subscription))


@routes.get("/{subscription}/cycles", action="subscriptions:read", about=about_subscription)
def list_subscription_cycles(asked: Asked, subscription: SubscriptionId, query: Paged) -> Listed[BillingCycleView]:
    """List a subscription's cycles in their order, the one to come included."""

    def place(cycle: BillingCycle) -> str:
        return f"{cycle.index:010d}"

    return asked.part(query, asked.city.subscriptions.cycles(asked.scope, subscription), place, BillingCycleView.of)


@routes.get("/{subscription}/invoices", action="invoices:list", about=about_subscription)
def list_subscription_invoices(
    asked: Asked, subscription: SubscriptionId, query: OwnInvoicesQuery
) -> Listed[InvoiceView]:
    """List a subscription's invoices, newest first."""
    where = InvoiceFilter(subscription=asked.city.subscriptions.get(asked.scope, subscription).id, status=query.status)
    page = asked.city.invoices.list(asked.scope, where, asked.page(query))
    return asked.listed(query, page, InvoiceView.of)


@routes.get("/{subscription}/forecast", action="subscriptions:read", about=about_subscription)
def forecast_subscription(asked: Asked, subscription: SubscriptionId, query: ForecastQuery) -> ForecastView:
    """Say what the next cycles will bill, as far as it is known today."""
    bills = asked.city.subscriptions.forecast(asked.scope, subscription, query.cycles)
    return ForecastView(cycles=tuple(map(ForecastCycleView.of, bills)))


@routes.post(
    "/{subscription}/preview", action="subscriptions:preview", status=200, key=Key.NONE, about=about_subscription
)
def preview_subscription(asked: Asked, subscription: SubscriptionId, body: PreviewRequest) -> PreviewView:
    """Say what a change would come to, to the cent. Its token, sent with the change, yields that or a refusal."""
    return PreviewView.of(asked.city.subscriptions.preview(asked.scope, subscription, body.wish()))


@routes.post(
    "/{subscription}/change",
    action="subscriptions:change",
    status=200,
    about=about_subscription,
    steps=Steps.CHARGING,
    moves_money=True,
)
def change_subscription(
    asked: Asked, subscription: SubscriptionId, body: SubscriptionChangeRequest
) -> SubscriptionView:
    """Change plan or quantities: at once, the rest of the period reckoned anew, or when it ends."""
    after = asked.city.subscriptions.change(
        asked.scope, subscription, body.plan, body.quantities, when=body.when, token=body.token
    )
    return SubscriptionView.of(after)


@routes.post(
    "/{subscription}/pause",
    action="subscriptions:pause",
    status=200,
    about=about_subscription,
    steps=Steps.CHARGING,
    moves_money=True,
)
def pause_subscription(asked: Asked, subscription: SubscriptionId, body: StepTokenRequest) -> SubscriptionView:
    """Stop a subscription for a while; the rest of the period becomes credit."""
    return SubscriptionView.of(asked.city.subscriptions.pause(asked.scope, subscription, token=body.token))


@routes.post(
    "/{subscription}/resume",
    action="subscriptions:resume",
    status=200,
    about=about_subscription,
    steps=Steps.CHARGING,
    moves_money=True,
)
def resume_subscription(asked: Asked, subscription: SubscriptionId, body: StepTokenRequest) -> SubscriptionView:
    """Go on after a pause; what is left of the period is charged."""
    return SubscriptionView.of(asked.city.subscriptions.resume(asked.scope, subscription, token=body.token))


@routes.post(
    "/{subscription}/cancel",
    action="subscriptions:cancel",
    status=200,
    about=about_subscription,
    steps=Steps.CHARGING,
    moves_money=True,
)
def cancel_subscription(
    asked: Asked, subscription: SubscriptionId, body: SubscriptionCancelRequest
) -> SubscriptionView:
    """End a subscription with its period, which can be undone until then, or at once."""
    after = asked.city.subscriptions.cancel(
        asked.scope,
        subscription,
        body.reason,
        at_period_end=body.when is When.PERIOD_END,
        gives_back=body.gives_back,
        token=body.token,
    )
    return SubscriptionView.of(after)


@routes.post("/{subscription}/undo", action="subscriptions:undo", status=200, about=about_subscription)
def undo_subscription_change(asked: Asked, subscription: SubscriptionId, body: StepTokenRequest) -> SubscriptionView:
    """Take back what was to happen when the period ends."""
    return SubscriptionView.of(asked.city.subscriptions.undo(asked.scope, subscription, token=body.token))


@routes.post("/{subscription}/trial", action="subscriptions:change", status=200, about=about_subscription)
def change_trial(asked: Asked, subscription: SubscriptionId, body: TrialRequest) -> SubscriptionView:
    """Let a trial end later or earlier; the first period begins then."""
    after = asked.city.subscriptions.change_trial(asked.scope, subscription, body.ends_at, token=body.token)
    return SubscriptionView.of(after)


@routes.post(
    "/{subscription}/convert",
    action="subscriptions:change",
    status=200,
    about=about_subscription,
    steps=Steps.CHARGING,
    moves_money=True,
)
def convert_trial(asked: Asked, subscription: SubscriptionId, body: StepTokenRequest) -> SubscriptionView:
    """End a trial now, and collect the first period, which begins now."""
    return SubscriptionView.of(asked.city.subscriptions.convert(asked.scope, subscription, token=body.token))


@routes.put("/{subscription}/payment-method", action="subscriptions:change", about=about_subscription)
def change_payment_method(asked: Asked, subscription: SubscriptionId, body: PaymentMethodRequest) -> SubscriptionView:
    """Have another payment method charged from now on; what is owed is collected with the next retry."""
    after = asked.city.subscriptions.change_method(asked.scope, subscription, body.payment_method)
    return SubscriptionView.of(after)


@routes.post("/{subscription}/discounts", action="subscriptions:change", about=about_subscription)
def add_discount(asked: Asked, subscription: SubscriptionId, body: DiscountRequest) -> SubscriptionView:
    """Give a discount on the cycles that are billed from now on."""
    after = asked.city.subscriptions.add_discount(asked.scope, subscription, body.discount())
    return SubscriptionView.of(after)


@routes.post("/{subscription}/usage", action="usage:create", about=about_subscription)
def record_usage(asked: Asked, subscription: SubscriptionId, body: UsageRequest) -> UsageView:
    """Write down what was used: all of it or nothing, each report once."""
    return UsageView.of(asked.city.subscriptions.record_usage(asked.scope, subscription, body.reports))
