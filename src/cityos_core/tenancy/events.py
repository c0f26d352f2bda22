"""What happens to the tree, to tenants, their stores and domains, and to settings."""

from typing import ClassVar

from attrs import frozen

from cityos_core.kernel.events import Event


@frozen(kw_only=True)
class NodeMoved(Event):
    """A node and everything below it hangs elsewhere."""

    name: ClassVar[str] = "tree.node_moved"
    from_path: str
    to_path: str


@frozen(kw_only=True)
class NodeArchived(Event):
    """A part of the tree is out of use."""

    name: ClassVar[str] = "tree.node_archived"
    path: str


@frozen(kw_only=True)
class TenantCreated(Event):
    """A tenant was made."""

    name: ClassVar[str] = "tenant.created"
    handle: str
    path: str


@frozen(kw_only=True)
class TenantStepped(Event):
    """A tenant took a step of its life."""

    name: ClassVar[str] = "tenant.stepped"
    handle: str
    action: str
    status: str
    reason: str | None = None


@frozen(kw_only=True)
class StoreCreated(Event):
    """A tenant opened a store."""

    name: ClassVar[str] = "store.created"
    handle: str


@frozen(kw_only=True)
class DomainAdded(Event):
    """A tenant asked for a name."""

    name: ClassVar[str] = "domain.added"
    domain: str


@frozen(kw_only=True)
class DomainActivated(Event):
    """A tenant proved that a name is its own, and answers to it now."""

    name: ClassVar[str] = "domain.activated"
    domain: str


@frozen(kw_only=True)
class DomainFailed(Event):
    """A name was not proven in time, or is not proven any more."""

    name: ClassVar[str] = "domain.failed"
    domain: str
    reason: str | None = None


@frozen(kw_only=True)
class DomainRemoved(Event):
    """A tenant gave a name back."""

    name: ClassVar[str] = "domain.removed"
    domain: str


@frozen(kw_only=True)
class SettingChanged(Event):
    """A value was stored for a key at a place of the tree, or taken away; the value itself is not told."""

    name: ClassVar[str] = "setting.changed"
    key: str
    path: str
    is_set: bool
    locked: bool = False
