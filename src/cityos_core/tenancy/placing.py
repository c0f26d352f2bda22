"""Which node hangs where: pure rules of the tree."""

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import evolve, frozen

from cityos_core.kernel.countries import NAMES
from cityos_core.kernel.errors import Conflict, Invalid, Refused
from cityos_core.tenancy.model import Json, Level, Node, NodeStatus, SettingEntry, handle
from cityos_core.tenancy.settings import Place, Setting, effective, held

UPPER: Final = (Level.COUNTRY, Level.SCOPE, Level.CATEGORY, Level.SUBCATEGORY)
"""The levels that the platform owns."""

EXAMPLE: Final = "de/green-city/food/wholesale"


def lineage(path: str) -> tuple[str, ...]:
    """List a path and the paths above it, widest first: ``de``, ``de/green-city`` and so on."""
    parts = path.split("/") if path else []
    return tuple("/".join(parts[:count]) for count in range(1, len(parts) + 1))


def upper_path(path: str) -> tuple[str, ...]:
    """Check the path of a country, scope, category or subcategory and list its handles."""
    handles = tuple(path.split("/"))
    if len(handles) > len(UPPER):
        raise Invalid(
            "path_too_long",
            f"{path!r} goes below a subcategory; tenants and stores are created, not added, the tree is country/scope/category/subcategory",
        )
    for part in handles:
        handle(part, what="path such as " + EXAMPLE)
    if handles[0].upper() not in NAMES:
        raise Invalid(
            "unknown_country",
            f"{handles[0]!r} is not an ISO 3166 alpha-2 code; the tree starts with a country, such as {EXAMPLE}",
        )
    return handles


def refuse_archived(node: Node) -> None:
    """Raise ``Conflict("node_archived")`` if a node is out of use."""
    if node.status is NodeStatus.ARCHIVED:
        raise Conflict("node_archived", f"{node.path} is archived; restore it first, or use another")


def refuse_move(node: Node, parent: Node) -> None:
    """Say why a node cannot hang under another, if it cannot."""
    if parent.id == node.id or parent.path.startswith(node.path + "/"):
        raise Refused("cycle", f"{node.path} cannot move below itself")
    if node.level is Level.STORE:
        raise Refused("store_is_tied", f"{node.path} belongs to its tenant; create a store under the other one")
    if parent.level.below is not node.level:
        raise Refused(
            "wrong_level",
            f"{node.path} is a {node.level.value} and cannot hang under {parent.path}, which is a {parent.level.value}",
        )
    refuse_archived(parent)


def rebased(nodes: Iterable[Node], moved: Node, parent: Node) -> list[Node]:
    """Give a moved node and those below it their new paths."""
    target = f"{parent.path}/{moved.handle}"
    return [
        evolve(
            node,
            path=target + node.path.removeprefix(moved.path),
            parent_id=parent.id if node.id == moved.id else node.parent_id,
        )
        for node in nodes
    ]


@frozen(kw_only=True)
class SettingChange:
    """An effective setting that a move changes, at the path a node had before; secrets are masked."""

    path: str
    key: str
    before: Json
    after: Json
    origin_before: str
    origin_after: str


def setting_changes(
    declared: Iterable[Setting[object]],
    entries: Sequence[SettingEntry],
    lineages: Iterable[tuple[Sequence[Place], Sequence[Place]]],
) -> list[SettingChange]:
    """Compare the effective settings of nodes, given each one's places before and after, platform first, itself last."""
    used = {entry.key for entry in entries}
    settings = [setting for setting in declared if setting.key in used]
    changes = []
    for old, new in lineages:
        held_before, held_after = held(entries, old), held(entries, new)
        for setting in settings:
            before = effective(setting, held_before.get(setting.key, ()), path=old[-1].path)
            after = effective(setting, held_after.get(setting.key, ()), path=new[-1].path)
            if before.value != after.value:
                before, after = (each.masked() if setting.secret else each for each in (before, after))
                changes.append(
                    SettingChange(
                        path=old[-1].path,
                        key=setting.key,
                        before=before.value,
                        after=after.value,
                        origin_before=before.origin,
                        origin_after=after.origin,
                    )
                )
    return changes
