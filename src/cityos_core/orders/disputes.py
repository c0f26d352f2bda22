"""Disputes: a buyer's claim against a payment, from its opening until it is won or lost."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from attrs import evolve, frozen

from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, Invalid, NotFound
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import Identifiers
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.events import DisputeClosed, DisputeOpened
from cityos_core.orders.finding import OrderName, order_with, save
from cityos_core.orders.journals import CHARGEBACKS, account, buyer_gets_back, journal, vendor_shares
from cityos_core.orders.model import DISPUTE_LIFE, Dispute, DisputeStatus, Held, Order, Refund, RefundPart
from cityos_core.orders.purse import Movement, Purse, purse_accounts
from cityos_core.orders.refunds import plan_chargeback, plan_refund
from cityos_core.orders.settings import CHARGEBACK_BEARER, HOLDING_DAYS, ChargebackBearer
from cityos_core.orders.standing import with_part
from cityos_core.orders.unwinding import Unwinding
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.tenancy.settings import Configuration
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory


class DisputeOutcome(StrEnum):
    """How a dispute ends."""

    WON = "won"
    LOST = "lost"


@frozen(kw_only=True)
class OpenDispute:
    """Record that a buyer disputes a payment: the vendors' shares of the amount move to their reserves.

    ``dispute`` is the provider's reference: the same one again answers the dispute that stands, and is
    ``Conflict("reference_taken")`` if the amount differs. Without an amount everything that remains is disputed.
    ``Refused("more_than_remains")`` for more than that. What a vendor does not have is not held.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    def __call__(
        self,
        scope: TenantScope,
        reference: OrderName,
        dispute: str,
        *,
        amount: Money | None = None,
        reason: str = "other",
    ) -> Dispute:
        with self.unit_of_work(scope) as uow:
            order = order_with(uow, reference, lock=True)
            known = next((one for one in order.disputes if one.reference == dispute), None)
            if known is not None:
                return _same(known, amount, order)
            parts = plan_refund(order, amount=amount)
            after, movements, held = _hold(uow, order, parts)
            opened = Dispute(
                id=self.identifiers.new(),
                reference=dispute,
                reason=reason,
                amount=sum(part.amount for part in parts),
                held=held,
                opened_at=self.clock.now(),
            )
            if not opened.amount:
                raise Invalid(
                    "nothing_paid", f"the buyer paid nothing for order {order.reference}; there is nothing to dispute"
                )
            _book(uow, self.identifiers, order, opened, "opened", movements, at=opened.opened_at)
            save(uow, evolve(after, disputes=(*order.disputes, opened)))
            faults.point("orders.dispute.before_commit")
            uow.commit([_opened(order, opened)])
        faults.point("orders.dispute.after_commit")
        return opened


def _same(known: Dispute, amount: Money | None, order: Order) -> Dispute:
    if amount is not None and amount != Money(known.amount, order.currency):
        raise Conflict("reference_taken", f"dispute {known.reference} is about another amount; use another reference")
    return known


def _hold(
    uow: UnitOfWork, order: Order, parts: tuple[RefundPart, ...]
) -> tuple[Order, list[Movement], tuple[Held, ...]]:
    shares = vendor_shares(order, parts)
    balances = uow.ledger.lock(account for part, _ in shares for account in purse_accounts(order, part))
    after, movements, held = order, list[Movement](), list[Held]()
    for part, share in shares:
        before = Purse.of(order, part, balances)
        purse = before.hold(share)
        amount = purse.gained(purse.reserve)
        if amount:
            movements += purse.movements
            held.append(Held(part.id, amount, pending=purse.drawn - before.drawn))
            after = with_part(after, evolve(part, drawn=purse.drawn))
    return after, movements, tuple(held)


@frozen(kw_only=True)
class CloseDispute:
    """Record how a dispute ended.

    Won: what was held goes back to where it came from. Lost: the buyer's bank takes the amount; where vendors bear it
    the sale unwinds like a refund of that amount, where the platform does it is a chargeback expense and the sale
    stands (setting ``chargeback_bearer``). The same outcome again changes nothing, another is
    ``Conflict("invalid_state")``.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader

    def __call__(self, scope: TenantScope, reference: OrderName, dispute: str, outcome: DisputeOutcome) -> Dispute:
        with self.unit_of_work(scope) as uow:
            configuration = self.configuration(uow, scope.tenant_id)
            order = order_with(uow, reference, lock=True)
            known = _named(order, dispute)
            if known.status.value == outcome.value:
                return known
            now = self.clock.now()
            closed = _closed(known, outcome, now)
            closing = _Closing(uow, self.clock, self.identifiers, configuration, order, closed, now)
            after, events = closing.record()
            disputes = tuple(closed if one.id == closed.id else one for one in order.disputes)
            save(uow, evolve(after, disputes=disputes))
            faults.point("orders.dispute.before_commit")
            uow.commit([_told(order, closed, now), *events])
        faults.point("orders.dispute.after_commit")
        return closed


@frozen
class _Closing:
    uow: UnitOfWork
    clock: Clock
    identifiers: Identifiers
    configuration: Configuration
    order: Order
    dispute: Dispute
    at: datetime

    def record(self) -> tuple[Order, list[Event]]:
        if self.dispute.status is DisputeStatus.WON:
            return self._let_go([], "won"), []
        if self.configuration.value(CHARGEBACK_BEARER) is ChargebackBearer.PLATFORM:
            return self._borne_by_platform(), []
        refund = self._refund(plan_chargeback(self.order, self.dispute.amount))
        return Unwinding(
            uow=self.uow,
            clock=self.clock,
            identifiers=self.identifiers,
            holding=timedelta(days=self.configuration.value(HOLDING_DAYS)),
            order=self.order,
            refund=refund,
            kind="dispute_lost",
            held={held.vendor_order_id: held for held in self.dispute.held},
        ).record()

    def _borne_by_platform(self) -> Order:
        amount = self.dispute.amount
        parts = plan_chargeback(self.order, amount)
        kept = tuple(evolve(part, kept=part.legs, quantity=0) for part in parts)
        movements = [(account(self.order, CHARGEBACKS), amount), *buyer_gets_back(self.order, amount)]
        after = self._let_go(movements, "lost")
        return evolve(after, refunds=(*after.refunds, self._refund(kept)))

    def _let_go(self, movements: list[Movement], what: str) -> Order:
        held = {one.vendor_order_id: one for one in self.dispute.held}
        parts = [part for part in self.order.vendor_orders if part.id in held]
        balances = self.uow.ledger.lock(account for part in parts for account in purse_accounts(self.order, part))
        after = self.order
        for part in parts:
            purse = Purse.of(self.order, part, balances).let_go(held[part.id])
            movements += purse.movements
            after = with_part(after, evolve(part, drawn=purse.drawn))
        _book(self.uow, self.identifiers, self.order, self.dispute, what, movements, at=self.at)
        return after

    def _refund(self, parts: tuple[RefundPart, ...]) -> Refund:
        return Refund(
            id=self.identifiers.new(),
            key=f"dispute:{self.dispute.id}",
            reason="dispute",
            note=self.dispute.reason,
            amount=self.dispute.amount,
            parts=parts,
            refunded_at=self.at,
            journal_key=_key(self.dispute.id, "lost"),
        )


def _key(dispute: UUID, what: str) -> str:
    return f"dispute:{dispute}:{'opened' if what == 'opened' else 'closed'}"


def _book(
    uow: UnitOfWork,
    identifiers: Identifiers,
    order: Order,
    dispute: Dispute,
    what: str,
    movements: list[Movement],
    *,
    at: datetime,
) -> None:
    booked = journal(
        order,
        identifiers,
        key=_key(dispute.id, what),
        kind=f"dispute_{what}",
        movements=movements,
        at=at,
        dispute=dispute.reference,
    )
    if booked is not None:
        uow.ledger.post(booked)


def _named(order: Order, reference: str) -> Dispute:
    for dispute in order.disputes:
        if dispute.reference == reference:
            return dispute
    raise NotFound("dispute_not_found", f"order {order.reference} has no dispute {reference}")


def _closed(dispute: Dispute, outcome: DisputeOutcome, at: datetime) -> Dispute:
    action = "win" if outcome is DisputeOutcome.WON else "lose"
    return evolve(dispute, status=DISPUTE_LIFE.next(dispute.status, action), closed_at=at)


def _opened(order: Order, dispute: Dispute) -> DisputeOpened:
    return DisputeOpened(
        subject=order.id,
        occurred_at=dispute.opened_at,
        reference=order.reference,
        dispute=dispute.id,
        amount=Money(dispute.amount, order.currency),
    )


def _told(order: Order, dispute: Dispute, at: datetime) -> DisputeClosed:
    return DisputeClosed(
        subject=order.id,
        occurred_at=at,
        reference=order.reference,
        dispute=dispute.id,
        outcome=dispute.status.value,
    )
