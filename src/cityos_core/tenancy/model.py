"""The tree Country > Scope > Category > Subcategory > Tenant > Store, and what tenants and stores are."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from attrs import evolve, field, frozen

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import NodeId, TenantId
from cityos_core.kernel.money import exponent
from cityos_core.kernel.scope import TenantScope
from cityos_core.kernel.states import Machine

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
LONGEST_HANDLE: Final = 63


def handle(value: str, *, what: str = "handle") -> str:
    """Check a handle: lower-case letters, digits and single hyphens, at most 63 characters."""
    if len(value) > LONGEST_HANDLE or not _SLUG.fullmatch(value):
        raise Invalid(
            "invalid_handle",
            f"{value!r} is not a {what}: use lower-case letters, digits and hyphens, such as north-market",
        )
    return value


class Level(StrEnum):
    """The levels of the tree, widest first."""

    COUNTRY = "country"
    SCOPE = "scope"
    CATEGORY = "category"
    SUBCATEGORY = "subcategory"
    TENANT = "tenant"
    STORE = "store"

    @property
    def below(self) -> "Level | None":
        """The level whose nodes hang under this one."""
        levels = list(Level)
        place = levels.index(self) + 1
        return levels[place] if place < len(levels) else None


class NodeStatus(StrEnum):
    """Whether a part of the tree is in use."""

    ACTIVE = "active"
    ARCHIVED = "archived"


class TenantStatus(StrEnum):
    """The life of a tenant."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    OFFBOARDING = "offboarding"
    ARCHIVED = "archived"


TENANT_LIFE: Final = Machine(
    "tenant",
    {
        (TenantStatus.PROVISIONING, "activate"): TenantStatus.ACTIVE,
        (TenantStatus.PROVISIONING, "archive"): TenantStatus.ARCHIVED,
        (TenantStatus.ACTIVE, "suspend"): TenantStatus.SUSPENDED,
        (TenantStatus.SUSPENDED, "activate"): TenantStatus.ACTIVE,
        (TenantStatus.ACTIVE, "offboard"): TenantStatus.OFFBOARDING,
        (TenantStatus.SUSPENDED, "offboard"): TenantStatus.OFFBOARDING,
        (TenantStatus.OFFBOARDING, "activate"): TenantStatus.ACTIVE,
        (TenantStatus.OFFBOARDING, "archive"): TenantStatus.ARCHIVED,
    },
)


def _handle(_instance: object, _attribute: object, value: str) -> None:
    handle(value)


@frozen(kw_only=True)
class Node:
    """A place in the tree. Tenants and stores are nodes too; theirs carry the tenant that owns them."""

    id: NodeId
    tenant_id: TenantId
    parent_id: NodeId | None
    level: Level
    handle: str = field(validator=_handle)
    name: str
    path: str
    status: NodeStatus = NodeStatus.ACTIVE
    metadata: Mapping[str, str] = field(factory=dict)
    version: int = 1


def _zone(_instance: object, _attribute: object, value: str) -> None:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise Invalid("unknown_time_zone", f"{value!r} is not an IANA time zone such as Europe/Paris") from None


def _currency(_instance: object, _attribute: object, value: str) -> None:
    exponent(value)


@frozen(kw_only=True)
class Tenant:
    """An isolated operator of stores. Its id is the id of its node."""

    id: TenantId
    handle: str = field(validator=_handle)
    name: str
    path: str
    kind: str = "marketplace"
    status: TenantStatus = TenantStatus.ACTIVE
    reason: str | None = None
    tier: str = "standard"
    currency: str = field(validator=_currency)
    time_zone: str = field(default="UTC", validator=_zone)
    locale: str = "en"
    parent_tenant_id: TenantId | None = None
    version: int = 1

    @property
    def scope(self) -> TenantScope:
        """The scope in which this tenant's work is done."""
        return TenantScope(self.id)

    @property
    def country(self) -> str:
        """The handle of the country the tenant hangs under."""
        return self.path.partition("/")[0]

    def step(self, action: str, *, reason: str | None = None) -> "Tenant":
        """Take a step of the tenant's life."""
        return evolve(self, status=TENANT_LIFE.next(self.status, action), reason=reason)


class Audience(StrEnum):
    """Who a portal is for."""

    STOREFRONT = "storefront"
    VENDOR = "vendor"
    COMPANY = "company"
    ADMIN = "admin"


@frozen
class Portal:
    """An audience that a store is open to, and the roles that may enter."""

    audience: Audience
    roles: tuple[str, ...] = ()


@frozen(kw_only=True)
class Store:
    """A brand or storefront of a tenant. Its id is the id of its node; branding is a setting of that node."""

    id: NodeId
    tenant_id: TenantId
    handle: str = field(validator=_handle)
    name: str
    kind: str = "storefront"
    channel: str = "web"
    countries: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    portals: tuple[Portal, ...] = ()
    version: int = 1


Json = None | bool | int | str | list["Json"] | dict[str, "Json"]
"""What a setting's value is made of; no floats."""


@frozen(kw_only=True)
class SettingEntry:
    """A value stored at one node for one declared key."""

    node_id: NodeId
    tenant_id: TenantId
    key: str
    value: Json
    locked: bool = False
