"""What customers do about payment: pay an open invoice now, give another payment method."""

from attrs import evolve, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.subscriptions.attempts import Origin, PaymentAttempt, attempt
from cityos_core.subscriptions.desk import Desk
from cityos_core.subscriptions.dunning import new_method
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.reading import plans_of
from cityos_core.subscriptions.settings import BILLING_GATEWAY
from cityos_core.subscriptions.terms import LONGEST_REFERENCE


@frozen
class PayInvoice:
    """Collect an open invoice now because the customer wants to pay; a failure does not count as one of dunning's.

    ``Conflict("attempt_unsettled")`` while the outcome of another attempt is not known, ``Conflict("nothing_due")`` if
    nothing is left to pay.
    """

    desk: Desk

    def __call__(self, scope: TenantScope, invoice_id: InvoiceId) -> PaymentAttempt:
        """Give the attempt as it is when the gateway has been asked."""
        with self.desk.unit_of_work(scope) as uow:
            docket = self.desk.open(uow, scope, self.desk.clock.now())
            uow.subscriptions.get(uow.invoices.get(invoice_id).subscription_id, lock=True)
            invoice, earlier = uow.invoices.get(invoice_id), uow.attempts.of([invoice_id])
            gateway = docket.configuration.value(BILLING_GATEWAY)
            made = attempt(invoice, earlier, origin=Origin.CUSTOMER, gateway=gateway, at=docket.at)
            self.desk.require_gateway(docket.configuration)
            docket.attempt(made)
            commit(uow, docket.write(), "subscriptions.pay")
        return self.desk.collect(scope, [made])[0]


@frozen
class ChangeMethod:
    """Charge another payment method from now on; dunning that waited for one goes on with it.

    What is owed is collected with the next retry, or at once if it is paid. ``None`` is the gateway's default.
    """

    desk: Desk

    def __call__(self, scope: TenantScope, subscription_id: SubscriptionId, payment_method: str | None) -> Subscription:
        """Change it, also where the subscription is over: what it owes can be paid with it."""
        method = payment_reference(payment_method)
        with self.desk.unit_of_work(scope) as uow:
            docket = self.desk.open(uow, scope, self.desk.clock.now())
            before = uow.subscriptions.get(subscription_id, lock=True)
            docket.plans |= plans_of(uow, [before])
            docket.save(before, evolve(before, payment_method=method))
            for case in uow.dunning.of([before.id]):
                waiting = new_method(case, docket.plans[before.plan_id].dunning, at=docket.at)
                if waiting != case:
                    docket.case(waiting)
            commit(uow, docket.write(), "subscriptions.change_method")
        return self.desk.collected(scope, docket, subscription_id)


def payment_reference(method: str | None) -> str | None:
    """Check a gateway's reference of a payment method."""
    if method is not None and (not method.strip() or len(method) > LONGEST_REFERENCE):
        detail = f"a payment method is the gateway's own reference of it, of one to {LONGEST_REFERENCE} characters"
        raise Invalid.at("$.payment_method", "payment_method", detail)
    return method
