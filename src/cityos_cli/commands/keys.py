"""API keys of a tenant, or of the platform."""

from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated
from uuid import UUID

import typer

from cityos_cli.confirmation import confirm
from cityos_cli.parameters import Limit, Platform, Yes
from cityos_cli.progress import note
from cityos_cli.session import Session
from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.model import ApiKey, Environment, KeyKind, RateLimit
from cityos_core.access.placing import Where
from cityos_core.kernel.clock import moment
from cityos_core.kernel.ids import ApiKeyId
from cityos_core.kernel.paging import every
from cityos_core.kernel.rendering import Record

app = typer.Typer(help="API keys: each is shown once, when it is made.")

COLUMNS = ("id", "name", "key", "role", "where", "scopes", "status", "expires_at", "last_used_at")


class Kind(StrEnum):
    """What a key is for, as people say it."""

    PUBLISHABLE = "publishable"
    SECRET = "secret"  # noqa: S105  a word
    RESTRICTED = "restricted"


Key = Annotated[UUID, typer.Argument(help="The key's id, as the list shows it.")]


def _status(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if not key.works(datetime.now(UTC)):
        return "expired"
    return "active" if key.replaced_by is None else "replaced"


def _record(key: ApiKey) -> Record:
    return {
        "id": key.id,
        "name": key.name,
        "key": f"{key.prefix}...{key.last_four}",
        "kind": key.kind.name.lower(),
        "environment": key.environment,
        "role": key.grant.role,
        "where": key.grant.subject or key.grant.path or "platform",
        "scopes": sorted(key.scopes or ()),
        "allow_list": key.allow_list,
        "status": _status(key),
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "replaced_by": key.replaced_by,
    }


def _show_once(session: Session, key: ApiKey, text: str) -> None:
    """Write the key itself, which is the one time that it is written."""
    session.output.record({**_record(key), "key": text})
    note("cityos: keep the key now, it is not shown again; whoever has it may do what it may")


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    *,
    kind: Annotated[Kind, typer.Option(help="What may be done with it.")] = Kind.SECRET,
    environment: Annotated[Environment, typer.Option(help="For real business, or to try things.")] = Environment.LIVE,
    role: Annotated[str | None, typer.Option(help="What it may do; a publishable key needs none.")] = None,
    store: Annotated[str | None, typer.Option(help="In one store only, by handle.")] = None,
    vendor: Annotated[str | None, typer.Option(help="For one vendor only, by handle, with a vendor's role.")] = None,
    node: Annotated[str | None, typer.Option(help="With --platform: below this place of the tree only.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="A restricted key may only do this, such as orders:read; repeat it.")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="A network it may be used from, such as 203.0.113.0/24; repeat it.")
    ] = None,
    requests: Annotated[int | None, typer.Option(help="At most so many requests in --seconds.")] = None,
    seconds: Annotated[int, typer.Option(help="How long --requests are counted.")] = 60,
    expires_at: Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME", help="It ends then.")] = None,
    platform: Platform = False,
) -> None:
    """Make a key and show it, this once."""
    session = Session.of(ctx)
    draft = KeyDraft(
        name=name,
        kind=KeyKind[kind.name],
        environment=environment,
        role=role,
        where=Where(store=store, vendor=vendor, node=node),
        scopes=scope,
        allow_list=tuple(allow or ()),
        rate_limit=None if requests is None else RateLimit(requests=requests, seconds=seconds),
        expires_at=expires_at,
    )
    made = session.city.access.create_key(session.scope_unless(platform=platform), session.principal, draft)
    _show_once(session, *made)


@app.command("list")
def list_(ctx: typer.Context, *, platform: Platform = False, limit: Limit = None) -> None:
    """List keys, oldest first; none of them is shown."""
    session = Session.of(ctx)
    scope = session.scope_unless(platform=platform)
    found = islice(every(lambda request: session.city.access.keys(scope, request)), limit)
    session.output.rows(COLUMNS, map(_record, found))


@app.command()
def rotate(
    ctx: typer.Context,
    key: Key,
    *,
    works_until: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="How long the old one goes on working; a day unless said."),
    ] = None,
    platform: Platform = False,
) -> None:
    """Put a new key in the place of one, and show it, this once; for a day both work."""
    session = Session.of(ctx)
    scope = session.scope_unless(platform=platform)
    made = session.city.access.rotate_key(scope, session.principal, ApiKeyId(key), works_until=works_until)
    _show_once(session, *made)


@app.command()
def revoke(ctx: typer.Context, key: Key, *, platform: Platform = False, yes: Yes = False) -> None:
    """Let a key work no more, at once and for good."""
    session = Session.of(ctx)
    scope = session.scope_unless(platform=platform)
    confirm(f"Revoke the key {session.city.access.key(scope, ApiKeyId(key)).name} for good?", yes=yes)
    session.output.record(_record(session.city.access.revoke_key(scope, ApiKeyId(key))))
