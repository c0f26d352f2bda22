"""What is wrong, and what mends it."""

import typer

from cityos_cli.failures import Stopped
from cityos_cli.session import Session

app = typer.Typer(help="Check every configured system and print the fix.")


@app.callback(invoke_without_command=True)
def doctor(ctx: typer.Context) -> None:
    """Check every configured system and print what mends it; exit with 1 if one is not ready."""
    from cityos_adapters.checks import checks

    session = Session.of(ctx)
    found = list(checks(session.settings))
    records = ({"system": c.system, "ok": c.ok, "detail": c.detail, "fix": c.fix} for c in found)
    session.output.rows(("system", "ok", "detail", "fix"), records)
    broken = [check.system for check in found if not check.ok]
    if broken:
        raise Stopped(f"not ready: {', '.join(broken)}; the last column says what to do")
