"""The database."""

import typer

from cityos_cli.failures import Stopped
from cityos_cli.session import Session

app = typer.Typer(help="Prepare the database and look after it.")


@app.command()
def migrate(ctx: typer.Context) -> None:
    """Bring the database to the schema of this version; what is there already stays."""
    from cityos_adapters.bootstrap import migrate_database

    session = Session.of(ctx)
    session.output.record({"revision": migrate_database(session.settings)})


@app.command()
def check(ctx: typer.Context) -> None:
    """Check the schema and every guard of tenants and money; exit with 1 and what is wrong if anything is."""
    from cityos_adapters.checks import database_problems

    session = Session.of(ctx)
    problems = database_problems(session.settings)
    document = {"ok": not problems, "problems": problems}
    if not problems:
        session.output.record(document)
        return
    session.output.document(document, ("problem",), ({"problem": problem} for problem in problems))
    raise Stopped(f"the database is not as it has to be: {len(problems)} problems")
