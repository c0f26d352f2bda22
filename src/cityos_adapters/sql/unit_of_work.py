"""One transaction over every repository of one scope."""

from collections.abc import Callable, Iterable
from functools import cached_property
from types import TracebackType
from typing import Final, Self, TypeVar, cast

from typing_extensions import override

from cityos_adapters.serialization import dump
from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.repositories.access import SqlApiKeys, SqlAssignments, SqlImpersonations
from cityos_adapters.sql.repositories.audit import SqlAuditTrail
from cityos_adapters.sql.repositories.billing import SqlBillingRuns, SqlCycles
from cityos_adapters.sql.repositories.books import SqlBooks
from cityos_adapters.sql.repositories.catalog import SqlCategories, SqlInventory, SqlProducts
from cityos_adapters.sql.repositories.collecting import SqlAttempts, SqlDunning
from cityos_adapters.sql.repositories.commissions import SqlCoverage, SqlEntries, SqlRules
from cityos_adapters.sql.repositories.configuration import SqlRevisions, SqlSettings
from cityos_adapters.sql.repositories.domains import SqlDomains
from cityos_adapters.sql.repositories.exports import SqlExports, SqlFiles
from cityos_adapters.sql.repositories.idempotency import SqlAnswers
from cityos_adapters.sql.repositories.invoices import SqlCreditNotes, SqlInvoices, SqlNumbers
from cityos_adapters.sql.repositories.jobs import SqlAgenda, SqlJobs
from cityos_adapters.sql.repositories.ledger import SqlLedger
from cityos_adapters.sql.repositories.orders import SqlOrders
from cityos_adapters.sql.repositories.outbox import SqlOutbox
from cityos_adapters.sql.repositories.payouts import SqlBatches, SqlPayables, SqlPayouts
from cityos_adapters.sql.repositories.schedules import SqlSchedules
from cityos_adapters.sql.repositories.subscriptions import SqlPlans, SqlSubscriptions
from cityos_adapters.sql.repositories.tenancy import SqlStores, SqlTenants, SqlTree
from cityos_adapters.sql.repositories.usage import SqlMovements, SqlUsage
from cityos_adapters.sql.repositories.vendors import SqlTeamMembers, SqlVendors
from cityos_adapters.sql.session import Session
from cityos_adapters.sql.tables.outbox import outbox
from cityos_core.kernel import faults
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers
from cityos_core.unit_of_work import UnitOfWork

_MESSAGES: Final = growth(outbox)


R = TypeVar("R")


def _repository(make: Callable[[Session], R]) -> R:
    """Make a repository when it is first asked for; most units of work need a few of them."""
    return cast("R", cached_property(lambda uow: make(uow.session)))


class SqlUnitOfWork(UnitOfWork):
    """A database transaction; fails closed: what could not be committed did not happen."""

    revisions = _repository(SqlRevisions)
    tree, tenants = _repository(SqlTree), _repository(SqlTenants)
    stores, settings = _repository(SqlStores), _repository(SqlSettings)
    domains = _repository(SqlDomains)
    vendors, team_members = _repository(SqlVendors), _repository(SqlTeamMembers)
    products, categories = _repository(SqlProducts), _repository(SqlCategories)
    inventory = _repository(SqlInventory)
    orders = _repository(SqlOrders)
    rules, entries, coverage = _repository(SqlRules), _repository(SqlEntries), _repository(SqlCoverage)
    ledger, books = _repository(SqlLedger), _repository(SqlBooks)
    payouts, batches, payables = _repository(SqlPayouts), _repository(SqlBatches), _repository(SqlPayables)
    api_keys, assignments = _repository(SqlApiKeys), _repository(SqlAssignments)
    impersonations = _repository(SqlImpersonations)
    exports, files = _repository(SqlExports), _repository(SqlFiles)
    answers, audit = _repository(SqlAnswers), _repository(SqlAuditTrail)
    jobs, agenda = _repository(SqlJobs), _repository(SqlAgenda)
    schedules, outbox = _repository(SqlSchedules), _repository(SqlOutbox)
    plans, subscriptions = _repository(SqlPlans), _repository(SqlSubscriptions)
    cycles, billing_runs = _repository(SqlCycles), _repository(SqlBillingRuns)
    invoices, numbers = _repository(SqlInvoices), _repository(SqlNumbers)
    credit_notes = _repository(SqlCreditNotes)
    attempts, dunning = _repository(SqlAttempts), _repository(SqlDunning)
    usage, movements = _repository(SqlUsage), _repository(SqlMovements)

    def __init__(self, begin: Callable[[], Session], identifiers: Identifiers) -> None:
        self._begin = begin
        self._identifiers = identifiers
        self._session: Session | None = None

    @override
    def __enter__(self) -> Self:
        if self._session is not None:
            raise RuntimeError("a unit of work is entered once; open another one")
        self._session = self._begin()
        return self

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._session is not None:
            self._session.close()

    @property
    def session(self) -> Session:
        """The transaction; there is none before the unit of work is entered."""
        if self._session is None:
            raise RuntimeError("a unit of work is entered before anything is done with it")
        return self._session

    @override
    def commit(self, events: Iterable[Event] = ()) -> None:
        """Make everything durable, with its events; ``OutcomeUnknown`` if the connection broke while committing."""
        session = self.session
        session.grow((_MESSAGES, [self._message(session, event) for event in events]))
        if session.wrote_configuration:
            SqlRevisions(session).bump()
        faults.point("commit.before")
        session.commit()
        faults.point("commit.after")

    def _message(self, session: Session, event: Event) -> dict[str, object]:
        return {
            "tenant_id": session.tenant,
            "id": self._identifiers.new(),
            "name": event.name,
            "subject": event.subject,
            "payload": dump(event),
            "occurred_at": event.occurred_at,
        }
