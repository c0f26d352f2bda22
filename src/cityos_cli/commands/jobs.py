"""Jobs: what is done later, and what became of it."""

from datetime import datetime
from itertools import islice
from typing import Annotated
from uuid import UUID

import typer

from cityos_cli.failures import UsageError
from cityos_cli.parameters import Limit, Platform
from cityos_cli.session import Session
from cityos_core.jobs.model import Job, JobStatus
from cityos_core.jobs.ports import JobFilter
from cityos_core.kernel.clock import moment
from cityos_core.kernel.ids import JobId
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record

app = typer.Typer(help="Work that is done later: what waits, what failed, and asking for it.")

COLUMNS = ("id", "operation", "status", "progress", "attempts", "entity", "entity_id", "error", "due_at")

Id = Annotated[UUID, typer.Argument(help="The job's id.")]


def _record(job: Job) -> Record:
    return {
        "id": job.id,
        "operation": job.operation,
        "arguments": job.arguments,
        "key": job.key,
        "entity": job.entity,
        "entity_id": job.entity_id,
        "direction": job.direction,
        "status": job.status,
        "progress": job.progress,
        "attempts": job.attempts,
        "error": job.error,
        "result": job.result,
        "request_id": job.request_id,
        "requested_by": job.requested_by,
        "created_at": job.created_at,
        "due_at": job.due_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    status: Annotated[JobStatus | None, typer.Option(help="Only those in this state.")] = None,
    operation: Annotated[str | None, typer.Option(help="Only those of this operation.")] = None,
    entity: Annotated[str | None, typer.Option(help="Only those about this kind of thing.")] = None,
    entity_id: Annotated[str | None, typer.Option(help="Only those about the thing of this id.")] = None,
    limit: Limit = None,
    platform: Platform = False,
) -> None:
    """List jobs, the newest first."""
    session = Session.of(ctx)
    scope = session.scope_or_platform(platform=platform)
    where = JobFilter(status=status, operation=operation, entity=entity, entity_id=entity_id)
    found = islice(every(lambda request: session.city.jobs.list(scope, where, request)), limit)
    session.output.rows(COLUMNS, map(_record, found))


@app.command()
def show(ctx: typer.Context, job: Id, *, platform: Platform = False) -> None:
    """Show a job and what became of it."""
    session = Session.of(ctx)
    scope = session.scope_or_platform(platform=platform)
    session.output.record(_record(session.city.jobs.get(scope, JobId(job))))


@app.command()
def retry(ctx: typer.Context, job: Id, *, platform: Platform = False) -> None:
    """Let a job that failed be done after all."""
    session = Session.of(ctx)
    scope = session.scope_or_platform(platform=platform)
    session.output.record(_record(session.city.jobs.retry(scope, JobId(job))))


@app.command()
def enqueue(
    ctx: typer.Context,
    operation: Annotated[str, typer.Argument(help="What to do; `cityos jobs operations` lists what there is.")],
    *,
    argument: Annotated[
        list[str] | None, typer.Option(metavar="NAME=TEXT", help="What it is told; repeat it for more.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Its natural key: the same key again asks for nothing more.")] = None,
    entity: Annotated[str | None, typer.Option(help="What kind of thing it is about.")] = None,
    entity_id: Annotated[str | None, typer.Option(help="The id of that thing; its jobs are done in order.")] = None,
    due: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="TIME", help="When; now unless it is said.")
    ] = None,
    platform: Platform = False,
) -> None:
    """Ask for an operation to be carried out by a worker."""
    session = Session.of(ctx)
    scope = session.scope_or_platform(platform=platform)
    told = dict(map(_argument, argument or ()))
    made = session.city.jobs.enqueue(scope, operation, told, key=key, entity=entity, entity_id=entity_id, due_at=due)
    session.output.record(_record(made))


def _argument(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--argument takes NAME=TEXT, such as vendor=acme, not {text!r}")
    return name, value


@app.command()
def stats(ctx: typer.Context, *, platform: Platform = False) -> None:
    """Count jobs by what is happening to them: a tenant's, or everyone's."""
    session = Session.of(ctx)
    counts = session.city.jobs.stats(session.scope_or_platform(platform=platform))
    session.output.record(
        {
            "waiting": counts.waiting,
            "active": counts.active,
            "completed": counts.completed,
            "failed": counts.failed,
            "delayed": counts.delayed,
            "total": counts.total,
            "oldest_due_at": counts.oldest_due_at,
        }
    )


@app.command()
def operations(ctx: typer.Context) -> None:
    """List what can be done as a job, and where."""
    session = Session.of(ctx)
    records = (
        {
            "operation": one.name,
            "queue": one.queue,
            "audience": one.audience,
            "attempts": one.attempts,
            "arguments": one.arguments,
        }
        for one in session.city.jobs.operations()
    )
    session.output.rows(("operation", "queue", "audience", "attempts"), records)


@app.command()
def schedules(ctx: typer.Context) -> None:
    """List what falls due by itself: when next in any tenant, when it last was, and what is behind its time."""
    session = Session.of(ctx)
    health = session.city.jobs.health()
    records = (
        {
            "operation": one.operation,
            "next_at": one.next_at,
            "last_at": one.last_at,
            "is_behind": one.operation in health.behind,
        }
        for one in health.schedules
    )
    session.output.rows(("operation", "next_at", "last_at", "is_behind"), records)
