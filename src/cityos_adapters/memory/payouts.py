"""Payouts and batches of one tenant, and who could be paid."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from attrs import frozen

from cityos_adapters.memory.paging import Words, moment, page
from cityos_adapters.memory.rows import require_own, save
from cityos_adapters.memory.tables import View
from cityos_core.kernel.errors import Conflict, NotFound
from cityos_core.kernel.ids import BatchId, PayoutId, TenantId, VendorId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import Page, PageRequest
from cityos_core.ledger.model import Account, Balance
from cityos_core.payouts.model import Payout, PayoutBatch
from cityos_core.payouts.ports import PayoutFilter


@frozen
class MemoryPayouts:
    """Payouts by id."""

    tenant: TenantId
    payouts: View[PayoutId, Payout]

    def add(self, payouts: Iterable[Payout]) -> None:
        for payout in payouts:
            require_own(self.tenant, payout.tenant_id)
            self.payouts.put(payout.id, payout)

    def get(self, payout_id: PayoutId) -> Payout:
        payout = self.payouts.get(payout_id)
        if payout is None:
            raise NotFound("payout_not_found", f"there is no payout {payout_id}")
        return payout

    def save(self, payout: Payout) -> None:
        require_own(self.tenant, payout.tenant_id)
        save(self.payouts, payout.id, payout)

    def page(self, where: PayoutFilter, request: PageRequest) -> Page[Payout]:
        return page((payout for payout in self.payouts.all() if _matches(payout, where)), _words, request)

    def due(self, now: datetime, *, limit: int) -> list[PayoutId]:
        waiting = ((payout.next_attempt_at, payout.id) for payout in self.payouts.all())
        due = sorted((moment, payout_id) for moment, payout_id in waiting if moment is not None and moment <= now)
        return [payout_id for _, payout_id in due[:limit]]


@frozen
class MemoryBatches:
    """Payout batches by id."""

    tenant: TenantId
    batches: View[BatchId, PayoutBatch]

    def add(self, batch: PayoutBatch) -> None:
        require_own(self.tenant, batch.tenant_id)
        self.batches.put(batch.id, batch)

    def get(self, batch_id: BatchId) -> PayoutBatch:
        batch = self.batches.get(batch_id)
        if batch is None:
            raise NotFound("payout_batch_not_found", f"there is no payout batch {batch_id}")
        return batch

    def save(self, batch: PayoutBatch) -> None:
        require_own(self.tenant, batch.tenant_id)
        if self.batches.get(batch.id) is None:
            raise Conflict("stale", f"there is no payout batch {batch.id}; add it first")
        self.batches.put(batch.id, batch)

    def page(self, request: PageRequest) -> Page[PayoutBatch]:
        return page(self.batches.all(), _words, request)

    def last_sweep(self) -> datetime | None:
        return max((batch.created_at for batch in self.batches.all() if batch.swept_at is not None), default=None)


@frozen
class MemoryPayables:
    """Reads the stored balances of the vendors."""

    balances: View[Account, int]

    def payable(self, *, after: str | None, limit: int) -> Sequence[tuple[str, str]]:
        start = tuple((after or "/").split("/"))
        found = {
            (account.path.split(":")[1], account.currency)
            for account, balance in self.balances.items()
            if balance > 0 and account.path.endswith((":available", ":debt"))
        }
        return [pair for pair in sorted(found) if pair > start][:limit]

    def of(self, vendor_id: VendorId) -> list[Balance]:
        start = f"vendor:{vendor_id}:"
        kept = sorted((account, minor) for account, minor in self.balances.items() if account.path.startswith(start))
        return [Balance(account, Money(minor, account.currency)) for account, minor in kept]


def _words(row: Payout | PayoutBatch) -> Words:
    return moment(row.created_at), str(row.id)


def _matches(payout: Payout, where: PayoutFilter) -> bool:
    return (
        where.vendor in (None, payout.vendor)
        and where.status in (None, payout.status)
        and where.batch in (None, payout.batch_id)
    )
