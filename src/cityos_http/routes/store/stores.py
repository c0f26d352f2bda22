"""Storefronts and how they look."""

from collections.abc import Mapping

from cityos_core.tenancy.model import Json
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes
from cityos_http.schemas.stores import BrandingView, ShopView

routes = Routes("/store/stores", tag="Storefront")


@routes.get("", action="stores:list")
def list_shops(asked: Asked, query: Paged) -> Listed[ShopView]:
    """List the stores, by handle."""
    return asked.part(query, asked.city.stores.list(asked.scope), lambda store: store.handle, ShopView.of)


@routes.get("/{handle}/branding", action="stores:read")
def get_branding(asked: Asked, handle: str) -> BrandingView:
    """Read how a store looks: its own branding, or what it inherits."""
    store = asked.city.stores.get(asked.scope, handle)
    found = asked.city.settings.explain(asked.scope, "branding", node=f"{asked.tenant.path}/{store.handle}").value
    branding: Mapping[str, Json] = found if isinstance(found, Mapping) else {}
    return BrandingView(store=store.handle, branding=branding)
