"""Which CityOS this is."""

import platform
from importlib.metadata import version as installed

import typer

from cityos_cli.session import Session

app = typer.Typer(help="Show the version.")


@app.callback(invoke_without_command=True)
def version(ctx: typer.Context) -> None:
    """Show the version of CityOS and of the Python it runs on."""
    session = Session.of(ctx)
    session.output.record({"cityos": installed("cityos"), "python": platform.python_version()})
