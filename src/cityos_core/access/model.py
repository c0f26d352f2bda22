"""Who comes in, what they were granted and how far it reaches."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import Attribute, evolve, field, frozen
from attrs.validators import optional

from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.ids import ApiKeyId, AssignmentId, ImpersonationId, TenantId
from cityos_core.kernel.states import Machine
from cityos_core.tenancy.model import Tenant


class PrincipalKind(StrEnum):
    """What sort of someone it is."""

    USER = "user"
    API_KEY = "api_key"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


class Reach(StrEnum):
    """How far a grant goes, narrowest first."""

    OWN = "own"
    """What belongs to ``subject``: a vendor (``vendor:acme``) or a customer (``customer:4711``)."""
    COMPANY = "company"
    STORE = "store"
    TENANT = "tenant"
    SUBTREE = "subtree"
    PLATFORM = "platform"


@frozen(kw_only=True)
class Grant:
    """A role and where it holds. ``path`` is a path of the tree: of a tenant (``own`` and ``tenant``), a store, or any node.

    It is empty for the reach ``platform`` only; elsewhere a grant without a path reaches nothing.
    """

    role: str
    reach: Reach
    path: str = ""
    subject: str | None = None


@frozen(kw_only=True)
class Principal:
    """Someone who asks for something. ``scopes`` narrows what a key may do, as ``resource:verb``; none: by role alone."""

    kind: PrincipalKind
    id: str
    name: str = ""
    email: str | None = None
    """Only if it was verified."""
    grants: tuple[Grant, ...] = ()
    scopes: frozenset[str] | None = None
    impersonator: str | None = None
    reason: str | None = None

    @property
    def label(self) -> str:
        """What the audit calls it."""
        return f"{self.kind.value}:{self.id}"


ANONYMOUS: Final = Principal(kind=PrincipalKind.ANONYMOUS, id="anonymous")
"""Someone who showed nothing."""


@frozen(kw_only=True)
class Resource:
    """What an action is about: a kind, where it is in the tree, whose it is, and what else a policy may ask."""

    kind: str
    id: str = ""
    tenant_id: TenantId | None = None
    path: str = ""
    """The tenant's path in the tree; empty for what belongs to the platform."""
    store: str | None = None
    vendor: str | None = None
    customer: str | None = None
    attributes: Mapping[str, str | int | bool | None] = field(factory=dict)


@frozen
class Decision:
    """Yes or no, and why."""

    allowed: bool
    reason: str = ""


class KeyKind(StrEnum):
    """What an API key is for, by its prefix."""

    PUBLISHABLE = "cpk"
    """Names a tenant's storefront; no secret, and may only read what any visitor may."""
    SECRET = "csk"  # noqa: S105  a prefix
    """May do whatever its role may."""
    RESTRICTED = "crk"
    """May do only what its scopes say."""


class Environment(StrEnum):
    """Whether a key is for real business."""

    LIVE = "live"
    TEST = "test"


MOST_REQUESTS: Final = 1_000_000
LONGEST_S: Final = 86_400
"""The largest limit that is counted exactly wherever it is counted."""


def _within(most: int) -> Callable[[object, "Attribute[int]", int], None]:
    def check(_instance: object, attribute: "Attribute[int]", value: int) -> None:
        if not 1 <= value <= most:
            raise Invalid("invalid_rate_limit", f"{attribute.name} of a rate limit is from 1 to {most}, not {value}")

    return check


@frozen(kw_only=True)
class RateLimit:
    """At most ``requests`` in ``seconds``, evenly spread, with ``burst`` at once (all of them unless said)."""

    requests: int = field(validator=_within(MOST_REQUESTS))
    seconds: int = field(default=60, validator=_within(LONGEST_S))
    burst: int | None = field(default=None, validator=optional(_within(MOST_REQUESTS)))


@frozen(kw_only=True)
class ApiKey:
    """A key as it is stored: never the key itself. A platform key belongs to the platform's tenant id."""

    id: ApiKeyId
    tenant_id: TenantId
    name: str
    kind: KeyKind
    environment: Environment
    hash: str
    """SHA-256 of the whole key, in hexadecimal."""
    last_four: str
    grant: Grant
    scopes: frozenset[str] | None = None
    """``resource:verb``, each part a name or ``*``; every restricted key has some, no other kind any."""
    allow_list: tuple[str, ...] = ()
    """Networks in CIDR form that the key may be used from; none: any."""
    rate_limit: RateLimit | None = None
    created_at: datetime
    created_by: str = ""
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    replaced_by: ApiKeyId | None = None
    """The key that a rotation made; this one works until ``expires_at``."""
    last_used_at: datetime | None = None
    version: int = 1

    @property
    def prefix(self) -> str:
        """How the key begins, such as ``csk_live_``."""
        return f"{self.kind.value}_{self.environment.value}_"

    def works(self, at: datetime) -> bool:
        """True unless it was revoked or has expired."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@frozen(kw_only=True)
class Assignment:
    """A role given to a user, by subject or verified e-mail address, at a place of the tree.

    Those of a tenant belong to it and reach no further; those of the platform may reach a subtree or everything.
    """

    id: AssignmentId
    tenant_id: TenantId
    user: str
    grant: Grant
    created_at: datetime
    created_by: str = ""


class ImpersonationStatus(StrEnum):
    """The life of an impersonation."""

    ACTIVE = "active"
    ENDED = "ended"


IMPERSONATION_LIFE: Final = Machine("impersonation", {(ImpersonationStatus.ACTIVE, "end"): ImpersonationStatus.ENDED})

IMPERSONATION_LASTS: Final = timedelta(minutes=30)
"""How long support may act as someone else before it has to say again why."""


@frozen(kw_only=True)
class Impersonation:
    """Support acting as a user of a tenant, for a stated reason; both are in the audit."""

    id: ImpersonationId
    tenant_id: TenantId
    actor: str
    """Who acts: the label of the support principal."""
    user: str
    """As whom: a user's subject or e-mail address."""
    grants: tuple[Grant, ...]
    """What that user may do, as it stood when it began."""
    reason: str
    started_at: datetime
    expires_at: datetime
    status: ImpersonationStatus = ImpersonationStatus.ACTIVE
    version: int = 1

    def is_active(self, at: datetime) -> bool:
        """True until it is ended or its time is over."""
        return self.status is ImpersonationStatus.ACTIVE and at < self.expires_at

    def step(self, action: str) -> "Impersonation":
        """Take a step of the impersonation's life."""
        return evolve(self, status=IMPERSONATION_LIFE.next(self.status, action))


@frozen(kw_only=True)
class Claims:
    """What a verified access token says. ``organizations`` are tenant handles; none at all if the claim is absent."""

    subject: str
    name: str = ""
    email: str | None = None
    """Only if the token says that it was verified."""
    roles: frozenset[str] = frozenset()
    """``realm-role`` and ``client:role``."""
    organizations: frozenset[str] | None = None
    client: str | None = None


@frozen(kw_only=True)
class Knock:
    """What a request shows at the door, as it came."""

    host: str | None = None
    bearer: str | None = None
    publishable_key: str | None = None
    impersonation: str | None = None
    """The id of an impersonation that the principal began."""
    address: str | None = None


@frozen(kw_only=True)
class Admission:
    """Who came in and where. No tenant: what was shown names none, and only the platform's own affairs are open."""

    principal: Principal
    tenant: Tenant | None
    key: ApiKey | None = None
    """The key that was shown, if one was: the secret one before the publishable one."""
    is_outsider: bool = False
    """True if the principal is in this tenant by a grant of the platform: what it does and sees is audited."""
