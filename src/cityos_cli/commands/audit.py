"""What was done, by whom, and the proof that nobody rewrote it."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer

from cityos_cli.failures import Stopped, UsageError
from cityos_cli.parameters import Limit, Platform, Since, Until
from cityos_cli.session import Session
from cityos_core.audit.model import Entry
from cityos_core.audit.ports import AuditFilter
from cityos_core.audit.walking import Place
from cityos_core.exports.audit_log import COLUMNS, record
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record

app = typer.Typer(help="What was done, by whom, to what: a chain of entries for each tenant, and one for the platform.")

LIST_COLUMNS = ("sequence", "occurred_at", "principal", "name", "action", "what")
CHANGE_COLUMNS = ("kind", "target", "verb", "field", "before", "after")

Principal = Annotated[str | None, typer.Option(help="Done by, such as system:cli or user:4711.")]
Action = Annotated[str | None, typer.Option(help="What was asked for, such as orders:refund.")]
Kind = Annotated[str | None, typer.Option(help="Changes of this kind of record, such as vendor or order.")]
Target = Annotated[str | None, typer.Option(help="Changes of the record with this id.")]
Request = Annotated[str | None, typer.Option(help="Done by the request with this id.")]


@app.command("list")
def list_entries(
    ctx: typer.Context,
    *,
    principal: Principal = None,
    action: Action = None,
    kind: Kind = None,
    target: Target = None,
    request: Request = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    platform: Platform = False,
) -> None:
    """List entries, the newest first."""
    session = Session.of(ctx)
    scope = session.scope_or_platform(platform=platform)
    where = AuditFilter(
        principal=principal, action=action, kind=kind, target=target, request_id=request, since=since, until=until
    )
    found = islice(every(lambda page: session.city.audit.list(scope, where, page)), limit)
    session.output.rows(LIST_COLUMNS, ({**record(entry), "what": _what(entry)} for entry in found))


def _what(entry: Entry) -> str:
    """Say in a line what an entry is about: the one record, or how many of each kind."""
    verbs = Counter(f"{change['kind']} {change['verb']}" for change in entry.changes)
    if len(entry.changes) == 1:
        return f"{next(iter(verbs))} {entry.changes[0]['target']}".rstrip()
    return ", ".join(f"{count} {verb}" for verb, count in verbs.items())


@app.command()
def show(
    ctx: typer.Context,
    sequence: Annotated[int, typer.Argument(help="The entry's place in the chain.", min=1)],
    *,
    platform: Platform = False,
) -> None:
    """Show what one entry changed, field by field; in JSON also who did it, why, and how it is sealed."""
    session = Session.of(ctx)
    entry = session.city.audit.get(session.scope_or_platform(platform=platform), sequence)
    session.output.document(record(entry), CHANGE_COLUMNS, _fields(entry))


def _fields(entry: Entry) -> Iterator[Record]:
    for change in entry.changes:
        named = {name: change[name] for name in ("kind", "target", "verb")}
        before, after = (side if isinstance(side, dict) else {} for side in (change["before"], change["after"]))
        for field in {**before, **after} or {"": None}:
            yield {**named, "field": field, "before": before.get(field), "after": after.get(field)}


@app.command()
def export(
    ctx: typer.Context,
    *,
    principal: Principal = None,
    action: Action = None,
    kind: Kind = None,
    target: Target = None,
    request: Request = None,
    since: Since = None,
    until: Until = None,
    platform: Platform = False,
) -> None:
    """Write every entry, the oldest first; in JSON and JSON lines, with all changes."""
    session = Session.of(ctx)
    where = AuditFilter(
        principal=principal, action=action, kind=kind, target=target, request_id=request, since=since, until=until
    )
    found = session.city.audit.export(session.scope_or_platform(platform=platform), where)
    session.output.rows(COLUMNS, map(record, found))


@app.command()
def verify(
    ctx: typer.Context,
    *,
    known: Annotated[
        str | None,
        typer.Option(metavar="SEQUENCE:HASH", help="A place that you noted before, which must still be in the chain."),
    ] = None,
    platform: Platform = False,
) -> None:
    """Walk along the whole chain; exit with 1 and the first broken link if it does not hold. Note the head elsewhere."""
    session = Session.of(ctx)
    place = None if known is None else _place(known)
    found = session.city.audit.verify(session.scope_or_platform(platform=platform), known=place)
    session.output.record(
        {
            "ok": found.is_whole,
            "entries": found.entries,
            "head": f"{found.entries}:{found.head}",
            "broken_at": found.broken_at,
            "problem": found.problem,
        }
    )
    if not found.is_whole:
        raise Stopped(f"the audit does not hold: {found.problem}; find out who can write to the database")


def _place(text: str) -> Place:
    sequence, _, digest = text.partition(":")
    if not (sequence.isascii() and sequence.isdigit() and digest):
        raise UsageError(f"{text!r} is not SEQUENCE:HASH, as `audit verify` gives it for the head")
    return int(sequence), digest
