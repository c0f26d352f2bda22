"""A vendor's own products, stock and team over HTTP."""

from cityos_core.app import CityOS
from cityos_core.tenancy.model import Tenant
from clients import Client


def test_a_product_from_draft_to_offer_and_away(acme: Client, visitor: Client) -> None:
    """A draft is nobody's to see but the vendor's; published it is on offer, archived it is not."""
    body = {"sku": "stool", "title": "Stool", "unit_price": {"amount": "12.505", "currency": "EUR"}}
    made = acme.post("/vendor/products", body)
    assert (made.status_code, made.json()["status"]) == (201, "draft")
    own, offer = (f"/{audience}/products/{made.json()['id']}" for audience in ("vendor", "store"))
    assert visitor.get(offer).status_code == 404
    changed = acme.patch(own, {"title": "Oak stool"}, etag=made.headers["etag"])
    assert (changed.status_code, changed.json()["title"]) == (200, "Oak stool")
    assert acme.post(f"{own}/publish").json()["status"] == "published"
    assert visitor.get(offer).json()["variants"][0]["unit_price"] == {"amount": "12.505", "currency": "EUR"}
    assert acme.delete(own).status_code == 204
    assert visitor.get(offer).status_code == 404


def test_a_sku_is_taken_once(acme: Client) -> None:
    """A second product of the same sku is refused and adds nothing."""
    body = {"sku": "chair", "title": "Chair", "unit_price": {"amount": "1.00", "currency": "EUR"}}
    assert acme.post("/vendor/products", body).json()["code"] == "sku_taken"
    assert len(acme.get("/vendor/products").json()["data"]) == 2


def test_stock_is_counted_from_when_it_is_said(acme: Client, app: CityOS, north: Tenant) -> None:
    """What is on hand is what is free until something is ordered; another vendor's sku is not there."""
    listed = next(one for one in acme.get("/vendor/products").json()["data"] if one["sku"] == "chair")
    path = f"/vendor/products/{listed['id']}/stock"
    assert acme.put(f"{path}/chair", {"on_hand": 4, "low_at": 4}).json()["free"] == 4
    assert acme.put(f"{path}/table", {"on_hand": 4}).status_code == 404
    assert [stock.sku for stock in app.products.low_stock(north.scope)] == ["chair"]


def test_a_member_is_invited_changed_and_removed(acme: Client, app: CityOS, north: Tenant) -> None:
    """The owner invites, gives another role and takes the invitation back."""
    invited = acme.post("/vendor/team", {"email": "Kim@Acme.example", "role": "staff"})
    assert (invited.status_code, invited.json()["joined_at"]) == (201, None)
    assert acme.put("/vendor/team/kim@acme.example", {"role": "manager"}).json()["role"] == "manager"
    assert acme.delete("/vendor/team/kim@acme.example").status_code == 204
    assert app.vendors.get(north.scope, "acme").team == ()
