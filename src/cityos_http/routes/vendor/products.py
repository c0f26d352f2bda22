"""A vendor's own products and their stock."""

from cityos_core.catalog.model import Product
from cityos_core.kernel.errors import NotFound
from cityos_core.kernel.ids import ProductId
from cityos_http.asking import NOWHERE, Asked, Listed
from cityos_http.endpoint import Routes
from cityos_http.schemas.products import (
    ProductChange,
    ProductQuery,
    ProductRequest,
    ProductView,
    StockRequest,
    StockView,
)

routes = Routes("/vendor/products", tag="Vendor portal")


def _own(asked: Asked, product: ProductId) -> Product:
    """Give one of the vendor's own products; another vendor's is not there."""
    found = asked.city.products.get(asked.scope, product)
    if found.vendor_id != asked.city.vendors.get(asked.scope, asked.vendor).id:
        raise NotFound("product_not_found", NOWHERE)
    return found


@routes.get("", action="products:list")
def list_products(asked: Asked, query: ProductQuery) -> Listed[ProductView]:
    """List the vendor's products, by sku."""
    page = asked.city.products.list(asked.scope, asked.page(query), status=query.status, vendor=asked.vendor)
    return asked.listed(query, page, ProductView.of)


@routes.post("", action="products:create")
def create_product(asked: Asked, body: ProductRequest) -> ProductView:
    """Offer a product; it is a draft until it is published."""
    made = asked.city.products.create(
        asked.scope,
        body.sku,
        title=body.title,
        vendor=asked.vendor,
        unit_price=body.unit_price,
        variants=[variant.variant() for variant in body.variants],
        category=body.category,
        tax_class=body.tax_class,
        tags=body.tags,
        stores=body.stores,
        weight_g=body.weight_g,
    )
    return ProductView.of(asked.city.products.get(asked.scope, made.id))


@routes.get("/{product}", action="products:read")
def get_product(asked: Asked, product: ProductId) -> ProductView:
    """Read one of the vendor's products."""
    return ProductView.of(_own(asked, product))


@routes.patch("/{product}", action="products:change", versioned="product")
def change_product(asked: Asked, product: ProductId, body: ProductChange) -> ProductView:
    """Change a product; orders that were placed keep what they were placed with."""
    asked.city.products.change(asked.scope, _own(asked, product).id, **body.given())  # type: ignore[arg-type]
    return ProductView.of(_own(asked, product))


@routes.post("/{product}/publish", action="products:publish", status=200)
def publish_product(asked: Asked, product: ProductId) -> ProductView:
    """Put a product on offer."""
    asked.city.products.publish(asked.scope, _own(asked, product).id)
    return ProductView.of(_own(asked, product))


@routes.post("/{product}/withdraw", action="products:withdraw", status=200)
def withdraw_product(asked: Asked, product: ProductId) -> ProductView:
    """Take a product off offer."""
    asked.city.products.withdraw(asked.scope, _own(asked, product).id)
    return ProductView.of(_own(asked, product))


@routes.delete("/{product}", action="products:archive")
def archive_product(asked: Asked, product: ProductId) -> None:
    """Put a product away; it can be published again."""
    asked.city.products.archive(asked.scope, _own(asked, product).id)


@routes.put("/{product}/stock/{sku}", action="stock:change")
def set_stock(asked: Asked, product: ProductId, sku: str, body: StockRequest) -> StockView:
    """Say how much of a variant there is."""
    if sku not in {variant.sku for variant in _own(asked, product).variants}:
        raise NotFound("product_not_found", NOWHERE)
    stock = asked.city.products.set_stock(
        asked.scope, sku, body.on_hand, low_at=body.low_at, backorders=body.backorders
    )
    return StockView.of(stock)
