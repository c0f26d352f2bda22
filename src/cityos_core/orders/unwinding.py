"""Giving money back: what every refund, cancellation and lost dispute does to an order, the books and the stock."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

from attrs import evolve, field, frozen

from cityos_core.commissions.lines import EntryStatus
from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers, VendorOrderId
from cityos_core.kernel.money import Money
from cityos_core.ledger.model import Account
from cityos_core.orders.entries import reversal_entries
from cityos_core.orders.events import OrderCancelled, OrderCompleted, OrderRefunded
from cityos_core.orders.fulfilment import complete
from cityos_core.orders.journals import buyer_gets_back, journal, parties_give_back, vendor_shares
from cityos_core.orders.model import (
    VENDOR_ORDER_LIFE,
    Held,
    Order,
    OrderStatus,
    Refund,
    VendorOrder,
    VendorOrderStatus,
)
from cityos_core.orders.purse import Movement, Purse, purse_accounts
from cityos_core.orders.standing import is_empty, lines_of, outstanding, with_part
from cityos_core.orders.stock import move_stock, release, units_by_sku
from cityos_core.unit_of_work import UnitOfWork


@frozen(kw_only=True)
class Unwinding:
    """A refund about to be recorded: on which order, in which unit of work, after which holding period.

    A vendor order of which nothing is left to send ends with it: cancelled if nothing was sent, else fulfilled.
    """

    uow: UnitOfWork
    clock: Clock
    identifiers: Identifiers
    holding: timedelta
    order: Order
    refund: Refund
    kind: str = "refund"
    held: Mapping[VendorOrderId, Held] = field(factory=dict)
    """What a dispute that is being lost holds; it is let go first."""

    def record(self) -> tuple[Order, list[Event]]:
        """Book the refund and give the order after it; ``save`` and ``commit`` are the caller's.

        Stock is held before accounts, as placing does, so that the two never wait for each other.
        """
        after = self._after()
        restocked = self._restock(after)
        shares = self._shares()
        balances = self.uow.ledger.lock(account for part, _ in shares for account in purse_accounts(self.order, part))
        movements = [
            *parties_give_back(self.order, self.refund.parts),
            *buyer_gets_back(self.order, self.refund.amount),
        ]
        for part, share in shares:
            purse = self._taken(part, share, after, balances)
            movements += purse.movements
            after = with_part(after, evolve(_part(after, part), drawn=purse.drawn))
        self._book(movements)
        self._reverse(after)
        return after, [*self._events(after), *restocked]

    def _shares(self) -> list[tuple[VendorOrder, int]]:
        """List what the refund costs each vendor, with those it costs nothing but of whom something is held."""
        shares = {part.id: share for part, share in vendor_shares(self.order, self.refund.parts)}
        parts = (part for part in self.order.vendor_orders if part.id in shares or part.id in self.held)
        return [(part, shares.get(part.id, 0)) for part in parts]

    def _after(self) -> Order:
        after = evolve(self.order, refunds=(*self.order.refunds, self.refund))
        lines = {part.line_id for part in self.refund.parts}
        for part in self.order.vendor_orders:
            mine = lines_of(self.order, part)
            if not any(line.id in lines for line in mine) or any(outstanding(after, line) for line in mine):
                continue
            if part.status is VendorOrderStatus.PLACED:
                after = with_part(after, evolve(part, status=VENDOR_ORDER_LIFE.next(part.status, "cancel")))
            elif part.status is VendorOrderStatus.PARTLY_FULFILLED:
                after = complete(after, part.vendor, at=self.refund.refunded_at, holding=self.holding)
        return after

    def _taken(self, part: VendorOrder, share: int, after: Order, balances: Mapping[Account, int]) -> Purse:
        purse = Purse.of(self.order, part, balances)
        if part.id in self.held:
            purse = purse.let_go(self.held[part.id])
        ends = _part(after, part).status is VendorOrderStatus.CANCELLED
        return purse.close(share) if ends else purse.take(share)

    def _book(self, movements: list[Movement]) -> None:
        refund = self.refund
        booked = journal(
            self.order,
            self.identifiers,
            key=refund.journal_key,
            kind=self.kind,
            movements=movements,
            at=refund.refunded_at,
            refund=refund.key,
            reason=refund.reason,
        )
        faults.point("orders.refund.before_journal")
        if booked is not None:
            self.uow.ledger.post(booked)

    def _reverse(self, after: Order) -> None:
        faults.point("orders.refund.before_entries")
        refund = self.refund
        entries = reversal_entries(
            self.order, refund.parts, self.identifiers, at=refund.refunded_at, journal_key=refund.journal_key
        )
        self.uow.entries.add(entries)
        taken = {part.line_id for part in refund.parts}
        for line in after.lines:
            if line.id in taken and is_empty(after, line):
                self.uow.entries.mark(EntryStatus.REVERSED, line=line.id)

    def _restock(self, after: Order) -> list[Event]:
        """Give back the units that were set aside and are not going to be sent."""
        unsent = {line.id: outstanding(self.order, line) - outstanding(after, line) for line in self.order.lines}
        return move_stock(self.uow, self.clock, units_by_sku(self.order, unsent), release)

    def _events(self, after: Order) -> list[Event]:
        refund, order = self.refund, self.order
        words: _Words = {"subject": order.id, "occurred_at": refund.refunded_at, "reference": order.reference}
        events: list[Event] = []
        if refund.amount:
            amount = Money(refund.amount, order.currency)
            events.append(OrderRefunded(refund=refund.id, amount=amount, reason=refund.reason, **words))
        for part, before in zip(after.vendor_orders, order.vendor_orders, strict=True):
            if part.status is not before.status and part.status is VendorOrderStatus.CANCELLED:
                events.append(OrderCancelled(vendor=part.vendor, **words))
        if after.status is OrderStatus.COMPLETED and order.status is not OrderStatus.COMPLETED:
            events.append(OrderCompleted(**words))
        return events


class _Words(TypedDict):
    subject: UUID
    occurred_at: datetime
    reference: str


def _part(order: Order, part: VendorOrder) -> VendorOrder:
    return next(one for one in order.vendor_orders if one.id == part.id)
