"""Plans and subscriptions to test with, and a small book that invoices what is proposed."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from attrs import evolve

from cityos_core.kernel.ids import InvoiceId, PlanId, SubscriptionId, TenantId
from cityos_core.kernel.money import Percentage, UnitPrice
from cityos_core.kernel.proration import Resolution
from cityos_core.kernel.tiers import Pricing, Tier
from cityos_core.kernel.time import Interval
from cityos_core.subscriptions.billing import Bill, bill
from cityos_core.subscriptions.changes import Present, Proposal
from cityos_core.subscriptions.invoices import Invoice, InvoiceStatus, Line, standing
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.plans import ItemKind, Plan, PlanItem
from cityos_core.subscriptions.terms import Collection, CollectionMethod, Discount, Subscriber, SubscriberKind, TaxRate
from cityos_core.subscriptions.trials import Agreement, begin

TENANT = TenantId(UUID(int=1))
START = datetime(2025, 1, 31, 12, 0, tzinfo=UTC)
CUSTOMER = Subscriber(SubscriberKind.CUSTOMER, "ada")
VAT = TaxRate(percentage=Percentage.of("21"), jurisdiction="nl")
TERMS = Collection(method=CollectionMethod.INVOICE, terms_days=14)


def at(text: str) -> datetime:
    """Read an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fixed(price: str = "30.00", key: str = "base") -> PlanItem:
    """Make an item with one price a period."""
    return PlanItem(key=key, name=key.title(), price=UnitPrice.of(price, "EUR"))


def seats(price: str = "10.00") -> PlanItem:
    """Make an item with a price per seat."""
    return PlanItem(key="seats", name="Seats", kind=ItemKind.PER_SEAT, price=UnitPrice.of(price, "EUR"))


def metered(*tiers: Tier, **form: Any) -> PlanItem:
    """Make an item charged by usage: ten units at 1.00, then 0.50 each, unless told otherwise."""
    bands = tiers or (Tier(up_to=Fraction(10), unit=Fraction(1)), Tier(unit=Fraction(1, 2)))
    return PlanItem(key="calls", name="Calls", kind=ItemKind.METERED, pricing=Pricing(tiers=bands, **form))


def plan(*items: PlanItem, number: int = 1, **terms: Any) -> Plan:
    """Make a plan: monthly, 30.00 EUR, unless told otherwise."""
    return Plan(
        id=PlanId(UUID(int=number)),
        tenant_id=TENANT,
        handle=f"plan-{number}",
        name=f"Plan {number}",
        items=items or (fixed(),),
        created_at=START,
        **{"currency": "EUR", **terms},
    )


def subscribe(
    to: Plan,
    *,
    quantities: dict[str, int] | None = None,
    discounts: Iterable[Discount] = (),
    tax: TaxRate | None = None,
    start: datetime = START,
    place: str = "UTC",
    number: int = 1,
    trial_days: int | None = None,
    collection: Collection = TERMS,
    subscriber: Subscriber = CUSTOMER,
) -> Subscription:
    """Begin a subscription on 31 January 2025 at noon, invoiced with terms, unless told otherwise."""
    return begin(
        to,
        Agreement(
            subscriber=subscriber,
            quantities=quantities or {},
            discounts=tuple(discounts),
            tax=tax,
            collection=collection,
            trial_days=trial_days,
        ),
        id=SubscriptionId(UUID(int=number)),
        tenant_id=TENANT,
        place=place,
        at=start,
    )


class Book:
    """A subscription with all it was invoiced, as use cases keep it."""

    def __init__(self, to: Plan, subscription: Subscription | None = None, **terms: Any) -> None:
        self.plan = to
        self.subscription = subscription or subscribe(to, **terms)
        self.invoices: list[Invoice] = []
        self.begun: list[int] = []

    def bill(self, **options: Any) -> Bill:
        """Bill the next cycle."""
        found = bill(self.subscription, self.plan, **options)
        self.subscription = found.subscription
        self._invoice(found.cycle, found.lines)
        self.begun.append(found.cycle)
        return found

    def bill_until(self, now: datetime) -> None:
        """Bill every cycle that is due."""
        while (due_at := self.subscription.due_at) is not None and due_at <= now:
            self.bill()

    @property
    def present(self) -> Present:
        """What a change starts from."""
        return Present(subscription=self.subscription, plan=self.plan, charged=standing(self.invoices))

    def commit(self, proposal: Proposal, to: Plan | None = None) -> Proposal:
        """Take a proposal over."""
        self.subscription = evolve(proposal.subscription, version=proposal.subscription.version + 1)
        self.plan = to or self.plan
        self._invoice(proposal.cycle, proposal.lines)
        if proposal.begins is not None:
            self.begun.append(proposal.cycle)
        return proposal

    def _invoice(self, cycle: int, lines: Sequence[Line]) -> None:
        self.invoices.append(invoice(lines, number=len(self.invoices), cycle=cycle))

    @property
    def charged(self) -> int:
        """What all lines but credits come to, with tax."""
        return sum(line.total for one in self.invoices for line in one.lines if line.credits is None)

    @property
    def credited(self) -> int:
        """What all credits come to, with tax."""
        return -sum(line.total for one in self.invoices for line in one.lines if line.credits is not None)

    @property
    def total(self) -> int:
        """What was invoiced in all, in minor units."""
        return sum(one.total.minor for one in self.invoices)


def invoice(
    lines: Sequence[Line], *, number: int = 0, status: InvoiceStatus = InvoiceStatus.OPEN, **terms: Any
) -> Invoice:
    """Make an invoice of lines."""
    return Invoice(
        id=InvoiceId(UUID(int=number + 1)),
        tenant_id=TENANT,
        subscription_id=SubscriptionId(UUID(int=1)),
        entity="main",
        number=number + 1,
        status=status,
        subscriber=CUSTOMER,
        currency="EUR",
        lines=tuple(lines),
        created_at=START,
        **{"cycle": 0, **terms},
    )


DAYS = {"proration": Resolution.DAY}
SECONDS = {"proration": Resolution.SECOND}
YEARLY = {"interval": Interval.YEAR}
ACTIVE = SubscriptionStatus.ACTIVE
