"""Growing, listing, moving and archiving the tree; all of it is the platform's work."""

from collections.abc import Mapping

from attrs import evolve, frozen

from cityos_core.kernel.clock import Clock
from cityos_core.kernel.countries import NAMES
from cityos_core.kernel.errors import Conflict, NotFound, Refused
from cityos_core.kernel.ids import PLATFORM, Identifiers, NodeId, TenantId
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.configuration import places
from cityos_core.tenancy.events import NodeArchived, NodeMoved
from cityos_core.tenancy.model import Level, Node, NodeStatus
from cityos_core.tenancy.placing import (
    UPPER,
    SettingChange,
    lineage,
    rebased,
    refuse_archived,
    refuse_move,
    setting_changes,
    upper_path,
)
from cityos_core.tenancy.settings import ROOT, Setting
from cityos_core.unit_of_work import UnitOfWork, UnitOfWorkFactory


def node_at(uow: UnitOfWork, path: str) -> Node:
    """Give the node at a path, or ``NotFound("node_not_found")``."""
    found = uow.tree.at([path])
    if not found:
        raise NotFound(
            "node_not_found", f"there is nothing at {path!r} in the tree; list the tree to see what there is"
        )
    return found[0]


@frozen
class AddNode:
    """Grow the tree down to a path, making the countries, scopes, categories and subcategories that are missing.

    A path that exists already is given as it is, so that adding twice does no harm.
    """

    unit_of_work: UnitOfWorkFactory
    identifiers: Identifiers

    def __call__(self, path: str, *, name: str | None = None) -> Node:
        """Add a path such as ``de/green-city/food/wholesale``; ``name`` is that of its last node."""
        upper_path(path)
        with self.unit_of_work(PlatformScope()) as uow:
            known = {node.path: node for node in uow.tree.at(lineage(path))}
            if path in known and name not in (None, known[path].name):
                raise Conflict("handle_taken", f"{path} is there already and called {known[path].name!r}; change it")
            nodes: list[Node] = []
            for each in lineage(path):
                node = known.get(each)
                if node is None:
                    node = self._new(each, nodes[-1] if nodes else None, name if each == path else None)
                    uow.tree.add(node)
                refuse_archived(node)
                nodes.append(node)
            uow.commit()
        return nodes[-1]

    def _new(self, path: str, above: Node | None, name: str | None) -> Node:
        own = path.rpartition("/")[2]
        return Node(
            id=NodeId(self.identifiers.new()),
            tenant_id=PLATFORM,
            parent_id=above.id if above else None,
            level=UPPER[path.count("/")],
            handle=own,
            name=name or (own if above else NAMES[own.upper()]),
            path=path,
        )


@frozen
class ListTree:
    """List a node and everything below it, by path; the whole tree for the empty path."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, path: str = "") -> list[Node]:
        """List the tree, tenants and stores included."""
        with self.unit_of_work(PlatformScope()) as uow:
            return uow.tree.under(path)


@frozen
class ChangeNode:
    """Rename a node of the upper tree, or replace its metadata; its handle and path stay."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, path: str, *, name: str | None = None, metadata: Mapping[str, str] | None = None) -> Node:
        """Change what is given; what is ``None`` stays."""
        with self.unit_of_work(PlatformScope()) as uow:
            node = _upper(node_at(uow, path))
            changed = evolve(
                node, name=name or node.name, metadata=node.metadata if metadata is None else dict(metadata)
            )
            uow.tree.save([changed])
            uow.commit()
        return changed


@frozen
class ArchiveNode:
    """Take a node of the upper tree out of use; nothing that is in use may hang under it."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, path: str) -> Node:
        """Archive the node at a path."""
        with self.unit_of_work(PlatformScope()) as uow:
            node = _upper(node_at(uow, path))
            refuse_archived(node)
            used = [below.path for below in uow.tree.under(path) if below.status is NodeStatus.ACTIVE and below != node]
            if used:
                raise Refused("node_in_use", f"{path} has {used[0]} below it; move or archive what is below first")
            archived = evolve(node, status=NodeStatus.ARCHIVED)
            uow.tree.save([archived])
            uow.commit([NodeArchived(subject=node.id, occurred_at=self.clock.now(), path=path)])
        return archived


@frozen
class RestoreNode:
    """Bring an archived node of the upper tree back into use."""

    unit_of_work: UnitOfWorkFactory

    def __call__(self, path: str) -> Node:
        """Restore the node at a path; what it hangs under must be in use."""
        with self.unit_of_work(PlatformScope()) as uow:
            for above in uow.tree.at(lineage(path)[:-1]):
                refuse_archived(above)
            restored = evolve(_upper(node_at(uow, path)), status=NodeStatus.ACTIVE)
            uow.tree.save([restored])
            uow.commit()
        return restored


@frozen(kw_only=True)
class Move:
    """What a move does, or would do: the node where it then is, and every effective setting that changes below it."""

    node: Node
    from_path: str
    to_path: str
    nodes: int
    changes: tuple[SettingChange, ...]
    dry_run: bool


@frozen
class MoveNode:
    """Hang a node, with everything below it, under another of the level above its own.

    Tenants below keep their ids and their data; only paths and inherited settings change.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    declared: tuple[Setting[object], ...]

    def __call__(self, path: str, to: str, *, dry_run: bool = False) -> Move:
        """Move the node at ``path`` under the one at ``to``; a dry run only shows what would change."""
        with self.unit_of_work(PlatformScope()) as uow:
            node, parent = node_at(uow, path), node_at(uow, to)
            refuse_move(node, parent)
            moving = uow.tree.under(path)
            moved = rebased(moving, node, parent)
            target = f"{parent.path}/{node.handle}"
            if target != path and uow.tree.at([target]):
                raise Conflict("handle_taken", f"{target} is there already; two siblings cannot share a handle")
            changes = self._changes(uow, moving, moved)
            if target != path and not dry_run:
                uow.tree.save(moved)
                _save_tenants(uow, moved)
                event = NodeMoved(subject=node.id, occurred_at=self.clock.now(), from_path=path, to_path=target)
                uow.commit([event])
        return Move(
            node=next(each for each in moved if each.id == node.id),
            from_path=path,
            to_path=target,
            nodes=len(moved),
            changes=tuple(changes),
            dry_run=dry_run,
        )

    def _changes(self, uow: UnitOfWork, moving: list[Node], moved: list[Node]) -> list[SettingChange]:
        above = uow.tree.at({path for node in (*moving, *moved) for path in lineage(node.path)})
        before = {node.path: node for node in (*above, *moving)}
        after = {node.path: node for node in (*above, *moved)}
        lineages = [
            (places(before[path] for path in lineage(old.path)), places(after[path] for path in lineage(new.path)))
            for old, new in zip(moving, moved, strict=True)
        ]
        entries = uow.settings.at({ROOT, *(node.id for node in before.values()), *(node.id for node in after.values())})
        return setting_changes(self.declared, entries, lineages)


def _save_tenants(uow: UnitOfWork, nodes: list[Node]) -> None:
    for node in nodes:
        if node.level is Level.TENANT:
            tenant = uow.tenants.get(TenantId(node.id))
            uow.tenants.save(evolve(tenant, path=node.path))


def _upper(node: Node) -> Node:
    if node.level not in UPPER:
        raise Refused(
            "not_upper_tree", f"{node.path} is a {node.level.value}; change it as a {node.level.value}, not as a node"
        )
    return node
