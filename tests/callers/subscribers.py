"""Subscriptions of a tenant: customers who have plans, were billed, and could not always pay."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, Self
from uuid import UUID

from attrs import frozen

from callers.house import House
from cityos_core.kernel.ids import BillingRunId, InvoiceId, PlanId, SubscriptionId
from cityos_core.kernel.money import Money, UnitPrice
from cityos_core.kernel.tiers import Pricing, Tier
from cityos_core.subscriptions.crediting import Correction
from cityos_core.subscriptions.invoices import InvoiceStatus
from cityos_core.subscriptions.plans import ItemKind, PlanItem
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.subscriptions.terms import Subscriber, SubscriberKind
from cityos_core.subscriptions.trials import Agreement
from cityos_core.tenancy.model import Tenant

SEATS: Final = PlanItem(key="seats", name="Seats", kind=ItemKind.PER_SEAT, price=UnitPrice.of("10.00", "EUR"))
CALLS: Final = PlanItem(
    key="calls", name="Calls", kind=ItemKind.METERED, pricing=Pricing(tiers=(Tier(unit=Fraction("0.05")),))
)


@frozen(kw_only=True)
class Subscribers:
    """Who subscribed in a tenant: two subscriptions each, of two customers."""

    tenant: Tenant
    own: tuple[SubscriptionId, ...]
    rivals: tuple[SubscriptionId, ...]

    @classmethod
    def of(cls, house: House, tenant: Tenant, customer: str, rival: str) -> Self:
        """Sell two plans to both."""
        city, scope = house.city, tenant.scope
        plans = [f"{tenant.handle}-{name}" for name in ("team", "solo")]
        for plan in plans:
            city.plans.create(scope, plan, name=plan, items=[SEATS, CALLS])

        def begun(reference: str) -> tuple[SubscriptionId, ...]:
            agreement = Agreement(subscriber=Subscriber(SubscriberKind.CUSTOMER, reference), quantities={"seats": 2})
            return tuple(city.subscriptions.begin(scope, plan, agreement).id for plan in plans)

        return cls(tenant=tenant, own=begun(customer), rivals=begun(rival))

    def billed(self, house: House) -> tuple[Mapping[Any, UUID], Mapping[Any, UUID]]:
        """Bill them while one of each cannot pay; give what the first customer has, and what the other."""
        city, scope = house.city, self.tenant.scope
        for broke in (self.own[0], self.rivals[0]):
            city.subscriptions.change_method(scope, broke, "declined")
        runs = [city.billing.run(scope) for _ in range(2)]
        assert runs[0].certificate.ties
        plan = city.plans.get(scope, f"{self.tenant.handle}-solo")
        return (
            {**self._unpaid(house, self.own[0]), BillingRunId: runs[0].id, PlanId: plan.id},
            self._unpaid(house, self.rivals[0]),
        )

    def _unpaid(self, house: House, subscription: SubscriptionId) -> Mapping[Any, UUID]:
        """Find an invoice that could not be collected, try once more, and correct it twice."""
        city, scope = house.city, self.tenant.scope
        where = InvoiceFilter(subscription=subscription, status=InvoiceStatus.OPEN)
        invoice = city.invoices.list(scope, where).items[0]
        city.subscriptions.pay(scope, invoice.id)
        for _ in range(2):
            corrections = [Correction(line=0, amount=Money.of("1.00", "EUR"))]
            city.invoices.credit(scope, invoice.id, corrections, reason="a gesture")
        return {SubscriptionId: subscription, InvoiceId: invoice.id}
