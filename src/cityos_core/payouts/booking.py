"""Writing payouts down: the record, its journals, what it covers and its events, always together."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from cityos_core.commissions.lines import EntryStatus
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Conflict, Refused
from cityos_core.kernel.events import Event
from cityos_core.kernel.ids import BatchId, Identifiers, JournalId, PayoutId, VendorId
from cityos_core.kernel.money import Money
from cityos_core.kernel.scope import TenantScope
from cityos_core.ledger.model import Account, Journal, vendor_account
from cityos_core.payouts.events import entered
from cityos_core.payouts.model import Payout, PayoutStatus, Planned
from cityos_core.payouts.policy import Funds, payable_unit
from cityos_core.payouts.ports import PayoutMethod
from cityos_core.unit_of_work import UnitOfWork

GIVES_BACK: Final = frozenset({PayoutStatus.FAILED, PayoutStatus.CANCELED})
"""Entering one of these states returns a payout's money from ``in_payout`` to ``available``."""


def lock_funds(
    uow: UnitOfWork, scope: TenantScope, pairs: Iterable[tuple[VendorId, str]]
) -> Mapping[tuple[VendorId, str], Funds]:
    """Hold everything that paying these vendors out would move, and tell what they have."""
    wanted = list(pairs)
    states = ("available", "in_payout", "debt")
    held = uow.ledger.lock(
        vendor_account(scope.tenant_id, vendor, state, c) for vendor, c in wanted for state in states
    )

    def money(vendor: VendorId, state: str, currency: str) -> Money:
        return Money(held[vendor_account(scope.tenant_id, vendor, state, currency)], currency)

    return {
        (vendor, currency): Funds(money(vendor, "available", currency), money(vendor, "debt", currency))
        for vendor, currency in wanted
    }


def commit(uow: UnitOfWork, events: Iterable[Event], place: str) -> None:
    """Commit between two named fault points."""
    faults.point(f"{place}.before_commit")
    uow.commit(events)
    faults.point(f"{place}.after_commit")


@frozen
class Register:
    """Creates payouts and carries their steps into the books; inside a unit of work, which the caller commits."""

    identifiers: Identifiers
    methods: Mapping[str, PayoutMethod]

    def create(
        self,
        uow: UnitOfWork,
        scope: TenantScope,
        plans: Mapping[PayoutId, Planned],
        *,
        at: datetime,
        batch_id: BatchId | None = None,
        retries: PayoutId | None = None,
    ) -> tuple[list[Payout], list[Event]]:
        """Set the money of planned payouts aside, debt netted; ``Refused("floor_breached")`` if it is not there."""
        payouts = [
            Payout(
                id=payout_id,
                tenant_id=scope.tenant_id,
                batch_id=batch_id,
                vendor_id=planned.vendor_id,
                vendor=planned.vendor,
                amount=planned.amount,
                method=planned.method,
                account=planned.account,
                holder=planned.holder,
                next_attempt_at=at,
                retries=retries,
                created_at=at,
            )
            for payout_id, planned in plans.items()
        ]
        uow.payouts.add(payouts)
        for payout in payouts:
            self._set_aside(uow, payout, plans[payout.id], at)
        return payouts, [entered(payout, at) for payout in payouts]

    def save(self, uow: UnitOfWork, before: Payout, after: Payout, at: datetime) -> tuple[Payout, list[Event]]:
        """Store a step with the journal that it means; the answer carries the version it is stored under.

        ``Conflict("stale")`` if another worker was first; ``Conflict`` of the ledger if it was resolved otherwise.
        """
        uow.payouts.save(after)
        stored = evolve(after, version=after.version + 1)
        if after.status is before.status:
            return stored, []
        self._post(uow, after, at)
        return stored, [entered(after, at)]

    def _set_aside(self, uow: UnitOfWork, payout: Payout, planned: Planned, at: datetime) -> None:
        moves = [
            (_of(payout, "available"), planned.amount.minor + planned.netted.minor),
            (_of(payout, "in_payout"), -planned.amount.minor),
            (_of(payout, "debt"), -planned.netted.minor),
        ]
        uow.ledger.post(self._journal(payout, "create", "payout_created", at, moves))
        if planned.carried.minor < payable_unit(planned.carried.currency):
            uow.coverage.cover(payout.id, payout.vendor_id, payout.amount.currency)

    def _post(self, uow: UnitOfWork, payout: Payout, at: datetime) -> None:
        amount, in_payout, available = payout.amount.minor, _of(payout, "in_payout"), _of(payout, "available")
        if payout.status is PayoutStatus.PAID:
            source = Account(payout.tenant_id, self._source(payout), payout.amount.currency)
            moves = [(in_payout, amount), (source, -amount)]
            uow.ledger.post(self._journal(payout, "resolve", "payout_paid", at, moves))
            uow.entries.mark(EntryStatus.PAID, payout=payout.id)
        elif payout.status in GIVES_BACK:
            uow.ledger.lock([available, in_payout])
            moves = [(in_payout, amount), (available, -amount)]
            uow.ledger.post(self._journal(payout, "resolve", f"payout_{payout.status.value}", at, moves))
            uow.coverage.uncover(payout.id)
        elif payout.status is PayoutStatus.RETURNED:
            moves = [(_paid_from(uow, payout), amount), (available, -amount)]
            uow.ledger.post(self._journal(payout, "return", "payout_returned", at, moves))
            uow.coverage.uncover(payout.id)

    def _source(self, payout: Payout) -> str:
        method = self.methods.get(payout.method)
        if method is None:
            raise Refused(
                "method_not_configured", f"payout method {payout.method!r} is not configured here; configure it first"
            )
        return method.account

    def _journal(
        self, payout: Payout, step: str, kind: str, at: datetime, movements: Iterable[tuple[Account, int]]
    ) -> Journal:
        return Journal.of(
            id=JournalId(self.identifiers.new()),
            tenant=payout.tenant_id,
            key=f"payout:{payout.id}:{step}",
            kind=kind,
            movements=movements,
            occurred_at=at,
            references={"payout": str(payout.id), "vendor": payout.vendor},
        )


def _of(payout: Payout, state: str) -> Account:
    return vendor_account(payout.tenant_id, payout.vendor_id, state, payout.amount.currency)


def _paid_from(uow: UnitOfWork, payout: Payout) -> Account:
    resolved = uow.ledger.find(f"payout:{payout.id}:resolve")
    if resolved is None:
        raise Conflict("not_resolved", f"payout {payout.id} has no journal of its payment; verify the ledger")
    return next(posting.account for posting in resolved.postings if not posting.account.has_floor)
