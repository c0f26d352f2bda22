"""Products as records."""

from typing import Final

from cityos_core.catalog.model import Product
from cityos_core.kernel.rendering import Record

COLUMNS: Final = (
    "sku",
    "title",
    "vendor",
    "category",
    "unit_price",
    "currency",
    "status",
    "tax_class",
    "tags",
    "stores",
)


def record(product: Product, *, vendor: str) -> Record:
    """Give a product of a vendor; its price is that of its first variant."""
    first = product.variants[0]
    return {
        "sku": product.sku,
        "title": product.title,
        "vendor": vendor,
        "category": product.category,
        "unit_price": first.unit_price,
        "currency": first.unit_price.currency,
        "status": product.status,
        "variants": [
            {"sku": variant.sku, "title": variant.title, "unit_price": variant.unit_price, "weight_g": variant.weight_g}
            for variant in product.variants
        ],
        "tax_class": product.tax_class,
        "tags": product.tags,
        "stores": product.stores,
    }
