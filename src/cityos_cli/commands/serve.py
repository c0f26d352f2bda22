"""The HTTP API."""

from typing import Annotated

import typer
from attrs import evolve

from cityos_cli.failures import FAILURE, Stopped
from cityos_cli.session import Session

app = typer.Typer(help="Answer requests over HTTP.")


@app.callback(invoke_without_command=True)
def serve(
    ctx: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all of them.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8000,
    threads: Annotated[int, typer.Option(help="How many requests are worked on at once.", min=1, max=15)] = 6,
    with_worker: Annotated[
        bool | None,
        typer.Option(
            "--with-worker/--without-worker",
            help="Also do jobs and keep the time in this process; without Redis it does.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the API until SIGTERM or Ctrl-C; requests that are under way are finished first.

    Run as many processes as there are cores, behind a proxy that ends TLS. Settings come from the environment, see
    docs/operations/settings.md.
    """
    from cityos_adapters.bootstrap import require_schema
    from cityos_adapters.processes import open_server
    from cityos_http.logs import configure
    from cityos_http.options import HttpOptions
    from cityos_http.server import listening, serve_city

    session = Session.of(ctx)
    settings = session.settings
    configure(form=settings.logging.format, level=settings.logging.level)
    options = HttpOptions(threads=threads, trusted_proxies=settings.trusted_proxies)
    if settings.secret_key is not None:
        options = evolve(options, secret_key=settings.secret_key)
    require_schema(settings)
    try:
        listener = listening(host, port)
    except OSError as error:
        why = str(error.strerror).partition(" (")[0]
        raise Stopped(
            f"cannot listen on {host}:{port}: {why}; choose another --host or --port, or stop who uses it", FAILURE
        ) from error
    with listener:
        city, background = session.open(open_server(settings, has_workers=with_worker))
        serve_city(city, options, listener, background)
