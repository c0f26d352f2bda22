"""Refunds and cancellations."""

from collections.abc import Sequence
from datetime import timedelta

from attrs import frozen

from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import Identifiers
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.orders.finding import OrderName, order_with, save
from cityos_core.orders.fingerprint import refund_fingerprint
from cityos_core.orders.model import VENDOR_ORDER_LIFE, Order, Refund, RefundPart, VendorOrder, VendorOrderStatus
from cityos_core.orders.refunds import LineRefund, plan_refund
from cityos_core.orders.settings import HOLDING_DAYS, REFUND_POLICY
from cityos_core.orders.standing import is_empty, lines_of, part_of
from cityos_core.orders.unwinding import Unwinding
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.tenancy.settings import Configuration
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory

CANCELLED = "cancelled"
"""The reason of the refund that a cancellation is."""


@frozen(kw_only=True)
class RefundOrder:
    """Give a buyer money back: an amount of the order, certain lines, or, with neither, everything that remains.

    The sale unwinds over what remains of everyone's part in it; what the refund policy keeps for the ``reason`` the
    vendor bears. A vendor pays from available money, then pending, then reserve, and owes the rest. The same ``key``
    again answers the refund that stands; ``Conflict("key_reused")`` if it asked for something else.
    ``Refused("more_than_remains")`` for more than what is left beside open disputes. A dry run keeps nothing.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader

    def __call__(
        self,
        scope: TenantScope,
        reference: OrderName,
        *,
        amount: Money | None = None,
        lines: Sequence[LineRefund] = (),
        reason: str = "other",
        note: str = "",
        key: str | None = None,
        dry_run: bool = False,
    ) -> Refund:
        digest = refund_fingerprint(amount=amount, lines=lines, reason=reason)
        with self.unit_of_work(scope) as uow:
            configuration = self.configuration(uow, scope.tenant_id)
            order = order_with(uow, reference, lock=True)
            known = _recorded(order, key, digest)
            if known is not None:
                return known
            keep = configuration.value(REFUND_POLICY).get(reason, frozenset())
            parts = plan_refund(order, amount=amount, lines=lines, keep=keep)
            refund = _refund(self.identifiers, self.clock, parts, reason=reason, note=note, key=key, digest=digest)
            unwinding = _unwinding(uow, self.clock, self.identifiers, configuration, order, refund)
            after, events = unwinding.record()
            save(uow, after)
            if dry_run:
                return refund
            faults.point("orders.refund.before_commit")
            uow.commit(events)
        faults.point("orders.refund.after_commit")
        return refund


@frozen(kw_only=True)
class CancelOrder:
    """Cancel an order, or one vendor's part of it, before anything of it was sent.

    The money goes back by the refund rule, units set aside are free again. ``Conflict("invalid_state")`` once something
    was sent. Without a vendor every part that is not cancelled yet is; all of them or none.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    configuration: ConfigurationReader

    def __call__(self, scope: TenantScope, reference: OrderName, *, vendor: str | None = None, note: str = "") -> Order:
        with self.unit_of_work(scope) as uow:
            configuration = self.configuration(uow, scope.tenant_id)
            order = order_with(uow, reference, lock=True)
            parts = _to_cancel(order, vendor)
            for part in parts:
                VENDOR_ORDER_LIFE.next(part.status, "cancel")
            keep = configuration.value(REFUND_POLICY).get(CANCELLED, frozenset())
            lines = [line for part in parts for line in lines_of(order, part) if not is_empty(order, line)]
            taken = plan_refund(order, lines=[LineRefund(line=line.reference) for line in lines], keep=keep)
            refund = _refund(self.identifiers, self.clock, taken, reason=CANCELLED, note=note)
            after, events = _unwinding(uow, self.clock, self.identifiers, configuration, order, refund).record()
            after = save(uow, after)
            faults.point("orders.cancel.before_commit")
            uow.commit(events)
        faults.point("orders.cancel.after_commit")
        return after


def _to_cancel(order: Order, vendor: str | None) -> list[VendorOrder]:
    if vendor is not None:
        return [part_of(order, vendor)]
    coming = [part for part in order.vendor_orders if part.status is not VendorOrderStatus.CANCELLED]
    return coming or list(order.vendor_orders)


def _recorded(order: Order, key: str | None, digest: str) -> Refund | None:
    known = next((refund for refund in order.refunds if refund.key == key), None)
    if known is not None and known.digest != digest:
        raise Conflict("key_reused", f"refund {key} of order {order.reference} was for something else; use another key")
    return known


def _refund(
    identifiers: Identifiers,
    clock: Clock,
    parts: tuple[RefundPart, ...],
    *,
    reason: str,
    note: str,
    key: str | None = None,
    digest: str = "",
) -> Refund:
    new = identifiers.new()
    return Refund(
        id=new,
        key=key or str(new),
        digest=digest,
        reason=reason,
        note=note,
        amount=sum(part.amount for part in parts),
        parts=parts,
        refunded_at=clock.now(),
        journal_key=f"refund:{new}",
    )


def _unwinding(
    uow: UnitOfWork,
    clock: Clock,
    identifiers: Identifiers,
    configuration: Configuration,
    order: Order,
    refund: Refund,
) -> Unwinding:
    return Unwinding(
        uow=uow,
        clock=clock,
        identifiers=identifiers,
        holding=timedelta(days=configuration.value(HOLDING_DAYS)),
        order=order,
        refund=refund,
    )
