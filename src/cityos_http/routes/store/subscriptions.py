"""One's own subscriptions, for customers."""

from collections.abc import Iterable

from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.ports import InvoiceFilter, SubscriptionFilter
from cityos_core.subscriptions.wishes import When
from cityos_http.asking import NOWHERE, Asked, Listed
from cityos_http.endpoint import Key, Routes, Steps
from cityos_http.routes.store.invoices import is_own, require_own_invoice
from cityos_http.schemas.invoices import InvoicePaymentView, InvoiceView, OwnInvoicesQuery
from cityos_http.schemas.previews import ForecastCycleView, ForecastView, PreviewView
from cityos_http.schemas.subscriptions import ForecastQuery, OwnSubscriptionsQuery, SubscriptionView
from cityos_http.schemas.wishes import (
    OwnPreviewRequest,
    OwnSubscriptionCancelRequest,
    OwnSubscriptionRequest,
    PaymentMethodRequest,
    StepTokenRequest,
    SubscriptionChangeRequest,
)

routes = Routes("/store/subscriptions", tag="Storefront")


def _require_own(asked: Asked, subscription: SubscriptionId) -> Subscription:
    found = asked.city.subscriptions.get(asked.scope, subscription)
    if not is_own(asked, found.subscriber):
        raise NotFound("subscription_not_found", NOWHERE)
    return found


@routes.get("", action="subscriptions:list")
def list_own_subscriptions(asked: Asked, query: OwnSubscriptionsQuery) -> Listed[SubscriptionView]:
    """List one's own subscriptions, oldest first."""
    where = SubscriptionFilter(subscriber=asked.customer, status=query.status, plan=query.plan)

    def own(found: Iterable[Subscription]) -> list[Subscription]:
        return [one for one in found if is_own(asked, one.subscriber)]

    page = asked.some(query, lambda request: asked.city.subscriptions.list(asked.scope, where, request), own)
    return asked.listed(query, page, SubscriptionView.of_own)


@routes.post("", action="subscriptions:create", steps=Steps.CHARGING, moves_money=True)
def begin_subscription(asked: Asked, body: OwnSubscriptionRequest) -> SubscriptionView:
    """Subscribe to a plan and pay the first period, unless a trial comes before it.

    Until the first payment has come the subscription is incomplete. The same request again charges nothing again.
    """
    begun = asked.city.subscriptions.begin(
        asked.scope,
        body.plan,
        body.agreement(asked.customer),
        store=body.store,
        payment_method=body.payment_method,
        key=asked.key,
    )
    return SubscriptionView.of_own(begun)


@routes.get("/{subscription}", action="subscriptions:read")
def get_own_subscription(asked: Asked, subscription: SubscriptionId) -> SubscriptionView:
    """Read one of one's own subscriptions."""
    return SubscriptionView.of_own(_require_own(asked, subscription))


@routes.post("/{subscription}/preview", action="subscriptions:preview", status=200, key=Key.NONE)
def preview_own_subscription(asked: Asked, subscription: SubscriptionId, body: OwnPreviewRequest) -> PreviewView:
    """Say what a change would come to, to the cent. Its token, sent with the change, yields that or a refusal."""
    _require_own(asked, subscription)
    return PreviewView.of_own(asked.city.subscriptions.preview(asked.scope, subscription, body.wish()))


@routes.post(
    "/{subscription}/change", action="subscriptions:change", status=200, steps=Steps.CHARGING, moves_money=True
)
def change_own_subscription(
    asked: Asked, subscription: SubscriptionId, body: SubscriptionChangeRequest
) -> SubscriptionView:
    """Have another plan or other quantities: at once, the rest of the period reckoned anew, or when it ends."""
    _require_own(asked, subscription)
    after = asked.city.subscriptions.change(
        asked.scope, subscription, body.plan, body.quantities, when=body.when, token=body.token
    )
    return SubscriptionView.of_own(after)


@routes.post("/{subscription}/pause", action="subscriptions:pause", status=200, steps=Steps.CHARGING, moves_money=True)
def pause_own_subscription(asked: Asked, subscription: SubscriptionId, body: StepTokenRequest) -> SubscriptionView:
    """Stop for a while; the rest of the period becomes credit."""
    _require_own(asked, subscription)
    return SubscriptionView.of_own(asked.city.subscriptions.pause(asked.scope, subscription, token=body.token))


@routes.post(
    "/{subscription}/resume", action="subscriptions:resume", status=200, steps=Steps.CHARGING, moves_money=True
)
def resume_own_subscription(asked: Asked, subscription: SubscriptionId, body: StepTokenRequest) -> SubscriptionView:
    """Go on after a pause; what is left of the period is charged."""
    _require_own(asked, subscription)
    return SubscriptionView.of_own(asked.city.subscriptions.resume(asked.scope, subscription, token=body.token))


@routes.post(
    "/{subscription}/cancel", action="subscriptions:cancel", status=200, steps=Steps.CHARGING, moves_money=True
)
def cancel_own_subscription(
    asked: Asked, subscription: SubscriptionId, body: OwnSubscriptionCancelRequest
) -> SubscriptionView:
    """End it with the period that is paid for, which can be undone until then, or at once."""
    _require_own(asked, subscription)
    after = asked.city.subscriptions.cancel(
        asked.scope, subscription, body.reason, at_period_end=body.when is When.PERIOD_END, token=body.token
    )
    return SubscriptionView.of_own(after)


@routes.post("/{subscription}/undo", action="subscriptions:undo", status=200)
def undo_own_subscription(asked: Asked, subscription: SubscriptionId, body: StepTokenRequest) -> SubscriptionView:
    """Take back what was to happen when the period ends."""
    _require_own(asked, subscription)
    return SubscriptionView.of_own(asked.city.subscriptions.undo(asked.scope, subscription, token=body.token))


@routes.put("/{subscription}/payment-method", action="subscriptions:change")
def change_own_payment_method(
    asked: Asked, subscription: SubscriptionId, body: PaymentMethodRequest
) -> SubscriptionView:
    """Have another payment method charged from now on; what is owed is collected with the next retry."""
    _require_own(asked, subscription)
    after = asked.city.subscriptions.change_method(asked.scope, subscription, body.payment_method)
    return SubscriptionView.of_own(after)


@routes.get("/{subscription}/forecast", action="subscriptions:read")
def forecast_own_subscription(asked: Asked, subscription: SubscriptionId, query: ForecastQuery) -> ForecastView:
    """Say what the next cycles will bill, as far as it is known today."""
    _require_own(asked, subscription)
    bills = asked.city.subscriptions.forecast(asked.scope, subscription, query.cycles)
    return ForecastView(cycles=tuple(map(ForecastCycleView.of, bills)))


@routes.get("/{subscription}/invoices", action="invoices:list")
def list_own_subscription_invoices(
    asked: Asked, subscription: SubscriptionId, query: OwnInvoicesQuery
) -> Listed[InvoiceView]:
    """List the invoices of one of one's own subscriptions, newest first."""
    _require_own(asked, subscription)
    where = InvoiceFilter(subscription=subscription, status=query.status)
    page = asked.city.invoices.list(asked.scope, where, asked.page(query))
    return asked.listed(query, page, InvoiceView.of_own)


@routes.post(
    "/{subscription}/invoices/{invoice}/pay",
    action="invoices:pay",
    status=200,
    steps=Steps.CHARGING,
    moves_money=True,
)
def pay_own_invoice(asked: Asked, subscription: SubscriptionId, invoice: InvoiceId) -> InvoicePaymentView:
    """Pay an open invoice now, with the payment method of its subscription."""
    _require_own(asked, subscription)
    if require_own_invoice(asked, invoice).subscription_id != subscription:
        raise NotFound("invoice_not_found", NOWHERE)
    made = asked.city.subscriptions.pay(asked.scope, invoice)
    return InvoicePaymentView.of(made, asked.city.invoices.get(asked.scope, invoice))
