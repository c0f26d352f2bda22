"""Lists as files."""

from itertools import islice
from typing import Annotated
from uuid import UUID

import typer

from cityos_cli.failures import UsageError
from cityos_cli.parameters import Actor, Limit, Platform
from cityos_cli.session import Session
from cityos_core.exports.model import Export, ExportFormat, ExportKind
from cityos_core.kernel.ids import ExportId
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record

app = typer.Typer(help="Lists written to files by a worker: ask for one, let it be written, fetch it.")

COLUMNS = ("id", "kind", "format", "status", "rows", "size", "reason", "requested_by", "created_at")

Id = Annotated[UUID, typer.Argument(help="The export's id.")]


def _record(export: Export) -> Record:
    return {
        "id": export.id,
        "kind": export.kind,
        "format": export.format,
        "where": export.where,
        "status": export.status,
        "rows": export.rows,
        "size": export.size,
        "attempts": export.attempts,
        "reason": export.reason,
        "requested_by": export.requested_by,
        "created_at": export.created_at,
        "finished_at": export.finished_at,
        "file_name": export.file_name,
    }


@app.command()
def create(
    ctx: typer.Context,
    kind: Annotated[ExportKind, typer.Argument(help="What to export.")],
    *,
    format_: Annotated[ExportFormat, typer.Option("--format", help="How the file is written.")] = ExportFormat.CSV,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="FILTER=TEXT", help="A filter of the list, such as since=2026-01-01; repeat it for more."),
    ] = None,
    actor: Actor,
    platform: Platform = False,
) -> None:
    """Ask for an export; `cityos exports run`, or a server's worker, writes it."""
    session = Session.of(ctx)
    filters = dict(map(_filter, where or ()))
    scope = session.scope_or_platform(platform=platform)
    session.output.record(_record(session.city.exports.request(scope, kind, format_, filters, by=actor)))


def _filter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--where takes FILTER=TEXT, such as since=2026-01-01, not {text!r}")
    return name, value


@app.command("list")
def list_(ctx: typer.Context, *, limit: Limit = None, platform: Platform = False) -> None:
    """List exports, the newest first."""
    session = Session.of(ctx)
    scope = session.scope_or_platform(platform=platform)
    found = islice(every(lambda request: session.city.exports.list(scope, request)), limit)
    session.output.rows(COLUMNS, map(_record, found))


@app.command()
def show(ctx: typer.Context, export: Id, *, platform: Platform = False) -> None:
    """Show how far an export has come."""
    session = Session.of(ctx)
    scope = session.scope_or_platform(platform=platform)
    session.output.record(_record(session.city.exports.get(scope, ExportId(export))))


@app.command()
def download(ctx: typer.Context, export: Id, *, platform: Platform = False) -> None:
    """Write the file of a finished export to standard output."""
    session = Session.of(ctx)
    scope = session.scope_or_platform(platform=platform)
    for piece in session.city.exports.read(scope, ExportId(export)):
        session.output.stream.write(piece)


@app.command()
def run(ctx: typer.Context) -> None:
    """Write what is due: of the tenant that was chosen, or of the platform and every tenant."""
    session = Session.of(ctx)
    exports = session.city.exports
    finished = exports.run_due(session.scope) if session.settings.tenant else exports.run_all()
    session.output.record({"finished": finished})
