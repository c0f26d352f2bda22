"""Vendors over HTTP: from registration to termination, what is asked of them and where they are paid."""

from cityos_core.app import CityOS
from cityos_core.kernel.ids import VendorId
from cityos_core.tenancy.model import Tenant
from cityos_http import identifiers
from clients import Client, everything, refusal

CEDAR = {"handle": "cedar", "profile": {"name": "Cedar", "email": "kim@cedar.example", "country": "DE"}}


def named(app: CityOS, north: Tenant, handle: str) -> str:
    """Give the path of a vendor."""
    return f"/admin/vendors/{identifiers.written(VendorId, app.vendors.get(north.scope, handle).id)}"


def registered(admin: Client) -> str:
    """Register a vendor and give its path."""
    made = admin.post("/admin/vendors", CEDAR)
    assert made.status_code == 201
    return f"/admin/vendors/{made.json()['id']}"


def test_from_registration_to_approval(admin: Client, app: CityOS, north: Tenant) -> None:
    """A vendor hands in what is asked, is accepted item by item and approved; repeating the request answers it again."""
    cedar = registered(admin)
    items = [item["key"] for item in admin.get(cedar).json()["requirements"]]
    assert items
    assert admin.post(f"{cedar}/submit").json()["status"] == "in_review"
    assert refusal(admin.post(f"{cedar}/approve")) == (409, "requirements_open")
    first, *others = items
    assert admin.post(f"{cedar}/requirements/{first}/submit", {"reference": "doc-1"}).status_code == 200
    refused = admin.post(f"{cedar}/requirements/{first}/reject", {"reason": "unreadable"}).json()
    assert refused["requirements"][0] == {
        "key": first, "status": "rejected", "reference": "doc-1", "reason": "unreadable", "expires_at": None
    }  # fmt: skip
    admin.post(f"{cedar}/requirements/{first}/submit", {"reference": "doc-2"})
    accepted = admin.post(f"{cedar}/requirements/{first}/accept", {"expires_at": "2027-01-01T00:00:00Z"}).json()
    assert accepted["requirements"][0]["expires_at"] == "2027-01-01T00:00:00Z"
    for key in others:
        assert admin.post(f"{cedar}/requirements/{key}/waive", {"reason": "known for years"}).status_code == 200
    approved = admin.post(f"{cedar}/approve", key="approve cedar")
    assert approved.json()["status"] == "approved"
    again = admin.post(f"{cedar}/approve", key="approve cedar")
    assert again.json() == approved.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert app.vendors.get(north.scope, "cedar").payout_account is not None
    assert [member.email for member in app.vendors.get(north.scope, "cedar").team] == ["kim@cedar.example"]


def test_an_item_that_is_not_asked(admin: Client) -> None:
    """There is nothing to hand in under a name that nobody asked for."""
    path = f"{registered(admin)}/requirements/horoscope"
    assert refusal(admin.post(f"{path}/submit", {})) == (404, "requirement_not_found")
    assert refusal(admin.post(f"{path}/waive", {"reason": ""}))[0] in {404, 422}


def test_changing_a_vendor(admin: Client) -> None:
    """A vendor changes for whoever has seen its present version; what is absent stays."""
    cedar = registered(admin)
    tag = admin.get(cedar).headers["etag"]
    assert refusal(admin.patch(cedar, {"payout_schedule": "weekly:5"})) == (428, "precondition_required")
    changed = admin.patch(cedar, {"payout_schedule": "weekly:5"}, etag=tag)
    assert changed.status_code == 200
    assert (changed.json()["payout_schedule"], changed.json()["profile"]["name"]) == ("weekly:5", "Cedar")
    assert refusal(admin.patch(cedar, {"payout_schedule": "inherited"}, etag=tag)) == (412, "precondition_failed")
    latest = admin.patch(cedar, {"payout_schedule": "inherited"}, etag=changed.headers["etag"])
    assert latest.json()["payout_schedule"] is None


def test_the_steps_of_a_vendors_life(admin: Client, app: CityOS, north: Tenant) -> None:
    """Suspended, reinstated, terminated; a step that its state forbids says which ones are open."""
    acme = named(app, north, "acme")
    assert admin.post(f"{acme}/suspend", {"reason": "complaints"}).json()["reason"] == "complaints"
    refused = admin.post(f"{acme}/suspend", {"reason": "complaints"})
    assert refusal(refused) == (409, "invalid_state")
    assert refused.json()["current_state"] == "suspended"
    assert "reinstate" in refused.json()["allowed_actions"]
    assert admin.post(f"{acme}/reinstate").json()["status"] == "approved"
    assert admin.post(f"{acme}/terminate", {"reason": "moved away"}).json()["status"] == "terminated"
    assert refusal(admin.post(f"{acme}/team", {"email": "x@y.example", "role": "owner"})) == (409, "invalid_state")


def test_rejecting_a_vendor_needs_a_reason(admin: Client) -> None:
    """Nobody is turned down without a word."""
    cedar = registered(admin)
    admin.post(f"{cedar}/submit")
    assert refusal(admin.post(f"{cedar}/reject", {})) == (422, "malformed")
    assert admin.post(f"{cedar}/reject", {"reason": "not a business"}).json()["status"] == "rejected"


def test_where_a_vendor_is_paid(admin: Client) -> None:
    """An account is set, shown by its last digits, and verified if it is still the one that was looked at."""
    account = f"{registered(admin)}/payout-account"
    assert refusal(admin.get(account)) == (404, "no_payout_account")
    body = {"method": "bank", "reference": "DE89370400440532013000", "holder": "Cedar"}
    shown = {"method": "bank", "ends_with": "3000", "holder": "Cedar", "verified": False}
    assert admin.put(account, body).json() == shown
    assert admin.get(account).json() == shown
    assert refusal(admin.post(f"{account}/verify", {"reference": "another"})) == (409, "account_changed")
    assert admin.post(f"{account}/verify", {"reference": body["reference"]}).json() == {**shown, "verified": True}


def test_inviting_to_a_team(admin: Client) -> None:
    """An administrator invites the first member of a vendor's team."""
    team = f"{registered(admin)}/team"
    invited = admin.post(team, {"email": "kim@cedar.example", "role": "owner"})
    assert (invited.status_code, invited.json()["joined_at"]) == (201, None)
    assert refusal(admin.post(team, {"email": "kim@cedar.example", "role": "owner"})) == (409, "already_member")


def test_listing_vendors(admin: Client) -> None:
    """Vendors come by handle, a page at a time, of one status if asked; a cursor belongs to its filters."""
    registered(admin)
    assert [one["handle"] for one in everything(admin, "/admin/vendors", limit=1)] == ["acme", "birch", "cedar"]
    assert [one["handle"] for one in everything(admin, "/admin/vendors", status="approved")] == ["acme", "birch"]
    cursor = admin.get("/admin/vendors", limit=1).json()["next_cursor"]
    assert refusal(admin.get("/admin/vendors", status="approved", cursor=cursor)) == (400, "invalid_cursor")


def test_vendors_are_not_for_members_of_a_vendor(acme: Client) -> None:
    """A vendor's owner does not reach what administrators do."""
    assert refusal(acme.get("/admin/vendors")) == (403, "forbidden")
