"""A whole city in memory: units of work take turns, and each happens completely or not at all."""

from collections.abc import Iterable
from threading import Lock, get_ident
from types import TracebackType
from typing import Self

from cityos_adapters.memory.access import MemoryApiKeys, MemoryAssignments, MemoryImpersonations
from cityos_adapters.memory.answers import MemoryAnswers
from cityos_adapters.memory.audit import MemoryAudit
from cityos_adapters.memory.billing import MemoryBillingRuns, MemoryCycles
from cityos_adapters.memory.catalog import MemoryCategories, MemoryInventory, MemoryProducts
from cityos_adapters.memory.collecting import MemoryAttempts, MemoryDunning
from cityos_adapters.memory.commissions import MemoryCoverage, MemoryEntries, MemoryRules
from cityos_adapters.memory.domains import MemoryDomains
from cityos_adapters.memory.exports import MemoryExports, MemoryFiles
from cityos_adapters.memory.invoices import MemoryCreditNotes, MemoryInvoices, MemoryNumbers
from cityos_adapters.memory.jobs import MemoryAgenda, MemoryJobs, MemoryOutbox, MemorySchedules
from cityos_adapters.memory.ledger import MemoryBooks, MemoryLedger
from cityos_adapters.memory.orders import MemoryOrders
from cityos_adapters.memory.payouts import MemoryBatches, MemoryPayables, MemoryPayouts
from cityos_adapters.memory.shared import Shared
from cityos_adapters.memory.storage import Storage
from cityos_adapters.memory.subscriptions import MemoryMovements, MemoryPlans, MemorySubscriptions, MemoryUsage
from cityos_adapters.memory.tables import Transaction, View
from cityos_adapters.memory.tenancy import MemoryRevisions, MemorySettings, MemoryStores, MemoryTenants, MemoryTree
from cityos_adapters.memory.vendors import MemoryTeamMembers, MemoryVendors
from cityos_core.kernel import faults
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import PLATFORM
from cityos_core.kernel.scope import Scope
from cityos_core.unit_of_work import UnitOfWork


class MemoryDatabase:
    """Makes units of work over one set of tables; nothing outlives the process.

    One unit of work is open at a time: another thread waits for it, the same thread gets a ``RuntimeError``.
    """

    def __init__(self) -> None:
        self.storage = Storage()
        self._turn = Lock()
        self._holder: int | None = None

    def __call__(self, scope: Scope) -> UnitOfWork:
        """Make a unit of work in a scope."""
        return MemoryUnitOfWork(self, scope)

    @property
    def outbox(self) -> list[Event]:
        """Every event that was committed, oldest first."""
        return self.storage.outbox

    def take_turn(self) -> None:
        """Wait until no other thread has a unit of work open."""
        if self._holder == get_ident():
            raise RuntimeError("this thread has a unit of work open; leave it before opening another")
        self._turn.acquire()
        self._holder = get_ident()

    def end_turn(self) -> None:
        """Let the next one in."""
        self._holder = None
        self._turn.release()


class MemoryUnitOfWork(UnitOfWork):
    """One transaction in memory."""

    def __init__(self, database: MemoryDatabase, scope: Scope) -> None:
        self._database = database
        self._scope = scope
        self._transaction: Transaction | None = None

    def __enter__(self) -> Self:
        if self._transaction is not None:
            raise RuntimeError("a unit of work is entered once; open another one")
        self._database.take_turn()
        self._transaction = Transaction()
        self._open(self._transaction)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._transaction is not None:
            self._transaction.abandon()
            self._database.end_turn()

    def commit(self, events: Iterable[Event] = ()) -> None:
        """Keep everything and its events; nothing may be done with this unit of work afterwards."""
        if self._transaction is None:
            raise RuntimeError("a unit of work is entered before it is committed")
        happened = tuple(events)
        self._transaction.require_open()
        faults.point("commit.before")
        self._transaction.commit()
        for event in happened:
            self._database.storage.tell(self._scope.tenant_id, event)
        faults.point("commit.after")

    def _open(self, transaction: Transaction) -> None:
        tenant, storage = self._scope.tenant_id, self._database.storage
        own, platform = storage.of(tenant), storage.of(PLATFORM)
        vendors, entries = View(own.vendors, transaction), View(own.entries, transaction)
        journals, balances = View(own.journals, transaction), View(own.balances, transaction)
        revisions = MemoryRevisions(tenant, storage.revisions, transaction)
        self.revisions = revisions
        self.tree = MemoryTree(tenant, View(storage.nodes, transaction), revisions)
        self.tenants = MemoryTenants(tenant, View(storage.tenants, transaction), revisions)
        self.settings = MemorySettings(tenant, View(storage.settings, transaction), revisions)
        self.stores = MemoryStores(tenant, View(own.stores, transaction), revisions)
        self.rules = MemoryRules(tenant, View(own.rules, transaction), View(platform.rules, transaction), revisions)
        self.domains = MemoryDomains(Shared(storage.domains, transaction, tenant))
        self.vendors, self.team_members = MemoryVendors(tenant, vendors), MemoryTeamMembers(vendors)
        self.products = MemoryProducts(tenant, View(own.products, transaction), vendors)
        self.categories = MemoryCategories(tenant, View(own.categories, transaction))
        self.inventory = MemoryInventory(tenant, View(own.stock, transaction))
        self.orders = MemoryOrders(tenant, View(own.orders, transaction))
        self.entries, self.coverage = MemoryEntries(entries), MemoryCoverage(entries)
        self.ledger, self.books = MemoryLedger(tenant, journals, balances), MemoryBooks(tenant, journals, balances)
        self.payouts = MemoryPayouts(tenant, View(own.payouts, transaction))
        self.batches = MemoryBatches(tenant, View(own.batches, transaction))
        self.payables = MemoryPayables(balances)
        self.api_keys = MemoryApiKeys(Shared(storage.api_keys, transaction, tenant))
        self.assignments = MemoryAssignments(Shared(storage.assignments, transaction, tenant))
        self.impersonations = MemoryImpersonations(Shared(storage.impersonations, transaction, tenant))
        self.exports = MemoryExports(tenant, View(own.exports, transaction))
        self.files = MemoryFiles(View(own.files, transaction))
        self.answers = MemoryAnswers(tenant, View(own.answers, transaction))
        self.audit = MemoryAudit(tenant, View(own.audit, transaction), View(storage.heads, transaction))
        self.jobs = MemoryJobs(tenant, Shared(storage.jobs, transaction, tenant))
        self.agenda = MemoryAgenda(tenant, View(storage.jobs, transaction))
        self.schedules = MemorySchedules(tenant, View(storage.schedules, transaction))
        self.outbox = MemoryOutbox(tenant, View(storage.untold, transaction))
        self._open_subscriptions(transaction)

    def _open_subscriptions(self, transaction: Transaction) -> None:
        tenant = self._scope.tenant_id
        own = self._database.storage.of(tenant)
        self.plans = MemoryPlans(tenant, View(own.plans, transaction))
        self.subscriptions = MemorySubscriptions(tenant, View(own.subscriptions, transaction))
        self.cycles = MemoryCycles(tenant, View(own.cycles, transaction))
        self.invoices = MemoryInvoices(tenant, View(own.invoices, transaction))
        self.numbers = MemoryNumbers(View(own.numbers, transaction))
        self.credit_notes = MemoryCreditNotes(tenant, View(own.credit_notes, transaction))
        self.attempts = MemoryAttempts(tenant, View(own.attempts, transaction))
        self.dunning = MemoryDunning(tenant, View(own.dunning, transaction))
        self.usage = MemoryUsage(tenant, View(own.usage, transaction))
        self.movements = MemoryMovements(tenant, View(own.movements, transaction))
        self.billing_runs = MemoryBillingRuns(tenant, View(own.billing_runs, transaction))
