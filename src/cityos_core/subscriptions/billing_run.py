"""The billing run: what is due is claimed, invoiced, charged and recorded, and a certificate says that nothing is missing."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from cityos_core.dependencies import Dependencies
from cityos_core.kernel.ids import BillingRunId
from cityos_core.kernel.scope import TenantScope
from cityos_core.payouts.booking import commit
from cityos_core.payouts.rehearsal import rehearsal
from cityos_core.subscriptions.answering import Recorded
from cityos_core.subscriptions.billing_chunk import BillChunk
from cityos_core.subscriptions.certificate import BillingRun, Certificate
from cityos_core.subscriptions.cycles import LEASE, BillingCycle
from cityos_core.subscriptions.expiring import Expire
from cityos_core.subscriptions.in_sets import Trouble
from cityos_core.subscriptions.inquiring import Inquire
from cityos_core.subscriptions.tallying import Billed, Chunk, Tally

CHUNK: Final = 100
"""How many cycles are claimed at a time, and billed in one transaction."""


@frozen
class Run:
    """Bill every cycle that is due, collect what that comes to, and ask about payments whose outcome is not known.

    It can be stopped anywhere and run again, by any number of workers at once: a claim ends by itself, a cycle has one
    row, and an attempt one key for ever. What cannot be billed is marked failed with the reason and stops nobody. A dry
    run does all of it in one transaction that is undone, and asks no gateway. ``each`` takes what came of the cycles one
    by one. A run that found nothing to do is stored only if it ``keeps_empty``. What could not be recorded is raised at
    the end, when everything else is done.
    """

    dependencies: Dependencies
    inquire: Inquire

    def __call__(
        self,
        scope: TenantScope,
        *,
        worker: str | None = None,
        dry_run: bool = False,
        each: Callable[[Billed], object] | None = None,
        keeps_empty: bool = True,
    ) -> BillingRun:
        name = worker or str(self.dependencies.identifiers.new())
        if dry_run:
            with rehearsal(self.dependencies.database, scope) as unit_of_work:
                rehearsed = evolve(self.dependencies, unit_of_work=unit_of_work)
                return _Running(rehearsed, scope, name, None, keeps_empty).go(each)
        return _Running(self.dependencies, scope, name, self.inquire, keeps_empty).go(each)


@frozen
class _Running:
    """One run; a rehearsed one has nobody to ask."""

    dependencies: Dependencies
    scope: TenantScope
    worker: str
    inquire: Inquire | None
    keeps_empty: bool

    def go(self, each: Callable[[Billed], object] | None) -> BillingRun:
        started_at, tally = self.dependencies.clock.now(), Tally(each)
        troubles = [*Expire(self.dependencies)(self.scope).troubles]
        bill = BillChunk(dependencies=self.dependencies, scope=self.scope, worker=self.worker)
        while claimed := self._claim():
            for chunk in bill(claimed):
                tally.add(chunk)
                troubles += self._collect(tally, chunk)
        for found in self.inquire.each(self.scope) if self.inquire is not None else ():
            troubles += _count(tally, found)
        run = self._certify(started_at, tally)
        for trouble in troubles:
            raise trouble
        return run

    def _claim(self) -> list[BillingCycle]:
        with self.dependencies.unit_of_work(self.scope) as uow:
            claimed = uow.cycles.claim(self.worker, self.dependencies.clock.now(), lease=LEASE, limit=CHUNK)
            commit(uow, (), "billing.claim")
        return claimed

    def _collect(self, tally: Tally, chunk: Chunk) -> tuple[Trouble, ...]:
        if self.inquire is None or not chunk.attempts:
            return ()
        return _count(tally, self.inquire.collect.each(self.scope, chunk.attempts))

    def _certify(self, started_at: datetime, tally: Tally) -> BillingRun:
        run = BillingRun(
            id=BillingRunId(self.dependencies.identifiers.new()),
            tenant_id=self.scope.tenant_id,
            worker=self.worker,
            started_at=started_at,
            finished_at=self.dependencies.clock.now(),
            certificate=tally.certificate(),
        )
        if self.keeps_empty or run.certificate != Certificate():
            with self.dependencies.unit_of_work(self.scope) as uow:
                uow.billing_runs.add(run)
                commit(uow, (), "billing.certify")
        return run


def _count(tally: Tally, found: Recorded) -> tuple[Trouble, ...]:
    tally.hear(found.attempts.values())
    return found.troubles
