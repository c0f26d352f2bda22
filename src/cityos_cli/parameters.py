"""Options that several commands share."""

import getpass
from datetime import datetime
from typing import Annotated, Final

import typer

from cityos_core.kernel.clock import moment

MOST: Final = 1_000_000_000
"""Records that are listed at a time."""


def whoever_runs_this() -> str:
    """Give the name of the person at the machine, for the record."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # in a container the user may have no name
        return "unknown"


Platform = Annotated[bool, typer.Option("--platform", help="The platform's own, whatever tenant is chosen.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first; for scripts.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")]
Reason = Annotated[str, typer.Option(help="Why, for the record.")]
Actor = Annotated[str, typer.Option(default_factory=whoever_runs_this, show_default=False, help="Who does it.")]
Since = Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME", help="From then on, inclusive.")]
Until = Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME", help="Up to then, exclusive.")]
AsOf = Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME", help="As it was then.")]
Limit = Annotated[int | None, typer.Option(min=1, max=MOST, help="At most so many.")]
IdempotencyKey = Annotated[str | None, typer.Option(help="The same key again does nothing more.")]
