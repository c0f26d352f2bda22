"""Nobody gives away more than they hold, by whatever road: keys, roles, teams, or a setting that stands for roles."""

from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.model import KeyKind
from cityos_core.access.placing import Where
from cityos_core.access.roles import part_of_the_system
from cityos_core.app import CityOS
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.model import Tenant
from clients import Client, refusal

SYSTEM = part_of_the_system("tests")
BEYOND = (403, "beyond_own_access")
MAPPING = {"value": {"boss": {"role": "administrator", "reach": "tenant"}}}
OWNER = {"email": "kim@acme.example", "role": "owner"}

Make = Callable[[KeyDraft], Client]


@pytest.fixture
def make(http: TestClient[Litestar], app: CityOS, north: Tenant) -> Make:
    """Make keys of the tenant."""
    return lambda draft: Client(http, app.access.create_key(north.scope, SYSTEM, draft)[1])


@pytest.fixture
def team(admin: Client) -> str:
    """The path of a vendor's team."""
    acme = next(vendor for vendor in admin.get("/admin/vendors").json()["data"] if vendor["handle"] == "acme")
    return f"/admin/vendors/{acme['id']}/team"


def narrow(role: str, *scopes: str, where: Where | None = None) -> KeyDraft:
    """Ask for a restricted key."""
    scope = frozenset(scopes)
    return KeyDraft(name="narrow", kind=KeyKind.RESTRICTED, role=role, scopes=scope, where=where or Where())


def test_an_operator_makes_nobody_an_owner(make: Make, admin: Client, team: str) -> None:
    """Who may not change where a vendor is paid invites nobody who may; the daily work is theirs to give."""
    operator = make(KeyDraft(name="operator", role="operator"))
    assert refusal(operator.post(team, OWNER)) == BEYOND
    assert refusal(operator.send("POST", "/vendor/team", OWNER, {"X-Vendor": "acme", "Idempotency-Key": "1"})) == BEYOND
    assert operator.post(team, {**OWNER, "role": "staff"}).status_code == 201
    assert (
        refusal(operator.send("PUT", "/vendor/team/kim@acme.example", {"role": "owner"}, {"X-Vendor": "acme"}))
        == BEYOND
    )
    assert (
        admin.send("PUT", "/vendor/team/kim@acme.example", {"role": "owner"}, {"X-Vendor": "acme"}).status_code == 200
    )


def test_a_restricted_key_invites_nobody_wider(make: Make, acme: Client) -> None:
    """A key that only looks after the team hands out no role that does more; the owner does."""
    key = make(narrow("vendor_owner", "team:*", where=Where(vendor="acme")))
    assert refusal(key.post("/vendor/team", OWNER)) == BEYOND
    assert acme.post("/vendor/team", OWNER).status_code == 201
    assert refusal(key.put("/vendor/team/kim@acme.example", {"role": "manager"})) == BEYOND


def test_a_restricted_key_maps_no_role(make: Make, admin: Client) -> None:
    """What roles of the identity provider stand for is handed out like any role."""
    key = make(narrow("administrator", "settings:*"))
    assert refusal(key.put("/admin/settings/role_mapping", MAPPING)) == BEYOND
    assert key.put("/admin/settings/branding", {"value": {}}).status_code == 200
    assert admin.put("/admin/settings/role_mapping", MAPPING).status_code == 200
    assert refusal(key.put("/admin/settings/role_mapping", {"value": {"boss": {"role": "king"}}}))[0] == 422


@pytest.mark.parametrize("reach", ["tenant", "platform"])
def test_a_restricted_key_of_the_platform_maps_no_role(
    http: TestClient[Litestar], app: CityOS, platform: Client, reach: str
) -> None:
    """On the platform too, for every place of the tree."""
    _, text = app.access.create_key(PlatformScope(), SYSTEM, narrow("administrator", "settings:*"))
    key, mapping = Client(http, text), {"value": {"boss": {"role": "administrator", "reach": reach}}}
    for where in ({}, {"node": "de"}):
        assert refusal(key.put("/admin/tree/settings/role_mapping", mapping, **where)) == BEYOND
        assert platform.put("/admin/tree/settings/role_mapping", mapping, **where).status_code == 200


def test_who_acts_as_another_gives_nothing_away(make: Make, admin: Client, team: str) -> None:
    """Support that acts as an administrator leaves behind no role for itself that would outlast it."""
    assert admin.post("/admin/users", {"user": "boss", "role": "administrator"}).status_code == 201
    support = make(KeyDraft(name="support", role="support"))
    begun = support.post("/admin/impersonations", {"user": "boss", "reason": "ticket 1"}).json()["id"]
    acting = {"X-Impersonation": begun}
    assert refusal(support.send("PUT", "/admin/settings/role_mapping", MAPPING, acting)) == BEYOND
    assert refusal(support.send("POST", team, OWNER, {**acting, "Idempotency-Key": "1"})) == BEYOND
