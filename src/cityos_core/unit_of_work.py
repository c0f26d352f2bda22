"""One transaction over every repository of one scope; rolled back unless committed."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Protocol, Self

from cityos_core.access.ports import ApiKeys, Assignments, Impersonations
from cityos_core.audit.ports import AuditTrail
from cityos_core.catalog.ports import Categories, Inventory, Products
from cityos_core.commissions.ports import Coverage, Entries, Rules
from cityos_core.exports.ports import Exports, Files
from cityos_core.idempotency.ports import Answers
from cityos_core.jobs.ports import Agenda, Jobs, Outbox, Schedules
from cityos_core.kernel.events import Event
from cityos_core.kernel.scope import Scope
from cityos_core.ledger.ports import Books, Ledger
from cityos_core.orders.ports import Orders
from cityos_core.payouts.ports import Batches, Payables, Payouts
from cityos_core.subscriptions.ports import (
    Attempts,
    BillingRuns,
    CreditNotes,
    Cycles,
    Dunning,
    Invoices,
    Movements,
    Numbers,
    Plans,
    Subscriptions,
    Usage,
)
from cityos_core.tenancy.domains import Domains
from cityos_core.tenancy.ports import Revisions, SettingEntries, Stores, Tenants, Tree
from cityos_core.vendors.ports import TeamMembers, Vendors


class UnitOfWork(Protocol):
    """A transaction. Leaving it without :meth:`commit` undoes everything, whatever the reason for leaving."""

    tree: Tree
    tenants: Tenants
    stores: Stores
    domains: Domains
    settings: SettingEntries
    revisions: Revisions
    vendors: Vendors
    team_members: TeamMembers
    products: Products
    categories: Categories
    inventory: Inventory
    orders: Orders
    rules: Rules
    entries: Entries
    coverage: Coverage
    ledger: Ledger
    books: Books
    payouts: Payouts
    batches: Batches
    payables: Payables
    api_keys: ApiKeys
    assignments: Assignments
    impersonations: Impersonations
    exports: Exports
    files: Files
    answers: Answers
    audit: AuditTrail
    jobs: Jobs
    agenda: Agenda
    schedules: Schedules
    outbox: Outbox
    plans: Plans
    subscriptions: Subscriptions
    cycles: Cycles
    invoices: Invoices
    numbers: Numbers
    credit_notes: CreditNotes
    attempts: Attempts
    dunning: Dunning
    usage: Usage
    movements: Movements
    billing_runs: BillingRuns

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def commit(self, events: Iterable[Event] = ()) -> None:
        """Make everything durable, with its events in the outbox, once; nothing may be done with it afterwards."""
        ...


UnitOfWorkFactory = Callable[[Scope], UnitOfWork]
