"""A tenant whose vendors have money: what payout and ledger tests start from."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self
from uuid import uuid5

from attrs import evolve, field, frozen

from cityos_adapters.bank.manual import ManualMethod
from cityos_adapters.memory import MemoryDatabase
from cityos_adapters.memory.transfers import ScriptedTransfers
from cityos_core.commissions.lines import CommissionEntry, EntryKind, EntryStatus
from cityos_core.commissions.ports import EntryFilter
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.ids import JournalId, OrderId, OrderLineId, VendorId, VendorOrderId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.model import Account, Journal, vendor_account
from cityos_core.ledger.service import LedgerUseCases
from cityos_core.payouts.model import UNRESOLVED, Payout, PayoutBatch
from cityos_core.payouts.ports import PayoutMethod
from cityos_core.payouts.service import PayoutUseCases
from cityos_core.tenancy.service import SettingUseCases, TenantUseCases, TreeUseCases
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.vendors.model import PayoutAccount, Profile, Vendor, VendorStatus

PARENT = "de/green-city/food/wholesale"


def eur(text: str) -> Money:
    """Read an amount in euro."""
    return Money.of(text, "EUR")


@frozen(kw_only=True)
class Treasury:
    """One tenant over memory, with a scripted provider and manual payouts."""

    database: UnitOfWorkFactory
    clock: SimulatedClock
    identifiers: SequentialIdentifiers
    provider: ScriptedTransfers
    dependencies: Dependencies
    scope: TenantScope
    payouts: PayoutUseCases
    ledger: LedgerUseCases
    settings: SettingUseCases
    vendors: dict[str, Vendor] = field(factory=dict)

    @classmethod
    def open(
        cls,
        *,
        database: UnitOfWorkFactory | None = None,
        methods: Mapping[str, PayoutMethod] | None = None,
        time_zone: str = "UTC",
    ) -> Self:
        """Build one without vendors, over memory unless a database is given."""
        database = database or MemoryDatabase()
        clock, identifiers, provider = (
            SimulatedClock(),
            SequentialIdentifiers(),
            ScriptedTransfers(),
        )
        dependencies = Dependencies(
            unit_of_work=database,
            clock=clock,
            identifiers=identifiers,
            payout_methods={"memory": provider, "manual": ManualMethod(), **(methods or {})},
        )
        TreeUseCases.of(dependencies).add(PARENT)
        tenant = TenantUseCases.of(dependencies).create(
            "north", parent=PARENT, name="North", currency="EUR", time_zone=time_zone
        )
        return cls(
            database=database,
            clock=clock,
            identifiers=identifiers,
            provider=provider,
            dependencies=dependencies,
            scope=tenant.scope,
            payouts=PayoutUseCases.of(dependencies),
            ledger=LedgerUseCases.of(dependencies),
            settings=SettingUseCases.of(dependencies),
        )

    def vendor(
        self, handle: str = "acme", available: str = "0.00", *, method: str = "memory", **changes: Any
    ) -> Vendor:
        """Add an approved vendor with a verified account, and give it money."""
        vendor = Vendor(
            id=VendorId(self.identifiers.new()),
            tenant_id=self.scope.tenant_id,
            handle=handle,
            profile=Profile(name=handle.title()),
            status=VendorStatus.APPROVED,
            payout_account=PayoutAccount(
                method=method, reference=f"acct_{handle}", holder=handle.title(), verified=True
            ),
            created_at=self.clock.now(),
        )
        vendor = evolve(vendor, **changes)
        with self.database(self.scope) as uow:
            uow.vendors.add(vendor)
            uow.commit()
        self.vendors[handle] = vendor
        if available != "0.00":
            self.earn(handle, eur(available))
        return vendor

    def change(self, handle: str, **changes: Any) -> Vendor:
        """Change a vendor behind the payouts' back."""
        with self.database(self.scope) as uow:
            vendor = evolve(uow.vendors.get(self.vendors[handle].id), **changes)
            uow.vendors.save(vendor)
            uow.commit()
        return vendor

    def earn(self, handle: str, amount: Money, state: str = "available") -> None:
        """Give a vendor money in one of its accounts, earned by one sale; in ``debt`` it owes it."""
        account = vendor_account(self.scope.tenant_id, self.vendors[handle].id, state, amount.currency)
        gateway = Account(self.scope.tenant_id, "gateway:card:pending", amount.currency)
        signed = amount.minor if state == "debt" else -amount.minor
        new = self.identifiers.new()
        with self.database(self.scope) as uow:
            uow.ledger.post(
                Journal.of(
                    id=JournalId(new),
                    tenant=self.scope.tenant_id,
                    key=f"sale:{new}",
                    kind="order_paid",
                    movements=[(gateway, -signed), (account, signed)],
                    occurred_at=self.clock.now(),
                )
            )
            if state == "available" and isinstance(self.database, MemoryDatabase):
                uow.entries.add([self._entry(handle, amount)])
            uow.commit()

    def balance(self, handle: str, state: str = "available", currency: str = "EUR") -> Money:
        """Tell what one of a vendor's accounts holds."""
        path = f"vendor:{self.vendors[handle].id}:{state}"
        found = [item.money for item in self.ledger.balances(self.scope, path) if item.money.currency == currency]
        return found[0] if found else Money.zero(currency)

    def holds(self, path: str, currency: str = "EUR") -> Money:
        """Tell what any account holds."""
        found = [item.money for item in self.ledger.balances(self.scope, path) if item.money.currency == currency]
        return found[0] if found else Money.zero(currency)

    @property
    def memory(self) -> MemoryDatabase:
        """The database, where it is one to look into."""
        assert isinstance(self.database, MemoryDatabase)
        return self.database

    def all(self) -> list[Payout]:
        """List every payout, oldest first."""
        return list(self.payouts.list(self.scope, None, PageRequest(limit=100)).items)

    def only(self) -> Payout:
        """Give the one payout there is."""
        (payout,) = self.all()
        return payout

    def batches(self) -> list[PayoutBatch]:
        """List every batch."""
        return list(self.payouts.batches(self.scope).items)

    def entries(self, handle: str = "acme") -> list[EntryStatus]:
        """List what became of a vendor's commission transactions."""
        with self.database(self.scope) as uow:
            page = uow.entries.page(EntryFilter(vendor=handle), PageRequest(limit=100))
        return [entry.status for entry in page.items]

    def wait(self, **parts: int) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**parts))

    def audit(self) -> None:
        """Prove that the books are right and that ``in_payout`` holds what unresolved payouts come to."""
        assert self.ledger.verify(self.scope).ok
        expected: dict[tuple[str, str], int] = {}
        for payout in self.all():
            if payout.status in UNRESOLVED:
                key = f"vendor:{payout.vendor_id}:in_payout", payout.amount.currency
                expected[key] = expected.get(key, 0) + payout.amount.minor
        held = {
            (item.account.path, item.money.currency): item.money.minor
            for item in self.ledger.balances(self.scope, "vendor:")
            if item.account.path.endswith(":in_payout") and item.money
        }
        assert held == expected

    def _entry(self, handle: str, amount: Money) -> CommissionEntry:
        new, vendor = self.identifiers.new(), self.vendors[handle]
        return CommissionEntry(
            id=new,
            order_id=OrderId(new),
            order_reference=str(new),
            vendor_order_id=VendorOrderId(uuid5(new, "part")),
            line_id=OrderLineId(uuid5(new, "line")),
            line_reference="1",
            vendor_id=vendor.id,
            vendor=handle,
            sku="sku",
            kind=EntryKind.SALE,
            status=EntryStatus.APPROVED,
            occurred_at=self.clock.now(),
            currency=amount.currency,
            gross=amount.minor,
            discounts=0,
            funding=0,
            shipping=0,
            tax=0,
            commission=0,
            commission_tax=0,
            net=amount.minor,
            volume=amount.minor,
            journal_key=f"sale:{new}",
        )
