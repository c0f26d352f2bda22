"""Settings: of this process, and of the places of the tree."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Annotated

import typer

from cityos_cli.parameters import Platform
from cityos_cli.progress import note
from cityos_cli.session import Session
from cityos_core.kernel.errors import Invalid, Unavailable
from cityos_core.kernel.redaction import redacted
from cityos_core.kernel.rendering import Record
from cityos_core.kernel.scope import Scope
from cityos_core.tenancy.model import Json
from cityos_core.tenancy.settings import MASK, Explanation, Held, Setting

app = typer.Typer(help="What is set where, and why it holds.")

Key = Annotated[str, typer.Argument(help="The setting, such as holding_days.")]
Node = Annotated[str | None, typer.Option(help="A place in the tree, by path, in place of the tenant's.")]


def _held(places: tuple[Held, ...]) -> list[Record]:
    return [{"path": place.where, "value": place.value, "locked": place.locked} for place in places]


def _explained(explanation: Explanation) -> Record:
    return {
        "key": explanation.key,
        "value": explanation.value,
        "origin": explanation.origin,
        "locked_by": explanation.locked_by,
        "overrides": _held(explanation.overrides),
        "ignored": _held(explanation.ignored),
    }


@app.command()
def show(
    ctx: typer.Context,
    *,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    node: Node = None,
    platform: Platform = False,
) -> None:
    """Show how this process is set up, and every setting that holds at the tenant or a place of the tree."""
    session = Session.of(ctx)
    columns = ("key", "value", "origin") if origin else ("key", "value")
    records = [*_of_process(session)]
    if session.settings.tenant or node or platform:
        try:
            records += _of_tree(session, node, platform=platform)
        except Unavailable as error:
            note(f"cityos: only how this process is set up is shown: {error.detail}")
    session.output.rows(columns, ({name: record[name] for name in columns} for record in records))


def _of_process(session: Session) -> Iterator[Record]:
    from cityos_adapters.settings import KEYS

    secret = {key.name for key in KEYS if key.secret}
    for name, setting in session.settings.values.items():
        shown = setting.value and (MASK if name in secret else redacted(setting.value))
        yield {"key": name, "value": shown, "origin": setting.origin}


def _of_tree(session: Session, node: str | None, *, platform: bool) -> Iterator[Record]:
    for explanation in session.city.settings.show(_scope(session, node, platform=platform), node=node):
        yield {"key": explanation.key, "value": explanation.value, "origin": explanation.origin}


def _scope(session: Session, node: str | None, *, platform: bool) -> Scope:
    """Work as the platform, which may write anywhere, where a place of the tree is named; else as the tenant."""
    return session.scope_or_platform(platform=platform or node is not None)


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List what can be set: of a process by its environment, of a place of the tree by `settings set`."""
    from cityos_adapters.settings import KEYS
    from cityos_core.declared import SETTINGS

    process = ({"key": key.name, "where": key.variable, "default": key.default, "meaning": key.doc} for key in KEYS)
    tree = (
        {"key": setting.key, "where": "tree", "default": setting.default, "meaning": setting.doc}
        for setting in sorted(SETTINGS, key=lambda setting: setting.key)
    )
    Session.of(ctx).output.rows(("key", "where", "default", "meaning"), chain(process, tree))


@app.command("set")
def set_(
    ctx: typer.Context,
    key: Key,
    value: Annotated[str, typer.Argument(help="Text, or JSON such as 14, true or [1, 2].")],
    *,
    node: Node = None,
    platform: Platform = False,
    locked: Annotated[bool, typer.Option("--locked", help="Nothing below may set its own.")] = False,
) -> None:
    """Set a value for the tenant, or for a place of the tree and everything below it."""
    session = Session.of(ctx)
    settings = session.city.settings
    declared = next((setting for setting in settings.declared() if setting.key == key), None)
    stored = settings.set(
        _scope(session, node, platform=platform), key, _value(declared, value), node=node, locked=locked
    )
    session.output.record(_explained(stored))


def _value(declared: Setting[object] | None, text: str) -> Json:
    """Take what was written as text where the setting is a text, and as JSON where it is not."""
    try:
        if declared:
            declared.parse(text)
    except Invalid:
        try:
            value: Json = json.loads(text, parse_float=str)
        except ValueError:
            return text
        return value
    return text


@app.command()
def unset(ctx: typer.Context, key: Key, *, node: Node = None, platform: Platform = False) -> None:
    """Take a value away; what is inherited holds again."""
    session = Session.of(ctx)
    session.output.record(
        _explained(session.city.settings.unset(_scope(session, node, platform=platform), key, node=node))
    )


@app.command()
def explain(ctx: typer.Context, key: Key, *, node: Node = None, platform: Platform = False) -> None:
    """Say which value holds, where it comes from, what it overrides and who locked it."""
    session = Session.of(ctx)
    session.output.record(
        _explained(session.city.settings.explain(_scope(session, node, platform=platform), key, node=node))
    )
