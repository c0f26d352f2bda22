"""Stores, portals and brands as the API shows and takes them."""

from collections.abc import Mapping
from typing import Self

from attrs import field, frozen

from cityos_core.kernel.ids import StoreId
from cityos_core.tenancy.model import LONGEST_HANDLE, Audience, Json, Portal, Store
from cityos_http.schema import about

STORE_HANDLE = about("Its name in addresses.", example="web", pattern="^[a-z0-9]+(-[a-z0-9]+)*$", most=LONGEST_HANDLE)


@frozen(kw_only=True)
class PortalView:
    """An audience that a store is open to, and the roles that may enter; none means anyone of it."""

    audience: Audience
    roles: tuple[str, ...] = ()

    @classmethod
    def of(cls, portal: Portal) -> Self:
        """Show a portal."""
        return cls(audience=portal.audience, roles=portal.roles)

    def portal(self) -> Portal:
        """Give what the core knows."""
        return Portal(self.audience, self.roles)


@frozen(kw_only=True)
class StoreView:
    """A brand or storefront of a tenant."""

    id: StoreId
    handle: str = field(metadata=STORE_HANDLE)
    name: str
    kind: str
    channel: str
    countries: tuple[str, ...]
    currencies: tuple[str, ...]
    portals: tuple[PortalView, ...]
    version: int

    @classmethod
    def of(cls, store: Store) -> Self:
        """Show a store."""
        return cls(
            id=StoreId(store.id),
            handle=store.handle,
            name=store.name,
            kind=store.kind,
            channel=store.channel,
            countries=store.countries,
            currencies=store.currencies,
            portals=tuple(map(PortalView.of, store.portals)),
            version=store.version,
        )


@frozen(kw_only=True)
class ShopView:
    """A store as a visitor sees it."""

    handle: str = field(metadata=STORE_HANDLE)
    name: str
    countries: tuple[str, ...]
    currencies: tuple[str, ...]

    @classmethod
    def of(cls, store: Store) -> Self:
        """Show a store."""
        return cls(handle=store.handle, name=store.name, countries=store.countries, currencies=store.currencies)


@frozen(kw_only=True)
class BrandingView:
    """How a store looks: logo, colours, fonts, favicon, description."""

    store: str
    branding: Mapping[str, Json]
