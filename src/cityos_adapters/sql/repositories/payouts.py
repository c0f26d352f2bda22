"""Payouts with their attempts, batches, and who could be paid."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, cast

from attrs import frozen
from sqlalchemy import ColumnElement, bindparam, select, tuple_, update

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.failures import stale
from cityos_adapters.sql.growth import growth, replacing
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.paging import begins_with, page
from cityos_adapters.sql.session import ID, OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Query, Values
from cityos_adapters.sql.tables.ledger import IS_AVAILABLE, IS_DEBT, balances
from cityos_adapters.sql.tables.payouts import payout_attempts, payout_batches, payouts
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import BatchId, PayoutId, VendorId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.ledger.model import Account, Balance
from cityos_core.payouts.model import Attempt, Payout, PayoutBatch
from cityos_core.payouts.ports import PayoutFilter

_p = payouts.c
_PAYOUTS: Final = select(payouts).where(_p.tenant_id == OWNER)
_BY_ID: Final = _PAYOUTS.where(_p.id == ID)
_ATTEMPTS: Final = (
    select(payout_attempts)
    .where(payout_attempts.c.tenant_id == OWNER, among(payout_attempts.c.payout_id))
    .order_by(payout_attempts.c.payout_id, payout_attempts.c.number)
)
_NEW: Final = growth(payouts)
_TRIES: Final = replacing(payout_attempts)
_DUE: Final = (
    select(_p.id)
    .where(_p.tenant_id == OWNER, _p.next_attempt_at <= bindparam("now", type_=Instant()))
    .order_by(_p.next_attempt_at, _p.id)
    .limit(bindparam("most"))
)


@frozen
class SqlPayouts:
    """Payouts by id, each attempt a row of its own."""

    session: Session

    def add(self, added: Iterable[Payout]) -> None:
        new = list(added)
        for payout in new:
            self.session.require_own(payout.tenant_id)
        self.session.grow(
            (_NEW, [_payout_row(payout) for payout in new]),
            (_TRIES, [row for payout in new for row in _attempt_rows(payout)]),
        )

    def get(self, payout_id: PayoutId) -> Payout:
        for payout in self._whole(self.session.all(_BY_ID, id_=payout_id)):
            return payout
        raise NotFound("payout_not_found", f"there is no payout {payout_id}")

    def save(self, payout: Payout) -> None:
        self.session.require_own(payout.tenant_id)
        self.session.save(payouts, [_payout_row(payout)])
        self.session.grow((_TRIES, _attempt_rows(payout)))

    def page(self, where: PayoutFilter, request: PageRequest) -> Page[Payout]:
        given = ((_p.vendor, where.vendor), (_p.status, where.status), (_p.batch_id, where.batch))
        statement = _PAYOUTS.where(*(column == value for column, value in given if value is not None))
        return page(self.session, statement, (_p.created_at, _p.id), request, self._whole)

    def due(self, now: datetime, *, limit: int) -> list[PayoutId]:
        return [row.id for row in self.session.all(_DUE, now=now, most=limit)]

    def _whole(self, rows: Sequence[AnyRow]) -> list[Payout]:
        tries: dict[Any, list[Attempt]] = defaultdict(list)
        if rows:
            for row in self.session.all(_ATTEMPTS, ids=[row.id for row in rows]):
                tries[row.payout_id].append(_attempt(row))
        return [_payout(row, tries[row.id]) for row in rows]


def _payout_row(payout: Payout) -> Values:
    return {
        "tenant_id": payout.tenant_id,
        "id": payout.id,
        "version": payout.version,
        "batch_id": payout.batch_id,
        "vendor_id": payout.vendor_id,
        "vendor": payout.vendor,
        "amount": payout.amount.minor,
        "currency": payout.amount.currency,
        "method": payout.method,
        "account": payout.account,
        "holder": payout.holder,
        "status": payout.status,
        "reason": payout.reason,
        "next_attempt_at": payout.next_attempt_at,
        "approved_account": payout.approved_account,
        "retries": payout.retries,
        "created_at": payout.created_at,
        "settled_at": payout.settled_at,
    }


def _payout(row: AnyRow, attempts: Sequence[Attempt]) -> Payout:
    return Payout(
        id=row.id,
        tenant_id=row.tenant_id,
        batch_id=row.batch_id,
        vendor_id=row.vendor_id,
        vendor=row.vendor,
        amount=Money(row.amount, row.currency),
        method=row.method,
        account=row.account,
        holder=row.holder,
        status=row.status,
        reason=row.reason,
        attempts=tuple(attempts),
        next_attempt_at=row.next_attempt_at,
        approved_account=row.approved_account,
        retries=row.retries,
        created_at=row.created_at,
        settled_at=row.settled_at,
        version=row.version,
    )


def _attempt_rows(payout: Payout) -> list[Values]:
    return [
        {
            "tenant_id": payout.tenant_id,
            "payout_id": payout.id,
            "number": attempt.number,
            "key": attempt.key,
            "started_at": attempt.started_at,
            "outcome": attempt.outcome,
            "reference": attempt.reference,
            "reason": attempt.reason,
            "finished_at": attempt.finished_at,
        }
        for attempt in payout.attempts
    ]


def _attempt(row: AnyRow) -> Attempt:
    return Attempt(
        number=row.number,
        key=row.key,
        started_at=row.started_at,
        outcome=row.outcome,
        reference=row.reference,
        reason=row.reason,
        finished_at=row.finished_at,
    )


_b = payout_batches.c
_BATCHES: Final = select(payout_batches).where(_b.tenant_id == OWNER)
_BATCH: Final = _BATCHES.where(_b.id == ID)
_NEW_BATCH: Final = growth(payout_batches)
_LAST_SWEEP: Final = (
    select(_b.created_at).where(_b.tenant_id == OWNER, _b.swept_at.is_not(None)).order_by(_b.created_at.desc()).limit(1)
)
_SAVE_BATCH: Final = update(payout_batches).where(_b.tenant_id == OWNER, _b.id == ID)


@frozen
class SqlBatches:
    """Payout batches by id."""

    session: Session

    def add(self, batch: PayoutBatch) -> None:
        self.session.require_own(batch.tenant_id)
        self.session.grow((_NEW_BATCH, [{"tenant_id": batch.tenant_id, "id": batch.id, **_batch_row(batch)}]))

    def get(self, batch_id: BatchId) -> PayoutBatch:
        row = self.session.first(_BATCH, id_=batch_id)
        if row is None:
            raise NotFound("payout_batch_not_found", f"there is no payout batch {batch_id}")
        return _batch(row)

    def save(self, batch: PayoutBatch) -> None:
        self.session.require_own(batch.tenant_id)
        if self.session.run(_SAVE_BATCH, id_=batch.id, **_batch_row(batch)) != 1:
            raise stale()

    def page(self, request: PageRequest) -> Page[PayoutBatch]:
        return page(self.session, _BATCHES, (_b.created_at, _b.id), request, lambda rows: [_batch(row) for row in rows])

    def last_sweep(self) -> datetime | None:
        for row in self.session.all(_LAST_SWEEP):
            return cast("datetime", row.created_at)
        return None


def _batch_row(batch: PayoutBatch) -> Values:
    return {
        "created_at": batch.created_at,
        "payouts": batch.payouts,
        "skipped": batch.skipped,
        "swept_at": batch.swept_at,
    }


def _batch(row: AnyRow) -> PayoutBatch:
    return PayoutBatch(
        id=row.id,
        tenant_id=row.tenant_id,
        created_at=row.created_at,
        payouts=row.payouts,
        skipped=row.skipped,
        swept_at=row.swept_at,
    )


def _with(state: ColumnElement[bool]) -> Query:
    place = tuple_(balances.c.account, balances.c.currency)
    return (
        select(balances.c.account, balances.c.currency)
        .where(
            balances.c.tenant_id == OWNER,
            state,
            balances.c.amount > 0,
            place > tuple_(bindparam("account"), bindparam("currency")),
        )
        .order_by(balances.c.account, balances.c.currency)
        .limit(bindparam("most"))
    )


_BALANCES: Final = (
    select(balances.c.account, balances.c.currency, balances.c.amount)
    .where(balances.c.tenant_id == OWNER)
    .order_by(balances.c.account, balances.c.currency)
)
_STATES: Final = (("available", _with(IS_AVAILABLE)), ("debt", _with(IS_DEBT)))


@frozen
class SqlPayables:
    """Reads the stored balances of available money and of debt, each in the order of an index."""

    session: Session

    def payable(self, *, after: str | None, limit: int) -> Sequence[tuple[str, str]]:
        vendor, _, currency = (after or "").partition("/")
        found: set[tuple[str, str]] = set()
        for state, statement in _STATES:
            rows = self.session.all(
                statement, account=f"vendor:{vendor}:{state}" if vendor else "", currency=currency, most=limit
            )
            found |= {(row.account.split(":")[1], row.currency) for row in rows}
        return sorted(found)[:limit]

    def of(self, vendor_id: VendorId) -> list[Balance]:
        statement = _BALANCES.where(begins_with(balances.c.account, f"vendor:{vendor_id}:"))
        rows = self.session.all(statement)
        return [Balance(Account(self.session.tenant, row.account, row.currency), _money(row)) for row in rows]


def _money(row: AnyRow) -> Money:
    return Money(row.amount, row.currency)
