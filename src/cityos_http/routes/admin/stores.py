"""Stores and portals, for administrators."""

from attrs import field, frozen

from cityos_core.kernel.ids import NodeId, StoreId
from cityos_http.asking import Asked, Listed, Paged
from cityos_http.endpoint import Routes
from cityos_http.schema import about
from cityos_http.schemas.stores import STORE_HANDLE, PortalView, StoreView

routes = Routes("/admin", tag="Stores")


@frozen(kw_only=True)
class StoreRequest:
    """A brand or storefront to open."""

    handle: str = field(metadata=STORE_HANDLE)
    name: str = field(metadata=about("What it is called.", example="Green Shop", least=1))
    kind: str = "storefront"
    channel: str = "web"
    countries: tuple[str, ...] = field(default=(), metadata=about("ISO 3166, two letters."))
    currencies: tuple[str, ...] = field(default=(), metadata=about("ISO 4217."))
    portals: tuple[PortalView, ...] = ()


@frozen(kw_only=True)
class StoreChange:
    """What changes about a store; what is absent stays."""

    name: str | None = field(default=None, metadata=about("What it is called.", least=1))
    kind: str | None = None
    channel: str | None = None
    countries: tuple[str, ...] | None = None
    currencies: tuple[str, ...] | None = None


@frozen(kw_only=True)
class PortalsRequest:
    """The audiences that a store is open to."""

    portals: tuple[PortalView, ...]


@frozen(kw_only=True)
class PortalsView:
    """The audiences that a store is open to."""

    store: str
    portals: tuple[PortalView, ...]


def _shown(asked: Asked, store: StoreId) -> StoreView:
    return StoreView.of(asked.city.stores.get(asked.scope, NodeId(store)))


@routes.get("/stores", action="stores:list")
def list_stores(asked: Asked, query: Paged) -> Listed[StoreView]:
    """List the stores, by handle."""
    return asked.part(query, asked.city.stores.list(asked.scope), lambda store: store.handle, StoreView.of)


@routes.post("/stores", action="stores:create")
def create_store(asked: Asked, body: StoreRequest) -> StoreView:
    """Open a store."""
    made = asked.city.stores.create(
        asked.scope,
        body.handle,
        name=body.name,
        kind=body.kind,
        channel=body.channel,
        countries=body.countries,
        currencies=body.currencies,
        portals=[portal.portal() for portal in body.portals],
    )
    return _shown(asked, StoreId(made.id))


@routes.get("/stores/{store}", action="stores:read")
def get_store(asked: Asked, store: StoreId) -> StoreView:
    """Read a store."""
    return _shown(asked, store)


@routes.patch("/stores/{store}", action="stores:change", versioned="store")
def change_store(asked: Asked, store: StoreId, body: StoreChange) -> StoreView:
    """Change a store."""
    asked.city.stores.change(
        asked.scope,
        NodeId(store),
        name=body.name,
        kind=body.kind,
        channel=body.channel,
        countries=body.countries,
        currencies=body.currencies,
    )
    return _shown(asked, store)


@routes.get("/portals", action="portals:list")
def list_portals(asked: Asked, query: Paged) -> Listed[PortalsView]:
    """List which audiences each store is open to."""
    return asked.part(
        query,
        asked.city.stores.list(asked.scope),
        lambda store: store.handle,
        lambda store: PortalsView(store=store.handle, portals=tuple(map(PortalView.of, store.portals))),
    )


@routes.put("/portals/{store}", action="portals:change")
def set_portals(asked: Asked, store: StoreId, body: PortalsRequest) -> PortalsView:
    """Say which audiences a store is open to."""
    asked.city.stores.change(asked.scope, NodeId(store), portals=[portal.portal() for portal in body.portals])
    shown = _shown(asked, store)
    return PortalsView(store=shown.handle, portals=shown.portals)
