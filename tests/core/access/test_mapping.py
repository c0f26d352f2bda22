"""What the roles of an identity provider come to, by where that was decided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.access.mapping import mapped_grants
from cityos_core.access.model import Grant, Reach
from cityos_core.access.reaches import includes
from cityos_core.access.settings import RATE_LIMIT, ROLE_MAPPING
from cityos_core.kernel.errors import Invalid
from cityos_core.tenancy.model import Json
from cityos_core.tenancy.settings import Explanation, Held, effective
from core.access.people import NORTH, tenant_role

PLACES = ("", "de", "de/a", NORTH)
BOSS: Json = {"boss": {"role": "administrator", "reach": "platform"}}
CLERK: Json = {"clerk": {"role": "operator"}}


def explained(*held: tuple[str, Json], at: str = NORTH) -> Explanation:
    """Resolve the mapping from the values stored on the way down to a place."""
    return effective(ROLE_MAPPING, [Held(path=path, value=value) for path, value in held], path=at)


def grants(explanation: Explanation, *roles: str) -> tuple[Grant, ...]:
    """Map roles of a user."""
    return mapped_grants(explanation, roles, subject="4711")


def test_a_role_stands_for_another() -> None:
    """A role that is mapped is granted in the tenant, one that is not comes to nothing."""
    assert grants(explained(("", CLERK)), "clerk", "north:clerk") == (tenant_role("operator"),)
    assert grants(explained(("", CLERK)), "operator", "administrator") == ()
    assert grants(explained(), "clerk") == ()
    buyer: Json = {"shop:buyer": {"role": "customer", "reach": "own"}}
    assert grants(explained(("de", buyer)), "shop:buyer") == (
        Grant(role="customer", reach=Reach.OWN, path=NORTH, subject="customer:4711"),
    )


def test_a_mapping_reaches_no_further_than_where_it_is_stored() -> None:
    """The platform maps to the platform, a country to the country, and a tenant to itself, whatever they say."""
    platform = Grant(role="administrator", reach=Reach.PLATFORM)
    country = Grant(role="administrator", reach=Reach.SUBTREE, path="de")
    assert grants(explained(("", BOSS)), "boss") == (platform,)
    assert grants(explained(("de", BOSS)), "boss") == (country,)
    assert grants(explained((NORTH, BOSS)), "boss") == (tenant_role("administrator"),)
    assert grants(explained(("de", BOSS), (NORTH, CLERK)), "boss", "clerk") == (tenant_role("operator"), country)
    assert grants(explained(("de", CLERK), (NORTH, {})), "clerk") == ()


def test_on_the_platform_only_what_reaches_it_counts() -> None:
    """Where no tenant is named, a role in a tenant comes to nothing."""
    everything: Json = {
        "boss": {"role": "administrator", "reach": "subtree"},
        "clerk": {"role": "operator"},
        "buyer": {"role": "customer", "reach": "own"},
    }
    assert grants(explained(("", everything), at=""), "boss", "clerk", "buyer") == (
        Grant(role="administrator", reach=Reach.PLATFORM),
    )


mappings = st.dictionaries(
    st.sampled_from(("a", "b")),
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(("administrator", "support")),
            "reach": st.sampled_from(("tenant", "subtree", "platform")),
        }
    ),
)


@given(st.dictionaries(st.sampled_from(PLACES), mappings))
def test_no_place_gives_more_than_it_is(stored: dict[str, Json]) -> None:
    """Without the platform's own mapping nobody gets beyond the widest place that has one."""
    held = [(place, stored[place]) for place in PLACES if place in stored]
    for grant in grants(explained(*held), "a", "b"):
        widest = held[0][0]
        whole = Grant(role="administrator", reach=Reach.SUBTREE if widest else Reach.PLATFORM, path=widest)
        assert includes(whole, grant)


@pytest.mark.parametrize(
    "value",
    [
        {"a": {"role": "nobody"}},
        {"a": {"role": "vendor_owner", "reach": "own"}},
        {"a": {"role": "administrator", "reach": "own"}},
        {"a": {"role": "administrator", "reach": "store"}},
        {"a": {"role": "administrator", "reach": "galaxy"}},
        {"a": {"role": "customer", "reach": "tenant"}},
        {"a": {"role": "support", "path": "de"}},
        {"a": "support"},
        {"": {"role": "support"}},
        ["support"],
    ],
)
def test_mappings_are_checked(value: Json) -> None:
    """A mapping names roles that can be granted that way, and nothing else."""
    with pytest.raises(Invalid):
        ROLE_MAPPING.parse(value)


@pytest.mark.parametrize(
    "value",
    [
        {"requests": 0},
        {"requests": "600"},
        {"requests": True},
        {"seconds": 60},
        {"requests": 10, "seconds": 100_000},
        {"requests": 2_000_000},
        {"requests": 10, "burst": 0},
        {"requests": 10, "per": "minute"},
        600,
    ],
)
def test_rate_limits_are_checked(value: Json) -> None:
    """A rate limit counts whole requests in whole seconds, within bounds."""
    with pytest.raises(Invalid):
        RATE_LIMIT.parse(value)


def test_rate_limits_are_read() -> None:
    """The default is ten requests a second, over a minute."""
    assert (RATE_LIMIT.parse(RATE_LIMIT.default).requests, RATE_LIMIT.parse({"requests": 5, "burst": 2}).burst) == (
        600,
        2,
    )
