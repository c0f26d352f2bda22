"""Principals, grants and resources, drawn from a small tree so that they meet."""

from hypothesis import strategies as st

from cityos_core.access.actions import ACTIONS
from cityos_core.access.model import Grant, Principal, PrincipalKind, Reach, Resource
from cityos_core.access.roles import ROLES

TREE = ("de", "de/a", "de/a/b", "de/a/b/c", "de/ab", "fr")
TENANTS = ("de/a/b/c/north", "de/a/b/c/north-west", "de/ab/b/c/south", "fr/a/b/c/sud")
STORES = ("web", "shop")
VENDORS = ("acme", "birch")
CUSTOMERS = ("4711", "4712")

NORTH = TENANTS[0]

_SUBJECTS = (*(f"vendor:{name}" for name in VENDORS), *(f"customer:{name}" for name in CUSTOMERS))


def _placed(role: str, reach: Reach) -> st.SearchStrategy[Grant]:
    tenants, owners = st.sampled_from(TENANTS), st.none()
    match reach:
        case Reach.PLATFORM:
            paths: st.SearchStrategy[str] = st.just("")
        case Reach.SUBTREE:
            paths = st.sampled_from((*TREE, *TENANTS, ""))
        case Reach.STORE:
            paths = st.builds("{}/{}".format, tenants, st.sampled_from(STORES))
        case _:
            paths = st.sampled_from((*TENANTS, ""))
    subjects = st.sampled_from((*_SUBJECTS, "vendor:", "nobody", None)) if reach is Reach.OWN else owners
    return st.builds(Grant, role=st.just(role), reach=st.just(reach), path=paths, subject=subjects)


def grants() -> st.SearchStrategy[Grant]:
    """Draw grants: mostly of roles with a reach that fits, some of roles there are not, some that reach nothing."""
    fitting = [(role.name, reach) for role in ROLES.values() for reach in role.reaches]
    every = [(name, reach) for name in (*ROLES, "nobody") for reach in Reach]
    chosen = st.one_of(st.sampled_from(fitting), st.sampled_from(fitting), st.sampled_from(every))
    return chosen.flatmap(lambda pair: _placed(*pair))


def scopes() -> st.SearchStrategy[frozenset[str] | None]:
    """Draw the scopes of a key; none for most."""
    patterns = st.sampled_from(("*:*", "*:read", "orders:*", "orders:read", "payouts:list", "products:change"))
    return st.one_of(st.none(), st.none(), st.frozensets(patterns, min_size=1, max_size=3))


def principals() -> st.SearchStrategy[Principal]:
    """Draw someone with a few grants."""
    return st.builds(
        Principal,
        kind=st.just(PrincipalKind.USER),
        id=st.just("someone"),
        grants=st.lists(grants(), max_size=3).map(tuple),
        scopes=scopes(),
    )


def actions() -> st.SearchStrategy[str]:
    """Draw actions, those that tell roles apart more often."""
    telling = (
        "orders:read",
        "orders:refund",
        "products:read",
        "payouts:list",
        "tenants:suspend",
        "tree:move",
        "users:add",
    )
    return st.one_of(st.sampled_from(telling), st.sampled_from(sorted(ACTIONS)))


def resources(kind: str) -> st.SearchStrategy[Resource]:
    """Draw resources of a kind, of a tenant or of the platform."""
    return st.builds(
        Resource,
        kind=st.just(kind),
        path=st.sampled_from((*TENANTS, *TREE, "")),
        store=st.sampled_from((*STORES, None)),
        vendor=st.sampled_from((*VENDORS, None)),
        customer=st.sampled_from((*CUSTOMERS, None)),
    )


def someone(*grants: Grant, scopes: frozenset[str] | None = None) -> Principal:
    """Give a user with these grants."""
    return Principal(kind=PrincipalKind.USER, id="someone", grants=grants, scopes=scopes)


def tenant_role(role: str, path: str = NORTH) -> Grant:
    """Give a role in a whole tenant."""
    return Grant(role=role, reach=Reach.TENANT, path=path)
