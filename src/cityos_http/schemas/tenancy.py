"""The tree, tenants and settings as the API shows and takes them."""

from collections.abc import Mapping
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.ids import NodeId, TenantId
from cityos_core.tenancy.model import (
    LONGEST_HANDLE,
    TENANT_LIFE,
    Json,
    Level,
    Node,
    NodeStatus,
    Tenant,
    TenantStatus,
)
from cityos_core.tenancy.settings import Explanation, Held
from cityos_core.tenancy.tree import Move
from cityos_http.asking import Paged
from cityos_http.schema import about

PATH = about("A path of handles.", example="de/green-city/food/wholesale", least=1, most=400)
TENANT_HANDLE = about(
    "Its name in addresses.", example="north", pattern="^[a-z0-9]+(-[a-z0-9]+)*$", most=LONGEST_HANDLE
)


@frozen(kw_only=True)
class NodeView:
    """A place in the tree."""

    id: NodeId
    path: str = field(metadata=PATH)
    level: Level
    handle: str
    name: str
    status: NodeStatus
    metadata: Mapping[str, str]
    version: int

    @classmethod
    def of(cls, node: Node) -> Self:
        """Show a node."""
        return cls(
            id=node.id,
            path=node.path,
            level=node.level,
            handle=node.handle,
            name=node.name,
            status=node.status,
            metadata=dict(node.metadata),
            version=node.version,
        )


@frozen(kw_only=True)
class TreeQuery(Paged):
    """Which part of the tree."""

    path: str = field(default="", metadata=about("What hangs here, and below; everything if it is absent."))


@frozen(kw_only=True)
class NodeRequest:
    """A place to add, with whatever is missing above it."""

    path: str = field(metadata=PATH)
    name: str | None = None


@frozen(kw_only=True)
class NodeChange:
    """What changes about a place; what is absent stays."""

    path: str = field(metadata=PATH)
    name: str | None = field(default=None, metadata=about("What it is called.", least=1))
    metadata: Mapping[str, str] | None = None


@frozen(kw_only=True)
class NodeName:
    """A place."""

    path: str = field(metadata=PATH)


@frozen(kw_only=True)
class MoveRequest:
    """What moves, and under which node."""

    path: str = field(metadata=PATH)
    to: str = field(metadata=PATH)


@frozen(kw_only=True)
class SettingChangeView:
    """A setting whose effective value changes somewhere."""

    path: str
    key: str
    before: Json
    after: Json


@frozen(kw_only=True)
class MoveView:
    """What a move does: where the node then is, and every effective setting that changes below it."""

    node: NodeView
    from_path: str
    to_path: str
    nodes: int
    changes: tuple[SettingChangeView, ...]

    @classmethod
    def of(cls, move: Move) -> Self:
        """Show a move."""
        return cls(
            node=NodeView.of(move.node),
            from_path=move.from_path,
            to_path=move.to_path,
            nodes=move.nodes,
            changes=tuple(
                SettingChangeView(path=change.path, key=change.key, before=change.before, after=change.after)
                for change in move.changes
            ),
        )


@frozen(kw_only=True)
class TenantView:
    """An isolated operator of stores."""

    id: TenantId
    handle: str = field(metadata=TENANT_HANDLE)
    name: str
    path: str
    kind: str
    status: TenantStatus
    reason: str | None
    tier: str
    currency: str
    time_zone: str
    locale: str
    parent: TenantId | None = field(metadata=about("The tenant above it."))
    allowed_actions: tuple[str, ...]
    version: int

    @classmethod
    def of(cls, tenant: Tenant) -> Self:
        """Show a tenant."""
        return cls(
            id=tenant.id,
            handle=tenant.handle,
            name=tenant.name,
            path=tenant.path,
            kind=tenant.kind,
            status=tenant.status,
            reason=tenant.reason,
            tier=tenant.tier,
            currency=tenant.currency,
            time_zone=tenant.time_zone,
            locale=tenant.locale,
            parent=tenant.parent_tenant_id,
            allowed_actions=TENANT_LIFE.allowed(tenant.status),
            version=tenant.version,
        )


@frozen(kw_only=True)
class TenantRequest:
    """A tenant to create. Currency, time zone and locale default to the settings that hold at its place."""

    handle: str = field(metadata=TENANT_HANDLE)
    parent: str = field(metadata=about("The subcategory it hangs under.", example="de/green-city/food/wholesale"))
    name: str = field(metadata=about("What it is called.", example="North Market", least=1))
    currency: str | None = field(default=None, metadata=about("ISO 4217.", example="EUR", pattern="^[A-Z]{3}$"))
    time_zone: str | None = field(default=None, metadata=about("IANA.", example="Europe/Paris"))
    locale: str | None = field(default=None, metadata=about("A language tag.", example="en"))
    kind: str = "marketplace"
    tier: str = "standard"
    parent_tenant: str | None = field(default=None, metadata=about("The handle of the tenant above it."))
    active: bool = field(default=True, metadata=about("False while it is being provisioned."))


@frozen(kw_only=True)
class TenantChange:
    """What changes about a tenant; what is absent stays."""

    name: str | None = field(default=None, metadata=about("What it is called.", least=1))
    kind: str | None = None
    tier: str | None = None
    currency: str | None = field(default=None, metadata=about("ISO 4217.", example="EUR", pattern="^[A-Z]{3}$"))
    time_zone: str | None = field(default=None, metadata=about("IANA.", example="Europe/Paris"))
    locale: str | None = None


@frozen(kw_only=True)
class StepRequest:
    """A step, and why it is taken where that has to be said."""

    reason: str | None = field(default=None, metadata=about("Why.", example="unpaid invoices", least=1))


@frozen(kw_only=True)
class HeldView:
    """A value that is stored at one place of the tree."""

    path: str
    value: Json
    locked: bool

    @classmethod
    def of(cls, held: Held) -> Self:
        """Show a stored value."""
        return cls(path=held.path, value=held.value, locked=held.locked)


@frozen(kw_only=True)
class SettingView:
    """A setting as it holds at one place: its value, where that comes from, what it overrides, who locked it."""

    key: str
    path: str
    value: Json
    origin: str
    overrides: tuple[HeldView, ...]
    ignored: tuple[HeldView, ...]
    locked_by: str | None

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        """Show a setting."""
        return cls(
            key=explanation.key,
            path=explanation.path,
            value=explanation.value,
            origin=explanation.origin,
            overrides=tuple(map(HeldView.of, explanation.overrides)),
            ignored=tuple(map(HeldView.of, explanation.ignored)),
            locked_by=explanation.locked_by,
        )


@frozen(kw_only=True)
class SettingsQuery(Paged):
    """At which place."""

    node: str | None = field(
        default=None, metadata=about("The path of a place below, such as one of the tenant's stores.")
    )


@frozen(kw_only=True)
class PlaceQuery:
    """At which place."""

    node: str | None = field(
        default=None, metadata=about("The path of a place below, such as one of the tenant's stores.")
    )


@frozen(kw_only=True)
class SettingRequest:
    """A value to store."""

    value: Json = field(metadata=about("What the setting's declaration allows; numbers with a point are strings."))
    locked: bool = field(default=False, metadata=about("True to keep every place below from having its own."))
