"""Somebody who bills and collects: what tests of the billing run start from."""

from datetime import UTC, datetime
from typing import Any, Self

from attrs import field, frozen

from cityos_adapters.memory.gateway import ScriptedGateway
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import PageRequest
from cityos_core.subscriptions.attempts import AttemptStatus, PaymentAttempt
from cityos_core.subscriptions.billing_service import BillingUseCases
from cityos_core.subscriptions.certificate import BillingRun, Certificate
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus
from cityos_core.subscriptions.dunning import DunningCase
from cityos_core.subscriptions.holding import open_docket
from cityos_core.subscriptions.invoice_service import InvoiceUseCases
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.plans import Plan, PlanItem
from cityos_core.subscriptions.retrying import Retried
from cityos_core.subscriptions.tallying import Billed
from cityos_core.subscriptions.terms import Subscriber, SubscriberKind
from cityos_core.subscriptions.voiding import voided
from cityos_core.unit_of_work import UnitOfWorkFactory
from usecases.billing import Office
from usecases.subscribing import CHARGED, Club


@frozen(kw_only=True)
class Cashier:
    """A tenant with a scripted gateway that forgets keys after a day, as most do."""

    club: Club
    gateway: ScriptedGateway
    billing: BillingUseCases
    invoicing: InvoiceUseCases
    told: list[Billed] = field(factory=list)
    """What came of every cycle of the last run."""

    @classmethod
    def open(cls, database: UnitOfWorkFactory | None = None, **terms: Any) -> Self:
        """Open one, over memory unless told otherwise."""
        gateway = ScriptedGateway()
        club = Club.open(Office.open(database=database, gateways={"card": gateway}, **terms))
        gateway.clock = club.office.clock
        return cls(
            club=club,
            gateway=gateway,
            billing=BillingUseCases.of(club.office.dependencies),
            invoicing=InvoiceUseCases.of(club.office.dependencies),
        )

    @property
    def scope(self) -> Any:
        """The tenant's."""
        return self.club.scope

    @property
    def now(self) -> datetime:
        """The time."""
        return self.club.now

    def wait(self, **parts: int) -> None:
        """Let time pass."""
        self.club.wait(**parts)

    def until(self, text: str) -> None:
        """Let time pass until an instant in UTC."""
        self.club.office.clock.set(datetime.fromisoformat(text).replace(tzinfo=UTC))

    def sell(self, *items: PlanItem, **terms: Any) -> Plan:
        """Sell a plan: 30.00 EUR a month unless told otherwise."""
        return self.club.sell(*items, **terms)

    def join(self, subscriber: str = "ada", plan: str = "basic", **terms: Any) -> Subscription:
        """Let somebody subscribe, charged to a stored payment method unless told otherwise."""
        who = Subscriber(SubscriberKind.CUSTOMER, subscriber)
        return self.club.begin(plan, **{"subscriber": who, "collection": CHARGED, **terms})

    def run(self, **options: Any) -> Certificate:
        """Run billing; the certificate must tie, and tell of as many cycles as it counts."""
        return self.certified(**options).certificate

    def certified(self, **options: Any) -> BillingRun:
        """Run billing, and give the run."""
        self.told.clear()
        run = self.billing.run(self.scope, each=self.told.append, **options)
        assert run.certificate.ties, run.certificate.differences
        assert len(self.told) == run.certificate.due
        return run

    def retry(self) -> Retried:
        """Run the retries."""
        return self.billing.retry(self.scope)

    def get(self, subscription: Subscription) -> Subscription:
        """Read a subscription."""
        return self.club.get(subscription)

    def status(self, subscription: Subscription) -> str:
        """Say where a subscription stands."""
        return self.get(subscription).status.value

    def states(self, subscription: Subscription) -> list[str]:
        """Say where the cycles stand."""
        return self.club.states(subscription)

    def cycle(self, subscription: Subscription, index: int) -> BillingCycle:
        """Give a cycle."""
        return next(one for one in self.club.cycles(subscription) if one.index == index)

    def invoices(self, subscription: Subscription | None = None) -> list[Invoice]:
        """List invoices, oldest first."""
        return self.club.invoices(subscription)

    def attempts(self) -> list[PaymentAttempt]:
        """List attempts in the order they were made."""
        return sorted(self.club.attempts(), key=lambda one: (one.started_at, one.key))

    def last(self) -> PaymentAttempt:
        """Give the latest attempt."""
        return self.attempts()[-1]

    def cases(self) -> list[DunningCase]:
        """List dunning cases, over or not."""
        wanted = [one.id for one in self.invoices()]
        with self.club.office.database(self.scope) as uow:
            return list(uow.dunning.find(wanted).values())

    def notices(self) -> list[str]:
        """List the notices that were sent, by their templates."""
        told: list[Any] = list(self.club.happened("subscription.notice"))
        return [one.template.value for one in told]

    def runs(self) -> list[BillingRun]:
        """List the runs on file, newest first."""
        return list(self.billing.runs(self.scope, PageRequest(100)).items)

    def failed(self) -> list[BillingCycle]:
        """List the cycles that wait for a person."""
        found = self.billing.cycles(self.scope, CycleStatus.FAILED, PageRequest(100)).items
        return [one for one in found if one.invoice_id is None]

    def owes(self, subscriber: str = "ada") -> str:
        """Say what a subscriber owes by the ledger."""
        return self.club.office.holds(f"customer:{subscriber}:receivable")

    def credit(self, subscriber: str = "ada") -> str:
        """Say what a subscriber has in credit."""
        return self.club.office.holds(f"customer:{subscriber}:credit")

    def void(self, invoice: Invoice) -> None:
        """Void an invoice although a payment may be under way."""
        with self.club.office.database(self.scope) as uow:
            docket = open_docket(self.club.office.dependencies, uow, self.scope)
            voided(docket, invoice, "a mistake", rows=uow.cycles.of([invoice.subscription_id]))
            uow.commit(docket.write())

    def audit(self) -> None:
        """Prove the books, that nothing was collected twice, and that each cycle has one row and one invoice."""
        self.club.audit()
        keys = [charge.key for charge in self.gateway.charged]
        assert len(keys) == len(set(keys))
        attempts = {one.key: one for one in self.attempts()}
        collected = sum(charge.amount.minor for charge in self.gateway.charged)
        known = sum(one.amount.minor for one in attempts.values() if one.status is AttemptStatus.SUCCEEDED)
        open_ = {key for key, one in attempts.items() if one.status in (AttemptStatus.PENDING, AttemptStatus.UNKNOWN)}
        lost = sum(charge.amount.minor for charge in self.gateway.charged if charge.key in open_)
        assert collected == known + lost
        self._check_owed()

    def _check_owed(self) -> None:
        for subscriber in {one.subscriber.reference for one in self.invoices()}:
            theirs = [one for one in self.invoices() if one.subscriber.reference == subscriber]
            assert self.owes(subscriber) == sum((one.due for one in theirs), Money.zero("EUR")).text
