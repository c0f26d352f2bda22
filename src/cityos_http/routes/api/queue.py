"""Work that is done later, for machines that ask for it."""

from cityos_http.asking import Asked
from cityos_http.endpoint import Routes
from cityos_http.schemas.jobs import JobRequest, JobView, QueueView

routes = Routes("/api/queue", tag="Jobs")


@routes.post("/add", action="jobs:create")
def add_job(asked: Asked, body: JobRequest) -> JobView:
    """Ask for an operation to be carried out by a worker."""
    made = asked.city.jobs.enqueue(
        asked.scope,
        body.operation,
        body.arguments,
        entity=body.entity,
        entity_id=body.entity_id,
        due_at=body.due_at,
    )
    return JobView.of(made)


@routes.get("/stats", action="jobs:read")
def get_queue_stats(asked: Asked) -> QueueView:
    """Count the tenant's jobs by what is happening to them."""
    return QueueView.of(asked.city.jobs.stats(asked.scope))
