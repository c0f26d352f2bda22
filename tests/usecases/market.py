"""A tenant whose vendors sell: what order tests start from."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Self

from attrs import frozen

from cityos_adapters.memory import MemoryDatabase
from cityos_core.catalog.model import Product, ProductStatus, Stock, Variant
from cityos_core.commissions.lines import CommissionEntry, VendorTotals
from cityos_core.commissions.ports import EntryFilter
from cityos_core.commissions.rules import Rule, StoredRule
from cityos_core.dependencies import Dependencies
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import ProductId, RuleId, VendorId
from cityos_core.kernel.money import Money, UnitPrice
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.model import Journal
from cityos_core.ledger.ports import JournalFilter
from cityos_core.ledger.service import LedgerUseCases
from cityos_core.orders.draft import OrderDraft
from cityos_core.orders.model import LEG_NAMES, LegName, Order, OrderLine
from cityos_core.orders.service import OrderUseCases
from cityos_core.tenancy.service import SettingUseCases, StoreUseCases, TenantUseCases, TreeUseCases
from cityos_core.testing.clock import SimulatedClock
from cityos_core.testing.ids import SequentialIdentifiers
from cityos_core.unit_of_work import UnitOfWorkFactory
from cityos_core.vendors.model import Profile, Vendor, VendorStatus

PARENT = "de/green-city/food/wholesale"
VENDORS = ("acme", "birch", "cedar")


def eur(text: str) -> Money:
    """Read an amount in euro."""
    return Money.of(text, "EUR")


@frozen(kw_only=True)
class Market:
    """One tenant over a database, with three approved vendors who each sell ``{vendor}-chair``; ``chair`` is acme's."""

    database: UnitOfWorkFactory
    clock: SimulatedClock
    identifiers: SequentialIdentifiers
    scope: TenantScope
    vendors: dict[str, VendorId]
    orders: OrderUseCases
    ledger: LedgerUseCases
    settings: SettingUseCases
    stores: StoreUseCases

    @classmethod
    def open(
        cls, *rules: Rule, database: UnitOfWorkFactory | None = None, handle: str = "north", **settings: Any
    ) -> Self:
        """Build one with commission rules and settings of the tenant."""
        clock, identifiers = SimulatedClock(), SequentialIdentifiers(sum(handle.encode()))
        ports = Dependencies(unit_of_work=database or MemoryDatabase(), clock=clock, identifiers=identifiers)
        TreeUseCases.of(ports).add(PARENT)
        tenant = TenantUseCases.of(ports).create(handle, parent=PARENT, name="North", currency="EUR")
        market = cls(
            database=ports.database,
            clock=clock,
            identifiers=identifiers,
            scope=tenant.scope,
            vendors={},
            orders=OrderUseCases.of(ports),
            ledger=LedgerUseCases.of(ports),
            settings=SettingUseCases.of(ports),
            stores=StoreUseCases.of(ports),
        )
        for vendor in VENDORS:
            market.vendor(vendor)
            market.product(f"{vendor}-chair", vendor)
        market.product("chair", "acme", category="home/seats")
        market.rules(*rules)
        for key, value in settings.items():
            market.settings.set(market.scope, key, value)
        return market

    def vendor(self, handle: str, status: VendorStatus = VendorStatus.APPROVED, **changes: Any) -> None:
        """Add a vendor."""
        self.vendors[handle] = VendorId(self.identifiers.new())
        with self.database(self.scope) as uow:
            uow.vendors.add(
                Vendor(
                    id=self.vendors[handle],
                    tenant_id=self.scope.tenant_id,
                    handle=handle,
                    profile=Profile(name=handle.title()),
                    status=status,
                    created_at=self.clock.now(),
                    **changes,
                )
            )
            uow.commit()

    def product(
        self, sku: str, vendor: str, *, weight_g: int | None = None, variant: str | None = None, **changes: Any
    ) -> None:
        """Add a published product."""
        one = Variant(sku=variant or sku, title=sku, unit_price=UnitPrice.of("1", "EUR"), weight_g=weight_g)
        words: dict[str, Any] = {"status": ProductStatus.PUBLISHED, "variants": (one,), **changes}
        with self.database(self.scope) as uow:
            uow.products.add(
                Product(
                    id=ProductId(self.identifiers.new()),
                    tenant_id=self.scope.tenant_id,
                    vendor_id=self.vendors[vendor],
                    sku=sku,
                    title=sku,
                    **words,
                )
            )
            uow.commit()

    def rules(self, *rules: Rule) -> None:
        """Add commission rules, oldest first."""
        stored = [
            StoredRule(
                id=RuleId(self.identifiers.new()),
                tenant_id=self.scope.tenant_id,
                rule=rule,
                sequence=number,
                recorded_at=self.clock.now(),
            )
            for number, rule in enumerate(rules, 1)
        ]
        with self.database(self.scope) as uow:
            uow.rules.add(stored)
            uow.commit()

    def stock(self, sku: str = "chair", on_hand: int | None = None, **changes: Any) -> Stock:
        """Count the stock of a sku, or tell what it is."""
        with self.database(self.scope) as uow:
            if on_hand is None:
                return uow.inventory.lock([sku])[sku]
            row = Stock(
                tenant_id=self.scope.tenant_id,
                vendor_id=self.vendors["acme"],
                sku=sku,
                on_hand=on_hand,
                **changes,
            )
            uow.inventory.save([row])
            uow.commit()
        return row

    def place(self, draft: OrderDraft, **more: Any) -> Order:
        """Place an order."""
        return self.orders.place(self.scope, draft, **more)

    def get(self, reference: str = "A-1") -> Order:
        """Read an order."""
        return self.orders.get(self.scope, reference)

    def balance(self, path: str) -> str:
        """Tell what an account holds; ``acme:pending`` is a vendor's."""
        head, _, rest = path.partition(":")
        full = f"vendor:{self.vendors[head]}:{rest}" if head in self.vendors else path
        found = [item.money for item in self.ledger.balances(self.scope, full) if item.account.path == full]
        return found[0].text if found else "0.00"

    def balances(self) -> dict[str, str]:
        """Tell what every account holds that is not empty, vendors by name."""
        names = {str(vendor): handle for handle, vendor in self.vendors.items()}
        told = {}
        for item in self.ledger.balances(self.scope):
            parts = item.account.path.split(":")
            if item.money:
                told[":".join(names.get(part, part) for part in parts if part != "vendor")] = item.money.text
        return told

    def wait(self, **parts: int) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**parts))

    def entries(self, reference: str = "A-1") -> list[CommissionEntry]:
        """List the commission transactions of an order."""
        with self.database(self.scope) as uow:
            return uow.entries.of_order(self.get_id(uow, reference))

    def get_id(self, uow: Any, reference: str) -> Any:
        """Look an order's id up."""
        return uow.orders.placed([reference])[reference].order_id

    def totals(self) -> dict[str, VendorTotals]:
        """Report per vendor."""
        with self.database(self.scope) as uow:
            return {total.vendor: total for total in uow.entries.totals(EntryFilter())}

    def journals(self) -> list[Journal]:
        """List every journal."""
        return list(self.ledger.export(self.scope, JournalFilter()))

    def happened(self, *names: str) -> list[Event]:
        """List the events of some kinds that were told so far."""
        outbox: Iterable[Event] = self.database.outbox if isinstance(self.database, MemoryDatabase) else ()
        return [event for event in outbox if event.name in names]

    def audit(self) -> None:
        """Prove the books, and that orders, transactions and the ledger tell the same story."""
        assert self.ledger.verify(self.scope).ok
        told = {item.account.path: item.money.minor for item in self.ledger.balances(self.scope)}
        listed = self.orders.list(self.scope, request=PageRequest(100)).items
        assert _under(told, "gateway:") == sum(order.total.minor - order.refunded.minor for order in listed)
        standing = [leg for order in listed for line in order.lines for leg in [_standing(order, line)]]
        legs = dict(zip(LEG_NAMES, map(sum, zip(*standing, strict=True)), strict=True))
        charged = legs[LegName.COMMISSION] + legs[LegName.COMMISSION_FIXED]
        assert told.get("revenue:commission", 0) == charged == sum(t.commission.minor for t in self.totals().values())
        assert told.get("tax:de", 0) == legs[LegName.TAX] + legs[LegName.COMMISSION_TAX]
        assert told.get("revenue:shipping", 0) == legs[LegName.SHIPPING]
        assert told.get("funding:platform", 0) == -legs[LegName.FUNDING_PLATFORM]
        assert told.get("funding:tenant", 0) == -legs[LegName.FUNDING_TENANT]
        for handle, total in self.totals().items():
            debt = told.get(f"vendor:{self.vendors[handle]}:debt", 0)
            assert total.net.minor == _under(told, f"vendor:{self.vendors[handle]}:") - 2 * debt


def _under(told: dict[str, int], prefix: str) -> int:
    return sum(minor for path, minor in told.items() if path.startswith(prefix))


def _standing(order: Order, line: OrderLine) -> list[int]:
    """Tell what everybody but the vendor still has of a line; the vendor's own place is left empty."""
    taken = [part for refund in order.refunds for part in refund.parts if part.line_id == line.id]
    left = list(line.legs)
    for part in taken:
        left = [leg - (gone - kept) for leg, gone, kept in zip(left, part.legs, part.kept, strict=True)]
    return [0, *left[1:]]
