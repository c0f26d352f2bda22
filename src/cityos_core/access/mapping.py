"""What the roles of an access token come to in a tenant, or on the platform."""

from collections.abc import Collection, Iterator

from cityos_core.access.granting import require_may_grant
from cityos_core.access.model import Grant, Principal, Reach
from cityos_core.access.settings import ROLE_MAPPING, MappedRole
from cityos_core.tenancy.model import Json
from cityos_core.tenancy.settings import DEFAULT, Explanation, Held

_WIDE = frozenset({Reach.SUBTREE, Reach.PLATFORM})


def mapped_grants(explanation: Explanation, roles: Collection[str], *, subject: str) -> tuple[Grant, ...]:
    """Give the grants that a token's roles stand for, by the role mapping that holds at a place.

    A mapping reaches no further than the place it is stored at, whatever it says. What a wider place gives over its
    whole subtree also counts where a narrower mapping holds: a tenant cannot shut out those who stand above it.
    """
    winner = [] if explanation.origin == DEFAULT else [_winner(explanation)]
    given = [
        grant
        for place in (*winner, *explanation.overrides)
        for name, mapped in sorted(ROLE_MAPPING.parse(place.value).items())
        if name in roles and (place in winner or mapped.reach in _WIDE)
        for grant in _placed(mapped, place.path, explanation.path, subject)
    ]
    return tuple(dict.fromkeys(given))


def require_may_map(principal: Principal, value: Json, *, stored_at: str, tenant: str) -> None:
    """Raise ``Forbidden("beyond_own_access")`` if a role mapping would give away more than a principal holds.

    ``tenant`` is one in which it would count.
    """
    for mapped in ROLE_MAPPING.parse(value).values():
        for grant in _placed(mapped, stored_at, tenant, "anyone"):
            require_may_grant(principal, grant)


def _winner(explanation: Explanation) -> Held:
    path = "" if explanation.origin == "platform" else explanation.origin
    return Held(path=path, value=explanation.value)


def _placed(mapped: MappedRole, stored_at: str, tenant: str, subject: str) -> Iterator[Grant]:
    match mapped.reach:
        case Reach.OWN if tenant:
            yield Grant(role=mapped.role, reach=Reach.OWN, path=tenant, subject=f"customer:{subject}")
        case Reach.PLATFORM | Reach.SUBTREE if not stored_at:
            yield Grant(role=mapped.role, reach=Reach.PLATFORM)
        case Reach.PLATFORM | Reach.SUBTREE if stored_at != tenant:
            yield Grant(role=mapped.role, reach=Reach.SUBTREE, path=stored_at)
        case Reach.OWN | Reach.COMPANY | Reach.STORE:
            return
        case _ if tenant:
            yield Grant(role=mapped.role, reach=Reach.TENANT, path=tenant)
