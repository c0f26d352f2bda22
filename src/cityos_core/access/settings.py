"""What places of the tree decide about who comes in."""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from cityos_core.access.model import RateLimit, Reach
from cityos_core.access.roles import ROLES
from cityos_core.kernel.errors import Invalid
from cityos_core.tenancy.model import Audience, Json
from cityos_core.tenancy.setting_values import choice, fields, mapped, text, whole
from cityos_core.tenancy.settings import Setting


@frozen
class MappedRole:
    """What a role of the identity provider stands for here."""

    role: str
    reach: Reach


def _mapped_role(value: Json) -> MappedRole:
    found = fields(value, "role", "reach")
    name, reach = text(found.get("role")), choice(Reach)(found.get("reach", Reach.TENANT.value))
    role = ROLES.get(name)
    if role is None or role.audience is Audience.VENDOR:
        names = ", ".join(name for name, role in ROLES.items() if role.audience is not Audience.VENDOR)
        raise Invalid("unknown_role", f"{name!r} cannot stand for a role of the identity provider; these can: {names}")
    if reach not in role.reaches - {Reach.STORE}:
        reaches = ", ".join(sorted(role.reaches - {Reach.STORE}))
        raise Invalid("invalid_reach", f"{name} cannot reach {reach.value} here; it can: {reaches}")
    return MappedRole(name, reach)


def _role_mapping(value: Json) -> Mapping[str, MappedRole]:
    return {text(name): _mapped_role(role) for name, role in mapped(value).items()}


def _rate_limit(value: Json) -> RateLimit:
    found = fields(value, "requests", "seconds", "burst")
    positive = whole(1, 10**9)
    burst = found.get("burst")
    return RateLimit(
        requests=positive(found.get("requests")),
        seconds=positive(found.get("seconds", 60)),
        burst=None if burst is None else positive(burst),
    )


ROLE_MAPPING: Final = Setting(
    key="role_mapping",
    doc='What roles of the identity provider stand for: {"market-admin": {"role": "administrator", "reach": "tenant"}}.',
    parse=_role_mapping,
    default={},
)

RATE_LIMIT: Final = Setting(
    key="rate_limit",
    doc='How often one user or key may ask: {"requests": 600, "seconds": 60, "burst": 100}.',
    parse=_rate_limit,
    default={"requests": 600, "seconds": 60},
)

DECLARED: Final = (ROLE_MAPPING, RATE_LIMIT)
