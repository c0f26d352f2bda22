"""How far a grant reaches: a condition on resources, of which both single decisions and plans are made."""

from typing import Final

from cityos_core.access.conditions import (
    EVERYTHING,
    NOTHING,
    Compare,
    Comparison,
    Condition,
    Value,
    all_of,
    any_of,
)
from cityos_core.access.model import Grant, Reach, Resource

OWNERS: Final = ("vendor", "customer")
"""Whose something can be: the first part of a grant's subject, and the attribute that names the second."""

_EQ: Final = Comparison.EQ


def attributes_of(resource: Resource) -> dict[str, Value]:
    """Name what is known of a resource as conditions do."""
    return {
        **resource.attributes,
        "tenant_path": resource.path,
        "store": resource.store,
        "vendor": resource.vendor,
        "customer": resource.customer,
    }


def tenant_path(grant: Grant) -> str:
    """Give the path of the one tenant that a grant is in; empty if it reaches over several."""
    match grant.reach:
        case Reach.SUBTREE | Reach.PLATFORM:
            return ""
        case Reach.STORE:
            return grant.path.rpartition("/")[0]
        case _:
            return grant.path


def reached(grant: Grant) -> Condition:
    """Give the condition under which a resource is within a grant's reach.

    A grant that names no place reaches nothing, unless it is the platform's.
    """
    tenant = _is(tenant_path(grant))
    match grant.reach:
        case Reach.PLATFORM:
            return EVERYTHING
        case Reach.SUBTREE:
            return any_of(_is(grant.path), _below(grant.path))
        case Reach.TENANT:
            return tenant
        case Reach.STORE:
            return all_of(tenant, Compare("store", _EQ, grant.path.rpartition("/")[2]))
        case Reach.OWN:
            kind, _, owner = (grant.subject or "").partition(":")
            return all_of(tenant, Compare(kind, _EQ, owner)) if kind in OWNERS and owner else NOTHING
        case Reach.COMPANY:
            return NOTHING  # nothing belongs to companies


def reached_from_above(grant: Grant) -> Condition:
    """Give the condition under which a grant reaches a resource from somewhere above it in the tree."""
    match grant.reach:
        case Reach.PLATFORM:
            return EVERYTHING
        case Reach.SUBTREE:
            return _below(grant.path)
        case _:
            return NOTHING


def reached_by_tenant(grant: Grant) -> Condition:
    """Give the condition under which a resource is in the one tenant that a grant is in."""
    return _is(tenant_path(grant))


def includes(wider: Grant, narrower: Grant) -> bool:
    """Tell whether a grant reaches whatever another one does."""
    tenant = tenant_path(narrower)
    match wider.reach:
        case Reach.PLATFORM:
            return True
        case Reach.SUBTREE:
            place = narrower.path if narrower.reach is Reach.SUBTREE else tenant
            return bool(wider.path) and f"{place}/".startswith(f"{wider.path}/")
        case Reach.TENANT:
            return bool(tenant) and tenant == wider.path
        case _:
            same = (narrower.reach, narrower.path, narrower.subject)
            return same == (wider.reach, wider.path, wider.subject)


def _is(path: str) -> Condition:
    return Compare("tenant_path", _EQ, path) if path else NOTHING


def _below(path: str) -> Condition:
    return Compare("tenant_path", Comparison.STARTS_WITH, f"{path}/") if path else NOTHING
