"""The built-in table of roles as policies that Cerbos reads: where policies of one's own begin."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cityos_adapters.serialization import Json
from cityos_core.access.actions import RESOURCES, covered
from cityos_core.access.model import Reach
from cityos_core.access.reaches import OWNERS
from cityos_core.access.roles import FROM_ABOVE, ROLES, Role

VERSION: Final = "api.cerbos.dev/v1"
SHARED: Final = "cityos_roles"
"""The name under which the derived roles are known."""

_IN_TENANT: Final = 'g.tenant_path != "" && R.attr.tenant_path == g.tenant_path'
_BELOW: Final = 'g.path != "" && R.attr.tenant_path.startsWith(g.path + "/")'
_OWNER: Final = " || ".join(f'(g.{owner} != "" && R.attr.{owner} == g.{owner})' for owner in OWNERS)

_EXTENTS: Final[Mapping[str, Mapping[Reach, str]]] = {
    "within_reach": {
        Reach.OWN: f"{_IN_TENANT} && ({_OWNER})",
        Reach.STORE: f"{_IN_TENANT} && R.attr.store == g.store",
        Reach.TENANT: _IN_TENANT,
        Reach.SUBTREE: f'({_BELOW}) || (g.path != "" && R.attr.tenant_path == g.path)',
        Reach.PLATFORM: "true",
    },
    "from_above": {Reach.SUBTREE: _BELOW, Reach.PLATFORM: "true"},
    "in_tenant": dict.fromkeys((Reach.OWN, Reach.COMPANY, Reach.STORE, Reach.TENANT), _IN_TENANT),
}
"""What a grant ``g`` of each reach extends to, by what a role derived from it is called."""


def policies() -> Mapping[str, Json]:
    """Give the policies, by file name: one with the roles as far as they reach, one per kind of resource."""
    return {f"{SHARED}.json": _derived_roles()} | {f"{kind}.json": _of_kind(kind) for kind in RESOURCES}


def write_policies(directory: Path) -> None:
    """Write the policies into a directory; files of the same names are replaced, others are left alone."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, policy in policies().items():
        (directory / name).write_text(f"{json.dumps(policy, indent=2)}\n", "utf-8")


def _derived_roles() -> Json:
    definitions: list[Json] = [
        {
            "name": f"{role.name}_{extent}",
            "parentRoles": [role.name],
            "condition": {"match": {"expr": _condition(role, extent)}},
        }
        for role in ROLES.values()
        for extent in _permitted(role)
    ]
    return {"apiVersion": VERSION, "derivedRoles": {"name": SHARED, "definitions": definitions}}


def _condition(role: Role, extent: str) -> str:
    found = {reach: condition for reach, condition in _EXTENTS[extent].items() if reach in role.reaches}
    parts = " || ".join(f'(g.reach == "{reach}" && ({condition}))' for reach, condition in found.items())
    return f'P.attr.grants.exists(g, g.role == "{role.name}" && ({parts or "false"}))'


def _of_kind(kind: str) -> Json:
    every = covered((f"{kind}:*",))
    rules: list[Json] = [
        {
            "actions": [f"{kind}:*"] if actions >= every else [*sorted(actions & every)],
            "effect": "EFFECT_ALLOW",
            "derivedRoles": [f"{role.name}_{extent}"],
        }
        for role in ROLES.values()
        for extent, actions in _permitted(role).items()
        if actions & every
    ]
    policy: Json = {"resource": kind, "version": "default", "importDerivedRoles": [SHARED], "rules": rules}
    return {"apiVersion": VERSION, "resourcePolicy": policy}


def _permitted(role: Role) -> Mapping[str, frozenset[str]]:
    """List what a role may do, by how far; extents with nothing to do are absent."""
    permitted = covered(role.permissions)
    found = {
        "within_reach": permitted - FROM_ABOVE,
        "from_above": permitted & FROM_ABOVE,
        "in_tenant": covered(role.shared),
    }
    return {extent: actions for extent, actions in found.items() if actions}
