"""Whoever does jobs."""

from typing import Annotated

import typer

from cityos_cli.session import Session
from cityos_cli.stopping import work_until_stopped

app = typer.Typer(help="Do jobs.")


@app.callback(invoke_without_command=True)
def worker(
    ctx: typer.Context,
    *,
    threads: Annotated[int, typer.Option(help="How many jobs are done at once.", min=1, max=12)] = 4,
    queue: Annotated[
        list[str] | None, typer.Option(help="Only the jobs of this queue; repeat it for more. It takes Redis.")
    ] = None,
) -> None:
    """Do jobs until SIGTERM or Ctrl-C; those that are under way are finished first.

    With Redis any number of workers may run, woken by `cityos scheduler`. Without it a worker keeps the time itself.
    """
    from cityos_adapters.bootstrap import require_schema
    from cityos_adapters.processes import open_worker
    from cityos_http.logs import configure

    session = Session.of(ctx)
    settings = session.settings
    configure(form=settings.logging.format, level=settings.logging.level)
    require_schema(settings)
    working = session.open(open_worker(settings, threads=threads, queues=queue or None))
    work_until_stopped(working, threads=threads, keeps_time=working.scheduler is not None)
