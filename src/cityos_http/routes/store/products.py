"""What is on offer, for visitors and customers."""

from cityos_core.catalog.model import ProductStatus
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import ProductId
from cityos_http.asking import NOWHERE, Asked, Listed
from cityos_http.endpoint import Routes
from cityos_http.schemas.products import OfferQuery, OfferView

routes = Routes("/store/products", tag="Storefront")


@routes.get("", action="products:list")
def list_offers(asked: Asked, query: OfferQuery) -> Listed[OfferView]:
    """List what is on offer, by sku."""
    page = asked.city.products.list(asked.scope, asked.page(query), status=ProductStatus.PUBLISHED, vendor=query.vendor)
    return asked.listed(query, page, OfferView.of)


@routes.get("/{product}", action="products:read")
def get_offer(asked: Asked, product: ProductId) -> OfferView:
    """Read one offer."""
    found = asked.city.products.get(asked.scope, product)
    if found.status is not ProductStatus.PUBLISHED:
        raise NotFound("product_not_found", NOWHERE)
    return OfferView.of(found)
