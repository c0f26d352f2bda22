"""What was used of subscriptions, and how their recurring revenue moved."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final

from attrs import frozen
from sqlalchemy import Integer, Uuid, bindparam, func, literal_column, select, tuple_, update

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.lists import among, given
from cityos_adapters.sql.session import OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.subscriptions import IS_LATE, movements, usage_records
from cityos_core.kernel.ids import SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.mrr import Movement
from cityos_core.subscriptions.terms import Subscriber
from cityos_core.subscriptions.usage import UsageRecord, Used

_u = usage_records.c
_REPORT: Final = growth(usage_records)
_FOUND: Final = select(usage_records).where(
    _u.tenant_id == OWNER, _u.subscription_id == bindparam("wanted", type_=Uuid()), among(_u.key, "keys")
)
_spans = given("spans", subscription_id=Uuid(), since=Instant(), before=Instant())
_summed = (_spans.c.subscription_id, _spans.c.since, _spans.c.before, _u.item)
_IN_SPANS: Final = (
    select(*_summed, _u.denominator)
    .where(
        _u.tenant_id == OWNER,
        _u.subscription_id == _spans.c.subscription_id,
        _u.counts_at >= _spans.c.since,
        _u.counts_at < _spans.c.before,
    )
    .group_by(*_summed, _u.denominator)
    .order_by(*_summed)
)
_SUMS: Final = _IN_SPANS.add_columns(
    func.sum(_u.numerator).label("numerator"), literal_column("1", Integer()).label("times")
)
_SUMS_ON_SQLITE: Final = _IN_SPANS.add_columns(_u.numerator, func.count().label("times")).group_by(_u.numerator)
"""What SQLite adds up ends at 64 bits; there equal quantities are counted."""

_LATE: Final = (_u.tenant_id == OWNER) & IS_LATE & among(_u.subscription_id)
_UNBILLED: Final = select(_u.subscription_id, _u.counts_at).where(_LATE).distinct().order_by(_u.counts_at)
_SETTLE: Final = update(usage_records).where(_LATE).values(is_late=False)


@frozen
class SqlUsage:
    """Usage by subscription and key."""

    session: Session

    def add(self, records: Sequence[UsageRecord]) -> None:
        for record in records:
            self.session.require_own(record.tenant_id)
        self.session.grow((_REPORT, [_usage_row(record) for record in records]))

    def find(self, subscription_id: SubscriptionId, keys: Iterable[str]) -> Mapping[str, UsageRecord]:
        found = self.session.all(_FOUND, wanted=subscription_id, keys=set(keys))
        return {row.key: _usage(row) for row in found}

    def sums(self, spans: Mapping[SubscriptionId, Sequence[tuple[datetime, datetime]]]) -> list[Used]:
        asked = [
            {"subscription_id": subscription_id, "since": since, "before": before}
            for subscription_id, several in spans.items()
            for since, before in set(several)
        ]
        sums: dict[tuple[SubscriptionId, datetime, datetime, str], Fraction] = defaultdict(Fraction)
        for row in self.session.all(_SUMS if self.session.is_postgresql else _SUMS_ON_SQLITE, spans=asked):
            key = row.subscription_id, row.since, row.before, row.item
            sums[key] += Fraction(row.numerator * row.times, row.denominator)
        return [
            Used(subscription_id=subscription_id, start=since, end=before, item=item, quantity=quantity)
            for (subscription_id, since, before, item), quantity in sums.items()
        ]

    def unbilled(self, subscription_ids: Iterable[SubscriptionId]) -> Mapping[SubscriptionId, Sequence[datetime]]:
        found: dict[SubscriptionId, list[datetime]] = defaultdict(list)
        for row in self.session.all(_UNBILLED, ids=set(subscription_ids)):
            found[row.subscription_id].append(row.counts_at)
        return dict(found)

    def settle(self, subscription_ids: Sequence[SubscriptionId]) -> int:
        return self.session.run(_SETTLE, ids=subscription_ids)


def _usage_row(record: UsageRecord) -> Values:
    return {
        "tenant_id": record.tenant_id,
        "subscription_id": record.subscription_id,
        "key": record.key,
        "item": record.item,
        "numerator": record.quantity.numerator,
        "denominator": record.quantity.denominator,
        "used_at": record.used_at,
        "recorded_at": record.recorded_at,
        "counts_at": record.counts_at,
        "is_late": record.is_late,
    }


def _usage(row: AnyRow) -> UsageRecord:
    return UsageRecord(
        tenant_id=row.tenant_id,
        subscription_id=row.subscription_id,
        key=row.key,
        item=row.item,
        quantity=Fraction(row.numerator, row.denominator),
        used_at=row.used_at,
        recorded_at=row.recorded_at,
        counts_at=row.counts_at,
        is_late=row.is_late,
    )


_m = movements.c
_MOVE: Final = growth(movements)
_MOVEMENTS: Final = select(movements).where(_m.tenant_id == OWNER)
_last = (
    select(_m.subscription_id, func.max(_m.number))
    .where(_m.tenant_id == OWNER, among(_m.subscription_id))
    .group_by(_m.subscription_id)
)
_LATEST: Final = _MOVEMENTS.where(tuple_(_m.subscription_id, _m.number).in_(_last))
_UNTIL: Final = _MOVEMENTS.where(_m.at < bindparam("before", type_=Instant())).order_by(
    _m.at, _m.subscription_id, _m.number
)
_UNTIL_IN: Final = _UNTIL.where(_m.currency == bindparam("unit"))


@frozen
class SqlMovements:
    """Movements by subscription and number."""

    session: Session

    def add(self, movements: Sequence[Movement]) -> None:
        for movement in movements:
            self.session.require_own(movement.tenant_id)
        self.session.grow((_MOVE, [_movement_row(movement) for movement in movements]))

    def latest(self, subscription_ids: Iterable[SubscriptionId]) -> Mapping[SubscriptionId, Movement]:
        found = map(_movement, self.session.all(_LATEST, ids=set(subscription_ids)))
        return {movement.subscription_id: movement for movement in found}

    def until(self, before: datetime, *, currency: str | None = None) -> list[Movement]:
        if currency is None:
            return [_movement(row) for row in self.session.all(_UNTIL, before=before)]
        return [_movement(row) for row in self.session.all(_UNTIL_IN, before=before, unit=currency)]


def _movement_row(movement: Movement) -> Values:
    return {
        "tenant_id": movement.tenant_id,
        "subscription_id": movement.subscription_id,
        "number": movement.number,
        "at": movement.at,
        "kind": movement.kind,
        "change": movement.change.minor,
        "revenue": movement.revenue.minor,
        "currency": movement.revenue.currency,
        "subscriber_kind": movement.subscriber.kind,
        "subscriber": movement.subscriber.reference,
        "plan_id": movement.plan_id,
    }


def _movement(row: AnyRow) -> Movement:
    return Movement(
        tenant_id=row.tenant_id,
        subscription_id=row.subscription_id,
        number=row.number,
        at=row.at,
        kind=row.kind,
        change=Money(row.change, row.currency),
        revenue=Money(row.revenue, row.currency),
        subscriber=Subscriber(row.subscriber_kind, row.subscriber),
        plan_id=row.plan_id,
    )
