"""The orders of one tenant, each one row and a row for every part of it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import field, frozen
from sqlalchemy import bindparam, case, exists, func, or_, select

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.growth import growth, replacing
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.repositories.order_rows import (
    dispute_row,
    fulfilment_row,
    line_row,
    order,
    order_row,
    refund_row,
    vendor_order_row,
)
from cityos_adapters.sql.session import ID, OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.orders import (
    AWAITS_RELEASE,
    disputes,
    fulfilments,
    order_lines,
    orders,
    refunds,
    vendor_orders,
)
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import OrderId, VendorId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.orders.model import AWAITING, Order
from cityos_core.orders.ports import Due, OrderFilter, Placed

_ORDERS: Final = select(orders).where(orders.c.tenant_id == OWNER)
_BY_ID: Final = _ORDERS.where(orders.c.id == ID)
_LOCK: Final = _BY_ID.with_for_update(key_share=True)
_BY_IDS: Final = _ORDERS.where(among(orders.c.id)).order_by(orders.c.id)
_LOCK_MANY: Final = _BY_IDS.with_for_update(key_share=True)
_PLACED: Final = select(orders.c.reference, orders.c.id, orders.c.digest).where(
    orders.c.tenant_id == OWNER, among(orders.c.reference, "references")
)

_PARTS: Final[Sequence[tuple[Any, str, Callable[[Any], Values]]]] = (
    (order_lines, "lines", line_row),
    (vendor_orders, "vendor_orders", vendor_order_row),
    (fulfilments, "fulfilments", fulfilment_row),
    (refunds, "refunds", refund_row),
    (disputes, "disputes", dispute_row),
)
"""The tables of an order's parts, the attribute that holds each, and how it is written."""

_CHANGING: Final = _PARTS[1:]
"""Lines never change after the sale."""

_NEW_ORDER: Final = growth(orders)
_NEW: Final = {table: growth(table) for table, _, _ in _PARTS}
_PUT: Final = {table: replacing(table) for table, _, _ in _CHANGING}

_PARTS_OF: Final = {
    table: select(table)
    .where(table.c.tenant_id == OWNER, among(table.c.order_id))
    .order_by(table.c.order_id, table.c.position)
    for table, _, _ in _PARTS
}

_TO_SEND: Final = select(func.count().label("parts")).where(
    vendor_orders.c.tenant_id == OWNER,
    vendor_orders.c.vendor_id == ID,
    or_(*(vendor_orders.c.status == status for status in AWAITING)),
)

_DUE_AT: Final = case(
    (vendor_orders.c.released_at.is_(None), vendor_orders.c.release_due_at), else_=vendor_orders.c.reserve_due_at
)
_DUE: Final = (
    select(vendor_orders.c.order_id, vendor_orders.c.id)
    .where(vendor_orders.c.tenant_id == OWNER, AWAITS_RELEASE, bindparam("now", type_=Instant()) >= _DUE_AT)
    .order_by(_DUE_AT, vendor_orders.c.id)
    .limit(bindparam("most"))
)


@frozen
class SqlOrders:
    """Orders by id and reference. What was read in this unit of work is remembered, so that saving writes what changed."""

    session: Session
    _read: dict[OrderId, Order] = field(factory=dict, init=False)

    def add(self, placed: Order) -> None:
        self.session.require_own(placed.tenant_id)
        self.session.grow(
            (_NEW_ORDER, [order_row(placed)]),
            *((_NEW[table], _part_rows(placed, getattr(placed, name), row)) for table, name, row in _PARTS),
        )

    def get(self, order_id: OrderId, *, lock: bool = False) -> Order:
        found = self.session.lock(_LOCK, id_=order_id) if lock else self.session.all(_BY_ID, id_=order_id)
        for known in self._whole(found):
            self._read[known.id] = known
            return known
        raise NotFound("order_not_found", f"there is no order {order_id}")

    def many(self, order_ids: Iterable[OrderId], *, lock: bool = False) -> dict[OrderId, Order]:
        wanted = sorted(set(order_ids))
        found = self.session.lock(_LOCK_MANY, ids=wanted) if lock else self.session.all(_BY_IDS, ids=wanted)
        known = {order.id: order for order in self._whole(found)}
        self._read.update(known)
        return known

    def placed(self, references: Iterable[str]) -> dict[str, Placed]:
        found = self.session.all(_PLACED, references=sorted(set(references)))
        return {row.reference: Placed(row.id, row.digest) for row in found}

    def save(self, changed: Order) -> None:
        self.session.require_own(changed.tenant_id)
        self.session.save(orders, [order_row(changed)])
        before = self._read.pop(changed.id, None)
        self.session.grow(
            *(
                (_PUT[table], _part_rows(changed, getattr(changed, name), row, set(getattr(before, name, ()))))
                for table, name, row in _CHANGING
            )
        )

    def page(self, where: OrderFilter, request: PageRequest) -> Page[Order]:
        statement = _ORDERS.where(*_conditions(where))
        return page(self.session, statement, (orders.c.placed_at, orders.c.id), request, self._whole)

    def to_send(self, vendor_id: VendorId) -> int:
        return sum(int(row.parts) for row in self.session.all(_TO_SEND, id_=vendor_id))

    def due(self, now: datetime, *, limit: int) -> list[Due]:
        return [Due(row.order_id, row.id) for row in self.session.all(_DUE, now=now, most=limit)]

    def _whole(self, found: Sequence[AnyRow]) -> list[Order]:
        if not found:
            return []
        parts: dict[Any, dict[str, list[AnyRow]]] = defaultdict(lambda: defaultdict(list))
        for table, statement in _PARTS_OF.items():
            for part in self.session.all(statement, ids=[row.id for row in found]):
                parts[part.order_id][table.name].append(part)
        return [order(row, parts[row.id]) for row in found]


def _part_rows(
    whole: Order, parts: Iterable[Any], row: Callable[[Any], Values], known: Iterable[Any] = frozenset()
) -> list[Values]:
    return [
        {"tenant_id": whole.tenant_id, "id": part.id, "order_id": whole.id, "position": position, **row(part)}
        for position, part in enumerate(parts)
        if part not in known
    ]


def _conditions(where: OrderFilter) -> list[Any]:
    conditions: list[Any] = []
    if where.vendor is not None:
        parts = vendor_orders.c
        mine = (parts.tenant_id == OWNER) & (parts.order_id == orders.c.id) & (parts.vendor == where.vendor)
        conditions.append(exists().where(mine))
    if where.customer is not None:
        conditions.append(orders.c.customer == where.customer)
    if where.store is not None:
        conditions.append(orders.c.store_id == where.store)
    if where.since is not None:
        conditions.append(orders.c.placed_at >= where.since)
    if where.until is not None:
        conditions.append(orders.c.placed_at < where.until)
    return conditions
