"""The tree of countries, scopes, categories and subcategories under which tenants hang."""

from typing import Annotated

import typer

from cityos_cli.confirmation import confirm
from cityos_cli.parameters import DryRun, Yes
from cityos_cli.session import Session
from cityos_core.kernel.rendering import Record
from cityos_core.tenancy.model import Node

app = typer.Typer(help="The tree that tenants hang under.")

COLUMNS = ("path", "level", "name", "status")

Path = Annotated[str, typer.Argument(help="Such as de/green-city/food/wholesale.")]


def _record(node: Node) -> Record:
    return {"path": node.path, "level": node.level, "name": node.name, "status": node.status}


@app.command()
def add(
    ctx: typer.Context, path: Path, name: Annotated[str | None, typer.Option(help="Of the last node.")] = None
) -> None:
    """Grow the tree down to a path, making what is missing on the way."""
    session = Session.of(ctx)
    session.output.record(_record(session.city.tree.add(path, name=name)))


@app.command("list")
def list_(ctx: typer.Context, path: Annotated[str, typer.Argument(help="Where to begin.")] = "") -> None:
    """List a node and everything below it, or the whole tree."""
    session = Session.of(ctx)
    session.output.rows(COLUMNS, map(_record, session.city.tree.list(path)))


@app.command()
def move(
    ctx: typer.Context,
    path: Path,
    to: Annotated[str, typer.Argument(help="The new parent's path.")],
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Hang a node under another parent, and show which effective settings that changes."""
    session = Session.of(ctx)
    preview = session.city.tree.move(path, to, dry_run=True)
    if not dry_run:
        affected = f"{preview.nodes} nodes move and {len(preview.changes)} effective settings change"
        confirm(f"Move {path} to {preview.to_path}? {affected}.", yes=yes)
        preview = session.city.tree.move(path, to)
    changes = [
        {
            "path": change.path,
            "key": change.key,
            "before": change.before,
            "after": change.after,
            "origin_before": change.origin_before,
            "origin_after": change.origin_after,
        }
        for change in preview.changes
    ]
    document = {"from": path, "to": preview.to_path, "nodes": preview.nodes, "moved": not dry_run, "changes": changes}
    session.output.document(document, ("path", "key", "before", "after", "origin_before", "origin_after"), changes)


@app.command()
def archive(ctx: typer.Context, path: Path, *, yes: Yes = False) -> None:
    """Take a node out of use; nothing in use may hang under it."""
    session = Session.of(ctx)
    confirm(f"Archive {path}?", yes=yes)
    session.output.record(_record(session.city.tree.archive(path)))


@app.command()
def restore(ctx: typer.Context, path: Path) -> None:
    """Bring an archived node back into use."""
    session = Session.of(ctx)
    session.output.record(_record(session.city.tree.restore(path)))
