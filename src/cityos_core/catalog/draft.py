"""A product as it arrives in a file; the fields are the columns of the exchange format."""

from attrs import field, frozen

from cityos_core.catalog.model import ProductStatus, category_path, check_sku
from cityos_core.kernel.errors import Invalid
from cityos_core.kernel.money import UnitPrice


def _stated(value: str) -> str:
    if not value.strip():
        raise Invalid("missing_title", "a product has a title")
    return value.strip()


def _category_or_none(value: str | None) -> str | None:
    return None if value is None else category_path(value)


@frozen(kw_only=True)
class ProductDraft:
    """A product to import, with one variant under its own sku; ``vendor`` is a handle.

    A category or status that is absent stays as it is; a new product is a draft.
    """

    sku: str = field(validator=check_sku)
    title: str = field(converter=_stated)
    vendor: str
    category: str | None = field(default=None, converter=_category_or_none)
    unit_price: UnitPrice
    currency: str
    status: ProductStatus | None = None

    def __attrs_post_init__(self) -> None:
        if self.unit_price.currency != self.currency:
            raise Invalid("currency_mismatch", f"the unit price is {self.unit_price}, the currency {self.currency}")
