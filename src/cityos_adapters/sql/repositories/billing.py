"""Billing cycles, claimed by whoever bills them, and what billing runs came to."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen
from sqlalchemy import ColumnElement, FromClause, bindparam, exists, func, or_, select, tuple_, update

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import page
from cityos_adapters.sql.session import ID, OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.billing import billing_cycles, billing_runs
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import BillingRunId, SubscriptionId
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.subscriptions.certificate import BillingRun
from cityos_core.subscriptions.cycles import BillingCycle, Claim, CycleStatus

NOW: Final = bindparam("now", type_=Instant())

_c = billing_cycles.c
_CYCLES: Final = select(billing_cycles).where(_c.tenant_id == OWNER)
_OF: Final = _CYCLES.where(among(_c.subscription_id)).order_by(_c.subscription_id, _c.index)
_place = func.row_number().over(partition_by=_c.subscription_id, order_by=_c.index.desc()).label("place")
_ranked = select(*_c, _place).where(_c.tenant_id == OWNER, among(_c.subscription_id)).subquery("ranked")
_LAST_OF: Final = (
    select(*(_ranked.c[column.name] for column in _c))
    .where(_ranked.c.place <= bindparam("last"))
    .order_by(_ranked.c.subscription_id, _ranked.c.index)
)
_NEW: Final = growth(billing_cycles)


def _is_unbilled(cycles: FromClause) -> ColumnElement[bool]:
    return or_(cycles.c.status == CycleStatus.UPCOMING, cycles.c.status == CycleStatus.PROCESSING)


_rival = billing_cycles.alias("rival")
_HAS_RIVAL: Final = exists().where(
    _rival.c.tenant_id == _c.tenant_id,
    _rival.c.subscription_id == _c.subscription_id,
    _rival.c.due_at.is_not(None),
    _is_unbilled(_rival),
    or_(
        _rival.c.claimed_until > NOW,
        (_rival.c.due_at <= NOW) & (tuple_(_rival.c.due_at, _rival.c.index) < tuple_(_c.due_at, _c.index)),
    ),
)
_due = (
    select(_c.subscription_id, _c.index)
    .where(
        _c.tenant_id == OWNER,
        _c.due_at <= NOW,
        _is_unbilled(billing_cycles),
        or_(_c.claimed_until.is_(None), _c.claimed_until <= NOW),
        ~_HAS_RIVAL,
    )
    .order_by(_c.due_at, _c.subscription_id, _c.index)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True)
    .cte("due")
)
_CLAIM: Final = (
    update(billing_cycles)
    .where(
        _c.tenant_id == OWNER, tuple_(_c.subscription_id, _c.index).in_(select(_due.c.subscription_id, _due.c.index))
    )
    .values(
        status=CycleStatus.PROCESSING,
        claimed_by=bindparam("worker"),
        claimed_until=bindparam("until", type_=Instant()),
        version=_c.version + 1,
    )
    .returning(billing_cycles)
)
_COUNTS: Final = (
    select(_c.status, func.count().label("cycles"))
    .where(_c.tenant_id == OWNER, _c.starts_at <= NOW, or_(_c.status != CycleStatus.UPCOMING, _c.due_at <= NOW))
    .group_by(_c.status)
)


@frozen
class SqlCycles:
    """Cycles by subscription and index."""

    session: Session

    def add(self, cycles: Sequence[BillingCycle]) -> None:
        self.session.grow((_NEW, self._rows(cycles)))

    def save(self, cycles: Sequence[BillingCycle]) -> None:
        self.session.save(billing_cycles, self._rows(cycles))

    def claim(self, worker: str, now: datetime, *, lease: timedelta, limit: int) -> list[BillingCycle]:
        claimed = self.session.change(_CLAIM, worker=worker, now=now, until=now + lease, most=limit)
        return [_cycle(row) for row in sorted(claimed, key=lambda row: (row.due_at, row.subscription_id, row.index))]

    def of(self, subscription_ids: Iterable[SubscriptionId], *, last: int | None = None) -> list[BillingCycle]:
        wanted = set(subscription_ids)
        if last is None:
            return [_cycle(row) for row in self.session.all(_OF, ids=wanted)]
        return [_cycle(row) for row in self.session.all(_LAST_OF, ids=wanted, last=last)]

    def counts(self, now: datetime) -> Mapping[CycleStatus, int]:
        return {row.status: row.cycles for row in self.session.all(_COUNTS, now=now)}

    def page(self, status: CycleStatus | None, request: PageRequest) -> Page[BillingCycle]:
        statement = _CYCLES if status is None else _CYCLES.where(_c.status == status)
        keys = (_c.starts_at, _c.subscription_id, _c.index)
        return page(self.session, statement, keys, request, lambda rows: [_cycle(row) for row in rows])

    def _rows(self, cycles: Sequence[BillingCycle]) -> list[Values]:
        for cycle in cycles:
            self.session.require_own(cycle.tenant_id)
        return [_cycle_row(cycle) for cycle in cycles]


def _cycle_row(cycle: BillingCycle) -> Values:
    return {
        "tenant_id": cycle.tenant_id,
        "subscription_id": cycle.subscription_id,
        "index": cycle.index,
        "version": cycle.version,
        "starts_at": cycle.starts_at,
        "ends_at": cycle.ends_at,
        "status": cycle.status,
        "due_at": cycle.due_at,
        "claimed_by": None if cycle.claim is None else cycle.claim.worker,
        "claimed_until": None if cycle.claim is None else cycle.claim.until,
        "invoice_id": cycle.invoice_id,
        "reason": cycle.reason,
    }


def _cycle(row: AnyRow) -> BillingCycle:
    return BillingCycle(
        tenant_id=row.tenant_id,
        subscription_id=row.subscription_id,
        index=row.index,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        status=row.status,
        due_at=row.due_at,
        claim=None if row.claimed_by is None else Claim(worker=row.claimed_by, until=row.claimed_until),
        invoice_id=row.invoice_id,
        reason=row.reason,
        version=row.version,
    )


_r = billing_runs.c
_RUNS: Final = select(billing_runs).where(_r.tenant_id == OWNER)
_RUN: Final = _RUNS.where(_r.id == ID)
_NEW_RUN: Final = growth(billing_runs)


@frozen
class SqlBillingRuns:
    """Billing runs by id."""

    session: Session

    def add(self, run: BillingRun) -> None:
        self.session.require_own(run.tenant_id)
        row = {
            "tenant_id": run.tenant_id,
            "id": run.id,
            "worker": run.worker,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "certificate": run.certificate,
        }
        self.session.grow((_NEW_RUN, [row]))

    def get(self, run_id: BillingRunId) -> BillingRun:
        row = self.session.first(_RUN, id_=run_id)
        if row is None:
            raise NotFound("billing_run_not_found", f"there is no billing run {run_id}")
        return _run(row)

    def page(self, request: PageRequest) -> Page[BillingRun]:
        keys = (_r.started_at, _r.id)
        return page(self.session, _RUNS, keys, request, lambda rows: [_run(row) for row in rows], newest_first=True)


def _run(row: AnyRow) -> BillingRun:
    return BillingRun(
        id=row.id,
        tenant_id=row.tenant_id,
        worker=row.worker,
        started_at=row.started_at,
        finished_at=row.finished_at,
        certificate=row.certificate,
    )
