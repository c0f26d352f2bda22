"""Asking for work, and for work that failed to be done after all."""

from collections.abc import Mapping
from datetime import datetime

from attrs import evolve, frozen

from cityos_core.jobs.model import Job
from cityos_core.jobs.ports import JobFilter
from cityos_core.jobs.work import Works, require_fitting
from cityos_core.kernel.caller import caller
from cityos_core.kernel.clock import Clock, instant
from cityos_core.kernel.errors import Refused
from cityos_core.kernel.ids import Identifiers, JobId
from cityos_core.kernel.paging import PageRequest
from cityos_core.kernel.scope import Scope
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory


@frozen
class Enqueue:
    """Ask for an operation to be carried out by a worker, now or once ``due_at`` has come.

    ``key`` is its natural key: if a job of the scope has it, that one is given and nothing is asked for. Jobs of one
    ``entity`` and ``entity_id`` are done one after the other. ``NotFound("no_such_operation")`` names those there are;
    ``Invalid`` if the operation is not carried out in this scope, or does not know an argument; ``Refused`` if only the
    city itself asks for it.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    works: Works

    def __call__(
        self,
        scope: Scope,
        operation: str,
        arguments: Mapping[str, str] | None = None,
        *,
        key: str | None = None,
        entity: str | None = None,
        entity_id: str | None = None,
        due_at: datetime | None = None,
    ) -> Job:
        wanted = self.works.named(operation).operation
        require_fitting(wanted, scope, arguments or {})
        if wanted.is_internal:
            raise Refused("internal_operation", f"{operation} follows from what happens; nobody asks for it")
        who, now = caller(), self.clock.now()
        job = Job(
            id=JobId(self.identifiers.new()),
            tenant_id=scope.tenant_id,
            operation=operation,
            arguments=dict(arguments or {}),
            key=key,
            entity=entity,
            entity_id=entity_id,
            request_id=who.request_id,
            requested_by=who.principal,
            created_at=now,
            due_at=now if due_at is None else instant(due_at),
        )
        with self.unit_of_work(scope) as uow:
            known = _keyed(uow, key)
            if known is not None:
                return known
            uow.jobs.add([job])
            first = _keyed(uow, key)  # one that was added between the question and the answer
            if first is not None and first.id != job.id:
                return first
            uow.commit()
        return job


def _keyed(uow: UnitOfWork, key: str | None) -> Job | None:
    if key is None:
        return None
    return next(iter(uow.jobs.page(JobFilter(key=key), PageRequest(1)).items), None)


@frozen
class Retry:
    """Let a job that failed be done after all, as if it were new; ``Conflict("invalid_state")`` for any other."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, scope: Scope, job_id: JobId) -> Job:
        with self.unit_of_work(scope) as uow:
            job = uow.jobs.get(job_id).retried(at=self.clock.now())
            uow.jobs.record(job)
            uow.commit()
        return evolve(job, version=job.version + 1)
