"""What subscriptions need from storage. All repositories are one tenant's; all take and give several at a time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from cityos_core.kernel.ids import BillingRunId, CreditNoteId, InvoiceId, PlanId, SubscriptionId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.subscriptions.attempts import PaymentAttempt
from cityos_core.subscriptions.certificate import BillingRun
from cityos_core.subscriptions.cycles import BillingCycle, CycleStatus
from cityos_core.subscriptions.dunning import DunningCase
from cityos_core.subscriptions.invoices import CreditNote, Invoice, InvoiceStatus
from cityos_core.subscriptions.model import Subscription, SubscriptionStatus
from cityos_core.subscriptions.mrr import Movement
from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.usage import UsageRecord, Used


class Plans(Protocol):
    """The plans of one tenant."""

    def add(self, plan: Plan) -> None:
        """Store a new plan; ``Conflict("handle_taken")`` if the handle is in use."""
        ...

    def get(self, plan_id: PlanId) -> Plan:
        """Give a plan, or ``NotFound("plan_not_found")``."""
        ...

    def named(self, handle: str) -> Plan:
        """Give a plan by its handle, or ``NotFound("plan_not_found")``."""
        ...

    def many(self, plan_ids: Iterable[PlanId]) -> Mapping[PlanId, Plan]:
        """Give these plans, those there are, in one query."""
        ...

    def save(self, plan: Plan) -> None:
        """Store a changed plan, one version up; ``Conflict("stale")`` if someone was first."""
        ...

    def page(self, request: PageRequest) -> Page[Plan]:
        """List plans by handle."""
        ...


@frozen(kw_only=True)
class SubscriptionFilter:
    """Which subscriptions: every given part must hold. ``subscriber`` is the reference of a customer or company."""

    status: SubscriptionStatus | None = None
    subscriber: str | None = None
    plan: PlanId | None = None


class Subscriptions(Protocol):
    """The subscriptions of one tenant."""

    def add(self, subscription: Subscription) -> None:
        """Store a new subscription."""
        ...

    def get(self, subscription_id: SubscriptionId, *, lock: bool = False) -> Subscription:
        """Give a subscription, held until the unit of work ends if asked; ``NotFound("subscription_not_found")``."""
        ...

    def many(
        self, subscription_ids: Iterable[SubscriptionId], *, lock: bool = False
    ) -> Mapping[SubscriptionId, Subscription]:
        """Give these subscriptions, those there are, in one query; held if asked, in the order of their ids."""
        ...

    def save(self, subscriptions: Sequence[Subscription]) -> None:
        """Store changed subscriptions, one version up; ``Conflict("stale")`` if someone was first with one."""
        ...

    def page(self, where: SubscriptionFilter, request: PageRequest) -> Page[Subscription]:
        """List subscriptions, oldest first."""
        ...

    def abandoned(self, before: datetime, *, limit: int) -> list[SubscriptionId]:
        """List the incomplete ones that were created before an instant, oldest first."""
        ...


class Cycles(Protocol):
    """The billing cycles of one tenant; (subscription, index) is their natural key, unique in the database."""

    def add(self, cycles: Sequence[BillingCycle]) -> None:
        """Store new cycles; ``Conflict("cycle_exists")`` if one is there."""
        ...

    def save(self, cycles: Sequence[BillingCycle]) -> None:
        """Store changed cycles, one version up; ``Conflict("stale")`` if someone was first with one."""
        ...

    def claim(self, worker: str, now: datetime, *, lease: timedelta, limit: int) -> list[BillingCycle]:
        """Take due cycles (:meth:`BillingCycle.is_due`), longest due first, store them as claimed, and give them so.

        At most one of each subscription, and none while a worker that is believed to be alive has another of its. On
        PostgreSQL what another worker is taking is passed over (``SKIP LOCKED``).
        """
        ...

    def of(self, subscription_ids: Iterable[SubscriptionId], *, last: int | None = None) -> list[BillingCycle]:
        """List subscriptions' cycles, by subscription and index; only the ``last`` few of each, if given."""
        ...

    def counts(self, now: datetime) -> Mapping[CycleStatus, int]:
        """Count the cycles that had started by now, by state; ``upcoming`` are only those that are due."""
        ...

    def page(self, status: CycleStatus | None, request: PageRequest) -> Page[BillingCycle]:
        """List cycles, in some state if given, by start, subscription and index."""
        ...


@frozen(kw_only=True)
class InvoiceFilter:
    """Which invoices: every given part must hold. Those that are overdue are open, and due before ``overdue_at``."""

    status: InvoiceStatus | None = None
    subscriber: str | None = None
    subscription: SubscriptionId | None = None
    overdue_at: datetime | None = None


class Invoices(Protocol):
    """The invoices of one tenant with their lines; (subscription, cycle, change) and (entity, number) are unique."""

    def add(self, invoices: Sequence[Invoice]) -> None:
        """Store new invoices; ``Conflict("invoice_exists")`` if that cycle, or change, was invoiced before.

        ``Conflict("number_taken")`` if the entity has an invoice of that number, here and in :meth:`save`.
        """
        ...

    def get(self, invoice_id: InvoiceId) -> Invoice:
        """Give an invoice, or ``NotFound("invoice_not_found")``."""
        ...

    def save(self, invoices: Sequence[Invoice]) -> None:
        """Store changed invoices (their lines never change), one version up; ``Conflict("stale")`` if one is not."""
        ...

    def of(self, wanted: Mapping[SubscriptionId, Collection[int]]) -> list[Invoice]:
        """List the invoices of these cycles of subscriptions, by subscription, cycle and change, in one query."""
        ...

    def page(self, where: InvoiceFilter, request: PageRequest) -> Page[Invoice]:
        """List invoices, newest first."""
        ...

    def earning(self, now: datetime, *, limit: int) -> list[Invoice]:
        """List invoices whose ``recognise_at`` has come, longest due first, held until the unit of work ends.

        On PostgreSQL what another worker holds is passed over.
        """
        ...


class Numbers(Protocol):
    """Numbers without gaps, a series for each legal entity and kind of paper."""

    def take(self, series: str, count: int) -> int:
        """Give the first of so many numbers; the series is held until the unit of work ends, and goes back with it."""
        ...


class CreditNotes(Protocol):
    """The credit notes of one tenant; (entity, number) is unique. They never change."""

    def add(self, notes: Sequence[CreditNote]) -> None:
        """Store new credit notes; ``Conflict("number_taken")`` if the entity has one of that number."""
        ...

    def get(self, note_id: CreditNoteId) -> CreditNote:
        """Give a credit note, or ``NotFound("credit_note_not_found")``."""
        ...

    def of(self, invoice_ids: Iterable[InvoiceId]) -> list[CreditNote]:
        """List the credit notes of invoices, by invoice and number, in one query."""
        ...


class Attempts(Protocol):
    """The payment attempts of one tenant; (subscription, cycle, change, number) is unique, and so is the key."""

    def add(self, attempts: Sequence[PaymentAttempt]) -> None:
        """Store new attempts; ``Conflict("attempt_exists")`` if one is there."""
        ...

    def save(self, attempts: Sequence[PaymentAttempt]) -> None:
        """Store changed attempts, one version up; ``Conflict("stale")`` if someone was first with one."""
        ...

    def of(self, invoice_ids: Iterable[InvoiceId]) -> list[PaymentAttempt]:
        """List the attempts at invoices, by invoice and number, in one query."""
        ...

    def due(self, now: datetime, *, limit: int) -> list[PaymentAttempt]:
        """List unsettled attempts whose ``next_at`` has come, longest due first."""
        ...


class Dunning(Protocol):
    """The dunning cases of one tenant, one for each invoice whose first charge failed."""

    def put(self, cases: Sequence[DunningCase]) -> None:
        """Store cases: new ones at version 1, changed ones one version up; ``Conflict("stale")`` if one is not."""
        ...

    def of(self, subscription_ids: Iterable[SubscriptionId]) -> list[DunningCase]:
        """List the cases of subscriptions that are not over, by invoice, in one query."""
        ...

    def find(self, invoice_ids: Iterable[InvoiceId]) -> Mapping[InvoiceId, DunningCase]:
        """Give the cases of invoices, over or not, those there are, in one query."""
        ...

    def due(self, now: datetime, *, limit: int) -> list[DunningCase]:
        """List the cases whose ``next_at`` has come, longest due first."""
        ...


class Usage(Protocol):
    """What was used; (subscription, key) is unique."""

    def add(self, records: Sequence[UsageRecord]) -> None:
        """Store new records; ``Conflict("usage_recorded")`` if a key is there, which is found by :meth:`find`."""
        ...

    def find(self, subscription_id: SubscriptionId, keys: Iterable[str]) -> Mapping[str, UsageRecord]:
        """Give a subscription's records by these keys, those there are, in one query."""
        ...

    def sums(self, spans: Mapping[SubscriptionId, Sequence[tuple[datetime, datetime]]]) -> list[Used]:
        """Sum what counts in spans ``[start, end)`` of subscriptions, by subscription, span and item, in one query."""
        ...

    def unbilled(self, subscription_ids: Iterable[SubscriptionId]) -> Mapping[SubscriptionId, Sequence[datetime]]:
        """Give the instants, each once, at which late records count whose period was billed before they came."""
        ...

    def settle(self, subscription_ids: Sequence[SubscriptionId]) -> int:
        """Note that all late records of these subscriptions are billed; give how many there were."""
        ...


class Movements(Protocol):
    """The movements of recurring revenue of one tenant; (subscription, number) is unique. They never change."""

    def add(self, movements: Sequence[Movement]) -> None:
        """Append movements; ``Conflict("movement_exists")`` if a subscription has one of that number."""
        ...

    def latest(self, subscription_ids: Iterable[SubscriptionId]) -> Mapping[SubscriptionId, Movement]:
        """Give the latest movement of subscriptions, those that have one, in one query."""
        ...

    def until(self, before: datetime, *, currency: str | None = None) -> list[Movement]:
        """List the movements before an instant, in some currency if given, by time, subscription and number."""
        ...


class BillingRuns(Protocol):
    """The billing runs of one tenant with their certificates."""

    def add(self, run: BillingRun) -> None:
        """Store a run."""
        ...

    def get(self, run_id: BillingRunId) -> BillingRun:
        """Give a run, or ``NotFound("billing_run_not_found")``."""
        ...

    def page(self, request: PageRequest) -> Page[BillingRun]:
        """List runs, newest first."""
        ...
