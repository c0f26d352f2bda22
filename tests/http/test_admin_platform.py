"""The tree, tenants, stores, settings, domains and users over HTTP: each does what the facade then says."""

from cityos_core.app import CityOS
from cityos_core.kernel.scope import PlatformScope
from cityos_core.tenancy.model import Tenant, TenantStatus
from clients import Client


def test_a_tenant_is_created_changed_and_suspended(platform: Client, app: CityOS) -> None:
    """A place is added to the tree, a tenant under it; it changes only as it was read, and is suspended with a reason."""
    place = platform.post("/admin/tree", {"path": "fr/lyon/food/retail", "name": "Shops"})
    assert (place.status_code, place.json()["level"]) == (201, "subcategory")
    body = {"handle": "rhone", "parent": "fr/lyon/food/retail", "name": "Rhône", "currency": "EUR"}
    made = platform.post("/admin/tenants", body)
    assert (made.status_code, made.json()["path"]) == (201, "fr/lyon/food/retail/rhone")
    path = f"/admin/tenants/{made.json()['id']}"
    changed = platform.patch(path, {"name": "Rhône Market"}, etag=made.headers["etag"])
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert platform.patch(path, {"name": "Lost"}, etag=made.headers["etag"]).status_code == 412
    assert platform.post(f"{path}/suspend", {}).status_code == 422
    suspended = platform.post(f"{path}/suspend", {"reason": "unpaid invoices"})
    assert suspended.json()["allowed_actions"] == ["activate", "offboard"]
    tenant = app.tenants.get("rhone")
    assert (tenant.name, tenant.status, tenant.reason) == ("Rhône Market", TenantStatus.SUSPENDED, "unpaid invoices")


def test_a_place_moves_only_when_it_is_told_to(platform: Client, app: CityOS, north: Tenant) -> None:
    """A preview shows which settings would change and moves nothing; the move then does what it showed."""
    platform.post("/admin/tree", {"path": "de/north-city/drinks"})
    app.settings.set(PlatformScope(), "holding_days", 9, node="de/north-city/drinks")
    wish = {"path": "de/north-city/food/retail", "to": "de/north-city/drinks"}
    shown = platform.send("POST", "/admin/tree/move/preview", wish, {})
    assert shown.json()["to_path"] == "de/north-city/drinks/retail"
    assert {change["key"] for change in shown.json()["changes"]} == {"holding_days"}
    assert app.tenants.get(north.id).path == north.path
    moved = platform.post("/admin/tree/move", wish)
    assert moved.json()["changes"] == shown.json()["changes"]
    assert app.tenants.get(north.id).path == "de/north-city/drinks/retail/north"


def test_stores_and_their_portals(admin: Client, app: CityOS, north: Tenant) -> None:
    """A store is opened, changed as it was read, and says which audiences may enter."""
    made = admin.post("/admin/stores", {"handle": "web", "name": "Online", "currencies": ["EUR"]})
    assert made.status_code == 201
    path = f"/admin/stores/{made.json()['id']}"
    assert admin.patch(path, {"name": "Shop"}, etag=made.headers["etag"]).json()["name"] == "Shop"
    portals = [{"audience": "vendor", "roles": ["vendor_owner"]}]
    assert admin.put(f"/admin/portals/{made.json()['id']}", {"portals": portals}).json()["portals"] == portals
    store = app.stores.get(north.scope, "web")
    assert (store.name, [portal.audience.value for portal in store.portals]) == ("Shop", ["vendor"])
    assert [one["store"] for one in admin.get("/admin/portals").json()["data"]] == ["web"]


def test_settings_are_set_explained_and_taken_away(admin: Client) -> None:
    """A value holds from the tenant down until it is taken away; a wrong one is refused and changes nothing."""
    path = "/admin/settings/holding_days"
    before = admin.get(path).json()
    assert admin.put(path, {"value": 3}).json()["origin"] == before["path"]
    assert admin.put(path, {"value": "soon"}).status_code == 422
    assert admin.get(path).json()["value"] == 3
    assert admin.delete(path).status_code == 204
    assert admin.get(path).json() == before


def test_a_domain_is_asked_for_and_removed(admin: Client, app: CityOS, north: Tenant) -> None:
    """A domain says which record proves it; without the record it goes on waiting, and removed it is over."""
    made = admin.post("/admin/domains", {"name": "Shop.Example.COM"})
    assert (made.status_code, made.json()["name"]) == (201, "shop.example.com")
    assert made.json()["record_name"] == "_cityos-challenge.shop.example.com"
    path = f"/admin/domains/{made.json()['id']}"
    assert admin.post(f"{path}/verify").json()["status"] == "pending_dns"
    assert admin.delete(path).status_code == 204
    assert admin.get(path).json()["status"] == "removed"
    assert [domain.status.value for domain in app.domains.list(north.scope).items] == ["removed"]


def test_a_user_is_given_a_role_once_and_loses_it(admin: Client, app: CityOS, north: Tenant) -> None:
    """A role is given in the tenant, not twice, and taken away again."""
    body = {"user": "kim@acme.example", "role": "operator"}
    made = admin.post("/admin/users", body)
    assert (made.status_code, made.json()["grant"]["reach"]) == (201, "tenant")
    assert admin.post("/admin/users", body).status_code == 409
    assert admin.delete(f"/admin/users/{made.json()['id']}").status_code == 204
    assert app.access.assignments(north.scope).items == ()
