"""Actors: what a worker does when it is told of a job."""

from collections.abc import Iterable
from threading import Lock
from uuid import UUID

import dramatiq
import structlog
from attrs import field, frozen
from dramatiq import Actor, Broker

from cityos_core.app import CityOS
from cityos_core.jobs.model import Job, JobStatus
from cityos_core.kernel.errors import CityOSError, NotFound
from cityos_core.kernel.ids import JobId, TenantId
from cityos_core.kernel.scope import scope_of


def actors(broker: Broker, city: CityOS, queues: Iterable[str]) -> list[Actor[..., None]]:
    """Declare an actor for each queue on a broker; a message that failed is not tried again but kept as a dead letter."""
    perform = Performance(city)
    return [
        dramatiq.actor(
            broker=broker,
            actor_name=queue,
            queue_name=queue,
            max_retries=0,
            throws=(Exception,),  # what goes wrong is logged here, with what it is about
        )(perform)
        for queue in sorted(set(queues))
    ]


@frozen(eq=False)
class Performance:
    """Does a job and logs how that went.

    What goes wrong with the work itself is kept in the job's row. What is raised here is that the row could not be read
    or written: then another worker is told of the job.
    """

    city: CityOS
    _looking: Lock = field(factory=Lock, init=False)

    def __call__(self, tenant_id: str, job_id: str) -> None:
        log = structlog.get_logger("cityos.worker").bind(tenant=tenant_id, job=job_id)
        try:
            job = self.city.jobs.run(scope_of(TenantId(UUID(tenant_id))), JobId(UUID(job_id)))
        except NotFound as gone:
            log.warning("passed over", code=gone.code, why=gone.detail)
            return
        except CityOSError as away:
            why = "; ".join([away.detail, *getattr(away, "__notes__", ())])
            log.warning("put off", code=away.code, why=why)
            raise
        except Exception:
            log.exception("failed")
            raise
        _tell(log, job)
        if job.entity is not None and job.status in {JobStatus.COMPLETED, JobStatus.FAILED}:
            self._look_on()

    def _look_on(self) -> None:
        """Have workers told of the next one in line, unless another thread is at it; the sweeper's next round comes."""
        if self._looking.acquire(blocking=False):
            try:
                self.city.jobs.sweep()
            except CityOSError as away:
                structlog.get_logger("cityos.worker").debug("put off", work="sweep", code=away.code)
            finally:
                self._looking.release()


def _tell(log: structlog.typing.FilteringBoundLogger, job: Job) -> None:
    known = {
        "operation": job.operation,
        "outcome": job.status.value,
        "attempts": job.attempts,
        "request_id": job.request_id,
    }
    match job.status:
        case JobStatus.FAILED:
            log.error("job", **known, error=job.error)
        case JobStatus.WAITING:
            log.warning("job", **known, error=job.error, due_at=job.due_at.isoformat())
        case JobStatus.ACTIVE:
            log.debug("job", **known)  # another worker has it
        case JobStatus.COMPLETED:
            log.info("job", **known, result=job.result)
