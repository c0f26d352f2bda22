"""Commission rules and transactions of one tenant."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from attrs import frozen
from sqlalchemy import ColumnElement, Text, Uuid, bindparam, case, distinct, func, literal, or_, select, update

from cityos_adapters.sql.columns import Choice, Instant
from cityos_adapters.sql.failures import stale
from cityos_adapters.sql.growth import Growth, changing, growth
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import ID, OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.commissions import commission_entries, commission_rules
from cityos_adapters.sql.tables.vendors import vendors
from cityos_core.commissions.lines import CommissionEntry, EntryKind, EntryStatus, VendorTotals
from cityos_core.commissions.ports import EntryFilter
from cityos_core.commissions.rules import StoredRule
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import PLATFORM, OrderId, OrderLineId, PayoutId, RuleId, VendorId, VendorOrderId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import Page, PageRequest

_r = commission_rules.c
_RULES: Final = select(commission_rules).where(_r.tenant_id.in_((OWNER, PLATFORM)))
_IN_AGE: Final = (_r.sequence, _r.id, _r.version)
_CURRENT: Final = _RULES.where(_r.superseded_at.is_(None)).order_by(*_IN_AGE)
_RECORDED: Final = _RULES.where(
    _r.recorded_at <= bindparam("at", type_=Instant()),
    or_(_r.superseded_at.is_(None), _r.superseded_at > bindparam("at", type_=Instant())),
).order_by(*_IN_AGE)
_VERSIONS: Final = _RULES.where(_r.id == ID).order_by(_r.version)
_NEW: Final = growth(commission_rules)
_SUPERSEDE: Final = update(commission_rules).where(
    _r.tenant_id == OWNER, _r.id == ID, _r.version == bindparam("expected")
)


@frozen
class SqlRules:
    """Every version of every rule of the tenant, read together with the platform's."""

    session: Session

    def add(self, rules: Iterable[StoredRule]) -> None:
        added = list(rules)
        for rule in added:
            self.session.require_own(rule.tenant_id)
        with self.session.whole():
            self.session.grow((_NEW, [_rule_row(rule) for rule in added]))
        self.session.wrote_configuration = True

    def supersede(self, rules: Iterable[StoredRule]) -> None:
        rows = [{"id_": rule.id, "expected": rule.version, "superseded_at": rule.superseded_at} for rule in rules]
        with self.session.whole():
            if rows and self.session.run_each(_SUPERSEDE, rows) != len(rows):
                raise stale()
        self.session.wrote_configuration = True

    def current(self) -> list[StoredRule]:
        return self._latest(self.session.all(_CURRENT))

    def recorded(self, at: datetime) -> list[StoredRule]:
        return self._latest(self.session.all(_RECORDED, at=at))

    def versions(self, rule: RuleId) -> list[StoredRule]:
        return [_rule(row) for row in self.session.all(_VERSIONS, id_=rule)]

    def _latest(self, rows: Iterable[AnyRow]) -> list[StoredRule]:
        return list({row.id: _rule(row) for row in rows}.values())


def _rule_row(rule: StoredRule) -> Values:
    return {
        "tenant_id": rule.tenant_id,
        "id": rule.id,
        "version": rule.version,
        "name": rule.rule.name,
        "sequence": rule.sequence,
        "status": rule.status,
        "rule": rule.rule,
        "recorded_at": rule.recorded_at,
        "superseded_at": rule.superseded_at,
    }


def _rule(row: AnyRow) -> StoredRule:
    return StoredRule(
        id=row.id,
        tenant_id=row.tenant_id,
        rule=row.rule,
        sequence=row.sequence,
        version=row.version,
        status=row.status,
        recorded_at=row.recorded_at,
        superseded_at=row.superseded_at,
    )


_e = commission_entries.c
_ENTRIES: Final = select(commission_entries).where(_e.tenant_id == OWNER)
_ADD: Final = growth(commission_entries)
_OF_ORDER: Final = _ENTRIES.where(_e.order_id == bindparam("order")).order_by(_e.kind != EntryKind.SALE, _e.position)
_SUMMED: Final = ("gross", "discounts", "funding", "shipping", "tax", "commission", "commission_tax", "net")
_ORDERS: Final = func.count(distinct(case((_e.kind == EntryKind.SALE, _e.order_id)))).label("orders")
_SUMS: Final = (_ORDERS, *(func.sum(_e[name]).label(name) for name in _SUMMED))
_BY_VENDOR: Final = (
    select(_e.vendor, _e.currency, *_SUMS)
    .where(_e.tenant_id == OWNER)
    .group_by(_e.vendor, _e.currency)
    .order_by(_e.vendor, _e.currency)
)
_OVER_ALL: Final = (
    select(literal("").label("vendor"), _e.currency, *_SUMS)
    .where(_e.tenant_id == OWNER)
    .group_by(_e.currency)
    .order_by(_e.currency)
)
_HOLD_VENDORS: Final = (
    select(vendors.c.id)
    .where(vendors.c.tenant_id == OWNER, among(vendors.c.id))
    .order_by(vendors.c.id)
    .with_for_update(key_share=True)
)
_VOLUME: Final = (
    select(_e.vendor_id, func.sum(_e.volume).label("volume"))
    .where(
        _e.tenant_id == OWNER,
        among(_e.vendor_id),
        _e.currency == bindparam("currency"),
        _e.kind == EntryKind.SALE,
        _e.occurred_at >= bindparam("since", type_=Instant()),
        _e.occurred_at <= bindparam("before", type_=Instant()),
    )
    .group_by(_e.vendor_id)
)


def _marking(column: ColumnElement[Any]) -> Growth:
    return changing(
        commission_entries,
        lambda given: (
            update(commission_entries)
            .where(_e.tenant_id == given.owner, column == given.marked, _e.status != EntryStatus.REVERSED)
            .values(status=given.becomes)
        ),
        owner=Uuid(),
        marked=Uuid(),
        becomes=Choice(EntryStatus),
    )


_MARK: Final = {
    "vendor_order": _marking(_e.vendor_order_id),
    "line": _marking(_e.line_id),
    "payout": _marking(_e.payout_id),
}
_COVER: Final = changing(
    commission_entries,
    lambda given: (
        update(commission_entries)
        .where(
            _e.tenant_id == given.owner,
            _e.vendor_id == given.seller,
            _e.currency == given.unit,
            _e.status == EntryStatus.APPROVED,
            _e.payout_id.is_(None),
        )
        .values(payout_id=given.payout)
    ),
    owner=Uuid(),
    payout=Uuid(),
    seller=Uuid(),
    unit=Text(),
)
_PAID: Final = bindparam("paid", EntryStatus.PAID, type_=Choice(EntryStatus))
_APPROVED: Final = bindparam("approved", EntryStatus.APPROVED, type_=Choice(EntryStatus))
_UNCOVER: Final = (
    update(commission_entries)
    .where(_e.tenant_id == OWNER, _e.payout_id == bindparam("payout"))
    .values(payout_id=None, status=case((_e.status == _PAID, _APPROVED), else_=_e.status))
)


@frozen
class SqlEntries:
    """Commission transactions, read in order of occurrence."""

    session: Session

    def add(self, entries: Iterable[CommissionEntry]) -> None:
        self.session.grow_later((_ADD, [{"tenant_id": self.session.tenant, **_entry_row(entry)} for entry in entries]))

    def of_order(self, order_id: OrderId) -> list[CommissionEntry]:
        return [_entry(row) for row in self.session.all(_OF_ORDER, order=order_id)]

    def page(self, where: EntryFilter, request: PageRequest) -> Page[CommissionEntry]:
        statement = _ENTRIES.where(*_conditions(where))
        return page(self.session, statement, (_e.occurred_at, _e.id), request, lambda rows: [_entry(r) for r in rows])

    def totals(self, where: EntryFilter, *, by_vendor: bool = True) -> list[VendorTotals]:
        statement = _BY_VENDOR if by_vendor else _OVER_ALL
        return [
            VendorTotals(
                vendor=row.vendor,
                currency=row.currency,
                orders=row.orders,
                **{name: Money(int(getattr(row, name)), row.currency) for name in _SUMMED},
            )
            for row in self.session.all(statement.where(*_conditions(where)))
        ]

    def volume(
        self, of: Iterable[VendorId], currency: str, *, since: datetime, before: datetime
    ) -> Mapping[VendorId, int]:
        sellers = sorted(set(of))
        self.session.lock(_HOLD_VENDORS, ids=sellers)
        found = self.session.all(_VOLUME, ids=sellers, currency=currency, since=since, before=before)
        volumes = {row.vendor_id: int(row.volume) for row in found}
        return {vendor: volumes.get(vendor, 0) for vendor in sellers}

    def mark(
        self,
        status: EntryStatus,
        *,
        vendor_order: VendorOrderId | None = None,
        line: OrderLineId | None = None,
        payout: PayoutId | None = None,
    ) -> None:
        given = {"vendor_order": vendor_order, "line": line, "payout": payout}
        chosen = [(_MARK[name], marked) for name, marked in given.items() if marked is not None]
        if len(chosen) != 1:
            raise Invalid("no_selection", "name one vendor order, line or payout whose transactions are marked")
        ((marking, marked),) = chosen
        self.session.grow_later((marking, [{"owner": self.session.tenant, "marked": marked, "becomes": status}]))


@frozen
class SqlCoverage:
    """Which transactions a payout covers, written on the transactions."""

    session: Session

    def cover(self, payout: PayoutId, vendor: VendorId, currency: str) -> None:
        covered = {"owner": self.session.tenant, "payout": payout, "seller": vendor, "unit": currency}
        self.session.grow_later((_COVER, [covered]))

    def uncover(self, payout: PayoutId) -> None:
        self.session.run(_UNCOVER, payout=payout)


def _conditions(where: EntryFilter) -> list[Any]:
    given = (
        (_e.vendor, where.vendor),
        (_e.order_reference, where.order),
        (_e.line_id, where.line),
        (_e.status, where.status),
    )
    conditions = [column == value for column, value in given if value is not None]
    if where.since is not None:
        conditions.append(_e.occurred_at >= where.since)
    if where.until is not None:
        conditions.append(_e.occurred_at < where.until)
    return conditions


_SCALARS: Final = tuple(column.name for column in commission_entries.c if column.name not in {"tenant_id", "position"})


def _entry_row(entry: CommissionEntry) -> Values:
    return {name: getattr(entry, name) for name in _SCALARS}


def _entry(row: AnyRow) -> CommissionEntry:
    return CommissionEntry(**{name: getattr(row, name) for name in _SCALARS})
