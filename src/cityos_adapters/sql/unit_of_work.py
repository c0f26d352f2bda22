"""One transaction over every repository of one scope."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final, Self

from typing_extensions import override

from cityos_adapters.serialization import dump
from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.repositories.books import SqlBooks
from cityos_adapters.sql.repositories.catalog import SqlCategories, SqlInventory, SqlProducts
from cityos_adapters.sql.repositories.commissions import SqlCoverage, SqlEntries, SqlRules
from cityos_adapters.sql.repositories.configuration import SqlRevisions, SqlSettings
from cityos_adapters.sql.repositories.ledger import SqlLedger
from cityos_adapters.sql.repositories.orders import SqlOrders
from cityos_adapters.sql.repositories.payouts import SqlBatches, SqlPayables, SqlPayouts
from cityos_adapters.sql.repositories.tenancy import SqlStores, SqlTenants, SqlTree
from cityos_adapters.sql.repositories.vendors import SqlVendors
from cityos_adapters.sql.session import Session
from cityos_adapters.sql.tables.outbox import outbox
from cityos_core.kernel import faults
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers
from cityos_core.unit_of_work import UnitOfWork

_MESSAGES: Final = growth(outbox)


class SqlUnitOfWork(UnitOfWork):
    """A database transaction; fails closed: what could not be committed did not happen."""

    def __init__(self, begin: Callable[[], Session], identifiers: Identifiers) -> None:
        self._begin = begin
        self._identifiers = identifiers
        self._session: Session | None = None

    @override
    def __enter__(self) -> Self:
        if self._session is not None:
            raise RuntimeError("a unit of work is entered once; open another one")
        self._session = session = self._begin()
        self.revisions = SqlRevisions(session)
        self.tree, self.tenants = SqlTree(session), SqlTenants(session)
        self.stores, self.settings = SqlStores(session), SqlSettings(session)
        self.vendors = SqlVendors(session)
        self.products, self.categories = SqlProducts(session), SqlCategories(session)
        self.inventory = SqlInventory(session)
        self.orders = SqlOrders(session)
        self.rules, self.entries, self.coverage = SqlRules(session), SqlEntries(session), SqlCoverage(session)
        self.ledger, self.books = SqlLedger(session), SqlBooks(session)
        self.payouts, self.batches, self.payables = SqlPayouts(session), SqlBatches(session), SqlPayables(session)
        return self

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._session is not None:
            self._session.close()

    @override
    def commit(self, events: Iterable[Event] = ()) -> None:
        """Make everything durable, with its events; ``OutcomeUnknown`` if the connection broke while committing."""
        session = self._session
        if session is None:
            raise RuntimeError("a unit of work is entered before it is committed")
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
