"""What one transaction does about subscriptions: gathered while it is decided, and written in sets."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from attrs import define, evolve, field

from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers, InvoiceId, PlanId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.ledger.model import Account, Journal
from cityos_core.subscriptions.attempts import PaymentAttempt
from cityos_core.subscriptions.cycles import BillingCycle
from cityos_core.subscriptions.dunning import DunningCase
from cityos_core.subscriptions.events import entered, settled
from cityos_core.subscriptions.invoices import CreditNote, Invoice, Line
from cityos_core.subscriptions.issuing import draft, issue
from cityos_core.subscriptions.journals import ISSUED, account, credit_of, issued, journal
from cityos_core.subscriptions.model import Subscription
from cityos_core.subscriptions.mrr import Movement, movement
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.recognition import deferred
from cityos_core.subscriptions.settings import LEGAL_ENTITY
from cityos_core.tenancy.settings import Configuration
from cityos_core.unit_of_work import UnitOfWork

T = TypeVar("T")


@define(kw_only=True)
class Docket:
    """Everything that one unit of work is going to store about subscriptions, each record in its latest form.

    Records keep the version they were read at; storage moves it one up. Nothing is written before :meth:`write`, but for
    the numbers that :meth:`issue` takes.
    """

    uow: UnitOfWork
    identifiers: Identifiers
    configuration: Configuration
    at: datetime
    plans: dict[PlanId, Plan] = field(factory=dict)
    journals: list[Journal] = field(factory=list)
    events: list[Event] = field(factory=list)
    notes: list[CreditNote] = field(factory=list)
    usage_settled: list[SubscriptionId] = field(factory=list)
    """Subscriptions whose late usage is billed herewith."""
    _subscriptions: dict[SubscriptionId, Subscription] = field(factory=dict, init=False)
    _begun: set[SubscriptionId] = field(factory=set, init=False)
    _cycles: dict[tuple[SubscriptionId, int], BillingCycle] = field(factory=dict, init=False)
    _laid: set[tuple[SubscriptionId, int]] = field(factory=set, init=False)
    _invoices: dict[InvoiceId, Invoice] = field(factory=dict, init=False)
    _issued: set[InvoiceId] = field(factory=set, init=False)
    _attempts: dict[str, PaymentAttempt] = field(factory=dict, init=False)
    _made: set[str] = field(factory=set, init=False)
    _cases: dict[InvoiceId, DunningCase] = field(factory=dict, init=False)

    @property
    def place(self) -> str:
        """The tenant's time zone, in which days are counted."""
        return self.configuration.tenant.time_zone

    @property
    def entity(self) -> str:
        """The legal entity that invoices."""
        return self.configuration.value(LEGAL_ENTITY) or self.configuration.tenant.handle

    @property
    def attempts(self) -> list[PaymentAttempt]:
        """The new attempts, which are made once they are committed."""
        return [one for key, one in self._attempts.items() if key in self._made]

    def begin(self, subscription: Subscription) -> None:
        """Add a new subscription."""
        self._begun.add(subscription.id)
        self._subscriptions[subscription.id] = subscription
        self.events.append(entered(subscription, self.at))

    def save(self, before: Subscription, after: Subscription) -> None:
        """Change a subscription; what it enters is told."""
        if after.status is not before.status:
            self.events.append(entered(after, self.at))
        if after != before or after.id in self._subscriptions:
            self._subscriptions[after.id] = after

    def lay(self, cycle: BillingCycle) -> None:
        """Add a new cycle."""
        self._laid.add((cycle.subscription_id, cycle.index))
        self._cycles[cycle.subscription_id, cycle.index] = cycle

    def move(self, cycle: BillingCycle) -> None:
        """Change a cycle."""
        self._cycles[cycle.subscription_id, cycle.index] = cycle

    def attempt(self, attempt: PaymentAttempt) -> None:
        """Add a new attempt."""
        self._made.add(attempt.key)
        self._attempts[attempt.key] = attempt

    def answered(self, attempt: PaymentAttempt) -> None:
        """Change an attempt."""
        self._attempts[attempt.key] = attempt

    def case(self, case: DunningCase) -> None:
        """Add or change a dunning case."""
        self._cases[case.invoice_id] = case

    def amend(self, invoice: Invoice, before: Invoice | None = None) -> None:
        """Change an invoice that was issued; with what it was before, the state it enters is told."""
        self._invoices[invoice.id] = invoice
        if before is not None and before.status is not invoice.status:
            self.events.append(settled(invoice, self.at))

    def draft(self, subscription: Subscription, lines: Sequence[Line], *, cycle: int, change: int = 0) -> Invoice:
        """Write an invoice that is not issued yet; the docket does not keep it."""
        return draft(
            subscription,
            lines,
            id=self.identifiers.new(),
            cycle=cycle,
            change=change,
            entity=self.entity,
            at=self.at,
        )

    def issue(self, drafts: Sequence[Invoice]) -> list[Invoice]:
        """Issue drafts of the docket's entity in their order: their numbers, what credit pays of them, and the books."""
        if not drafts:
            return []
        first = self.uow.numbers.take(f"invoice:{self.entity}", len(drafts))
        credit = self._credit(drafts)
        return [self._issue(one, first + place, credit) for place, one in enumerate(drafts)]

    def _credit(self, drafts: Iterable[Invoice]) -> dict[Account, int]:
        """Hold the credit of those who have some, and give it."""
        wanted = {_credit_account(one) for one in drafts if one.total.minor > 0}
        some = [where for where, amount in self.uow.ledger.peek(sorted(wanted)).items() if amount > 0]
        return dict(self.uow.ledger.lock(some)) if some else {}

    def _issue(self, one: Invoice, number: int, credit: dict[Account, int]) -> Invoice:
        where = _credit_account(one)
        has = Money(credit.get(where, 0), one.currency)
        done = issue(one, number=number, at=self.at, place=self.place, credit=has)
        if done.from_credit:
            credit[where] -= done.from_credit
        if deferred(done):
            done = evolve(done, recognise_at=self.at)
        self._issued.add(done.id)
        self._invoices[done.id] = done
        self.events.append(settled(done, self.at))
        self.journals += journal(
            done,
            self.identifiers,
            key=f"invoice:{done.id}:issue",
            kind=ISSUED,
            movements=issued(done),
            at=self.at,
            number=f"{done.entity}/{number}",
        )
        return done

    def write(self) -> list[Event]:
        """Store it all, with the movements of recurring revenue that follow; give the events to commit with."""
        uow, stored = self.uow, self._subscriptions
        for subscription_id in stored.keys() & self._begun:
            uow.subscriptions.add(stored[subscription_id])
        _store(uow.subscriptions.save, [one for key, one in stored.items() if key not in self._begun])
        _store(uow.cycles.save, [one for key, one in self._cycles.items() if key not in self._laid])
        _store(uow.cycles.add, [one for key, one in self._cycles.items() if key in self._laid])
        _store(uow.invoices.add, [one for key, one in self._invoices.items() if key in self._issued])
        _store(uow.invoices.save, [one for key, one in self._invoices.items() if key not in self._issued])
        _store(uow.credit_notes.add, self.notes)
        _store(uow.attempts.add, self.attempts)
        _store(uow.attempts.save, [one for key, one in self._attempts.items() if key not in self._made])
        _store(uow.dunning.put, [*self._cases.values()])
        _store(uow.movements.add, self._movements())
        if self.usage_settled:
            uow.usage.settle(self.usage_settled)
        if self.journals:
            uow.ledger.post_many(self.journals)
        return self.events

    def _movements(self) -> list[Movement]:
        latest = self.uow.movements.latest(self._subscriptions) if self._subscriptions else {}
        moved = (movement(latest.get(one.id), one, self._plan(one), at=self.at) for one in self._subscriptions.values())
        return [one for one in moved if one is not None]

    def _plan(self, subscription: Subscription) -> Plan:
        return self.plans[subscription.plan_id]


def _credit_account(invoice: Invoice) -> Account:
    return account(invoice, credit_of(invoice.subscriber))


def _store(command: Callable[[Sequence[T]], None], records: Sequence[T]) -> None:
    if records:
        command(records)
