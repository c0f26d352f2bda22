"""Whoever keeps the time."""

import typer

from cityos_cli.session import Session
from cityos_cli.stopping import work_until_stopped

app = typer.Typer(help="Keep the time: make jobs of what falls due, and wake workers.")


@app.callback(invoke_without_command=True)
def scheduler(ctx: typer.Context) -> None:
    """Make jobs of what falls due and wake workers, until SIGTERM or Ctrl-C; it takes Redis.

    Any number of schedulers may run: what falls due is in the database, and one of them takes it.
    """
    from cityos_adapters.bootstrap import require_schema
    from cityos_adapters.processes import open_scheduler
    from cityos_http.logs import configure

    session = Session.of(ctx)
    settings = session.settings
    configure(form=settings.logging.format, level=settings.logging.level)
    require_schema(settings)
    work_until_stopped(session.open(open_scheduler(settings)))
