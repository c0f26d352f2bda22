"""What nobody learns, hides or gets around at the edges of the API."""

import json
from base64 import urlsafe_b64decode

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from cityos_core.access.key_policy import KeyDraft
from cityos_core.access.model import RateLimit
from cityos_core.access.roles import part_of_the_system
from cityos_core.app import CityOS
from cityos_core.tenancy.model import Tenant
from clients import Client, refusal

SYSTEM = part_of_the_system("tests")


@pytest.mark.parametrize(
    "value",
    [r'{"logo":"\ud800"}', r'{"logo":["\u0000"]}', r'{"\udfff":"a"}', r'"\ud800"', '{"logo":' + "9" * 30 + "}"],
)
@pytest.mark.parametrize("path", ["/admin/settings/branding", "/admin/tree/settings/branding"])
def test_settings_hold_what_every_database_can(
    http: TestClient[Litestar], admin: Client, platform: Client, path: str, value: str
) -> None:
    """A value that could not be stored, or not be shown, is refused, and the settings stay readable."""
    client = platform if "tree" in path else admin
    heads = {**client.headers, "Content-Type": "application/json"}
    assert refusal(http.put(path, content=f'{{"value":{value}}}', headers=heads)) == (422, "invalid_setting")
    assert admin.get("/admin/settings/branding").json()["value"] == {}


def told(client: Client) -> list[str]:
    """List the actions in the audit, newest first."""
    return [entry["action"] for entry in client.get("/admin/audit-log").json()["data"]]


def test_outsiders_look_at_nothing_unseen(platform: Client, admin: Client) -> None:
    """What someone of the platform is shown in a tenant is written down, also where a rehearsal or a reckoning shows it."""
    platform.post("/admin/payout-batches", {}, dry_run=True)
    assert told(admin)[0] == "payout-batches:run"
    platform.post("/admin/commission-rules/replay", {})
    assert told(admin)[0] == "commission-rules:replay"
    before = told(admin)
    admin.post("/admin/payout-batches", {}, dry_run=True)
    assert told(admin) == before


def test_a_limit_is_not_multiplied_by_acting_as_others(
    http: TestClient[Litestar], app: CityOS, north: Tenant, admin: Client
) -> None:
    """Whoever acts as another is counted as who they are."""
    assert admin.post("/admin/users", {"user": "kim", "role": "operator"}).status_code == 201
    draft = KeyDraft(name="support", role="support", rate_limit=RateLimit(requests=3, seconds=3600))
    support = Client(http, app.access.create_key(north.scope, SYSTEM, draft)[1])
    begun = support.post("/admin/impersonations", {"user": "kim", "reason": "ticket 1"}).json()["id"]
    acting = {"X-Impersonation": begun}
    statuses = [support.send("GET", "/admin/vendors", None, acting).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert support.get("/admin/vendors").status_code == 429


def test_answers_vary_by_whom_one_acts_as(admin: Client) -> None:
    """A cache keeps apart what the same credentials see as different users."""
    assert "X-Impersonation" in admin.get("/admin/vendors").headers["vary"].split(", ")


def test_files_are_kept_nowhere(admin: Client, app: CityOS) -> None:
    """No cache keeps a list that was downloaded."""
    made = admin.post("/admin/exports", {"kind": "vendors"}).json()["id"]
    app.exports.run_all()
    answer = admin.get(f"/admin/exports/{made}/content")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")


def test_cursors_are_not_readable(visitor: Client) -> None:
    """Where a list goes on is nobody's to read: behind it may be what the reader may not see."""
    page = visitor.get("/store/products", limit=1).json()
    sealed = urlsafe_b64decode(page["next_cursor"] + "===")
    assert page["data"][0]["sku"].encode() not in sealed
    with pytest.raises(ValueError, match=r".*"):
        json.loads(sealed[16:])
    assert visitor.get("/store/products", limit=1, cursor=page["next_cursor"]).json()["data"] != page["data"]


def test_made_up_methods_are_counted_as_one(http: TestClient[Litestar]) -> None:
    """Nobody fills the memory of the server with the names of methods."""
    for number in range(3):
        assert http.request(f"MADEUP{number}", "/livez").status_code == 405
    measures = http.get("/metrics").text
    assert "MADEUP" not in measures
    assert 'cityos_http_requests_total{method="(other)",route="(unknown)",status="405"} 3.0' in measures


def test_support_and_the_user_have_keys_of_their_own(
    http: TestClient[Litestar], app: CityOS, north: Tenant, admin: Client
) -> None:
    """A request that support makes as a user is neither a replay of the user's nor ever replayed to the user."""
    assert admin.post("/admin/users", {"user": "kim", "role": "operator"}).status_code == 201
    keys = [
        app.access.create_key(north.scope, SYSTEM, KeyDraft(name=name, role="support"))[1] for name in ("one", "two")
    ]
    answers = []
    for support in [Client(http, key) for key in keys]:
        begun = support.post("/admin/impersonations", {"user": "kim", "reason": "ticket 1"}).json()["id"]
        acting = {"X-Impersonation": begun, "Idempotency-Key": "the same"}
        vendor = {"handle": "late", "profile": {"name": "Late"}}
        answers.append(support.send("POST", "/admin/vendors", vendor, acting))
    assert answers[0].status_code == 201
    assert refusal(answers[1])[0] == 409
    assert "idempotent-replayed" not in answers[1].headers


def test_other_branches_of_the_tree_are_not_there(admin: Client, platform: Client) -> None:
    """A tenant reads what it inherits and what is below it; places of other branches are as places that nobody has."""
    assert platform.post("/admin/tree", {"path": "fr/paris", "name": "Paris"}).status_code == 201
    for node in ("fr", "fr/paris", "fr/nowhere"):
        for answer in (
            admin.get("/admin/settings", node=node),
            admin.get("/admin/settings/role_mapping", node=node),
            admin.put("/admin/settings/branding", {"value": {}}, node=node),
            admin.delete("/admin/settings/branding", node=node),
        ):
            assert refusal(answer) == (404, "node_not_found")
    assert admin.get("/admin/settings/role_mapping", node="de").status_code == 200
