"""Telling workers what is due, and removing what was done long ago."""

from contextlib import suppress
from datetime import timedelta
from typing import Final

from attrs import frozen

from cityos_core.jobs.policy import KEPT_COMPLETED, KEPT_FAILED, RESENT
from cityos_core.jobs.ports import Bell, Wake
from cityos_core.jobs.relaying import Relay
from cityos_core.jobs.running import RunJob
from cityos_core.jobs.scheduling import Tick
from cityos_core.jobs.work import Works
from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Unavailable
from cityos_core.kernel.ids import JobId
from cityos_core.kernel.scope import PlatformScope, scope_of
from cityos_core.unit_of_work import UnitOfWorkFactory

AT_ONCE: Final = 500
"""Of how many jobs workers are told by one sweep."""

MOST_DRAINED: Final = 1000
"""How many jobs are done in one thread before it gives up hope of an end."""


@frozen
class WakeJobs:
    """Take jobs of which a worker is to be told: what is due, and was not told of for a while."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, limit: int, resent: timedelta) -> list[Wake]:
        """Take at most so many, the longest due first."""
        with self.unit_of_work(PlatformScope()) as uow:
            wakes = uow.agenda.wake(self.clock.now(), limit=limit, resent=resent)
            faults.point("jobs.wake.before_commit")
            uow.commit()
        faults.point("jobs.wake.after_commit")
        return wakes


@frozen
class Sweep:
    """Relay what has happened, and tell workers of jobs that are due; give of how many.

    Nothing depends on its being heard: a job that nobody starts is told of again after :data:`RESENT`. Any number of
    sweepers may run at once. A job of an operation that only another version of this program knows is left to that one.
    """

    relay: Relay
    wake: WakeJobs
    works: Works
    bell: Bell

    def __call__(self, *, limit: int = AT_ONCE) -> int:
        self.relay()
        wakes = self.wake(limit=limit, resent=RESENT)
        known = [wake for wake in wakes if wake.operation in self.works]
        if known:
            with suppress(Unavailable):  # they are told of again
                self.bell.ring(known, self.works.queues)
        return len(wakes)


@frozen
class Drain:
    """Do in this thread whatever is due, and what becomes due by doing it, until nothing is; give how many were done.

    For tests, demonstrations and notebooks: it makes the jobs of schedules that are due, and tells nobody. What failed
    and is put off is left for when its time has come.
    """

    tick: Tick
    relay: Relay
    wake: WakeJobs
    run: RunJob

    def __call__(self, *, limit: int = MOST_DRAINED) -> int:
        done, stuck = 0, set[JobId]()
        while done < limit:
            self.tick()
            self.relay()
            wakes = self.wake(limit=limit, resent=timedelta())
            due = [wake for wake in wakes if wake.job_id not in stuck][: limit - done]
            if not due:
                break
            stuck.update(wake.job_id for wake in due if not self._do(wake))
            done += len(due)
        return done - len(stuck)

    def _do(self, wake: Wake) -> bool:
        """Do a job; false if it is as due as it was before."""
        if wake.operation not in self.run.works:
            return False
        after = self.run(scope_of(wake.tenant_id), wake.job_id)
        return not after.is_due(self.run.clock.now())


@frozen
class Prune:
    """Remove finished jobs but for the latest ones of every scope, and give how many; the audit keeps what was asked."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self) -> int:
        with self.unit_of_work(PlatformScope()) as uow:
            removed = uow.agenda.prune(completed=KEPT_COMPLETED, failed=KEPT_FAILED)
            uow.commit()
        return removed
