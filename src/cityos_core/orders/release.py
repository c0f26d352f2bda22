"""Releasing vendors' money: after fulfilment and the holding period, and of the rolling reserve after its days."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from cityos_core.commissions.lines import EntryStatus
from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Refused
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers, OrderId
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.model import Account
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

CHUNK: Final = 50
"""How many due vendor orders are looked up at a time, and released in one transaction."""

TRIES: Final = 4
"""How often an order is tried that another transaction gets in the way of, as one of a chunk or alone."""


@frozen
class Released:
    """How many vendor orders' money, and how many rolling reserves, became available."""

    vendor_orders: int = 0
    reserves: int = 0

    def __add__(self, other: "Released") -> "Released":
        return Released(self.vendor_orders + other.vendor_orders, self.reserves + other.reserves)


@frozen(kw_only=True)
class ReleaseDue:
    """Make available everything whose time has come, a chunk of vendor orders per transaction.

    It can be stopped anywhere and run again, by any number of workers at once: what is released is not due any more.
    The orders of a chunk that fails are taken one by one, a few times if they lose a race; what is wrong with one is
    raised after all the others.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader

    def __call__(self, scope: TenantScope) -> Released:
        now, done = self.clock.now(), Released()
        troubled: dict[Due, Conflict | Refused] = {}
        while due := self._due(scope, now, troubled):
            released, troubles = self._chunk(scope, due, now)
            if released == Released() and not troubles:
                break  # other workers were faster, and go on
            done += released
            troubled |= troubles
        for trouble in troubled.values():
            raise trouble
        return done

    def _due(self, scope: TenantScope, now: datetime, troubled: Collection[Due]) -> list[Due]:
        with self.unit_of_work(scope) as uow:
            found = uow.orders.due(now, limit=CHUNK + len(troubled))
        return [due for due in found if due not in troubled]

    def _chunk(
        self, scope: TenantScope, due: Sequence[Due], now: datetime, tries: int = TRIES
    ) -> tuple[Released, dict[Due, Conflict | Refused]]:
        """Release a chunk, or as much of it as can be; give what is in the way of the rest."""
        orders = {one.order_id: one for one in due}
        try:
            return self._release(scope, orders, now), {}
        except (Conflict, Refused) as trouble:
            if len(orders) == 1 and (trouble.code != "stale" or tries == 1):
                return Released(), dict.fromkeys(due, trouble)
        done, troubles = Released(), dict[Due, Conflict | Refused]()
        for order_id in orders:
            released, found = self._chunk(scope, [one for one in due if one.order_id == order_id], now, tries - 1)
            done += released
            troubles |= found
        return done, troubles

    def _release(self, scope: TenantScope, order_ids: Collection[OrderId], now: datetime) -> Released:
        """Release whatever of these orders is due by now, and not done by another worker."""
        with self.unit_of_work(scope) as uow:
            configuration = self.configuration(uow, scope.tenant_id)
            held = uow.orders.many(order_ids, lock=True)
            due = [(held[one], part) for one in order_ids for part in held[one].vendor_orders if _is_due(part, now)]
            if not due:
                return Released()
            balances = uow.ledger.lock(account for order, part in due for account in purse_accounts(order, part))
            releasing = _Releasing(uow, self.identifiers, configuration, now, held, dict(balances))
            events = [event for order, part in due for event in releasing.part(order, part)]
            for order_id in sorted({order.id for order, _ in due}):
                uow.orders.save(releasing.orders[order_id])
            faults.point("orders.release.before_commit")
            uow.commit(events)
        faults.point("orders.release.after_commit")
        return Released(len(events), len(due) - len(events))


def _is_due(part: VendorOrder, now: datetime) -> bool:
    if part.released_at is None:
        return part.release_due_at is not None and part.release_due_at <= now
    return part.reserved > 0 and part.reserve_due_at is not None and part.reserve_due_at <= now


@frozen
class _Releasing:
    """Releases one part after another; knows how the orders and the vendors' balances stand by then."""

    uow: UnitOfWork
    identifiers: Identifiers
    configuration: Configuration
    now: datetime
    orders: dict[OrderId, Order]
    balances: dict[Account, int]

    def part(self, order: Order, part: VendorOrder) -> list[Event]:
        """Release what is due of a part, its money or its reserve."""
        return self._money(order, part) if part.released_at is None else self._reserve(order, part)

    def _money(self, order: Order, part: VendorOrder) -> list[Event]:
        """Make the vendor order's own pending money available, less the rolling reserve."""
        purse = self._purse(order, part).release(self.configuration.value(RESERVE_PERCENTAGE))
        reserved = purse.gained(purse.reserve)
        self._book(order, part, purse, "release")
        faults.point("orders.release.before_entries")
        self.uow.entries.mark(EntryStatus.APPROVED, vendor_order=part.id)
        days = timedelta(days=self.configuration.value(RESERVE_DAYS))
        released = evolve(
            part,
            drawn=purse.drawn,
            released_at=self.now,
            reserved=reserved,
            reserve_due_at=self.now + days if reserved else None,
        )
        self._change(order, released)
        return [
            VendorOrderReleased(
                subject=order.id,
                occurred_at=self.now,
                reference=order.reference,
                vendor=part.vendor,
                available=Money(purse.gained(purse.available), order.currency),
                reserved=Money(reserved, order.currency),
            )
        ]

    def _reserve(self, order: Order, part: VendorOrder) -> list[Event]:
        """Make the rolling reserve available."""
        self._book(order, part, self._purse(order, part).let_reserve_go(part.reserved), "reserve")
        self._change(order, evolve(part, reserved=0))
        return []

    def _change(self, order: Order, part: VendorOrder) -> None:
        self.orders[order.id] = with_part(self.orders[order.id], part)

    def _purse(self, order: Order, part: VendorOrder) -> Purse:
        return Purse.of(order, part, self.balances)

    def _book(self, order: Order, part: VendorOrder, purse: Purse, what: str) -> None:
        booked = journal(
            order,
            self.identifiers,
            key=f"{what}:{part.id}",
            kind="release" if what == "release" else "reserve_release",
            movements=purse.movements,
            at=self.now,
            vendor=part.vendor,
        )
        faults.point("orders.release.before_journal")
        if booked is not None:
            self.uow.ledger.post(booked)
        self.balances.update(purse.balances)
