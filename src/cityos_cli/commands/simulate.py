"""A city on a virtual clock, proved right as it runs."""

from typing import Annotated

import typer

from cityos_cli.failures import Stopped
from cityos_cli.progress import advancing
from cityos_cli.session import Session

app = typer.Typer(help="Run a random city in memory and prove the laws of money as it goes.")


@app.callback(invoke_without_command=True)
def simulate(
    ctx: typer.Context,
    *,
    seed: Annotated[int, typer.Option(min=0, help="The same seed lives the same life.")] = 1,
    months: Annotated[int, typer.Option(min=1, max=120, help="How long to run, in months of thirty days.")] = 1,
    with_faults: Annotated[
        bool, typer.Option("--faults", help="Kill the process at random, repeat calls, let two runners meet.")
    ] = False,
) -> None:
    """Run a random city; exit with 1, naming the seed, if a law of money does not hold."""
    from cityos_core.testing.simulation.laws import LawBroken
    from cityos_core.testing.simulation.running import DAYS_PER_MONTH
    from cityos_core.testing.simulation.running import simulate as run

    again = f"cityos simulate --seed {seed} --months {months}{' --faults' if with_faults else ''}"
    try:
        with advancing("days", months * DAYS_PER_MONTH) as each_day:
            report = run(seed=seed, months=months, with_faults=with_faults, each_day=each_day)
    except LawBroken as broken:
        raise Stopped(f"{broken}; run it again with: {again}") from broken
    Session.of(ctx).output.record(
        {
            "seed": report.seed,
            "days": report.days,
            **{what.replace(" ", "_"): count for what, count in sorted(report.happened.items())},
            "laws_checked": report.laws_checked,
            "orders_checked": report.orders_checked,
            "crashes": report.crashes,
            "crash_points": report.crash_points,
            "repeated_calls": report.repeats,
            "rivals": report.rivals,
            "result": "every law holds",
            "again": again,
        }
    )
