"""Releasing vendors' money: after fulfilment and the holding period, and of the rolling reserve after its days."""

from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from cityos_core.commissions.lines import EntryStatus
from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.events import VendorOrderReleased
from cityos_core.orders.journals import journal
from cityos_core.orders.model import Order, VendorOrder
from cityos_core.orders.ports import Due
from cityos_core.orders.purse import Purse, purse_accounts
from cityos_core.orders.settings import RESERVE_DAYS, RESERVE_PERCENTAGE
from cityos_core.orders.standing import with_part
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.tenancy.settings import Configuration
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

CHUNK: Final = 100
"""How many due vendor orders are looked up at a time."""


@frozen
class Released:
    """How many vendor orders' money, and how many rolling reserves, became available."""

    vendor_orders: int = 0
    reserves: int = 0


@frozen(kw_only=True)
class ReleaseDue:
    """Make available everything whose time has come, one vendor order per transaction.

    It can be stopped anywhere and run again, by any number of workers at once: what is released is not due any more.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader

    def __call__(self, scope: TenantScope) -> Released:
        now, done = self.clock.now(), Released()
        while True:
            steps = [self._release(scope, one, now) for one in self._due(scope, now)]
            if not any(steps):
                return done
            done = Released(done.vendor_orders + steps.count("release"), done.reserves + steps.count("reserve"))

    def _due(self, scope: TenantScope, now: datetime) -> list[Due]:
        with self.unit_of_work(scope) as uow:
            return uow.orders.due(now, limit=CHUNK)

    def _release(self, scope: TenantScope, due: Due, now: datetime) -> str | None:
        """Do what is due and say what it was; nothing if another worker was faster."""
        with self.unit_of_work(scope) as uow:
            configuration = self.configuration(uow, scope.tenant_id)
            order = uow.orders.get(due.order_id, lock=True)
            part = next(part for part in order.vendor_orders if part.id == due.vendor_order_id)
            releasing = _Releasing(uow, self.identifiers, configuration, order, part, now)
            if _is_due(part, now):
                what, events = "release", releasing.money()
            elif part.reserved and part.reserve_due_at is not None and part.reserve_due_at <= now:
                what, events = "reserve", releasing.reserve()
            else:
                return None
            faults.point("orders.release.before_commit")
            uow.commit(events)
        faults.point("orders.release.after_commit")
        return what


def _is_due(part: VendorOrder, now: datetime) -> bool:
    return part.released_at is None and part.release_due_at is not None and part.release_due_at <= now


@frozen
class _Releasing:
    uow: UnitOfWork
    identifiers: Identifiers
    configuration: Configuration
    order: Order
    part: VendorOrder
    now: datetime

    def money(self) -> list[Event]:
        """Make the vendor order's own pending money available, less the rolling reserve."""
        purse = self._purse().release(self.configuration.value(RESERVE_PERCENTAGE))
        reserved = purse.gained(purse.reserve)
        self._book(purse, "release")
        faults.point("orders.release.before_entries")
        self.uow.entries.mark(EntryStatus.APPROVED, vendor_order=self.part.id)
        days = timedelta(days=self.configuration.value(RESERVE_DAYS))
        released = evolve(
            self.part,
            drawn=purse.drawn,
            released_at=self.now,
            reserved=reserved,
            reserve_due_at=self.now + days if reserved else None,
        )
        self.uow.orders.save(with_part(self.order, released))
        return [
            VendorOrderReleased(
                subject=self.order.id,
                occurred_at=self.now,
                reference=self.order.reference,
                vendor=self.part.vendor,
                available=Money(purse.gained(purse.available), self.order.currency),
                reserved=Money(reserved, self.order.currency),
            )
        ]

    def reserve(self) -> list[Event]:
        """Make the rolling reserve available."""
        self._book(self._purse().let_reserve_go(self.part.reserved), "reserve")
        self.uow.orders.save(with_part(self.order, evolve(self.part, reserved=0)))
        return []

    def _purse(self) -> Purse:
        balances = self.uow.ledger.lock(purse_accounts(self.order, self.part))
        return Purse.of(self.order, self.part, balances)

    def _book(self, purse: Purse, what: str) -> None:
        booked = journal(
            self.order,
            self.identifiers,
            key=f"{what}:{self.part.id}",
            kind="release" if what == "release" else "reserve_release",
            movements=purse.movements,
            at=self.now,
            vendor=self.part.vendor,
        )
        faults.point("orders.release.before_journal")
        if booked is not None:
            self.uow.ledger.post(booked)
