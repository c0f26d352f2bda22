"""Going through everybody who has money or owes some, and setting aside the money of those whose turn it is."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime
from functools import partial
from typing import Final, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict, NotFound
from cityos_core.kernel.ids import BatchId, PayoutId, VendorId
from cityos_core.kernel.money import Money
from cityos_core.kernel.paging import LARGEST_PAGE
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import Register, commit, lock_funds
from cityos_core.payouts.model import Decision, PayoutBatch, Planned, Skipped
from cityos_core.payouts.policy import Funds, decide, is_due, schedule_of, served_until
from cityos_core.payouts.settings import PAYOUT_MINIMUMS, PAYOUT_SCHEDULE
from cityos_core.tenancy.configuration import ConfigurationReader
from cityos_core.tenancy.settings import Configuration
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from cityos_core.vendors.model import Vendor

MOST_SKIPPED_KEPT: Final = 100
"""How many of those left out a batch remembers."""

MOST_TRIES: Final = 5
"""How often a page is tried while other transactions get in its way."""

Pairs = Sequence[tuple[str, str]]
"""Vendors and currencies, as :meth:`Payables.payable` lists them."""


@frozen(kw_only=True)
class Turn:
    """What is the same for every vendor of a sweep: the day, the terms, and up to when earlier sweeps served."""

    scope: TenantScope
    configuration: Configuration
    methods: Collection[str]
    started_at: datetime
    last_sweep: datetime | None

    def decide(self, vendor: Vendor, funds: Funds) -> Decision:
        """Decide what this sweep does with a vendor and currency."""
        currency = funds.net.currency
        schedule = schedule_of(vendor, self.configuration.value(PAYOUT_SCHEDULE))
        last_sweep = None if self.last_sweep is None else self._day(self.last_sweep)
        served = served_until(last_sweep, self._day(vendor.created_at))
        return decide(
            vendor,
            funds,
            minimum=self.configuration.value(PAYOUT_MINIMUMS).get(currency, Money.zero(currency)),
            schedule=schedule,
            due=is_due(schedule, self._day(self.started_at), served=served),
            methods=self.methods,
        )

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.configuration.tenant.time_zone)).date()


@frozen
class Page:
    """What one unit of work of a sweep committed; ``last`` is the cursor that continues after it."""

    batch: PayoutBatch
    decisions: Sequence[Decision]
    last: str | None


@frozen
class Sweep:
    """Look at every vendor with money or debt, or at some of them, a page at a time.

    Each page is one unit of work, given to the caller once it is committed. A sweep that dies has paid the pages before;
    the next one finds the rest. Two at once share the vendors: whoever holds a vendor's money first pays it.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    configuration: ConfigurationReader
    register: Register

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build a sweep over its ports."""
        register = Register(dependencies.identifiers, dependencies.payout_methods)
        return cls(dependencies.unit_of_work, dependencies.clock, dependencies.configuration, register)

    def __call__(self, scope: TenantScope, vendors: Collection[str] | None) -> Iterator[Page]:
        chosen = None if vendors is None else self._chosen(scope, vendors)
        turn, batch = self._open(scope)
        if chosen is None:
            yield from self._everyone(turn, batch)
            return
        for vendor in chosen:
            page = _patiently(partial(self._one, turn, batch, vendor))
            batch = page.batch
            yield page

    def _chosen(self, scope: TenantScope, handles: Collection[str]) -> list[Vendor]:
        with self.unit_of_work(scope) as uow:
            found = uow.vendors.named(handles)
        for handle in handles:
            if handle not in found:
                raise NotFound("vendor_not_found", f"there is no vendor {handle!r}; list them to see their handles")
        return [found[handle] for handle in sorted(found)]

    def _open(self, scope: TenantScope) -> tuple[Turn, PayoutBatch]:
        now = self.clock.now()
        batch = PayoutBatch(id=BatchId(self.register.identifiers.new()), tenant_id=scope.tenant_id, created_at=now)
        with self.unit_of_work(scope) as uow:
            turn = Turn(
                scope=scope,
                configuration=self.configuration(uow, scope.tenant_id),
                methods=frozenset(self.register.methods),
                started_at=now,
                last_sweep=uow.batches.last_sweep(),
            )
            uow.batches.add(batch)
            commit(uow, (), "payouts.open_batch")
        return turn, batch

    def _everyone(self, turn: Turn, batch: PayoutBatch) -> Iterator[Page]:
        after: str | None = None
        while batch.swept_at is None:
            page = _patiently(partial(self._next, turn, batch, after))
            batch, after = page.batch, page.last
            yield page

    def _next(self, turn: Turn, batch: PayoutBatch, after: str | None) -> Page:
        with self.unit_of_work(turn.scope) as uow:
            pairs = uow.payables.payable(after=after, limit=LARGEST_PAGE)
            if len(pairs) < LARGEST_PAGE:
                batch = evolve(batch, swept_at=self.clock.now())
            return self._pay(uow, turn, batch, pairs)

    def _one(self, turn: Turn, batch: PayoutBatch, vendor: Vendor) -> Page:
        word = str(vendor.id)
        with self.unit_of_work(turn.scope) as uow:
            following = uow.payables.payable(after=f"{word}/", limit=LARGEST_PAGE)
            pairs = [pair for pair in following if pair[0] == word]
            return self._pay(uow, turn, batch, pairs or [(word, turn.configuration.tenant.currency)])

    def _pay(self, uow: UnitOfWork, turn: Turn, batch: PayoutBatch, pairs: Pairs) -> Page:
        """Decide about vendors while their money is held, create the payouts of those who are paid, and commit."""
        wanted = [(VendorId(UUID(vendor)), currency) for vendor, currency in pairs]
        funds = lock_funds(uow, turn.scope, wanted)
        vendors = uow.vendors.known(vendor for vendor, _ in wanted)
        decisions = [turn.decide(vendors[vendor], funds[vendor, currency]) for vendor, currency in wanted]
        new = self.register.identifiers.new
        plans = {PayoutId(new()): decision for decision in decisions if isinstance(decision, Planned)}
        _, events = self.register.create(uow, turn.scope, plans, at=self.clock.now(), batch_id=batch.id)
        batch = _grown(batch, decisions)
        uow.batches.save(batch)
        commit(uow, events, "payouts.sweep")
        return Page(batch, decisions, "/".join(pairs[-1]) if pairs else None)


def _patiently(page: Callable[[], Page]) -> Page:
    """Do a page again, a few times, if another transaction got in its way."""
    for _ in range(MOST_TRIES - 1):
        try:
            return page()
        except Conflict as lost:
            if lost.code != "stale":
                raise
    return page()


def _grown(batch: PayoutBatch, decisions: Sequence[Decision]) -> PayoutBatch:
    skipped = [decision for decision in decisions if isinstance(decision, Skipped)]
    return evolve(
        batch,
        payouts=batch.payouts + len(decisions) - len(skipped),
        skipped=(*batch.skipped, *skipped)[:MOST_SKIPPED_KEPT],
    )
