"""Attempts to collect invoices, and what follows where they failed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

from attrs import frozen
from sqlalchemy import bindparam, or_, select

from cityos_adapters.sql.columns import Instant
from cityos_adapters.sql.failures import stale
from cityos_adapters.sql.growth import growth
from cityos_adapters.sql.lists import among
from cityos_adapters.sql.session import OWNER, Session
from cityos_adapters.sql.statements import AnyRow, Values
from cityos_adapters.sql.tables.billing import dunning_cases, payment_attempts
from cityos_core.kernel.ids import InvoiceId, SubscriptionId
from cityos_core.kernel.money import Money
from cityos_core.subscriptions.attempts import UNSETTLED, PaymentAttempt
from cityos_core.subscriptions.dunning import DunningCase

NOW: Final = bindparam("now", type_=Instant())

_a = payment_attempts.c
_ATTEMPTS: Final = select(payment_attempts).where(_a.tenant_id == OWNER)
_ATTEMPTS_AT: Final = _ATTEMPTS.where(among(_a.invoice_id)).order_by(_a.invoice_id, _a.number)
_UNSETTLED: Final = (
    _ATTEMPTS.where(_a.next_at <= NOW, or_(*(_a.status == status for status in sorted(UNSETTLED))))
    .order_by(_a.next_at, _a.subscription_id, _a.cycle, _a.change, _a.number)
    .limit(bindparam("most"))
)
_NEW_ATTEMPT: Final = growth(payment_attempts)


@frozen
class SqlAttempts:
    """Attempts by what they collect, and number."""

    session: Session

    def add(self, attempts: Sequence[PaymentAttempt]) -> None:
        self.session.grow((_NEW_ATTEMPT, self._rows(attempts)))

    def save(self, attempts: Sequence[PaymentAttempt]) -> None:
        self.session.save(payment_attempts, self._rows(attempts))

    def of(self, invoice_ids: Iterable[InvoiceId]) -> list[PaymentAttempt]:
        return [_attempt(row) for row in self.session.all(_ATTEMPTS_AT, ids=set(invoice_ids))]

    def due(self, now: datetime, *, limit: int) -> list[PaymentAttempt]:
        return [_attempt(row) for row in self.session.all(_UNSETTLED, now=now, most=limit)]

    def _rows(self, attempts: Sequence[PaymentAttempt]) -> list[Values]:
        for attempt in attempts:
            self.session.require_own(attempt.tenant_id)
        return [_attempt_row(attempt) for attempt in attempts]


def _attempt_row(attempt: PaymentAttempt) -> Values:
    return {
        "tenant_id": attempt.tenant_id,
        "subscription_id": attempt.subscription_id,
        "cycle": attempt.cycle,
        "change": attempt.change,
        "number": attempt.number,
        "version": attempt.version,
        "invoice_id": attempt.invoice_id,
        "origin": attempt.origin,
        "gateway": attempt.gateway,
        "amount": attempt.amount.minor,
        "currency": attempt.amount.currency,
        "status": attempt.status,
        "reference": attempt.reference,
        "decline": attempt.decline,
        "reason": attempt.reason,
        "started_at": attempt.started_at,
        "next_at": attempt.next_at,
        "inquiries": attempt.inquiries,
        "finished_at": attempt.finished_at,
    }


def _attempt(row: AnyRow) -> PaymentAttempt:
    return PaymentAttempt(
        tenant_id=row.tenant_id,
        subscription_id=row.subscription_id,
        invoice_id=row.invoice_id,
        cycle=row.cycle,
        change=row.change,
        number=row.number,
        origin=row.origin,
        gateway=row.gateway,
        amount=Money(row.amount, row.currency),
        status=row.status,
        reference=row.reference,
        decline=row.decline,
        reason=row.reason,
        started_at=row.started_at,
        next_at=row.next_at,
        inquiries=row.inquiries,
        finished_at=row.finished_at,
        version=row.version,
    )


_d = dunning_cases.c
_CASES: Final = select(dunning_cases).where(_d.tenant_id == OWNER)
_GOING_ON: Final = _CASES.where(_d.next_at.is_not(None), among(_d.subscription_id))
_FOUND: Final = _CASES.where(among(_d.invoice_id))
_DUE: Final = _CASES.where(_d.next_at <= NOW).order_by(_d.next_at, _d.invoice_id).limit(bindparam("most"))
_CHANGED: Final = ("retries", "next_day", "next_at", "needs_method", "time_zone", "first_failed_at")
_OPEN: Final = growth(
    dunning_cases,
    lambda new: new.on_conflict_do_update(
        index_elements=["tenant_id", "invoice_id"],
        set_={**{name: new.excluded[name] for name in _CHANGED}, "version": _d.version + 1},
        where=_d.version == new.excluded.version,
    ).returning(_d.invoice_id),
)


@frozen
class SqlDunning:
    """Dunning cases by invoice."""

    session: Session

    def put(self, cases: Sequence[DunningCase]) -> None:
        for case in cases:
            self.session.require_own(case.tenant_id)
        young = [_case_row(case) for case in cases if case.version == 1]
        if young and len(self.session.grow((_OPEN, young))) != len(young):
            raise stale()
        self.session.save(dunning_cases, [_case_row(case) for case in cases if case.version > 1])

    def of(self, subscription_ids: Iterable[SubscriptionId]) -> list[DunningCase]:
        found = map(_case, self.session.all(_GOING_ON, ids=set(subscription_ids)))
        return sorted(found, key=attrgetter("invoice_id"))

    def find(self, invoice_ids: Iterable[InvoiceId]) -> Mapping[InvoiceId, DunningCase]:
        found = map(_case, self.session.all(_FOUND, ids=set(invoice_ids)))
        return {case.invoice_id: case for case in found}

    def due(self, now: datetime, *, limit: int) -> list[DunningCase]:
        return [_case(row) for row in self.session.all(_DUE, now=now, most=limit)]


def _case_row(case: DunningCase) -> Values:
    return {
        "tenant_id": case.tenant_id,
        "invoice_id": case.invoice_id,
        "version": case.version,
        "subscription_id": case.subscription_id,
        "time_zone": case.time_zone,
        "first_failed_at": case.first_failed_at,
        "retries": case.retries,
        "next_day": case.next_day,
        "next_at": case.next_at,
        "needs_method": case.needs_method,
    }


def _case(row: AnyRow) -> DunningCase:
    return DunningCase(
        tenant_id=row.tenant_id,
        subscription_id=row.subscription_id,
        invoice_id=row.invoice_id,
        time_zone=row.time_zone,
        first_failed_at=row.first_failed_at,
        retries=row.retries,
        next_day=row.next_day,
        next_at=row.next_at,
        needs_method=row.needs_method,
        version=row.version,
    )
