"""The upper tree and its settings, for the platform."""

from cityos_http.asking import Asked, Listed
from cityos_http.endpoint import Key, Needs, Routes
from cityos_http.schemas.tenancy import (
    MoveRequest,
    MoveView,
    NodeChange,
    NodeName,
    NodeRequest,
    NodeView,
    PlaceQuery,
    SettingRequest,
    SettingsQuery,
    SettingView,
    TreeQuery,
)

routes = Routes("/admin/tree", tag="Platform")


@routes.get("", action="tree:list", needs=Needs.PLATFORM)
def list_tree(asked: Asked, query: TreeQuery) -> Listed[NodeView]:
    """List a place and everything below it, by path; tenants and stores too."""
    return asked.part(query, asked.city.tree.list(query.path), lambda node: node.path, NodeView.of)


@routes.post("", action="tree:add", needs=Needs.PLATFORM)
def add_node(asked: Asked, body: NodeRequest) -> NodeView:
    """Add a place, with whatever is missing above it."""
    return NodeView.of(asked.city.tree.add(body.path, name=body.name))


@routes.patch("", action="tree:change", needs=Needs.PLATFORM)
def change_node(asked: Asked, body: NodeChange) -> NodeView:
    """Rename a place, or replace its metadata."""
    asked.city.tree.change(body.path, name=body.name, metadata=body.metadata)
    return NodeView.of(asked.city.tree.list(body.path)[0])


@routes.post("/move", action="tree:move", status=200, needs=Needs.PLATFORM, key=Key.ACCEPTED)
def move_node(asked: Asked, body: MoveRequest) -> MoveView:
    """Hang a place, with everything below it, under another."""
    return MoveView.of(asked.city.tree.move(body.path, body.to))


@routes.post("/move/preview", action="tree:move", status=200, needs=Needs.PLATFORM, key=Key.NONE)
def preview_move(asked: Asked, body: MoveRequest) -> MoveView:
    """Show which settings a move would change, and move nothing."""
    return MoveView.of(asked.city.tree.move(body.path, body.to, dry_run=True))


@routes.post("/archive", action="tree:archive", status=200, needs=Needs.PLATFORM)
def archive_node(asked: Asked, body: NodeName) -> NodeView:
    """Take a place out of use; nothing that is in use may hang under it."""
    asked.city.tree.archive(body.path)
    return NodeView.of(asked.city.tree.list(body.path)[0])


@routes.post("/restore", action="tree:restore", status=200, needs=Needs.PLATFORM)
def restore_node(asked: Asked, body: NodeName) -> NodeView:
    """Take a place into use again."""
    asked.city.tree.restore(body.path)
    return NodeView.of(asked.city.tree.list(body.path)[0])


@routes.get("/settings", action="settings:list", needs=Needs.PLATFORM)
def list_platform_settings(asked: Asked, query: SettingsQuery) -> Listed[SettingView]:
    """List every setting as it holds on the platform, or at a place of the tree."""
    found = asked.city.settings.show(asked.any_scope, node=query.node)
    return asked.part(query, found, lambda setting: setting.key, SettingView.of)


@routes.put("/settings/{key}", action="settings:change", needs=Needs.PLATFORM)
def set_platform_setting(asked: Asked, key: str, query: PlaceQuery, body: SettingRequest) -> SettingView:
    """Store a value for the whole platform, or from a place of the tree down."""
    asked.require_may_set(key, body.value, node=query.node)
    return SettingView.of(
        asked.city.settings.set(asked.any_scope, key, body.value, node=query.node, locked=body.locked)
    )


@routes.delete("/settings/{key}", action="settings:change", needs=Needs.PLATFORM)
def unset_platform_setting(asked: Asked, key: str, query: PlaceQuery) -> None:
    """Take a value away; what is inherited holds there again."""
    asked.city.settings.unset(asked.any_scope, key, node=query.node)
