"""Jobs: what waits, what failed, and what is to be tried again."""

from cityos_core.jobs.ports import JobFilter
from cityos_core.kernel.ids import JobId
from cityos_http.asking import Asked, Listed
from cityos_http.endpoint import Routes
from cityos_http.schemas.jobs import JobsQuery, JobView

routes = Routes("/admin/jobs", tag="Jobs")


@routes.get("", action="jobs:list")
def list_jobs(asked: Asked, query: JobsQuery) -> Listed[JobView]:
    """List jobs, newest first."""
    where = JobFilter(status=query.status, operation=query.operation, entity=query.entity, entity_id=query.entity_id)
    return asked.listed(query, asked.city.jobs.list(asked.scope, where, asked.page(query)), JobView.of)


@routes.get("/{job}", action="jobs:read")
def get_job(asked: Asked, job: JobId) -> JobView:
    """Read a job and what became of it."""
    return JobView.of(asked.city.jobs.get(asked.scope, job))


@routes.post("/{job}/retry", action="jobs:retry", status=200)
def retry_job(asked: Asked, job: JobId) -> JobView:
    """Let a job that failed be done after all, as if it were new."""
    return JobView.of(asked.city.jobs.retry(asked.scope, job))
