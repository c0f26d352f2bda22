"""Doing a job: taken for a lease, done outside of any transaction of its own, and how it ended written down."""

from typing import Final

from attrs import define, evolve, frozen

from cityos_core.jobs.model import Job, JobStatus
from cityos_core.jobs.policy import Operation, back_off, may_heal, wording
from cityos_core.jobs.work import Work, Works
from cityos_core.kernel import faults
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import Conflict
from cityos_core.kernel.ids import JobId
from cityos_core.kernel.scope import Scope
from cityos_core.unit_of_work import UnitOfWorkFactory

SCHEDULER: Final = "system:scheduler"
"""Who asks for what falls due by itself."""

WORKER: Final = "system:worker"
"""Who does what was asked for."""

SLACK: Final = 10
"""A lease is prolonged once this part of it has passed, if there is nothing else to save."""

TRIES: Final = 3
"""How often it is tried to write down how a job ended, while other transactions get in the way."""


@define
class Held:
    """A job in a worker's hands. It is saved over the version that the worker knows, or another one took it over."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    scope: Scope
    operation: Operation
    job: Job

    def claim(self) -> bool:
        """Take the job; false if there was nothing to do but to give it up. ``Conflict`` if it is not to be had."""
        job, now = self.job, self.clock.now()
        if job.status is JobStatus.ACTIVE and job.is_due(now) and job.attempts >= self.operation.attempts:
            self.save(job.failed(at=now, error=f"worker_died: {job.attempts} workers died of it, or hung"), "claim")
            return False
        self.save(job.started(at=now, lease=self.operation.lease), "claim")
        return True

    def __call__(self, percent: int) -> None:
        """Show progress, and hold the job for another lease."""
        now, held, lease = self.clock.now(), self.job, self.operation.lease
        advanced = held.advanced(percent, at=now, lease=lease)
        gained = (advanced.leased_until or now) - (held.leased_until or now)
        if advanced.progress > held.progress or gained >= lease / SLACK:
            self.save(advanced, "progress")

    def succeeded(self, result: str | None) -> None:
        """Write down that it was done."""
        self._end(self.job.completed(at=self.clock.now(), result=result))

    def went_wrong(self, error: Exception) -> None:
        """Put it off, or give it up if trying again cannot help or was tried often enough."""
        job, now = self.job, self.clock.now()
        if may_heal(error) and job.attempts < self.operation.attempts:
            self._end(job.put_off(until=now + back_off(job.attempts), error=wording(error)))
        else:
            self._end(job.failed(at=now, error=wording(error)))

    def _end(self, job: Job) -> None:
        """Write down what came of it; a transaction that is in the way is waited out, another worker is not."""
        for _ in range(TRIES - 1):
            try:
                return self.save(job, "record")
            except Conflict:
                if self.read().version != self.job.version:
                    raise
        return self.save(job, "record")

    def read(self) -> Job:
        """Give the job as it is stored."""
        with self.unit_of_work(self.scope) as uow:
            return uow.jobs.get(self.job.id)

    def save(self, job: Job, point: str) -> None:
        """Store the job as it is by now; the audit hears how it ended if it failed, or someone asked for it."""
        has_failed = job.status is JobStatus.FAILED
        is_told = has_failed or (job.status is JobStatus.COMPLETED and job.requested_by != SCHEDULER)
        with self.unit_of_work(self.scope) as uow:
            if is_told:
                uow.jobs.record(job)
            else:
                uow.jobs.save(job)
            faults.point(f"jobs.{point}.before_commit")
            uow.commit()
        faults.point(f"jobs.{point}.after_commit")
        self.job = evolve(job, version=job.version + 1)


@frozen
class RunJob:
    """Do a job if it is due, and give it as it is afterwards.

    Any number of workers may be told of it: one takes it, the others leave it alone. What goes wrong is kept in its row:
    it is tried again if that may help, as often as its operation says. A job whose workers die is given up as well.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    works: Works

    def __call__(self, scope: Scope, job_id: JobId) -> Job:
        with self.unit_of_work(scope) as uow:
            job = uow.jobs.get(job_id)
        work = self.works.named(job.operation)
        held = Held(self.unit_of_work, self.clock, scope, work.operation, job)
        with acting(_worker(job)):
            try:
                if held.claim():
                    _do(held, work)
            except Conflict:  # it is not due, or another worker has it by now
                return held.read()
        return held.job


def _worker(job: Job) -> Caller:
    """Say who does a job, for whom, and what for."""
    return Caller(principal=WORKER, action=job.operation, on_behalf_of=job.requested_by, request_id=job.request_id)


def _do(held: Held, work: Work) -> None:
    faults.point("jobs.work.before")
    try:
        result = work.do(held.scope, held.job, held)
        faults.point("jobs.work.after")
    except Exception as error:  # noqa: BLE001  whatever went wrong is kept in the job's row
        held.went_wrong(error)
    else:
        held.succeeded(result)
