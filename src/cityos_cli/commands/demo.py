"""A city to look at, in under a minute."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from cityos_cli.progress import advancing, note
from cityos_cli.session import Session
from cityos_core.kernel.errors import Refused

app = typer.Typer(help="Make a city, run it for three months, and show what everybody earned and who subscribes.")

FIRST_DAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
MARK: Final = b"CITY"
MARK_AT: Final = 68
"""Where SQLite keeps the application id in its header: how a demo recognises what an earlier demo left behind."""


@app.callback(invoke_without_command=True)
def demo(
    ctx: typer.Context,
    *,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = 7,
    days: Annotated[
        int, typer.Option(min=1, max=366, help="How long its market runs; subscribers were there long before.")
    ] = 90,
    file: Annotated[Path, typer.Option(help="The SQLite file it leaves behind.")] = Path("cityos-demo.db"),
) -> None:
    """Make a city in a SQLite file of its own and run three months of it on a virtual clock, and a year of subscriptions."""
    from cityos_adapters.rehearsal import rehearse
    from cityos_cli.demonstration import show
    from cityos_core.testing.simulation.demonstration import demonstrate, lived

    _clear(file)
    output = Session.of(ctx).output
    with ExitStack() as stack:
        each_day = stack.enter_context(advancing("days", lived(days)))
        rehearsal = stack.enter_context(rehearse(f"sqlite:///{file}", start=FIRST_DAY, seed=seed))
        app, transfers, gateway = rehearsal.app, rehearsal.transfers, rehearsal.gateway
        city = demonstrate(app, rehearsal.clock, transfers, gateway, seed=seed, days=days, each_day=each_day)
        line = show(output, app, city)
    _mark(file)
    note(_next_steps(file, line))


def _clear(file: Path) -> None:
    """Remove what an earlier demo left behind; any other file stays."""
    if not file.exists():
        return
    with file.open("rb") as stream:
        stream.seek(MARK_AT)
        is_ours = stream.read(len(MARK)) == MARK
    if not is_ours:
        raise Refused("not_a_demo", f"{file} was not made by a demo; name another file with --file")
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _mark(file: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA application_id = {int.from_bytes(MARK, 'big')}")


def _next_steps(file: Path, line: str) -> str:
    return f"""
The city is in {file}. Try next:
  export CITYOS_DATABASE_URL=sqlite:///{file}
  cityos tenants list
  cityos --tenant north commission report
  cityos --tenant north commission explain {line}
  cityos --tenant north payouts run --dry-run
  cityos --tenant north ledger verify
  cityos --tenant north subscriptions list
  cityos --tenant north billing mrr
  cityos --tenant north keys create me --role administrator
  cityos serve     # then http://north.localhost:8000/admin/vendors with the key; reference at http://localhost:8000/schema
  cityos simulate --seed 1 --months 3 --faults"""
