"""A tenant that bills subscriptions: what tests of billing start from."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self

from attrs import frozen

from cityos_adapters.memory import MemoryDatabase
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.ids import JournalId, SubscriptionId
from cityos_core.kernel.paging import PageRequest, every
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.model import Account, Journal
from cityos_core.ledger.ports import JournalFilter
from cityos_core.ledger.service import LedgerUseCases
from cityos_core.subscriptions.answering import Collected
from cityos_core.subscriptions.billing_service import BillingUseCases
from cityos_core.subscriptions.gateway import PaymentGateway
from cityos_core.subscriptions.invoices import Invoice
from cityos_core.subscriptions.ports import InvoiceFilter
from cityos_core.subscriptions.retrying import Retried
from cityos_core.subscriptions.terms import Collection, CollectionMethod
from cityos_core.tenancy.service import SettingUseCases, TenantUseCases, TreeUseCases
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.unit_of_work import UnitOfWorkFactory

PARENT = "de/north-city/food/retail"
TERMS = Collection(method=CollectionMethod.INVOICE, terms_days=14)


@frozen(kw_only=True)
class Office:
    """One tenant over a database, with nothing in its books."""

    database: UnitOfWorkFactory
    clock: SimulatedClock
    identifiers: SequentialIdentifiers
    dependencies: Dependencies
    scope: TenantScope
    ledger: LedgerUseCases
    settings: SettingUseCases

    @classmethod
    def open(
        cls,
        *,
        database: UnitOfWorkFactory | None = None,
        gateways: Mapping[str, PaymentGateway] | None = None,
        handle: str = "north",
        time_zone: str = "UTC",
        **settings: Any,
    ) -> Self:
        """Build one over memory, unless a database is given, with settings of the tenant."""
        clock, identifiers = SimulatedClock(), SequentialIdentifiers(sum(handle.encode()))
        ports = Dependencies(
            unit_of_work=database or MemoryDatabase(), clock=clock, identifiers=identifiers, gateways=gateways or {}
        )
        TreeUseCases.of(ports).add(PARENT)
        tenant = TenantUseCases.of(ports).create(
            handle, parent=PARENT, name=handle.title(), currency="EUR", time_zone=time_zone
        )
        office = cls(
            database=ports.database,
            clock=clock,
            identifiers=identifiers,
            dependencies=ports,
            scope=tenant.scope,
            ledger=LedgerUseCases.of(ports),
            settings=SettingUseCases.of(ports),
        )
        for key, value in settings.items():
            office.settings.set(office.scope, key, value)
        return office

    def bill(self, *_those: SubscriptionId) -> None:
        """Bill whatever is due, of those and of all others."""
        BillingUseCases.of(self.dependencies).run(self.scope)

    def retry(self) -> Retried:
        """Try payments again that failed, as far as it is time for that."""
        return BillingUseCases.of(self.dependencies).retry(self.scope)

    def inquire(self) -> Collected:
        """Ask what became of payments whose outcome is not known."""
        return BillingUseCases.of(self.dependencies).inquire(self.scope)

    def invoices(self, subscription_id: SubscriptionId | None = None) -> list[Invoice]:
        """List invoices, oldest first."""
        where = InvoiceFilter(subscription=subscription_id)

        def fetch(request: PageRequest) -> Any:
            with self.database(self.scope) as uow:
                return uow.invoices.page(where, request)

        return sorted(every(fetch), key=lambda one: (one.entity, one.number or 0))

    def invoice(self, number: int = 1) -> Invoice:
        """Give an invoice by its number."""
        return next(one for one in self.invoices() if one.number == number)

    def holds(self, path: str, currency: str = "EUR") -> str:
        """Tell what an account holds."""
        found = [item.money for item in self.ledger.balances(self.scope, path) if item.account.path == path]
        return next((money.text for money in found if money.currency == currency), "0.00")

    def journals(self, kind: str | None = None) -> list[Journal]:
        """List journals in order of recording."""
        return list(self.ledger.export(self.scope, JournalFilter(kind=kind)))

    def post_by_hand(self, key: str) -> None:
        """Take the key of a journal away, for one that moves a cent."""
        moved = {Account(self.scope.tenant_id, path, "EUR"): amount for path, amount in (("bank", 1), ("fx:EUR", -1))}
        with self.database(self.scope) as uow:
            uow.ledger.post(
                Journal.of(
                    id=JournalId(self.identifiers.new()),
                    tenant=self.scope.tenant_id,
                    key=key,
                    kind="adjustment",
                    movements=moved.items(),
                    occurred_at=self.clock.now(),
                )
            )
            uow.commit()

    def wait(self, **parts: int) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**parts))
