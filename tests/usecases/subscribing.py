"""Somebody who subscribes: what tests of the use cases of subscriptions start from, and what must hold after each."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Self

from attrs import evolve, frozen

from cityos_adapters.memory import MemoryDatabase
from cityos_core.kernel.events import Event
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import every
from cityos_core.kernel.proration import Resolution
from cityos_core.subscriptions.applying import OVER
from cityos_core.subscriptions.attempts import AttemptStatus, PaymentAttempt
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus
from cityos_core.subscriptions.desk import Preview
from cityos_core.subscriptions.invoices import CreditNote, Invoice, InvoiceStatus, standing
from cityos_core.subscriptions.journals import owed, owed_by
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.mrr import Movement, recurring_revenue
from cityos_core.subscriptions.plans import Plan, PlanItem
from cityos_core.subscriptions.reading import by_subscription
from cityos_core.subscriptions.subscription_service import PlanUseCases, SubscriptionUseCases
from cityos_core.subscriptions.terms import Collection, Subscriber, SubscriberKind
from cityos_core.subscriptions.trials import Agreement
from core.subscriptions.samples import fixed
from usecases.billing import TERMS, Office

KINDS = ("memory", "sqlite", "postgresql")
"""Databases that these tests run on."""

CHARGED = Collection()
"""Charged to a stored payment method."""

ADA = Subscriber(SubscriberKind.CUSTOMER, "ada")


def agreed(**terms: Any) -> Agreement:
    """Agree with Ada: on account, without anything special, unless told otherwise."""
    return Agreement(**{"subscriber": ADA, "quantities": {}, "collection": TERMS, **terms})


@frozen(kw_only=True)
class Club:
    """A tenant, what it sells by the period, and who has it."""

    office: Office
    plans: PlanUseCases
    subscriptions: SubscriptionUseCases

    @classmethod
    def open(cls, office: Office | None = None, **settings: Any) -> Self:
        """Open one, over memory unless told otherwise."""
        office = office or Office.open(**settings)
        return cls(
            office=office,
            plans=PlanUseCases.of(office.dependencies),
            subscriptions=SubscriptionUseCases.of(office.dependencies),
        )

    @property
    def scope(self) -> Any:
        """The tenant's."""
        return self.office.scope

    @property
    def now(self) -> datetime:
        """The time."""
        return self.office.clock.now()

    def wait(self, **parts: int) -> None:
        """Let time pass."""
        self.office.clock.advance(timedelta(**parts))

    def sell(self, *items: PlanItem, handle: str = "basic", **terms: Any) -> Plan:
        """Sell a plan: 30.00 EUR a month unless told otherwise."""
        words = {"proration": Resolution.DAY, **terms}
        return self.plans.create(self.scope, handle, name=handle.title(), items=items or (fixed(),), **words)

    def begin(self, plan: str = "basic", **terms: Any) -> Subscription:
        """Let Ada subscribe."""
        options = {key: terms.pop(key) for key in ("store", "payment_method", "key") if key in terms}
        return self.subscriptions.begin(self.scope, plan, agreed(**terms), **options)

    def do(self, action: str, subscription: Subscription, *args: Any, **words: Any) -> Subscription:
        """Do something with a subscription."""
        done: Subscription = getattr(self.subscriptions, action)(self.scope, subscription.id, *args, **words)
        return done

    def preview(self, subscription: Subscription, wish: Any) -> Preview:
        """Preview a wish."""
        return self.subscriptions.preview(self.scope, subscription.id, wish)

    def get(self, subscription: Subscription) -> Subscription:
        """Read a subscription."""
        return self.subscriptions.get(self.scope, subscription.id)

    def invoices(self, subscription: Subscription | None = None) -> list[Invoice]:
        """List invoices, oldest first."""
        return self.office.invoices(subscription.id if subscription else None)

    def cycles(self, subscription: Subscription) -> list[BillingCycle]:
        """List cycles."""
        return self.subscriptions.cycles(self.scope, subscription.id)

    def states(self, subscription: Subscription) -> list[str]:
        """Say where the cycles stand."""
        return [one.status.value for one in self.cycles(subscription)]

    def attempts(self, *invoices: Invoice) -> list[PaymentAttempt]:
        """List attempts."""
        wanted = [one.id for one in invoices or self.invoices()]
        with self.office.database(self.scope) as uow:
            return uow.attempts.of(wanted)

    def movements(self) -> list[Movement]:
        """List the movements of recurring revenue."""
        with self.office.database(self.scope) as uow:
            return uow.movements.until(self.now + timedelta(microseconds=1))

    def happened(self, *prefixes: str) -> list[Event]:
        """List the events told so far whose names begin so."""
        database = self.office.database
        told: list[Event] = database.outbox if isinstance(database, MemoryDatabase) else []
        return [event for event in told if event.name.startswith(prefixes)]

    def totals(self, subscription: Subscription | None = None) -> list[str]:
        """Say what invoices come to."""
        return [one.total.text for one in self.invoices(subscription)]

    def audit(self) -> None:
        """Check what holds whatever was done: the books, the invoices, and that nothing was given back twice."""
        verified = self.office.ledger.verify(self.scope)
        assert verified.ok, verified.differences
        invoices = self.invoices()
        assert [one.number for one in invoices] == list(range(1, len(invoices) + 1))
        for invoice in invoices:
            _check_sums(invoice)
        with self.office.database(self.scope) as uow:
            notes = uow.credit_notes.of([one.id for one in invoices if one.status is not InvoiceStatus.VOID])
        self._check_books(invoices, notes)
        for found in by_subscription(invoices).values():
            _check_credits(found, notes)
        for subscription in every(lambda request: self.subscriptions.list(self.scope, None, request)):
            self._check_cycles(subscription)

    def _check_cycles(self, subscription: Subscription) -> None:
        rows = self.cycles(subscription)
        assert [row.index for row in rows] == list(range(len(rows)))
        for row, following in pairwise(rows):
            assert row.starts_at <= row.ends_at <= following.starts_at
        assert len(rows) - subscription.next_cycle in ((0, 1) if subscription.status in OVER else (1,))
        if subscription.status not in OVER and rows[-1].status is CycleStatus.UPCOMING:
            period = subscription.period(subscription.next_cycle)
            assert rows[-1] == evolve(
                rows[-1], starts_at=period.start_utc, ends_at=period.end_utc, due_at=subscription.due_at
            )
        with self.office.database(self.scope) as uow:
            plan = uow.plans.get(subscription.plan_id)
            latest = uow.movements.latest([subscription.id]).get(subscription.id)
        revenue = recurring_revenue(subscription, plan)
        assert revenue == (latest.revenue if latest else Money.zero(plan.currency))

    def _check_books(self, invoices: list[Invoice], notes: list[CreditNote]) -> None:
        counted = [one for one in invoices if one.status is not InvoiceStatus.VOID]
        expected: Counter[str] = Counter()
        given = {part: sum(getattr(line, part) for note in notes for line in note.lines) for part in ("net", "tax")}
        expected["earned"] = sum(one.net.minor for one in counted) - given["net"]
        expected["tax"] = sum(one.tax_total.minor for one in counted) - given["tax"]
        for one in invoices:
            if one.status is InvoiceStatus.OPEN:
                expected[owed_by(one.subscriber)] += owed(one)
        paid = [one for one in self.attempts() if one.status is AttemptStatus.SUCCEEDED]
        expected["gateway"] = sum(one.amount.minor for one in paid)
        booked: Counter[str] = Counter()
        for item in self.office.ledger.balances(self.scope):
            head = item.account.path.partition(":")[0]
            place = {"deferred": "earned", "revenue": "earned", "tax": "tax", "gateway": "gateway"}.get(head)
            if place or item.account.path.endswith(":receivable"):
                booked[place or item.account.path] += item.money.minor
        assert {key: amount for key, amount in booked.items() if amount} == {
            key: amount for key, amount in expected.items() if amount
        }


def _check_sums(invoice: Invoice) -> None:
    for line in invoice.lines:
        inside = line.tax if invoice.tax is not None and invoice.tax.included else 0
        assert line.gross - line.discount == line.net + inside, line
    assert invoice.net + invoice.tax_total == invoice.total
    if invoice.status in (InvoiceStatus.OPEN, InvoiceStatus.PAID):
        assert 0 <= invoice.from_credit <= max(invoice.total.minor, 0)


def _check_credits(invoices: list[Invoice], notes: list[CreditNote]) -> None:
    for one in standing(invoices, notes, among=frozenset(InvoiceStatus)):
        assert one.net >= 0, one
        assert one.tax >= 0, one
